#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/file.h"
#include "base/table.h"

static void test_str(void)
{
    struct str rest = STR("a:b::c");
    ok(str_equal(str_cut(&rest, ':'), STR("a")) && str_equal(rest, STR("b::c")),
       "str_cut takes the part before the separator");
    struct str last = STR("end");
    ok(str_equal(str_cut(&last, ':'), STR("end")) && last.len == 0,
       "str_cut without a separator takes all");
    ok(str_compare(STR("ab"), STR("b")) < 0 && str_compare(STR("ab"), STR("a")) > 0 &&
           str_compare(STR("\xff"), STR("a")) > 0,
       "str_compare orders by unsigned bytes, the shorter first");
    ok(str_equal(str_basename(STR("/a/b")), STR("b")) &&
           str_equal(str_basename(STR("b")), STR("b")),
       "str_basename");
    ok(str_find(STR("abcabc"), STR("ca")) == 2 && str_find(STR("abc"), STR("x")) == -1 &&
           str_find(STR(""), STR("")) == 0,
       "str_find gives the first offset or -1");
}

static void test_numbers(void)
{
    i64 n;
    ok(str_i64(&n, STR("-9223372036854775808")) && n == INT64_MIN, "the least number is read");
    ok(str_i64(&n, STR("9223372036854775807")) && n == INT64_MAX, "the largest number is read");
    ok(!str_i64(&n, STR("9223372036854775808")) && !str_i64(&n, STR("")) &&
           !str_i64(&n, STR("-")) && !str_i64(&n, STR("1x")),
       "what is no number, or too large, is not");
    u64 size;
    ok(str_size(&size, STR("512KiB")) && size == 524288 && str_size(&size, STR("80MB")) &&
           size == 80 << 20 && str_size(&size, STR("7")) && size == 7,
       "sizes are in powers of 1024");
    ok(!str_size(&size, STR("16777216T")) && !str_size(&size, STR("1x")) &&
           !str_size(&size, STR("KB")) && !str_size(&size, STR("-1")),
       "sizes that do not fit or make no sense are refused");
}

static void test_arena(void)
{
    struct arena a;
    arena_init(&a, (size_t)MIB(64));
    u8 *first = arena_alloc(&a, 3, 1), *second = arena_alloc(&a, 3, 1);
    ok(first != second && (uintptr_t)second % 16 == 0, "objects are apart and aligned to 16 bytes");
    u32 *list = NULL, n = 0, cap = 0;
    for (u32 i = 0; i < 2000000; i++)
        *arena_push(&a, list, n, cap) = i;
    bool same = true;
    for (u32 i = 0; i < n; i++)
        same &= list[i] == i;
    ok(same && n == 2000000, "a pushed array keeps its elements while it grows");
    ok(a.mapped_bytes < (size_t)MIB(24), "a large array grows in place");
    u8 *zeroed = arena_alloc(&a, 100000, 1);
    bool zero = true;
    for (u32 i = 0; i < 100000; i++)
        zero &= zeroed[i] == 0;
    ok(zero, "objects are zeroed");
    arena_free(&a);
    ok(a.mapped_bytes == 0, "arena_free gives all back");
}

static bool all_zero(const u8 *bytes, size_t n)
{
    while (n && bytes[n - 1] == 0)
        n--;
    return n == 0;
}

static void test_release(void)
{
    struct arena a;
    const size_t n = (size_t)MIB(6), large = (size_t)MIB(20);
    arena_init(&a, (size_t)MIB(64));
    u8 *kept = arena_alloc(&a, n, 1), *first = arena_alloc(&a, n, 1);
    u8 *second = arena_alloc(&a, n, 1);
    memset(kept, 1, n);
    memset(first, 2, n);
    memset(second, 3, n);
    size_t before = a.mapped_bytes;
    arena_release(&a, (struct str){(char *)first, n});
    arena_release(&a, (struct str){(char *)second, n});
    u8 *third = arena_alloc(&a, large, 1);
    ok(all_zero(third, large), "memory that was released comes back zeroed");
    ok(a.mapped_bytes < before + large - 2 * n + KIB(64), "and is not mapped twice");
    memset(third, 4, large);
    u8 *fourth = arena_alloc(&a, n, 1);
    ok(all_zero(fourth, n) && kept[0] == 1 && kept[n - 1] == 1 && third[large - 1] == 4,
       "and nobody else's");
    arena_release(&a, (struct str){(char *)third, large});
    u8 *part = arena_alloc(&a, n, 1);
    memset(part, 5, n);
    u8 *rest = arena_alloc(&a, large - n, 1);
    ok(all_zero(rest, large - n) && part[0] == 5 && part[n - 1] == 5,
       "a large object's memory serves several");
    arena_free(&a);
}

// An array that begins in memory which was another's, in pieces, and grows.
static void test_growth(void)
{
    struct arena a;
    arena_init(&a, (size_t)MIB(256));
    for (u32 i = 0; i < 3; i++) {
        void *object = arena_alloc(&a, MIB(5), 1);
        arena_release(&a, (struct str){object, MIB(5)});
    }
    u32 n = MIB(3), cap = n;
    u32 *array = arena_new(&a, u32, n);
    for (u32 i = 0; i < n; i++)
        array[i] = i;
    for (u32 i = n; i < MIB(9); i++)
        *arena_push(&a, array, n, cap) = i;
    bool same = true;
    for (u32 i = 0; i < n; i++)
        same &= array[i] == i;
    ok(same, "an array in pages of others grows");
    arena_free(&a);
}

static void test_move(void)
{
    struct arena a, other;
    const u32 n = MIB(2);
    arena_init(&a, (size_t)MIB(64));
    arena_init(&other, (size_t)MIB(64));
    u32 *to = arena_new(&a, u32, 2 * n), *from = arena_new(&other, u32, n);
    for (u32 i = 0; i < n; i++)
        from[i] = i;
    to[0] = to[1000] = 7;
    u32 *at = to + 1001 + arena_gap(to + 1001, from + 5) / sizeof(*to);
    arena_move(at, from + 5, (n - 5) * sizeof(*to));
    bool same = true;
    for (u32 i = 5; i < n; i++)
        same &= at[i - 5] == i;
    ok(same && at >= to + 1001 && at < to + 1001 + 1024, "arena_move moves from one to another");
    ok(to[0] == 7 && to[1000] == 7 && all_zero((u8 *)(at + n - 5), 4096),
       "and nothing around it changes");
    memset(from, 1, n * sizeof(*from));
    ok(at[0] == 5 && at[n - 6] == n - 1, "the old place is the other's still");
    arena_free(&other);
    ok(at[0] == 5 && at[n - 6] == n - 1, "which may be freed");
    arena_free(&a);
}

static void test_reset(void)
{
    struct arena a;
    arena_init(&a, (size_t)MIB(64));
    for (u32 i = 0; i < 3; i++) {
        u8 *small = arena_alloc(&a, 100, 1), *large = arena_alloc(&a, MIB(1), 1);
        ok(all_zero(small, 100) && all_zero(large, MIB(1)), "memory after arena_reset is zeroed");
        memset(small, 1, 100);
        memset(large, 1, MIB(1));
        arena_reset(&a);
        ok(arena_used_bytes(&a) == 0 && a.mapped_bytes < MIB(2), "and is the same");
    }
    arena_free(&a);
    ok(a.mapped_bytes == 0 && a.kept_bytes == 0, "arena_free gives back what was kept");
}

static void test_table(void)
{
    struct arena a;
    struct table t;
    arena_init(&a, (size_t)MIB(64));
    table_init(&t, &a);
    bool in_order = true, found = true;
    for (u32 i = 1; i <= 10000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%u", i);
        in_order &= table_add(&t, str_of(key)) == i;
    }
    for (u32 i = 1; i <= 10000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%u", i);
        found &= table_find(&t, str_of(key)) == i && table_add(&t, str_of(key)) == i;
    }
    ok(in_order, "new keys get the rows 1, 2, 3 ...");
    ok(found, "known keys keep their rows");
    ok(table_find(&t, STR("key")) == 0, "an unknown key has row 0");
    struct str many[100];
    u32 row[100];
    for (u32 i = 0; i < 100; i++)
        many[i] = i % 3 ? t.key[i * 99 + 1] : arena_printf(&a, "other%u", i);
    table_find_many(&t, many, 100, row);
    bool as_one = true;
    for (u32 i = 0; i < 100; i++)
        as_one &= row[i] == (i % 3 ? i * 99 + 1 : 0);
    ok(as_one, "many keys are found as one is");
    arena_free(&a);
}

static void test_buf(void)
{
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 300; i++)
        buf_printf(&b, "%d,", i % 10);
    ok(b.len == 600 && !b.full, "a buffer grows as it is written");
    buf_printf(&b, "%0500d", 1);
    ok(b.full && b.len == 600,
       "what does not fit its limit is left out as a whole, and it says so");
    buf_free(&b);
}

static void test_gzip(void)
{
    struct arena a;
    struct err e;
    struct buf packed;
    struct str plain;
    arena_init(&a, (size_t)MIB(256));
    buf_init(&packed, (size_t)MIB(64));
    size_t n = 3000000;
    char *text = arena_alloc(&a, n, 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(i * i >> 7);
    gzip_encode(&packed, (struct str){text, n}, 1);
    ok(gzip_is(buf_str(&packed)) && gzip_decode(&plain, buf_str(&packed), n, &a, &e) &&
           str_equal(plain, (struct str){text, n}),
       "what gzip_encode packs, gzip_decode unpacks");
    ok(!gzip_decode(&plain, buf_str(&packed), n - 1, &a, &e) && e.code == EFBIG,
       "more than the limit is refused: %s", e.text);
    gzip_encode(&packed, STR("tail"), 6);
    ok(gzip_decode(&plain, buf_str(&packed), n + 4, &a, &e) && plain.len == n + 4 &&
           memcmp(plain.ptr + n, "tail", 4) == 0,
       "members that follow each other are unpacked one after the other");
    ok(!gzip_decode(&plain, (struct str){packed.data, packed.len - 5}, n + 4, &a, &e) &&
           e.code == EBADMSG,
       "data that is cut short is refused: %s", e.text);
    packed.data[100] ^= 0x55;
    ok(!gzip_decode(&plain, buf_str(&packed), n + 4, &a, &e) && e.code == EBADMSG,
       "damaged data is refused");
    buf_free(&packed);
    arena_free(&a);
}

static void test_err(void)
{
    struct err e;
    ok(!err_set(&e, EINVAL, "bad %d", 7) && e.code == EINVAL && strcmp(e.text, "bad 7") == 0,
       "err_set says what was wrong");
    err_write_prefix(&e, "%s: ", "file");
    ok(strcmp(e.text, "file: bad 7") == 0, "err_prefix says where");
    err_write_errno(&e, ENOENT, "x");
    ok(strcmp(e.text, "x: No such file or directory") == 0, "err_errno says why");
}

static void test_i64_of(void)
{
    ok(i64_of(2.9) == 2 && i64_of(-2.9) == -2 && i64_of(-0x1p63) == INT64_MIN,
       "the whole part of a fraction");
    ok(i64_of(0x1p63) == INT64_MIN && i64_of(1e300) == INT64_MIN && i64_of(NAN) == INT64_MIN,
       "what does not fit is the least number");
}

int main(void)
{
    test_str();
    test_numbers();
    test_arena();
    test_release();
    test_growth();
    test_move();
    test_reset();
    test_table();
    test_buf();
    test_gzip();
    test_err();
    test_i64_of();
    return done();
}
