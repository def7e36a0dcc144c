#include "base/json.h"

#include <jansson.h>
#include <string.h>

#include "../tap.h"

static u64 state = 88172645463325252;

static u32 next(u32 below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)((state >> 11) % below);
}

static void is(const struct buf *b, const char *wanted, const char *name)
{
    if (!ok(str_equal(buf_str(b), str_of(wanted)), "%s", name))
        fprintf(stderr, "# got: %.*s\n", STR_ARG(buf_str(b)));
}

// What a text is written as, without its quotes.
static bool writes(const char *text, const char *wanted)
{
    struct buf b;
    struct json j;
    buf_init(&b, 1000);
    json_init(&j, &b);
    json_str(&j, str_of(text));
    bool same = b.len == strlen(wanted) + 2 && memcmp(b.data + 1, wanted, b.len - 2) == 0;
    buf_free(&b);
    return same;
}

static void test_text(void)
{
    ok(writes("a\"b\\c\n\t\x01", "a\\\"b\\\\c\\n\\t\\u0001"), "quotes and controls are escaped");
    ok(writes("</script>", "\\u003c/script>"), "a page's element cannot be ended");
    ok(writes("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5"),
       "UTF-8 is left alone");
    ok(writes("\xff|\xc3", "\xef\xbf\xbd|\xef\xbf\xbd"), "what is none is U+FFFD");
    ok(writes("\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"), "nor is what is longer than it need be");
    ok(writes("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"), "nor half a pair");
    ok(writes("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
       "nor what is beyond the last character");
}

static void test_layout(void)
{
    struct buf b;
    struct json j;
    buf_init(&b, 1000);
    json_init(&j, &b);
    json_begin_object(&j);
    json_key(&j, "empty");
    json_begin_array(&j);
    json_end(&j);
    json_key(&j, "numbers");
    json_begin_array(&j);
    json_int(&j, INT64_MIN);
    json_double(&j, 0.5);
    json_bool(&j, true);
    json_end(&j);
    json_key(&j, "rows");
    json_begin_array(&j);
    for (u32 i = 0; i < 2; i++) {
        json_begin_object(&j);
        json_key(&j, "i");
        json_int(&j, i);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    is(&b,
       "{\n\"empty\":[],\n\"numbers\":[-9223372036854775808,0.5,true],\n"
       "\"rows\":[\n{\"i\":0},\n{\"i\":1}\n]\n}\n",
       "rows have lines of their own");
    buf_free(&b);
}

static void test_any_bytes(void)
{
    struct buf b;
    struct json j;
    u32 unread = 0;
    buf_init(&b, (size_t)MIB(1));
    for (u32 i = 0; i < 20000; i++) {
        char text[12];
        u32 n = next(sizeof(text) + 1);
        for (u32 k = 0; k < n; k++)
            text[k] = (char)(next(2) ? 0x80 + next(128) : next(256));
        b.len = 0;
        json_init(&j, &b);
        json_begin_array(&j);
        json_str(&j, (struct str){text, n});
        json_end(&j);
        json_t *read = json_loadb(b.data, b.len, JSON_ALLOW_NUL, NULL);
        unread += read == NULL;
        json_decref(read);
    }
    ok(unread == 0, "whatever the bytes, readers take the text");
    buf_free(&b);
}

int main(void)
{
    test_text();
    test_layout();
    test_any_bytes();
    return done();
}
