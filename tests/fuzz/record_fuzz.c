// The record's reader, and the report on an end, on any bytes.  Inputs are short: a whole record
// with a watch behind it is made first, the input's triples then change bytes of it.
#include <string.h>

#include "oom/text.h"
#include "record/read.h"
#include "record/times.h"
#include "record/write.h"

static u8 *whole; // a record with a stack, a mapping, two live blocks and a tick; and a watch
static struct arena memory;

static void make_watch(struct watch *w, u32 stack)
{
    struct watch_account a = {.time_ns = 3, .live_bytes = 50};
    watch_init(w, 7, 99);
    w->limit_bytes = 1 << 20;
    a.charge.usage_bytes = a.charge.anon_bytes = 1000;
    a.account.bytes[ACCOUNT_HEAP] = 100;
    account_balance(&a.account, 1000);
    watch_add_account(w, &a);
    a.time_ns = 4;
    a.account.bytes[ACCOUNT_MAPPINGS] = 500;
    watch_add_account(w, &a);
    watch_add_look(w, &(struct watch_look){.time_ns = 4, .usage_bytes = 900, .anon_bytes = 800});
    watch_add_mark(w, &(struct watch_mark){.time_ns = 4, .kind = WATCH_THRESHOLD, .value = 85});
    w->extent[0] = (struct extent){0x10000, 0x20000, 0x800, {255, 1}};
    struct watch_snapshot s = {.time_ns = 2, .nheld = 1};
    s.held[0].stack = stack;
    s.held[0].bytes = 20;
    watch_add_snapshot(w, &s);
}

// All that is told of an end.
static void tell(struct str bytes, struct arena *a)
{
    struct oom o;
    struct err e;
    struct buf out;
    if (!oom_open(&o, bytes, false, a, &e))
        return;
    struct verdict v = verdict_find(&o, a);
    i64 sum = 0;
    for (int i = 0; i < ACCOUNT_LINES; i++)
        sum += o.account.bytes[i];
    if (sum != (i64)o.account.charge_bytes)
        __builtin_trap();
    buf_init(&out, 16 << 20);
    oom_text(&out, &o, &v, a);
    oom_json(&out, &o, &v, a);
    oom_summary(&out, &o, &v, 4096, a);
    oom_profile(&o, a);
    buf_free(&out);
}

static void make(void)
{
    struct record r;
    u64 frame[] = {record_frame(0x401234, 1), record_frame(0x401000, 0)};
    arena_init(&memory, (size_t)MIB(64));
    whole = arena_alloc(&memory, record_bytes() + sizeof(struct watch), 1);
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
    record_hold(&r, s, 300, 30 << 16, 4);
    record_hold(&r, s, -100, -(10 << 16), 5);
    key.kind = RECORD_MAP;
    key.detail = RECORD_MAP_PRIVATE;
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
                                                  .tid = 7,
                                                  .stack = b.stack,
                                                  .kind = RECORD_WALL,
                                                  .wait = (u16)record_wait_add(&r, &wait)});
    record_tick_add(&r, &(struct record_tick){.time_ns = 5});
    r.header->heap_rate_bytes = 524288;
    r.header->allocator =
        (struct record_allocator){.kind = 1, .time_ns = 5, .system_bytes = 900, .used_bytes = 700};
    r.header->state = RECORD_RUNNING;
    make_watch((struct watch *)(void *)(whole + record_bytes()), record_stack_offset(&r, s));
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
        tell(bytes, &a);
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
    size_t bytes = record_bytes() + sizeof(struct watch);
    u8 *copy = arena_alloc(&a, bytes, 1);
    memcpy(copy, whole, bytes);
    for (size_t i = 0; i + 4 <= n; i += 4) {
        // The beginning of the record, the watch, or anywhere.
        u32 at = (u32)data[i] | (u32)data[i + 1] << 8 | (u32)(data[i + 2] & 0x3f) << 16;
        u32 part = data[i + 2] >> 6;
        copy[part == 0   ? at % 1024
             : part == 1 ? record_bytes() + at % sizeof(struct watch)
                         : at % bytes] = data[i + 3];
    }
    read_all((struct str){(const char *)copy, bytes});
    arena_free(&a);
    return 0;
}
