// The events of a perf.data file: struct perf_event_attr, and how perf calls what it asks for.
#include <errno.h>

#include "profile/perf_file.h"

// Bits of the flags behind read_format, from the least significant one on; on big-endian machines
// from the most significant one.
enum { FLAG_INHERIT = 1, FLAG_FREQ = 10, FLAG_SAMPLE_ID_ALL = 18 };

static bool has_flag(u64 flags, u32 bit, bool is_big_endian)
{
    return flags >> (is_big_endian ? 63 - bit : bit) & 1;
}

// Fields behind those of the first version may be missing, and are 0 then.
static struct perf_event decode(struct cursor attr, bool *bad)
{
    struct perf_event ev = {.type = cursor_u32(&attr)};
    cursor_skip(&attr, 4); // its size
    ev.config = cursor_u64(&attr);
    ev.period = cursor_u64(&attr);
    ev.sample_type = cursor_u64(&attr);
    ev.read_format = cursor_u64(&attr);
    u64 flags = cursor_u64(&attr);
    *bad = attr.bad;
    ev.has_trailers = has_flag(flags, FLAG_SAMPLE_ID_ALL, cursor_is_big_endian(&attr));
    ev.is_inherited = has_flag(flags, FLAG_INHERIT, cursor_is_big_endian(&attr));
    if (has_flag(flags, FLAG_FREQ, cursor_is_big_endian(&attr)) || ev.period > INT64_MAX)
        ev.period = 0;
    cursor_skip(&attr, 24); // wakeup_events, bp_type, config1, config2
    ev.branch_type = cursor_u64(&attr);
    ev.regs_user = cursor_u64(&attr);
    cursor_skip(&attr, 8); // sample_stack_user, clockid
    ev.regs_intr = cursor_u64(&attr);
    return ev;
}

bool perf_attr_read(struct perf_file *f, struct cursor attr, struct cursor ids, struct err *e)
{
    bool bad;
    struct perf_event ev = decode(attr, &bad);
    if (bad)
        return err_set(e, EBADMSG, "perf.data: an event's description is cut short");
    while (cursor_left(&ids) >= 8) {
        u64 id = cursor_u64(&ids);
        u32 row = table_add(&f->ids, (struct str){(char *)&id, sizeof(id)});
        if (row == f->nid)
            arena_push(f->arena, f->event_of_id, f->nid, f->id_cap);
        f->event_of_id[row] = f->nevent;
        // Each may be read once: events that share their ids would take time without end.
        if (f->nid_read++ > cursor_left(&f->all) / 8)
            return err_set(e, EBADMSG, "perf.data: its events share their ids");
    }
    *arena_push(f->arena, f->event, f->nevent, f->event_cap) = ev;
    return true;
}

static const char *const hardware[] = {"cycles",
                                       "instructions",
                                       "cache-references",
                                       "cache-misses",
                                       "branches",
                                       "branch-misses",
                                       "bus-cycles",
                                       "stalled-cycles-frontend",
                                       "stalled-cycles-backend",
                                       "ref-cycles"};

static const char *const software[] = {
    "cpu-clock",        "task-clock",   "page-faults",  "context-switches",
    "cpu-migrations",   "minor-faults", "major-faults", "alignment-faults",
    "emulation-faults", "dummy",        "bpf-output",   "cgroup-switches"};

static const char *const cache[] = {"L1-dcache", "L1-icache", "LLC", "dTLB",
                                    "iTLB",      "branch",    "node"};
static const char *const cache_use[][2] = {
    {"loads", "load-misses"}, {"stores", "store-misses"}, {"prefetches", "prefetch-misses"}};

static struct str cache_name(u64 config, u32 row, struct arena *a)
{
    u64 which = config & 0xff, use = config >> 8 & 0xff, missed = config >> 16 & 0xff;
    if (which >= ARRAY_LEN(cache) || use >= ARRAY_LEN(cache_use) || missed > 1)
        return arena_printf(a, "event_%u", row);
    return arena_printf(a, "%s-%s", cache[which], cache_use[use][missed]);
}

struct str perf_event_name(const struct perf_event *ev, u32 row, struct arena *a)
{
    u32 config = (u32)ev->config; // above it is the kind of core, on machines with several
    unsigned long long whole = ev->config;
    if (ev->name.len)
        return ev->name;
    if (ev->type == PERF_TYPE_HARDWARE && config < ARRAY_LEN(hardware))
        return str_of(hardware[config]);
    if (ev->type == PERF_TYPE_SOFTWARE && config < ARRAY_LEN(software))
        return str_of(software[config]);
    if (ev->type == PERF_TYPE_HW_CACHE)
        return cache_name(config, row, a);
    if (ev->type == PERF_TYPE_TRACEPOINT)
        return arena_printf(a, "tracepoint:%llu", whole);
    if (ev->type == PERF_TYPE_RAW)
        return arena_printf(a, "r%llx", whole);
    return arena_printf(a, "event_%u", row);
}
