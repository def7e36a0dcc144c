#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
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
    record.header->heap_rate_bytes = 524288;
    record.header->exe = record_text_add(&record, "/bin/program", 12);
    record.header->state = RECORD_RUNNING;
}

static struct str bytes_of(void)
{
    return (struct str){(const char *)record.header, record_bytes()};
}

static void test_stacks(void)
{
    u64 a[] = {1, 2, 3}, b[] = {1, 2, 4};
    struct record_stack *first = record_stack_add(&record, RECORD_HEAP, 0, a, 3);
    ok(first == record_stack_add(&record, RECORD_HEAP, 0, a, 3), "the same stack is found again");
    ok(first != record_stack_add(&record, RECORD_HEAP, 0, b, 3) &&
           first != record_stack_add(&record, RECORD_HEAP, 0, a, 2),
       "another is not");
    ok(record.header->nstack == 3, "each is there once");
}

static void test_live(void)
{
    struct record_live in = {.size = 100, .bytes = 524288}, out = {0};
    bool added = true, known = true, gone = true;
    for (u64 i = 1; i <= 40000; i++) {
        in.second = (u32)i;
        added &= record_live_add(&record, i << 12, &in);
    }
    for (u64 i = 1; i <= 40000; i++)
        known &= record_live_remove(&record, i << 12, &out) && out.second == i;
    for (u64 i = 1; i <= 40000; i++)
        gone &= !record_live_remove(&record, i << 12, &out);
    ok(added, "40,000 blocks find room");
    ok(known, "each is found with what was known of it");
    ok(gone, "and is gone once it was taken out");
    u32 left = 0;
    for (u32 i = 0; i < record.header->section[RECORD_LIVE_KEY].nrow; i++)
        left += record.bucket[i].overflow != 0;
    ok(left == 0, "nothing is left behind in the table");
    u32 n = 0;
    while (record_live_add(&record, (u64)(n + 1) << 12, &in))
        n++;
    ok(n > 50000, "it refuses when it is full, after %u", n);
    for (u32 i = 0; i < n; i++)
        record_live_remove(&record, (u64)(i + 1) << 12, &out);
}

// Blocks that come and go in four threads at once, each with addresses of its own.
static void *churn(void *argument)
{
    u64 thread = (u64)(uintptr_t)argument;
    u64 wrong = 0;
    for (u64 round = 0; round < 200; round++) {
        struct record_live block = {.size = 1, .bytes = thread}, out;
        for (u64 i = 0; i < 500; i++)
            wrong += !record_live_add(&record, (thread << 40 | i << 12) + 4096, &block);
        for (u64 i = 0; i < 500; i++)
            wrong += !record_live_remove(&record, (thread << 40 | i << 12) + 4096, &out) ||
                     out.bytes != thread;
        u64 frame[] = {round + 1000, thread};
        record_stack_add(&record, RECORD_HEAP, 0, frame, 2)->count++;
    }
    return (void *)(uintptr_t)wrong;
}

static void test_threads(void)
{
    pthread_t t[4];
    u64 wrong = 0;
    u32 before = record.header->nstack;
    for (u64 i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, churn, (void *)(uintptr_t)(i + 1));
    for (u64 i = 0; i < 4; i++) {
        void *result;
        pthread_join(t[i], &result);
        wrong += (u64)(uintptr_t)result;
    }
    ok(wrong == 0, "four threads at once lose nothing");
    ok(record.header->nstack - before == 800, "and find their 800 stacks (%u)",
       record.header->nstack - before);
}

static void test_overflow(void)
{
    u64 frame[100] = {0};
    struct record_stack *s = NULL, *last = NULL;
    for (u64 i = 0; i < 100000; i++) {
        frame[0] = i;
        last = s;
        s = record_stack_add(&record, RECORD_HEAP, 0, frame, 100);
    }
    ok(s == last && (s->flags & RECORD_OVERFLOW),
       "when the stacks are full, further ones share one that says so");
    s->amount = 12345;
    struct arena a;
    struct err e;
    struct record_view v;
    arena_init(&a, (size_t)MIB(256));
    bool opened = record_open(&v, bytes_of(), &e);
    struct profile p = record_heap(&v, 0, &a);
    bool found = false;
    for (u32 i = 1; i < p.nfunction; i++)
        found |= str_equal(profile_string(&p, p.function[i].name), STR("[overflow]"));
    ok(opened && found && profile_values(&p, 0)[1] == 12345, "it is shown as [overflow]");
    arena_free(&a);
}

static void test_text_full(void)
{
    char text[1000];
    memset(text, 'x', sizeof(text));
    u32 n = 0;
    while (record_text_add(&record, text, sizeof(text)))
        n++;
    ok(n > 200 && record_text_add(&record, "small", 5) != 0,
       "strings that find no room get none; smaller ones still do");
}

static void test_profile(void)
{
    struct arena a;
    struct err e;
    struct record_view v;
    u64 frame[] = {record_frame(0x401234, 1), record_frame(0x401000, 1)};
    struct record_mapping m = {.start = 0x400000,
                               .limit = 0x500000,
                               .filename = record.header->exe,
                               .build_id_bytes = 2,
                               .build_id = {0xab, 0xcd}};
    record_mapping_add(&record, &m);
    struct record_stack *s = record_stack_add(&record, RECORD_HEAP, RECORD_COMPLETE, frame, 2);
    s->count = 10 << 16;
    s->amount = 1000;
    struct record_live block = {
        .size = 100, .bytes = 300, .stack = record_stack_offset(&record, s)};
    record_live_add(&record, 4096, &block);
    arena_init(&a, (size_t)MIB(64));
    ok(record_open(&v, bytes_of(), &e), "a record opens");
    struct profile p = record_heap(&v, 5, &a);
    ok(p.nsample == 1 && p.nlocation == 3 && p.location[1].address == 0x401234 &&
           p.location[1].mapping == 1,
       "with its stack");
    const i64 *value = profile_values(&p, 0);
    ok(value[0] == 10 && value[1] == 1000 && value[2] == 3 && value[3] == 300,
       "objects and bytes, allocated and in use");
    ok(str_equal(profile_string(&p, p.mapping[1].build_id), STR("abcd")) &&
           str_equal(profile_string(&p, p.mapping[1].filename), STR("/bin/program")),
       "and the program it came from");
    arena_free(&a);
}

static void test_ticks(void)
{
    struct arena a;
    struct err e;
    struct record_view v;
    struct record_tick *tick;
    for (u64 i = 1; i <= 3000; i++) {
        struct record_tick t = {.time_ns = i * 20000000, .live_bytes = i};
        record_tick_add(&record, &t);
    }
    arena_init(&a, (size_t)MIB(64));
    record_open(&v, bytes_of(), &e);
    u32 n = record_ticks(&tick, &v, &a);
    bool in_order = true;
    for (u32 i = 1; i < n; i++)
        in_order &= tick[i].time_ns > tick[i - 1].time_ns;
    ok(n > 512 && in_order && tick[n - 1].live_bytes == 3000,
       "%u ticks are in order, up to the last one", n);
    ok(tick[0].live_bytes == 1, "and reach back to the first");
    arena_free(&a);
}

static void test_bad_records(void)
{
    struct record_view v;
    struct err e;
    ok(!record_open(&v, STR("SONDE"), &e) && e.code == EBADMSG, "%s", e.text);
    ok(!record_open(&v, (struct str){bytes_of().ptr, 100}, &e) && strstr(e.text, "cut short"), "%s",
       e.text);
    ok(!record_open(&v, (struct str){bytes_of().ptr, 1000000}, &e) && strstr(e.text, "cut short"),
       "%s", e.text);
    record.header->version = 99;
    ok(!record_open(&v, bytes_of(), &e) && e.code == EPROTO && strstr(e.text, "version 99"), "%s",
       e.text);
    record.header->version = RECORD_VERSION;
    record.header->section[RECORD_STACK_WORD].offset = 1 << 30;
    ok(!record_open(&v, bytes_of(), &e) && strstr(e.text, "damaged"), "%s", e.text);
}

int main(void)
{
    make_record();
    test_profile();
    make_record();
    test_stacks();
    test_live();
    test_threads();
    test_overflow();
    test_text_full();
    test_ticks();
    test_bad_records();
    return done();
}
