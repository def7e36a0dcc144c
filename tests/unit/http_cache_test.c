#include <string.h>

#include "../tap.h"
#include "http/cache.h"

enum { LIMIT = 4000 };

static struct cache cache;
static struct buf got;

static bool has(const char *key, const char *body)
{
    got.len = 0;
    return cache_find(&got, &cache, str_of(key)) && str_equal(buf_str(&got), str_of(body));
}

static void add(const char *key, const char *body)
{
    cache_add(&cache, str_of(key), str_of(body));
}

static void test_size(void)
{
    char body[LIMIT / 5 + 1], large[LIMIT / 2 + 1], key[16];
    memset(body, 'x', sizeof(body) - 1);
    memset(large, 'x', sizeof(large) - 1);
    body[sizeof(body) - 1] = large[sizeof(large) - 1] = 0;
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "%d", i);
        add(key, body);
        has("0", body); // the first is asked for again and again
    }
    ok(has("0", body), "what is asked for stays");
    ok(has("19", body) && has("18", body), "so does what is new");
    ok(!has("1", body) && !has("10", body), "what was not asked for makes room");
    ok(cache.bytes <= LIMIT, "there are not more bytes than may be");
    add("large", large);
    ok(!has("large", large) && has("0", body), "what would take most of the room is not kept");
}

static void test_number(void)
{
    char key[16];
    for (int i = 0; i < 3 * CACHE_ANSWERS; i++) {
        snprintf(key, sizeof(key), "%d", i);
        add(key, "x");
    }
    ok(has(key, "x"), "of many small answers the last is there");
    ok(!has("0", "x"), "and the first is not");
}

int main(void)
{
    cache_init(&cache, LIMIT);
    buf_init(&got, KIB(64));
    ok(!has("a", ""), "what was not added is not there");
    add("a", "answer");
    add("ab", "other");
    ok(has("a", "answer") && has("ab", "other"), "answers have keys");
    add("a", "another");
    ok(has("a", "answer"), "the first answer of a key is kept");
    add("", "");
    ok(has("", ""), "nothing is a key and an answer, too");
    test_size();
    test_number();
    cache_free(&cache);
    buf_free(&got);
    return done();
}
