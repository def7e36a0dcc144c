// What hostile profiles cost: neither memory nor time beyond their size.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tap.h"
#include "profile/filter.h"
#include "profile/read.h"
#include "report/report.h"

static struct arena arena;

static void put_varint(struct buf *b, u64 value)
{
    for (; value >= 0x80; value >>= 7)
        buf_char(b, (char)(value | 0x80));
    buf_char(b, (char)value);
}

static void put_number(struct buf *b, u32 field, u64 value)
{
    put_varint(b, field << 3);
    put_varint(b, value);
}

static void put_bytes(struct buf *b, u32 field, struct str bytes)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, bytes.len);
    buf_add(b, bytes);
}

static void put_text(struct buf *b, u32 field, const char *text)
{
    put_bytes(b, field, str_of(text));
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void begin(struct buf *b)
{
    buf_init(b, (size_t)MIB(64));
    put_text(b, 1, "");
}

// The profile in *b, which is freed.
static bool read_and_free(struct profile *p, struct buf *b, struct err *e)
{
    *e = (struct err){0};
    bool done = profile_read(p, arena_str(&arena, buf_str(b)), (size_t)MIB(64), &arena, e);
    buf_free(b);
    return done;
}

static void test_types_times_samples(void)
{
    struct buf b;
    struct profile p;
    struct err e;
    begin(&b);
    for (u32 i = 0; i < 200000; i++) {
        if (i < 4000)
            put_text(&b, 1, "");
        put_text(&b, 2, "\x10\x01");
    }
    put_text(&b, 6, "");
    size_t before = arena.mapped_bytes;
    ok(!read_and_free(&p, &b, &e) && strstr(e.text, "sample has 1 values vs. 4001 types") &&
           arena.mapped_bytes - before < MIB(8),
       "types times samples without their values get no memory: %s", e.text);
    begin(&b);
    for (u32 i = 0; i < 5000; i++)
        put_text(&b, 1, "");
    put_text(&b, 6, "");
    ok(!read_and_free(&p, &b, &e) && strstr(e.text, "5001 sample types, more than 4096"),
       "so many types are none: %s", e.text);
}

static void test_many_labels(void)
{
    enum { MANY = 200000 };
    struct buf b, sample, label;
    struct profile p;
    struct err e;
    begin(&b);
    buf_init(&sample, (size_t)MIB(16));
    buf_init(&label, 100);
    put_number(&sample, 2, 1);
    for (u32 i = MANY; i > 0; i--) {
        label.len = 0;
        put_number(&label, 1, i);
        put_number(&label, i % 3 ? 2 : 3, 1);
        put_bytes(&sample, 3, buf_str(&label));
    }
    put_bytes(&b, 2, buf_str(&sample));
    put_text(&b, 6, "");
    for (u32 i = 1; i <= MANY; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%08u", i);
        put_text(&b, 6, text);
    }
    buf_free(&sample);
    buf_free(&label);
    double start = seconds();
    bool done = read_and_free(&p, &b, &e), in_order = true;
    for (u32 i = 1; done && i < p.nlabel; i++) {
        const struct label *l = &p.label[i - 1];
        in_order &=
            (l[0].text == 0) == (l[1].text == 0)
                ? str_compare(profile_string(&p, l[0].key), profile_string(&p, l[1].key)) < 0
                : l[0].text != 0;
    }
    ok(done && p.nlabel == MANY && in_order, "a sample with %d labels has them in order", MANY);
    ok(seconds() - start < 2, "in no time");
}

static void test_stable_labels(void)
{
    struct buf b;
    struct profile p;
    struct err e;
    begin(&b);
    put_text(&b, 2,
             "\x10\x01\x1a\x04\x08\x02\x18\x05\x1a\x04\x08\x01\x10\x02\x1a\x04\x08\x02\x18\x04"
             "\x1a\x04\x08\x01\x10\x01");
    put_text(&b, 6, "");
    put_text(&b, 6, "a");
    put_text(&b, 6, "b");
    ok(read_and_free(&p, &b, &e) && p.nlabel == 4 && p.label[0].text == 2 && p.label[1].text == 1 &&
           p.label[2].number == 5 && p.label[3].number == 4,
       "labels of one key keep their order %s", e.text);
}

static void test_memory(void)
{
    struct buf b;
    struct profile p;
    struct err e = {0};
    buf_init(&b, (size_t)MIB(64));
    buf_text(&b, "a;b 1\n");
    for (u32 i = 0; i < 200000; i++)
        buf_printf(&b, "%x;", i);
    buf_text(&b, " 1\n");
    struct arena small;
    arena_init(&small, (size_t)MIB(16));
    bool done = profile_read(&p, buf_str(&b), (size_t)MIB(64), &small, &e);
    ok(!done && e.code == ENOMEM && strstr(e.text, "need more than 16 MiB of memory"),
       "what needs more memory than there may be is refused: %s", e.text);
    ok(small.mapped_bytes == 0, "and leaves nothing behind");
    arena_free(&small);
    ok(read_and_free(&p, &b, &e) && p.nfunction > 200000, "with more of it, it is read");
}

static void test_memory_of_threads(void)
{
    struct buf b, sample, label;
    struct profile p;
    struct arena small;
    struct err e = {0};
    begin(&b);
    buf_init(&sample, 200);
    buf_init(&label, 100);
    for (u32 i = 1; i < 100000; i++) {
        sample.len = label.len = 0;
        put_number(&label, 1, 1);
        put_number(&label, 3, i);
        put_number(&sample, 2, 1);
        put_bytes(&sample, 3, buf_str(&label));
        put_bytes(&b, 2, buf_str(&sample));
    }
    put_text(&b, 6, "");
    put_text(&b, 6, "x");
    arena_init(&small, (size_t)MIB(16));
    ok(!profile_read(&p, buf_str(&b), (size_t)MIB(64), &small, &e) && e.code == ENOMEM,
       "so it is when the samples need it: %s", e.text);
    arena_free(&small);
    ok(read_and_free(&p, &b, &e) && p.nlabel == 99999, "and they are read when they may");
    buf_free(&sample);
    buf_free(&label);
}

static void test_concatenated(void)
{
    enum { MANY = 20000 };
    struct buf b;
    struct profile p;
    struct err e;
    buf_init(&b, (size_t)MIB(64));
    for (u32 i = 0; i < MANY; i++) {
        put_text(&b, 1, "\x08\x01\x10\x02");
        put_text(&b, 2, "\x08\x01\x10\x01");
        put_text(&b, 4, "\x08\x01\x18\x05");
        put_text(&b, 6, "");
        put_text(&b, 6, "a");
        put_text(&b, 6, "b");
        put_number(&b, 9, 7 + i);
    }
    size_t before = arena.mapped_bytes;
    double start = seconds();
    ok(read_and_free(&p, &b, &e) && p.nsample == 1 && profile_values(&p, 0)[0] == MANY &&
           p.time_ns == 7,
       "%d profiles, one after the other, are their sum", MANY);
    ok(arena.mapped_bytes - before < MIB(4) && seconds() - start < 10,
       "which takes the memory of one");
}

static bool write_report(struct buf *out, const struct profile *p, const char *type, bool call_tree)
{
    struct config c;
    struct buf warnings;
    struct err e;
    config_init(&c);
    c.call_tree = call_tree;
    buf_init(out, (size_t)MIB(64));
    buf_init(&warnings, 4096);
    bool done = report_write(out, p, report_find(str_of(type)), STR(""), &c, &warnings, &arena, &e);
    buf_free(&warnings);
    return done;
}

// Seconds that a call tree takes to draw; negative when it cannot be drawn.
static double draw_deep_stack(u32 depth)
{
    struct buf b, out;
    struct profile p;
    struct err e;
    buf_init(&b, (size_t)MIB(64));
    for (u32 i = 0; i < depth; i++)
        buf_printf(&b, "%x;", i);
    buf_text(&b, " 1\n");
    if (!read_and_free(&p, &b, &e))
        return -1;
    double start = seconds();
    bool done = write_report(&out, &p, "dot", true);
    buf_free(&out);
    return done ? seconds() - start : -1;
}

static void test_deep_stack(void)
{
    double quarter = draw_deep_stack(25000), whole = draw_deep_stack(100000);
    ok(quarter >= 0 && whole >= 0, "a call tree that is 100000 deep is drawn");
    ok(whole < 10 * quarter + 0.1, "in four times the time of a quarter (%.3f s, %.3f s)", whole,
       quarter);
}

// Both are seen by the sanitizers' builds.
static void test_nothing_to_order(void)
{
    struct buf b, out;
    struct profile p;
    struct err e;
    buf_init(&b, 1000);
    buf_text(&b, "a;b 5\na;b -5\na;c;d 7\n");
    ok(read_and_free(&p, &b, &e) && write_report(&out, &p, "dot", false),
       "an edge that weighs nothing has no part in the entropy");
    buf_free(&out);
    buf_init(&b, 1000);
    buf_text(&b, "a;b 1e30\na;c -1e30\n");
    ok(read_and_free(&p, &b, &e) && write_report(&out, &p, "dot", false),
       "the least number has a size, too");
    buf_free(&out);
    buf_init(&b, 1000);
    buf_text(&b, "a;b 5\na;b -5\n");
    ok(read_and_free(&p, &b, &e) && write_report(&out, &p, "dot", false),
       "a graph without nodes is in order");
    buf_free(&out);
}

static void test_hostile_expression(void)
{
    struct buf b;
    struct profile p, dropped;
    struct err e;
    begin(&b);
    put_text(&b, 6, "");
    put_text(&b, 6, "(a|aa)*(a|aa)*[bc]");
    put_number(&b, 7, 1);
    struct buf function;
    buf_init(&function, 100);
    for (u32 i = 1; i < 2000; i++) {
        char name[200];
        function.len = 0;
        put_number(&function, 1, i);
        put_number(&function, 2, i + 1);
        put_bytes(&b, 5, buf_str(&function));
        memset(name, 'a', sizeof(name));
        snprintf(name + 150, 20, "%u", i);
        put_text(&b, 6, name);
    }
    buf_free(&function);
    double start = seconds();
    ok(read_and_free(&p, &b, &e) && filter_drop_frames(&dropped, &p, &arena, &e) &&
           seconds() - start < 5,
       "an expression that would backtrack for ever is given up: %s", e.text);
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(4096));
    test_types_times_samples();
    test_many_labels();
    test_stable_labels();
    test_memory();
    test_memory_of_threads();
    test_concatenated();
    test_deep_stack();
    test_nothing_to_order();
    test_hostile_expression();
    arena_free(&arena);
    return done();
}
