#include "oom/observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "oom/kernel_log.h"
#include "oom/known.h"
#include "record/copying.h"
#include "record/folder.h"

enum {
    ATTACH_MS = 100,
    FIRST_ATTACH_MS = 10, // while a program starts
    FIRST_TRIES = 100,
    REST_MS = 1000,       // between steps when somebody wakes us
    UNWOKEN_REST_MS = 50, // when nobody does, and there is a limit
    LOOK_MS = 1000,
    NEAR_LOOK_MS = 10,
    NEAR_PERCENT = 85, // of the limit
    SOON_S = 10,       // to the limit: that is to be marked
    LATER_S = 30,      // and is no longer the case
    ETA_PARTS = 16,    // of the time that is left
    ACCOUNT_S = 60,
    COST_FACTOR = 15, // an account at most costs this part of the time
    REST_COST_FACTOR = 1000,
    UNSOUND_PART = 20, // of the charge, that may be unexplained
};

static u64 mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static u64 since_start(const struct observer *o, u64 now_ns)
{
    return now_ns > o->start_mono_ns ? now_ns - o->start_mono_ns + 1 : 1;
}

static bool is_replaced(const struct observer *o)
{
    struct stat st;
    char record[sizeof(o->path)];
    size_t n = strlen(o->path) + 1 - sizeof(FOLDER_WATCH);
    snprintf(record, sizeof(record), "%.*s", (int)n, o->path);
    return stat(record, &st) == 0 && st.st_ino != o->inode;
}

// The record's header as it is now.
static const struct record_header *live_header(const struct observer *o)
{
    return (const struct record_header *)(const void *)o->map;
}

static u64 live_bytes(const struct observer *o)
{
    return __atomic_load_n(&live_header(o)->live_bytes, __ATOMIC_RELAXED);
}

static u64 read_usage(const struct observer *o)
{
    char text[32];
    ssize_t n = o->usage_fd < 0 ? -1 : pread(o->usage_fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = 0;
    return strtoull(text, NULL, 10);
}

static void mark(struct observer *o, enum watch_mark_kind kind, u32 value, u64 now_ns)
{
    struct watch_mark m = {.time_ns = since_start(o, now_ns) + o->nmark % WATCH_MARKS,
                           .kind = kind,
                           .value = value,
                           .usage_bytes = o->step_usage_bytes};
    watch_add_mark(o->watch, &m);
    o->nmark++;
}

static void mark_events(struct observer *o, const struct cgroup_events *before, u64 now_ns)
{
    const struct cgroup_events *now = &o->state.events;
    if (now->high > before->high)
        mark(o, WATCH_EVENT_HIGH, (u32)(now->high - before->high), now_ns);
    if (now->max > before->max)
        mark(o, WATCH_EVENT_MAX, (u32)(now->max - before->max), now_ns);
    if (now->oom > before->oom || now->oom_kills > before->oom_kills)
        mark(o, WATCH_EVENT_OOM, (u32)(now->oom_kills - before->oom_kills), now_ns);
}

// Where files fill the group up to its limit, as they do sooner or later, the charge stands still
// while the rest grows: so what cannot be dropped is looked at for itself.  Near the limit that is
// often, and less and less so as long as nothing happens.
static void plan_next_look(struct observer *o, const struct charge *c, u64 now_ns)
{
    u64 locked = c->locked_bytes < c->file_bytes ? c->locked_bytes : c->file_bytes;
    u64 hard = c->anon_bytes + c->shmem_bytes + c->kernel_bytes + c->socket_bytes + locked;
    u64 passed_ns = now_ns - o->look_ns;
    bool is_first = o->look_ns == 0;
    if (!is_first && passed_ns < NEAR_LOOK_MS * 1000000ULL / 2)
        return;
    u64 grown = !is_first && hard > o->hard_bytes ? hard - o->hard_bytes : 0;
    o->hard_rate_bytes_s = (u64)((double)grown * 1e9 / (double)passed_ns);
    if (o->step_usage_bytes < o->state.limit_bytes / 100 * NEAR_PERCENT)
        o->look_wait_ms = LOOK_MS;
    else if (grown > o->state.limit_bytes / 1000 || o->look_wait_ms == 0)
        o->look_wait_ms = NEAR_LOOK_MS;
    else
        o->look_wait_ms = 2 * o->look_wait_ms < LOOK_MS ? 2 * o->look_wait_ms : LOOK_MS;
    o->hard_bytes = hard;
}

static void look(struct observer *o, u64 now_ns)
{
    struct cgroup_state s;
    struct charge c = {0};
    if (o->usage_fd >= 0 && cgroup_read(&s, &o->group)) {
        struct cgroup_events before = o->look_ns ? o->state.events : s.events;
        o->state = s;
        o->watch->limit_bytes = s.limit_bytes;
        mark_events(o, &before, now_ns);
        charge_read(&c, &o->limiting);
    }
    struct watch_look l = {.time_ns = since_start(o, now_ns),
                           .usage_bytes = c.usage_bytes,
                           .limit_bytes = o->state.limit_bytes,
                           .anon_bytes = c.anon_bytes,
                           .file_bytes = c.file_bytes,
                           .shmem_bytes = c.shmem_bytes,
                           .kernel_bytes = c.kernel_bytes + c.socket_bytes,
                           .mapped_bytes = c.mapped_bytes,
                           .dirty_bytes = c.dirty_bytes,
                           .locked_bytes = c.locked_bytes,
                           .live_bytes = live_bytes(o),
                           .max_events = o->state.events.max,
                           .oom_kills = o->state.events.oom_kills,
                           .stall_us = o->state.stall_us};
    if (process_anon(&l.own_bytes, "/proc", o->pid)) {
        watch_add_look(o->watch, &l);
        o->own_bytes = l.own_bytes;
    }
    plan_next_look(o, &c, now_ns);
    o->look_ns = now_ns;
}

static u32 gather_blocks(struct observer *o)
{
    u32 n = 0, rows = o->view.header.section[RECORD_LIVE_KEY].nrow * RECORD_BUCKET_KEYS;
    for (u32 row = 0; row < rows && n < OBSERVER_BLOCKS; row++) {
        u64 address = o->view.bucket[row / RECORD_BUCKET_KEYS].address[row % RECORD_BUCKET_KEYS];
        if (address > 1)
            o->block[n++] =
                (struct observer_block){address, o->view.live[row].bytes, o->view.live[row].stack};
    }
    return n;
}

static int by_stack(const void *a, const void *b)
{
    const struct observer_block *l = a, *r = b;
    return (l->stack > r->stack) - (l->stack < r->stack);
}

static int by_bytes(const void *a, const void *b)
{
    const struct observer_block *l = a, *r = b;
    return (l->bytes < r->bytes) - (l->bytes > r->bytes);
}

// The stacks that hold most: sums, in place, in the rows of the blocks.
static void take_snapshot(struct observer *o, u32 nblock, u64 now_ns)
{
    struct watch_snapshot s = {.time_ns = since_start(o, now_ns)};
    u32 n = 0;
    qsort(o->block, nblock, sizeof(*o->block), by_stack);
    for (u32 i = 0; i < nblock; i++) {
        if (n && o->block[n - 1].stack == o->block[i].stack)
            o->block[n - 1].bytes += o->block[i].bytes;
        else
            o->block[n++] = o->block[i];
    }
    qsort(o->block, n, sizeof(*o->block), by_bytes);
    s.nheld = n < WATCH_HELD ? n : WATCH_HELD;
    for (u32 i = 0; i < s.nheld; i++) {
        s.held[i].stack = o->block[i].stack;
        s.held[i].bytes = o->block[i].bytes;
    }
    watch_add_snapshot(o->watch, &s);
    o->snapshot_ns = now_ns;
}

static bool read_areas(struct observer *o, struct areas *out, u32 nblock)
{
    struct areas_block *packed = (struct areas_block *)(void *)o->block;
    // Addresses with bytes are what areas_read() wants; what belongs to which stack is read again.
    for (u32 i = 0; i < nblock; i++)
        packed[i] = (struct areas_block){o->block[i].address, o->block[i].bytes};
    o->view.header.nregion = live_header(o)->nregion;
    return known_read_areas(out, o->pid, o->start_ticks, packed, nblock,
                            (struct known_ranges){o->range, OBSERVER_RANGES}, &o->view);
}

// Whether the watcher's own shared memory is charged to the group as well.
static bool is_in_group(const struct observer *o)
{
    struct cgroup own;
    size_t n = strlen(o->limiting.group);
    return cgroup_of(&own, "/proc", (u32)getpid()) &&
           strncmp(own.group, o->limiting.group, n) == 0 &&
           (own.group[n] == 0 || own.group[n] == '/' || n == 1);
}

// Whether the account is of a process that is not just being taken down: its pages then vanish one
// by one while they are counted.
static bool is_sound(struct observer *o, const struct account *a)
{
    struct cgroup_state s;
    i64 lost = a->bytes[ACCOUNT_UNEXPLAINED], most = (i64)(a->charge_bytes / UNSOUND_PART);
    if (cgroup_read(&s, &o->group) && s.oom_kills > o->state.oom_kills)
        return false;
    bool is_odd = lost > most || lost < -most;
    bool accepts = !is_odd || o->was_odd;
    o->was_odd = is_odd; // once more, and it is how things are
    return accepts;
}

static void take_account(struct observer *o, u64 now_ns)
{
    struct account_sources s = {.watcher_bytes = is_in_group(o) ? sizeof(struct watch) : 0};
    struct watch_account row = {
        .time_ns = since_start(o, now_ns), .live_bytes = live_bytes(o), .own_bytes = o->own_bytes};
    u64 cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    u32 nblock = gather_blocks(o);
    o->account_ns = now_ns;
    o->account_usage_bytes = o->step_usage_bytes;
    o->account_hard_bytes = o->hard_bytes;
    o->account_own_bytes = o->own_bytes;
    account_look(&s, "/proc", &o->limiting, o->pid);
    if (read_areas(o, &s.areas, nblock) && charge_read(&s.charge, &o->limiting) &&
        process_anon(&row.own_after_bytes, "/proc", o->pid)) {
        row.charge = s.charge;
        row.account = account_build(&s);
        extent_look(s.areas.extent, "/proc", o->pid);
        if (is_sound(o, &row.account)) {
            watch_add_account(o->watch, &row);
            memcpy(o->watch->extent, s.areas.extent, sizeof(o->watch->extent));
        }
    }
    if (o->snapshot_ns == 0 || now_ns - o->snapshot_ns >= (u64)ACCOUNT_S * 1000000000)
        take_snapshot(o, gather_blocks(o), now_ns);
    o->account_cost_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
}

static u64 distance(u64 a, u64 b)
{
    return a > b ? a - b : b - a;
}

// Whether the charge, or what of it cannot be dropped, has moved so far since the last account that
// it is no longer the truth: by a thirtieth of the limit, near it by a hundredth.  Or the process
// alone has, in a group that is large beside it.
static bool has_moved(const struct observer *o)
{
    u64 limit = o->state.limit_bytes ? o->state.limit_bytes : o->account_usage_bytes * 2;
    u64 most = limit / (o->step_usage_bytes > limit / 10 * 9 ? 100 : 30);
    return distance(o->step_usage_bytes, o->account_usage_bytes) > most ||
           distance(o->hard_bytes, o->account_hard_bytes) > most ||
           distance(o->own_bytes, o->account_own_bytes) > o->account_own_bytes / 8 + MIB(1);
}

static u64 time_to(u64 limit, u64 bytes, u64 rate_bytes_s)
{
    if (limit == 0 || rate_bytes_s == 0)
        return UINT64_MAX;
    return (u64)((double)(limit > bytes ? limit - bytes : 0) / (double)rate_bytes_s * 1000);
}

// Milliseconds to the limit at the present rate.
static u64 eta_ms(const struct observer *o)
{
    u64 limit = o->state.limit_bytes;
    u64 all = time_to(limit, o->step_usage_bytes, o->rate_bytes_s);
    u64 hard = time_to(limit, o->hard_bytes, o->hard_rate_bytes_s);
    return all < hard ? all : hard;
}

// Far from the limit accounts may take a thousandth of the time, near it more.
static bool account_is_due(const struct observer *o, u64 now_ns)
{
    u64 passed_ns = now_ns - o->account_ns, limit = o->state.limit_bytes;
    bool is_near = limit && (o->step_usage_bytes > limit / 4 * 3 || eta_ms(o) < SOON_S * 1000);
    u64 least_ns = (is_near ? COST_FACTOR : REST_COST_FACTOR) * o->account_cost_ns;
    return o->account_ns == 0 ||
           (passed_ns >= least_ns && (has_moved(o) || passed_ns >= (u64)ACCOUNT_S * 1000000000));
}

static void check_thresholds(struct observer *o, u64 now_ns)
{
    u32 passed = copying_pass(&o->passed, o->step_usage_bytes, o->state.limit_bytes);
    for (u32 i = 0; i < COPYING_THRESHOLDS; i++) {
        if (passed & 1U << i)
            mark(o, WATCH_THRESHOLD, copying_threshold[i], now_ns);
    }
}

static void check_projection(struct observer *o, u64 now_ns)
{
    u64 eta = eta_ms(o);
    if (!o->is_projected && eta < SOON_S * 1000) {
        o->is_projected = true;
        mark(o, WATCH_PROJECTED, (u32)eta, now_ns);
    } else if (o->is_projected && eta > LATER_S * 1000) {
        o->is_projected = false;
    }
}

static void measure_rate(struct observer *o, u64 now_ns)
{
    u64 usage = read_usage(o), passed_ns = now_ns - o->step_ns;
    if (passed_ns < 500000 && o->step_ns)
        return;
    u64 rate = o->step_ns && usage > o->step_usage_bytes
                   ? (u64)((double)(usage - o->step_usage_bytes) * 1e9 / (double)passed_ns)
                   : 0;
    // Falls slowly, so that a pause between two bursts is not taken for rest.
    o->rate_bytes_s = rate > o->rate_bytes_s ? rate : (3 * o->rate_bytes_s + rate) / 4;
    o->step_ns = now_ns;
    o->step_usage_bytes = usage;
}

static void drain(const struct observer *o)
{
    u64 count;
    if (o->wake_fd >= 0 && !o->is_urgent &&
        read(o->wake_fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        return;
}

u32 observer_step(struct observer *o)
{
    u64 now_ns = mono_ns();
    if (!o->map && !observer_attach(o))
        return o->ntry++ < FIRST_TRIES ? FIRST_ATTACH_MS : ATTACH_MS;
    if (!o->watch)
        return REST_MS;
    u32 nmark = o->nmark;
    drain(o);
    measure_rate(o, now_ns);
    bool is_woken = (o->wake_fd >= 0 && !o->is_urgent) || o->state.limit_bytes == 0;
    u64 eta = eta_ms(o), rest = is_woken ? REST_MS : UNWOKEN_REST_MS;
    bool is_near = eta < 2 * LOOK_MS || has_moved(o);
    if (o->look_ns == 0 || is_near || now_ns - o->look_ns >= o->look_wait_ms * 1000000ULL) {
        look(o, now_ns);
        if (is_replaced(o)) {
            observer_end(o);
            return 1;
        }
    }
    check_thresholds(o, now_ns);
    check_projection(o, now_ns);
    if (o->nmark != nmark)
        o->snapshot_ns = o->account_ns = 0; // all that is known, now
    if (account_is_due(o, now_ns))
        take_account(o, now_ns);
    eta = eta / ETA_PARTS;
    rest = o->look_wait_ms < rest ? o->look_wait_ms : rest;
    return (u32)(eta < 1 ? 1 : eta < rest ? eta : rest);
}

void observer_mark(struct observer *o, enum watch_mark_kind kind)
{
    if (!o->watch)
        return;
    u64 now_ns = mono_ns();
    measure_rate(o, now_ns);
    mark(o, kind, 0, now_ns);
    look(o, now_ns);
    take_account(o, now_ns);
}

void observer_death(struct observer *o)
{
    if (!o->watch)
        return;
    struct cgroup_state s;
    if (cgroup_read(&s, &o->group)) {
        struct cgroup_events before = o->state.events;
        o->state = s;
        mark_events(o, &before, mono_ns());
    }
    kernel_log_find(&o->watch->kernel, o->pid, o->group.is_v2);
}
