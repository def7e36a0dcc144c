#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../tap.h"
#include "record/read.h"
#include "record/write.h"

static struct record record;

static void make_record(void)
{
    void *base =
        mmap(NULL, record_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    record_init(&record, base);
    record.header->state = RECORD_RUNNING;
}

static void test_sets(void)
{
    u32 x = record_label_add(&record, 0, "x", "1"), xy = record_label_add(&record, x, "y", "2");
    u32 y = record_label_add(&record, 0, "y", "2");
    ok(x && xy && y && x != xy && xy != y, "sets differ by what is in them");
    ok(record_label_add(&record, y, "x", "1") == xy, "and not by the order in which it came");
    ok(record_label_add(&record, xy, "y", "2") == xy, "a pair that is there changes nothing");
    ok(record_label_add(&record, xy, "y", NULL) == x &&
           record_label_add(&record, x, "x", NULL) == 0,
       "a key without a value is taken out, the last one too");
    ok(record_label_add(&record, xy, "y", "3") != xy, "another value takes the place of the first");
    ok(memcmp(record.label + xy, "x\0001\0y\0002\0", 9) == 0, "sets are sorted by key");
}

static void test_limits(void)
{
    char value[1000];
    memset(value, 'v', sizeof(value));
    memcpy(value + 254, "\xc3\xa4", 3);
    u32 cut = record_label_add(&record, 0, "long", value);
    ok(strlen(record.label + cut + 5) == 254, "a value is cut before a character that is too much");
    u32 set = 0, full = 0;
    for (int i = 0; i < 17; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%d", i);
        set = record_label_add(&record, set, key, "v");
        full += set == 1;
    }
    ok(full == 1 && strcmp(record.label + 1, "labels") == 0 &&
           strcmp(record.label + 8, "[overflow]") == 0,
       "a set of more than 16 says so");
    u32 last = 0, n = 0;
    for (; n < 100000 && last != 1; n++) {
        snprintf(value, sizeof(value), "%u", n);
        last = record_label_add(&record, 0, "request", value);
    }
    ok(n > 1500 && n < 100000, "after %u sets there is no room, which says so too", n);
    ok(record_label_add(&record, 0, "request", "7") != 1, "those that are known still are");
    ok(record_label_add(&record, 4000000000, "x", "1") != 0, "a set that never was is empty");
}

static void test_samples(void)
{
    struct arena a;
    struct err e;
    struct record_view v;
    u64 frame[] = {0x1234, 0x2345};
    make_record();
    u32 set = record_label_add(&record, record_label_add(&record, 0, "b", "2"), "a", "1");
    struct record_key key = {.kind = RECORD_HEAP, .labels = set};
    struct record_stack *with = record_stack_find(&record, key, frame, 2);
    struct record_stack *without = record_stack_add(&record, RECORD_HEAP, 0, frame, 2);
    ok(with != without && with == record_stack_find(&record, key, frame, 2),
       "a stack with labels is another one");
    with->amount = 10;
    without->amount = 20;
    arena_init(&a, (size_t)MIB(64));
    record_open(&v, (struct str){(const char *)record.header, record_bytes()}, &e);
    struct profile p = record_heap(&v, 0, &a);
    u32 one = profile_values(&p, 0)[1] == 10 ? 0 : 1;
    const struct label *l = p.label + p.sample[one].label;
    ok(p.nsample == 2 && p.sample[0].nframe == 2 && p.sample[1].nframe == 2 &&
           p.frame[p.sample[0].frame] == p.frame[p.sample[1].frame],
       "with the same frames");
    ok(p.sample[one].nlabel == 2 && p.sample[!one].nlabel == 0 &&
           str_equal(profile_string(&p, l[0].key), STR("a")) &&
           str_equal(profile_string(&p, l[1].text), STR("2")),
       "and its labels");
    arena_free(&a);
}

static void test_copy(void)
{
    struct record from = record;
    u32 set = record_label_add(&from, 0, "a", "1");
    make_record();
    record_label_copy(&record, &from);
    ok(record_label_add(&record, 0, "a", "1") == set, "copied sets keep their numbers");
}

int main(void)
{
    make_record();
    test_sets();
    test_limits();
    test_samples();
    test_copy();
    return done();
}
