// What the texts before profile.proto may have in them, and how long reading them may take.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tap.h"
#include "base/buf.h"
#include "profile/ranges.h"
#include "profile/read.h"

static struct arena arena;

static bool read_text(struct profile *p, struct str text, struct err *e)
{
    return profile_read(p, text, (size_t)MIB(64), &arena, e);
}

static bool has_mapping(const struct profile *p, u32 row, struct str file)
{
    return row < p->nmapping && str_equal(profile_string(p, p->mapping[row].filename), file);
}

static void test_any_bytes(void)
{
    struct profile p;
    struct err e = {0};
    ok(read_text(&p,
                 STR("heap profile: 1: 8 [1: 8] @ heap_v2/1\n1: 8 [1: 8] @ 0x500\n"
                     "MAPPED_LIBRARIES:\n400-600: /lib/caf\xe9.so\n"),
                 &e) &&
           has_mapping(&p, 1, STR("/lib/caf\xe9.so")),
       "a file's name need not be UTF-8");
    ok(read_text(&p,
                 STR("--- contentionz 1 ---\nformat = java\nresolution = us\n 1 2 @ 0x1 \n"
                     "0x1 a\xff.b (C\xe9.java:12)\n"),
                 &e) &&
           str_equal(profile_string(&p, p.function[1].name), STR("a\xff.b")) &&
           str_equal(profile_string(&p, p.function[1].filename), STR("C\xe9.java")) &&
           p.line[p.location[1].line].line == 12,
       "nor need Java's names");
}

static void test_java_names(void)
{
    static const struct {
        const char *text, *function, *file;
        i64 line;
    } c[] = {
        {"f (A.java:7)", "f", "A.java", 7},
        {"f (A.java:-7)", "f", "A.java", 0},
        {"f (/lib/libjvm.so)", "f", "libjvm.so", 0},
        {"f (x) (A.java:7)", "f (x)", "A.java", 7},
        {"f(A.java:7)", "f(A.java:7)", "", 0},
        {"f (:7)", "f", ":7", 0},
        {"f  (A:7)", "f ", "A", 7},
        {"GC", "GC", "", 0},
        {"generated stub/JIT", "STUB", "", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        struct profile p;
        struct err e = {0};
        struct str text = arena_printf(
            &arena, "--- heapz 1 ---\nformat = java\nresolution = bytes\n 8 2 @ 0x1 \n0x1 %s\n",
            c[i].text);
        ok(read_text(&p, text, &e) && p.nline == 1 && p.line[0].line == c[i].line &&
               str_equal(profile_string(&p, p.function[1].name), str_of(c[i].function)) &&
               str_equal(profile_string(&p, p.function[1].filename), str_of(c[i].file)),
           "Java's \"%s\" is %s in \"%s\"", c[i].text, c[i].function, c[i].file);
    }
}

static void test_same_thread(void)
{
    struct profile p;
    struct err e = {0};
    ok(read_text(&p,
                 STR("--- Thread 1 (name: a/1) stack: ---\n 0x10\n 0x20\n"
                     "--- Thread 2 (name: a/2) stack: ---\n [same as previous thread]\n 0x30\n"
                     "--- Thread 3 (name: a/3) stack: ---\n 0x40\n---- no stack trace for\n"),
                 &e) &&
           p.nsample == 2 && profile_values(&p, 0)[0] == 2 && p.sample[0].nframe == 2 &&
           p.sample[1].nframe == 1 && p.location[p.frame[p.sample[1].frame]].address == 0x40,
       "a thread that is as the one before leaves nothing behind");
}

// head, then n times middle, then tail.
static struct str repeated(const char *head, const char *middle, u32 n, const char *tail)
{
    struct buf b;
    buf_init(&b, (size_t)MIB(64));
    buf_text(&b, head);
    for (u32 i = 0; i < n; i++)
        buf_text(&b, middle);
    buf_text(&b, tail);
    struct str text = arena_str(&arena, buf_str(&b));
    buf_free(&b);
    return text;
}

static void test_deep_stack(void)
{
    struct profile p;
    struct err e = {0};
    struct str text = repeated("goroutine profile: total 1\n1 @", " 0x1234", 100000, "\n");
    ok(read_text(&p, text, &e) && p.sample[0].nframe == 100000, "a stack may be 100000 deep: %s",
       e.text);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void test_long_lines(void)
{
    static const struct {
        const char *head, *middle, *tail;
    } c[] = {
        {"heap profile: 1: 8 [1: 8] @ heap_v2/1\n", "1", "\n"},
        {"heap profile: 1: 8 [1: 8] @ heap_v2/1\n", "1: ", "\n"},
        {"--- contentionz 1 ---\n", "1", "\n"},
        {"--- contentionz 1 ---\nsampling period = 1\n", "1  ", "\n"},
        {"--- heapz 1 ---\n", "a", "\n"},
        {"--- heapz 1 ---\nformat = java\nresolution = bytes\n", "1", "\n"},
        {"--- heapz 1 ---\nformat = java\nresolution = bytes\n", "1 ", "\n"},
        {"--- heapz 1 ---\nformat = java\nresolution = bytes\n 8 2 @ 0x1 \n0x1 ", "a (b:", "1)\n"},
        {"--- Thread 1 (name: a/1) stack: ---\n 0x1\n---- no stack trace for\n"
         "MAPPED_LIBRARIES:\n",
         "1", "\n"},
        {"--- Thread 1 (name: a/1) stack: ---\n 0x1\n---- no stack trace for\n"
         "MAPPED_LIBRARIES:\n",
         "1 ", "\n"},
        {"--- Thread 1 (name: a/1) stack: ---\n 0x1\n---- no stack trace for\n"
         "MAPPED_LIBRARIES:\n",
         ":1", "]\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        struct profile p;
        struct err e = {0};
        struct str text = repeated(c[i].head, c[i].middle, 1000000, c[i].tail);
        double start = seconds();
        read_text(&p, text, &e);
        ok(seconds() - start < 5, "a line of a million \"%s\" costs no more than its length",
           c[i].middle);
    }
}

static void test_growing_names(void)
{
    struct profile p;
    struct err e = {0};
    struct buf b;
    buf_init(&b, (size_t)MIB(1));
    buf_text(&b, "heap profile: 1: 8 [1: 8] @ heap_v2/1\n1: 8 [1: 8] @ 0x500\nMAPPED_LIBRARIES:\n"
                 "build=/usr\n400-600: $build/x\na=0123456789\n");
    for (char c = 'a'; c < 'n'; c++)
        buf_printf(&b, "%c=$%c$%c$%c$%c$%c$%c$%c$%c$%c$%c\n", c + 1, c, c, c, c, c, c, c, c, c, c);
    size_t before = arena.mapped_bytes;
    ok(read_text(&p, arena_str(&arena, buf_str(&b)), &e) && has_mapping(&p, 1, STR("/usr/x")),
       "names are replaced by their values");
    ok(arena.mapped_bytes - before < MIB(64), "but not without end");
    buf_free(&b);
}

static void test_many_mappings(void)
{
    enum { MANY = 50000 };
    struct profile p;
    struct err e = {0};
    struct buf b;
    buf_init(&b, (size_t)MIB(64));
    buf_text(&b, "heap profile: 1: 8 [1: 8] @ heap_v2/1\n");
    for (u32 i = 0; i < MANY; i++)
        buf_printf(&b, "1: 8 [1: 8] @ 0x%x\n", 0x1000000 + 16 * i + 9);
    buf_text(&b, "MAPPED_LIBRARIES:\n");
    for (u32 i = 0; i < MANY; i++)
        buf_printf(&b, "%x-%x: /lib/%u\n", 0x1000000 + 16 * i, 0x1000000 + 16 * i + 15, i);
    double start = seconds();
    bool done = read_text(&p, arena_str(&arena, buf_str(&b)), &e);
    ok(done && p.nmapping == MANY + 1 && p.location[777].mapping == 777 &&
           p.location[MANY].mapping == MANY && seconds() - start < 5,
       "each of %d locations finds its own of %d mappings, in no time", MANY, MANY);
    buf_free(&b);
}

static void test_fake_mapping(void)
{
    struct profile p;
    struct err e = {0};
    ok(read_text(&p,
                 STR("heap profile: 1: 8 [1: 8] @ heap_v2/1\n1: 8 [1: 8] @ 0x900\n"
                     "MAPPED_LIBRARIES:\n400-500: /a\n500-600: /a\n600-700: /b\n"),
                 &e) &&
           p.nmapping == 4 && p.location[1].mapping == 3 && p.mapping[3].start == 0 &&
           p.mapping[3].limit == UINT64_MAX && p.mapping[3].filename == 0,
       "after adjacent mappings became one, the one for all else has nothing of theirs");
}

static void test_ranges(void)
{
    const struct range range[] = {{10, 20, 1}, {15, 30, 2}, {5, 50, 3},
                                  {60, 60, 4}, {70, 65, 5}, {0, UINT64_MAX, 6}};
    struct ranges r = ranges_build(range, 5, &arena);
    ok(ranges_find(&r, 4) == 0 && ranges_find(&r, 5) == 3 && ranges_find(&r, 10) == 1 &&
           ranges_find(&r, 19) == 1 && ranges_find(&r, 20) == 2 && ranges_find(&r, 30) == 3 &&
           ranges_find(&r, 50) == 0 && ranges_find(&r, 60) == 0 && ranges_find(&r, 66) == 0,
       "of ranges that overlap the first counts; empty ones hold nothing");
    r = ranges_build(range, 6, &arena);
    ok(ranges_find(&r, 0) == 6 && ranges_find(&r, 17) == 1 && ranges_find(&r, UINT64_MAX - 1) == 6,
       "one that holds all is the last resort");
    r = ranges_build(range, 0, &arena);
    ok(ranges_find(&r, 1) == 0, "none hold nothing");
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(2048));
    test_any_bytes();
    test_java_names();
    test_same_thread();
    test_deep_stack();
    test_long_lines();
    test_growing_names();
    test_many_mappings();
    test_fake_mapping();
    test_ranges();
    arena_free(&arena);
    return done();
}
