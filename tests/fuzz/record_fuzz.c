// The record's reader on any bytes.  Inputs are short: a whole record is made first, the input's
// triples then change bytes of it.
#include <string.h>

#include "record/read.h"
#include "record/times.h"
#include "record/write.h"

static u8 *whole; // a record with a stack, a mapping, two live blocks and a tick
static struct arena memory;

static void make(void)
{
    struct record r;
    u64 frame[] = {record_frame(0x401234, 1), record_frame(0x401000, 0)};
    arena_init(&memory, (size_t)MIB(64));
    whole = arena_alloc(&memory, record_bytes(), 1);
    record_init(&r, whole);
    struct record_mapping m = {.start = 0x400000, .limit = 0x500000, .build_id_bytes = 20};
    m.filename = record_text_add(&r, "/bin/program", 12);
    record_mapping_add(&r, &m);
    struct record_key key = {.kind = RECORD_HEAP, .flags = RECORD_TRUNCATED};
    key.labels = record_label_add(&r, 0, "key", "value");
    struct record_stack *s = record_stack_find(&r, key, frame, 2);
    s->amount = s->count = 100;
    struct record_live b = {.size = 10, .bytes = 100, .stack = record_stack_offset(&r, s)};
    record_live_add(&r, 0x1000, &b);
    record_live_add(&r, 0x2000, &b);
    key.kind = RECORD_MAP;
    u32 mapped = record_stack_offset(&r, record_stack_find(&r, key, frame, 2));
    record_region_add(&r, (struct record_range){0x10000, 0x1000}, mapped, 1);
    key.kind = RECORD_OWN_KIND;
    key.detail = record_own_add(&r, "own", true);
    b.stack = record_stack_offset(&r, record_stack_find(&r, key, frame, 2));
    record_live_add(&r, record_own_key(0x3000, key.detail), &b);
    struct record_wait wait = {.state = RECORD_BLOCKED, .kind = RECORD_WAIT_LOCK, .owner = 7};
    r.thread[1] = (struct record_thread){.tid = 7, .stack = b.stack, .name = "thread"};
    record_sample_add(&r, &(struct record_sample){.time_ns = 5,
                                                  .amount_ns = 4,
                                                  .count = 1,
                                                  .kind = RECORD_WALL,
                                                  .tid = 7,
                                                  .stack = b.stack,
                                                  .wait = record_wait_add(&r, &wait)});
    record_tick_add(&r, &(struct record_tick){.time_ns = 5});
    r.header->heap_rate_bytes = 524288;
    r.header->state = RECORD_RUNNING;
}

static void read_all(struct str bytes)
{
    struct arena a;
    struct err e;
    struct record_view v;
    struct record_tick *tick;
    u32 nblock;
    arena_init(&a, (size_t)MIB(1024));
    if (record_open(&v, bytes, &e)) {
        record_heap(&v, 1, &a);
        record_heap_by_age(&v, INT64_MAX, &a);
        record_peak(&v, 1, &a);
        record_mmap(&v, 1, &a);
        record_mapped_bytes(&v);
        record_block(&v, 1, &a);
        for (u32 own = 1; own < record_own_count(&v); own++)
            record_own(&v, own, 1, &a);
        for (u32 kind = RECORD_CPU; kind <= RECORD_WALL; kind++) {
            struct times t = {.kind = kind};
            times_collect(&t, &v, 3, UINT64_MAX, &a);
            times_cpu(&t, &v, &a);
            times_wall(&t, &v, &a);
        }
        times_threads(&v, 1, &a);
        times_created(&v, 1, &a);
        record_ticks(&tick, &v, &a);
        record_live_bytes(&v, &nblock);
        record_program(&v);
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct arena a;
    if (!whole)
        make();
    read_all((struct str){(const char *)data, n});
    arena_init(&a, (size_t)MIB(64));
    u8 *copy = arena_alloc(&a, record_bytes(), 1);
    memcpy(copy, whole, record_bytes());
    for (size_t i = 0; i + 4 <= n; i += 4) {
        u32 at = (u32)data[i] | (u32)data[i + 1] << 8 | (u32)(data[i + 2] & 0x7f) << 16;
        copy[at % (data[i + 2] & 0x80 ? record_bytes() : 1024)] = data[i + 3];
    }
    read_all((struct str){(const char *)copy, record_bytes()});
    arena_free(&a);
    return 0;
}
