// A leak or a peak.  A leak is a heap that grew during much of the process's life, without falling.
// A peak is concurrency times size: then it can be said what so many need.
#include "oom/verdict.h"

enum {
    LEAST_PEAK_BLOCK = 1 << 20,
    STEADY_PERCENT = 40, // of the process's life, during which it grew
    SLICES = 8,
    STEADY_S = 120, // or so long, without falling much in between
    SPARE_PERCENT = 10,
    ACTIVE_PERCENT = 10, // of the life: who allocated in this last part of it is at work
    ACTIVE_S = 2,        // or in so long
    LEAST_SHARE = 8      // of the largest request: what holds less is not one of them
};

// When the live heap had reached a part of what it held at the end; 0: not known.
static u64 time_of_part(const struct oom *o, double part)
{
    u64 wanted = (u64)((double)o->live_bytes * part);
    for (u32 i = o->ntick; i > 0; i--) {
        if (o->tick[i - 1].live_bytes < wanted)
            return i < o->ntick ? o->tick[i].time_ns : o->end_ns;
    }
    return o->ntick ? o->tick[0].time_ns : 0;
}

static u64 live_at(const struct oom *o, u64 time_ns)
{
    u64 live = 0;
    for (u32 i = 0; i < o->ntick && o->tick[i].time_ns <= time_ns; i++)
        live = o->tick[i].live_bytes;
    return live;
}

// Whether no part of a time saw most of the growth.
static bool grew_evenly(const struct oom *o, u64 from_ns, u64 to_ns)
{
    u64 most = 0, part_ns = (to_ns - from_ns) / SLICES;
    for (u64 i = 0; i < SLICES; i++) {
        u64 before = live_at(o, from_ns + i * part_ns),
            after = live_at(o, from_ns + (i + 1) * part_ns);
        if (after > before && after - before > most)
            most = after - before;
    }
    u64 before = live_at(o, from_ns), after = live_at(o, to_ns);
    return after > before && most <= (after - before) / 2;
}

static bool fell(const struct oom *o, u64 from_ns)
{
    u64 most = 0;
    for (u32 i = 0; i < o->ntick; i++) {
        if (o->tick[i].time_ns < from_ns)
            continue;
        if (o->tick[i].live_bytes < most / 5 * 4)
            return true;
        most = o->tick[i].live_bytes > most ? o->tick[i].live_bytes : most;
    }
    return false;
}

// Whether the heap grew for a long time, and did not fall in between.
static bool grew_steadily(const struct oom *o)
{
    u64 from = time_of_part(o, 0.1), to = time_of_part(o, 0.9);
    u64 life_ns = time_of_part(o, 0.98); // at the limit all becomes slow, which is no growth
    u64 grew_ns = to > from ? to - from : 0;
    bool is_long = grew_ns >= life_ns / 100 * STEADY_PERCENT || grew_ns >= STEADY_S * 1000000000ULL;
    return is_long && grew_evenly(o, from, to) && !fell(o, from);
}

// When the newest live block was allocated: at the limit all may hang for a while before the end.
static u32 newest_s(const struct oom *o)
{
    u32 newest = 0;
    for (u32 i = 0; i < o->nblock; i++)
        newest = o->block[i].live.second > newest ? o->block[i].live.second : newest;
    return newest;
}

// Whether somebody under these labels was still allocating.
static bool is_active(const struct oom_labels *l, u32 newest)
{
    u32 lately = newest / (100 / ACTIVE_PERCENT);
    return l->last_s + (lately > ACTIVE_S ? lately : ACTIVE_S) >= newest;
}

// Requests at work: what has labels and holds memory in large blocks, several of them at once.
// Their number and size are set only when they hold most of the heap.
static void find_requests(struct verdict *v, const struct oom *o, struct oom_labels *largest,
                          struct arena *a)
{
    struct oom_labels *l;
    u32 n = oom_labels(&l, o, a), nrequest = 0, newest = newest_s(o);
    i64 sum = 0, most = n ? l[0].heap_bytes : 0;
    u64 blocks = 0;
    for (u32 i = 0; i < n; i++) {
        if (!is_active(&l[i], newest) || l[i].heap_bytes < most / LEAST_SHARE)
            continue;
        if (nrequest++ == 0)
            *largest = l[i];
        sum += l[i].heap_bytes;
        blocks += l[i].blocks;
    }
    if (nrequest < 2 || sum < o->live_bytes / 2 || (u64)sum < blocks * LEAST_PEAK_BLOCK)
        return;
    v->nrequest = nrequest;
    v->request_bytes = largest->heap_bytes;
}

static void judge_requests(struct verdict *v, const struct oom *o, const struct oom_labels *largest,
                           struct arena *a)
{
    i64 all = (i64)v->nrequest * v->request_bytes;
    i64 base = (i64)o->account.charge_bytes - o->account.bytes[ACCOUNT_HEAP];
    v->needed_bytes =
        (base + (all > o->live_bytes ? all : o->live_bytes)) / 100 * (100 + SPARE_PERCENT);
    verdict_add_fact(
        v, a, "a peak: %u requests at once, by their labels, the largest (%.*s) holds %.*s",
        v->nrequest, STR_ARG(largest->text), STR_ARG(verdict_bytes(v->request_bytes, a)));
    verdict_add_fact(v, a,
                     "%u such requests of %.*s each, beside %.*s of other memory, need a limit of "
                     "%.*s; of larger ones, or more at once, more",
                     v->nrequest, STR_ARG(verdict_bytes(v->request_bytes, a)),
                     STR_ARG(verdict_bytes(base, a)), STR_ARG(verdict_bytes(v->needed_bytes, a)));
}

static void judge_leak(struct verdict *v, struct arena *a)
{
    verdict_add_fact(v, a, "it grew steadily, by %.*s a minute: a leak, or a cache without a bound",
                     STR_ARG(verdict_bytes(i64_of(v->rate_bytes_s * 60), a)));
    verdict_add_fact(
        v, a,
        "at that rate a fresh start reaches this limit after %.*s, and twice the limit "
        "after twice that",
        STR_ARG(verdict_time(v->limit_s, a)));
}

static void judge_blocks(struct verdict *v, const struct oom *o, u64 average, struct arena *a)
{
    i64 base = (i64)o->account.charge_bytes - o->account.bytes[ACCOUNT_HEAP];
    v->needed_bytes = (base + o->live_bytes) / 100 * (100 + SPARE_PERCENT);
    verdict_add_fact(
        v, a,
        "a peak: %llu blocks of %.*s each at once, beside %.*s of other memory; so many need a "
        "limit of %.*s",
        (unsigned long long)v->stack.blocks, STR_ARG(verdict_bytes((i64)average, a)),
        STR_ARG(verdict_bytes(base, a)), STR_ARG(verdict_bytes(v->needed_bytes, a)));
}

void verdict_judge(struct verdict *v, const struct oom *o, struct arena *a)
{
    struct oom_labels largest = {0};
    u64 average = v->stack.blocks ? (u64)v->stack.bytes / v->stack.blocks : 0;
    if (v->cause == CAUSE_HEAP)
        find_requests(v, o, &largest, a);
    v->is_leak = v->cause == CAUSE_HEAP && v->nrequest == 0 && grew_steadily(o);
    v->is_peak = !v->is_leak;
    if (v->nrequest)
        judge_requests(v, o, &largest, a);
    else if (v->is_leak)
        judge_leak(v, a);
    else if (average >= LEAST_PEAK_BLOCK && v->cause == CAUSE_HEAP)
        judge_blocks(v, o, average, a);
    else
        verdict_add_fact(v, a, "it came within a short time: a peak rather than a leak");
}
