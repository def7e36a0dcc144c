#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "oom/text.h"
#include "record/write.h"

enum { SECOND = 1000000000, MB = 1 << 20 };

// A record with a watch behind it.
struct made {
    struct arena a;
    struct record r;
    struct watch *w;
    struct str bytes;
    u64 address;
};

static void make(struct made *m)
{
    arena_init(&m->a, (size_t)MIB(256));
    u8 *base = arena_alloc(&m->a, record_bytes() + sizeof(struct watch), 1);
    record_init(&m->r, base);
    struct record_header *h = m->r.header;
    h->state = RECORD_RUNNING;
    h->heap_rate_bytes = 4096;
    h->start_time_ns = 1000ULL * SECOND;
    h->exe = record_text_add(&m->r, "/bin/server", 11);
    m->w = (struct watch *)(void *)(base + record_bytes());
    watch_init(m->w, 7, 99);
    m->w->limit_bytes = 100 * MB;
    strcpy(m->w->limit_group, "/box");
    m->bytes = (struct str){(const char *)base, record_bytes() + sizeof(struct watch)};
    m->address = 4096;
}

// Blocks of a stack, told apart by its leaf; allocated at some second, under a set of labels.
static u32 allocate_under(struct made *m, u32 labels, u64 leaf, u64 bytes, u32 n, u32 second)
{
    u64 frame[] = {record_frame(leaf, 0), record_frame(0x1000, 0)};
    struct record_key key = {.kind = RECORD_HEAP, .flags = RECORD_COMPLETE, .labels = labels};
    struct record_stack *s = record_stack_find(&m->r, key, frame, 2);
    for (u32 i = 0; i < n; i++, m->address += 4096) {
        struct record_live live = {.size = bytes,
                                   .bytes = bytes,
                                   .stack = record_stack_offset(&m->r, s),
                                   .second = second};
        record_live_add(&m->r, m->address, &live);
        m->r.header->live_bytes += bytes;
    }
    s->amount += bytes * n;
    return record_stack_offset(&m->r, s);
}

static u32 allocate(struct made *m, u64 leaf, u64 bytes, u32 n, u32 second)
{
    return allocate_under(m, 0, leaf, bytes, n, second);
}

// A mapping by a stack, told apart by its leaf.
static void map(struct made *m, u64 leaf, u64 start, u64 bytes)
{
    u64 frame[] = {record_frame(leaf, 0), record_frame(0x1000, 0)};
    struct record_key key = {
        .kind = RECORD_MAP, .flags = RECORD_COMPLETE, .detail = RECORD_MAP_PRIVATE};
    struct record_stack *s = record_stack_find(&m->r, key, frame, 2);
    record_region_add(&m->r, (struct record_range){start, bytes}, record_stack_offset(&m->r, s), 1);
}

static void tick(struct made *m, u64 second, u64 charge)
{
    record_tick_add(&m->r, &(struct record_tick){.time_ns = second * SECOND + 1,
                                                 .live_bytes = m->r.header->live_bytes,
                                                 .cgroup_bytes = charge,
                                                 .limit_bytes = 100 * MB});
}

// An account with so much of the process's own memory, at some second.
static void look(struct made *m, u64 second, u64 live, u64 mapped, u64 file)
{
    struct watch_account row = {.time_ns = second * SECOND + 2,
                                .live_bytes = live,
                                .own_bytes = live + mapped,
                                .own_after_bytes = live + mapped};
    struct account_sources s = {.saw_all = true, .nprocess = 1};
    s.charge = (struct charge){.usage_bytes = live + mapped + file + MB,
                               .anon_bytes = live + mapped,
                               .file_bytes = file,
                               .kernel_bytes = MB};
    s.areas = (struct areas){.heap = {.own = live}, .live_bytes = live, .mapping = {.own = mapped}};
    row.charge = s.charge;
    row.account = account_build(&s);
    watch_add_account(m->w, &row);
    watch_add_look(m->w, &(struct watch_look){.time_ns = row.time_ns,
                                              .usage_bytes = s.charge.usage_bytes,
                                              .limit_bytes = 100 * MB,
                                              .anon_bytes = live + mapped,
                                              .file_bytes = file,
                                              .kernel_bytes = MB,
                                              .live_bytes = live,
                                              .own_bytes = live + mapped});
}

static void kill_at(struct made *m, u64 second, u64 oom_kills)
{
    m->r.header->death = (struct record_death){.time_ns = (1000 + second) * SECOND,
                                               .wait_status = 9,
                                               .cgroup_known = 1,
                                               .limit_bytes = 100 * MB,
                                               .peak_bytes = 100 * MB,
                                               .oom_kills = oom_kills,
                                               .cgroup = "/box"};
}

static bool open_made(struct oom *o, struct made *m)
{
    struct err e;
    return oom_open(o, m->bytes, false, &m->a, &e);
}

static i64 sum(const struct oom *o)
{
    i64 total = 0;
    for (int i = 0; i < ACCOUNT_LINES; i++)
        total += o->account.bytes[i];
    return total;
}

static bool has_fact(const struct verdict *v, const char *part)
{
    for (u32 i = 0; i < v->nfact; i++) {
        if (str_find(v->fact[i], str_of(part)) >= 0)
            return true;
    }
    return false;
}

// An hour and a half of a leak beside a cache that stays as it is.
static void test_leak(void)
{
    struct made m;
    struct oom o;
    make(&m);
    u32 cache = allocate(&m, 0xc000, MB / 2, 40, 5), leak = 0;
    for (u32 minute = 0; minute < 90; minute++) {
        leak = allocate(&m, 0x1ea0, 7 * MB / 10, 1, minute * 60);
        u64 live = m.r.header->live_bytes;
        tick(&m, minute * 60 + 30, live + 12 * MB);
        look(&m, minute * 60 + 30, live, 4 * MB, 7 * MB);
        struct watch_snapshot s = {.time_ns = (u64)(minute * 60 + 30) * SECOND, .nheld = 2};
        s.held[0].stack = cache;
        s.held[0].bytes = 20 * MB;
        s.held[1].stack = leak;
        s.held[1].bytes = live - 20 * MB;
        watch_add_snapshot(m.w, &s);
    }
    kill_at(&m, 90 * 60, 1);
    ok(open_made(&o, &m) && sum(&o) == 100 * MB, "a leak: the account is of the limit");
    struct verdict v = verdict_find(&o, &m.a);
    ok(v.end == VERDICT_GROUP_OOM && v.cause == CAUSE_HEAP && v.is_leak && !v.is_peak,
       "it is called a leak");
    ok(v.stack.bytes > 60 * MB && has_fact(&v, "steadily"), "the stack that grew holds most");
    i64 grown[2] = {0};
    for (u32 i = 0; i < o.heap.nsample; i++)
        grown[o.stack_of[i] == leak] = o.window[1].grown_bytes[i];
    ok(o.window[1].has_stacks && grown[0] == 0 && grown[1] > 6 * MB && grown[1] < 9 * MB,
       "in ten minutes the leak grew by %.1f MB, the cache by nothing", (double)grown[1] / MB);
    ok(o.window[2].line_bytes[ACCOUNT_HEAP] > 40 * MB && !o.window[2].is_whole &&
           o.window[3].is_whole,
       "in an hour the heap by %.1f MB", (double)o.window[2].line_bytes[ACCOUNT_HEAP] / MB);
    ok(v.limit_s > 3600 && v.limit_s < 3 * 3600, "a fresh start would reach the limit after %.1f h",
       v.limit_s / 3600);
    arena_free(&m.a);
}

// Quiet for an hour, then large blocks at once.
static void test_peak(void)
{
    struct made m;
    struct oom o;
    make(&m);
    allocate(&m, 0xa000, MB, 10, 1);
    for (u32 minute = 0; minute < 60; minute++) {
        tick(&m, minute * 60, 14 * MB);
        look(&m, minute * 60, 10 * MB, 2 * MB, MB);
    }
    allocate(&m, 0xb000, 10 * MB, 8, 3600);
    tick(&m, 3600, 60 * MB);
    kill_at(&m, 3601, 1);
    ok(open_made(&o, &m) && sum(&o) == 100 * MB, "a peak: the account is of the limit");
    struct verdict v = verdict_find(&o, &m.a);
    ok(o.account.bytes[ACCOUNT_HEAP] >= 90 * MB, "what came after the last look is heap (%.1f MB)",
       (double)o.account.bytes[ACCOUNT_HEAP] / MB);
    ok(v.cause == CAUSE_HEAP && v.is_peak && !v.is_leak && v.stack.blocks == 8,
       "it is called a peak");
    ok(v.needed_bytes > 95 * MB && v.needed_bytes < 120 * MB && has_fact(&v, "8 blocks of 10MB"),
       "and the limit is named that so many need");
    arena_free(&m.a);
}

// Uploads that grow for as long as the process lives: steadily, but they are requests.
static void test_requests(void)
{
    struct made m;
    struct oom o;
    struct oom_labels *l;
    char number[8] = "0";
    make(&m);
    for (u32 second = 0; second < 100; second++) {
        for (u32 i = 1; i <= 5; i++) {
            number[0] = (char)('0' + i);
            u32 route = record_label_add(&m.r, 0, "route", "/upload");
            u32 labels = record_label_add(&m.r, route, "upload", number);
            if (second % (6 - i) == 0)
                allocate_under(&m, labels, 0xa000 + i % 2, MB, 1, second);
        }
        tick(&m, second, m.r.header->live_bytes + 2 * MB);
        look(&m, second, m.r.header->live_bytes, MB, 0);
    }
    kill_at(&m, 100, 1);
    m.r.header->death.limit_bytes = 240 * MB;
    open_made(&o, &m);
    u32 n = oom_labels(&l, &o, &m.a);
    ok(n == 5 && str_equal(l[0].text, STR("route=/upload upload=5")) &&
           l[0].heap_bytes == 100 * MB && l[0].blocks == 100 && l[0].last_s == 99,
       "each request's bytes are known, the largest is the first");
    struct verdict v = verdict_find(&o, &m.a);
    ok(v.nrequest == 5 && v.request_bytes == 100 * MB && v.is_peak && !v.is_leak,
       "they grew steadily, but are a peak");
    ok(v.needed_bytes > 500 * MB && v.needed_bytes < 600 * MB &&
           has_fact(&v, "5 such requests of 100MB each"),
       "and the limit is named that so many of the largest need");
    struct oom_stack stack = oom_heaviest(&o, RECORD_PART_HEAP, &m.a);
    ok(stack.blocks == 100 + 34 + 20 && stack.bytes == 154 * MB,
       "a stack is one, whatever its labels (%llu blocks)", (unsigned long long)stack.blocks);
    arena_free(&m.a);
}

static i64 held_by(const struct oom *o, enum record_part part, u64 leaf)
{
    i64 bytes = 0;
    struct profile p = oom_part(o, part);
    for (u32 i = 0; i < p.nsample; i++) {
        if (p.location[p.frame[p.sample[i].frame]].address == leaf)
            bytes += profile_values(&p, i)[OOM_COLUMN];
    }
    return bytes;
}

// Two that mapped: one of them much that it does not use.
static void test_mappings(void)
{
    struct made m;
    struct oom o;
    make(&m);
    allocate(&m, 0xa000, MB, 5, 1);
    map(&m, 0xb000, 0x10000000, 512 * MB);
    map(&m, 0xc000, 0x70000000, 60 * MB);
    tick(&m, 1, 100 * MB);
    look(&m, 1, 5 * MB, 80 * MB, MB);
    m.w->extent[0] = (struct extent){0x10000000, 0x10000000 + 512 * MB, 20 * MB, {255}};
    kill_at(&m, 2, 1);
    open_made(&o, &m);
    i64 line = o.account.bytes[ACCOUNT_MAPPINGS];
    ok(held_by(&o, RECORD_PART_MAPPED, 0xb000) == 20 * MB &&
           held_by(&o, RECORD_PART_MAPPED, 0xc000) == 60 * MB && line >= 80 * MB,
       "what was not touched is not blamed");
    struct verdict v = verdict_find(&o, &m.a);
    ok(v.cause == CAUSE_MAPPINGS && v.part == RECORD_PART_MAPPED && v.stack.bytes == 60 * MB,
       "the stack that mapped most is named");
    struct profile p = oom_profile(&o, &m.a);
    i64 total = 0, with_stack = 0;
    for (u32 i = 0; i < p.nsample; i++) {
        total += p.value[i];
        with_stack += p.sample[i].nframe > 2 ? p.value[i] : 0;
    }
    ok(total == 100 * MB && with_stack == 85 * MB,
       "the profile has both stacks, and adds up to the charge");
    m.w->magic[0] = 0;
    m.r.header->allocator = (struct record_allocator){.time_ns = 1, .system_bytes = 9 * MB};
    open_made(&o, &m);
    ok(o.source == OOM_FROM_RECORD && o.account.bytes[ACCOUNT_MAPPINGS] > 80 * MB &&
           o.account.bytes[ACCOUNT_RETAINED] > 0 && sum(&o) == 100 * MB,
       "where nobody watched, the record itself tells of mappings and of the allocator");
    arena_free(&m.a);
}

// Started beside compilers, which shrink while it grows.
static void test_neighbours(void)
{
    struct made m;
    struct oom o;
    make(&m);
    struct account_sources s = {.saw_all = true, .nprocess = 9, .other_bytes = 60 * MB};
    s.charge = (struct charge){.usage_bytes = 62 * MB, .anon_bytes = 61 * MB, .kernel_bytes = MB};
    s.areas = (struct areas){.data = {.own = MB}};
    struct watch_account row = {
        .time_ns = SECOND, .own_bytes = MB, .own_after_bytes = MB, .charge = s.charge};
    row.account = account_build(&s);
    watch_add_account(m.w, &row);
    allocate(&m, 0xa000, MB, 20, 1);
    watch_add_look(m.w, &(struct watch_look){.time_ns = 2 * SECOND,
                                             .usage_bytes = 42 * MB,
                                             .anon_bytes = 41 * MB,
                                             .kernel_bytes = MB,
                                             .live_bytes = 20 * MB,
                                             .own_bytes = 21 * MB});
    kill_at(&m, 3, 0);
    open_made(&o, &m);
    ok(o.account.bytes[ACCOUNT_HEAP] == 20 * MB && o.account.bytes[ACCOUNT_OTHERS] == 20 * MB &&
           o.account.bytes[ACCOUNT_UNEXPLAINED] == 0 && sum(&o) == 42 * MB,
       "what the process grew by is told apart from what others shrank by");
    arena_free(&m.a);
}

static void test_sources(void)
{
    struct made m;
    struct oom o;
    make(&m);
    allocate(&m, 0xa000, MB, 10, 1);
    tick(&m, 1, 20 * MB);
    look(&m, 1, 10 * MB, 20 * MB, MB);
    look(&m, 2, 10 * MB, 40 * MB, MB);
    kill_at(&m, 3, 1);
    open_made(&o, &m);
    ok(o.source == OOM_FROM_WATCH && o.account.bytes[ACCOUNT_MAPPINGS] == (100 - 10 - 1 - 1) * MB &&
           o.account.bytes[ACCOUNT_UNEXPLAINED] == 0,
       "mappings went on growing as before");
    m.w->kernel = (struct watch_kernel){
        .is_known = 1,
        .usage_bytes = 100 * MB,
        .anon_bytes = 30 * MB,
        .other_bytes = 50 * MB,
        .nprocess = 3,
        .charge = {.anon_bytes = 80 * MB, .file_bytes = 5 * MB, .kernel_bytes = 10 * MB},
        .other = {{.pid = 9, .name = "sidecar", .anon_bytes = 50 * MB}}};
    open_made(&o, &m);
    struct verdict v = verdict_find(&o, &m.a);
    ok(o.source == OOM_FROM_KERNEL && o.account.bytes[ACCOUNT_OTHERS] == 50 * MB &&
           o.account.bytes[ACCOUNT_UNEXPLAINED] == 5 * MB && sum(&o) == 100 * MB,
       "the kernel's log is believed, and its gap shown");
    ok(v.cause == CAUSE_PROCESS && has_fact(&v, "sidecar"), "another process is named");
    kill_at(&m, 3, 0);
    m.w->kernel.is_known = 0;
    open_made(&o, &m);
    v = verdict_find(&o, &m.a);
    ok(v.end == VERDICT_SIGNAL && o.account.charge_bytes == 52 * MB,
       "without an OOM kill it was somebody's SIGKILL, and the last look counts");
    m.r.header->death = (struct record_death){.wait_status = -1};
    m.w->magic[0] = 0;
    tick(&m, 3, 99 * MB);
    open_made(&o, &m);
    v = verdict_find(&o, &m.a);
    ok(o.source == OOM_FROM_RECORD && v.end == VERDICT_LIKELY_OOM && sum(&o) == 99 * MB &&
           o.account.bytes[ACCOUNT_HEAP] == 10 * MB,
       "with the record alone: probably, and what is not heap is unexplained");
    arena_free(&m.a);
}

// All forms of one report.
static void test_forms(void)
{
    struct made m;
    struct oom o;
    struct err e;
    struct buf out;
    make(&m);
    allocate(&m, 0xa000, MB, 60, 1);
    tick(&m, 1, 20 * MB);
    look(&m, 1, 60 * MB, 20 * MB, MB);
    watch_add_mark(m.w,
                   &(struct watch_mark){.time_ns = SECOND, .kind = WATCH_THRESHOLD, .value = 85});
    kill_at(&m, 2, 1);
    open_made(&o, &m);
    o.path = STR("/tmp/a<b");
    struct verdict v = verdict_find(&o, &m.a);
    struct profile p = oom_profile(&o, &m.a);
    i64 total = 0;
    for (u32 i = 0; i < p.nsample; i++)
        total += p.value[i];
    ok(p.ntype == 1 && total == 100 * MB, "the profile's sum is the charge");
    buf_init(&out, MIB(16));
    oom_summary(&out, &o, &v, 300, &m.a);
    ok(out.len <= 300 && out.len > 200, "a summary is as long as it may be");
    out.len = 0;
    oom_json_line(&out, &o, &v, &m.a);
    ok(out.data[out.len - 1] == '\n' && memchr(out.data, '\n', out.len) == out.data + out.len - 1,
       "an event is one line");
    out.len = 0;
    ok(oom_html(&out, &o, &v, &m.a, &e) && str_find(buf_str(&out), STR("/tmp/a&lt;b")) > 0 &&
           str_find(buf_str(&out), STR("/tmp/a<b")) < 0,
       "a page escapes what it shows");
    out.len = 0;
    oom_text(&out, &o, &v, &m.a);
    ok(str_find(buf_str(&out), STR("passed 85% of the limit")) > 0, "the text tells of events");
    buf_free(&out);
    arena_free(&m.a);
}

int main(void)
{
    test_leak();
    test_peak();
    test_requests();
    test_mappings();
    test_neighbours();
    test_sources();
    test_forms();
    return done();
}
