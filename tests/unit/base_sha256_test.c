#include "base/sha256.h"

#include <string.h>

#include "../tap.h"

static void digests(struct str bytes, const char *wanted, const char *name)
{
    struct buf b;
    buf_init(&b, 100);
    sha256_base64(&b, bytes);
    ok(str_equal(buf_str(&b), str_of(wanted)), "%s: %.*s", name, STR_ARG(buf_str(&b)));
    buf_free(&b);
}

int main(void)
{
    static char many[1000000];
    memset(many, 'a', sizeof(many));
    // The first four are examples of FIPS 180-4.
    digests(STR(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "nothing");
    digests(STR("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "one block");
    digests(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE=", "two blocks, the second of padding");
    digests((struct str){many, sizeof(many)},
            "zcduXJkU+5KBocfihNc+Z/GAmkiklyAOBG05zMcRLNA=", "many blocks");
    digests((struct str){many, 119}, "MeulHDE6XAgiat8Y1KNZz9/Y0ugWsT9K+VL36mWE3Ps=",
            "the most that one block of padding follows");
    return done();
}
