#include "oom/oom.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "record/folder.h"

enum { FILE_LIMIT_MIB = 1024 };

#define AFTERMATH_NS 3000000000ULL

static const u64 window_s[OOM_WINDOWS] = {60, 600, 3600, UINT32_MAX};

const enum account_line oom_line_of[RECORD_PARTS] = {
    [RECORD_PART_HEAP] = ACCOUNT_HEAP,
    [RECORD_PART_MAPPED] = ACCOUNT_MAPPINGS,
    [RECORD_PART_SHARED] = ACCOUNT_TMPFS,
    [RECORD_PART_PEAK] = ACCOUNT_HEAP,
};

i64 oom_part_bytes(const struct oom *o, enum record_part part)
{
    i64 bytes = 0;
    for (u32 i = oom_part_first(o, part); i < o->end[part]; i++)
        bytes += profile_values(&o->all, i)[OOM_COLUMN];
    return bytes;
}

struct profile oom_part(const struct oom *o, enum record_part part)
{
    struct profile p = o->all;
    u32 first = oom_part_first(o, part);
    p.sample += first;
    p.value += (size_t)first * p.ntype;
    p.nsample = o->end[part] - first;
    return p;
}

// The moment that is told about: the death, or the last sign of life.
static u64 find_end(const struct oom *o)
{
    const struct record_header *h = &o->v.header;
    u64 end_ns = o->ntick ? o->tick[o->ntick - 1].time_ns : 1;
    if (o->nlook && o->look[o->nlook - 1].time_ns > end_ns)
        end_ns = o->look[o->nlook - 1].time_ns;
    if (h->death.time_ns > h->start_time_ns)
        end_ns = h->death.time_ns - h->start_time_ns;
    return end_ns;
}

static void find_limit(struct oom *o)
{
    const struct record_death *d = &o->v.header.death;
    const struct record_tick *t = o->ntick ? &o->tick[o->ntick - 1] : NULL;
    o->limit_bytes = t ? t->limit_bytes : 0;
    o->peak_bytes = d->peak_bytes;
    if (o->watch) {
        o->limit_bytes = o->watch->limit_bytes;
        o->limit_group = str_of(o->watch->limit_group);
    }
    if (d->cgroup_known) {
        o->limit_bytes = d->limit_bytes;
        o->limit_group = str_of(o->v.header.death.cgroup);
    }
    if (o->peak_bytes > 0)
        return;
    for (u32 i = 0; i < o->nlook; i++)
        o->peak_bytes =
            o->look[i].usage_bytes > o->peak_bytes ? o->look[i].usage_bytes : o->peak_bytes;
}

static bool may_be_oom_kill(const struct oom *o)
{
    int status = o->v.header.death.wait_status;
    return !o->is_alive && o->v.header.state != RECORD_EXITED &&
           (status < 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

// OOM kills that were counted some seconds before the end: not this process's.
static u64 kills_before(const struct oom *o)
{
    u64 kills = o->watch->at_start.oom_kills, end_ns = o->look[o->nlook - 1].time_ns;
    for (u32 i = 0; i < o->nlook && o->look[i].time_ns + AFTERMATH_NS < end_ns; i++)
        kills = o->look[i].oom_kills;
    return kills;
}

// What was looked at after the kill is of those who are left.
static void leave_out_aftermath(struct oom *o)
{
    if (!may_be_oom_kill(o))
        return;
    o->saw_oom_kill = o->v.header.death.oom_kills || (o->watch && o->watch->kernel.is_known);
    if (o->nlook == 0 || !o->watch)
        return;
    u64 kills = kills_before(o);
    o->saw_oom_kill |= o->look[o->nlook - 1].oom_kills > kills;
    while (o->nlook && o->look[o->nlook - 1].oom_kills > kills)
        o->nlook--;
}

// The account that is nearest to a time, and not the last one; NULL when there is none.
static const struct watch_account *account_at(const struct oom *o, u64 time_ns)
{
    const struct watch_account *best = NULL;
    for (u32 i = 0; i + 1 < o->nseen; i++) {
        if (!best || o->seen[i].time_ns <= time_ns)
            best = &o->seen[i];
    }
    return best;
}

static const struct watch_snapshot *snapshot_at(const struct oom *o, u64 time_ns)
{
    const struct watch_snapshot *best = NULL;
    for (u32 i = 0; i < o->nsnapshot; i++) {
        if (o->snapshot[i].time_ns <= time_ns)
            best = &o->snapshot[i];
    }
    return best;
}

static i64 held_then(const struct watch_snapshot *s, u32 stack)
{
    for (u32 i = 0; s && i < s->nheld; i++) {
        if (s->held[i].stack == stack)
            return (i64)s->held[i].bytes;
    }
    return 0;
}

// Live bytes by stack that were allocated in a window.
static void add_young(struct oom *o, struct oom_window *w, u64 from_s, struct arena *a)
{
    u32 nword = o->v.header.section[RECORD_STACK_WORD].nrow;
    i64 *young = arena_new(a, i64, nword);
    for (u32 i = 0; i < o->nblock; i++) {
        const struct record_live *l = &o->block[i].live;
        if (l->stack < nword && l->second >= from_s)
            young[l->stack] += (i64)l->bytes;
    }
    for (u32 i = 0; i < o->heap.nsample; i++)
        w->grown_bytes[i] = young[o->stack_of[i]];
}

static void measure_stacks(struct oom *o, struct oom_window *w, u64 from_ns, struct arena *a)
{
    const struct watch_snapshot *s = snapshot_at(o, from_ns);
    w->has_stacks = w->is_whole || s;
    for (u32 i = 0; i < o->heap.nsample && w->has_stacks; i++)
        w->grown_bytes[i] = profile_values(&o->heap, i)[OOM_COLUMN] -
                            (w->is_whole ? 0 : held_then(s, o->stack_of[i]));
    if (!w->has_stacks)
        add_young(o, w, from_ns / 1000000000, a);
}

static void measure_lines(struct oom *o, struct oom_window *w, u64 from_ns)
{
    const struct watch_account *before = account_at(o, from_ns);
    w->has_account = before != NULL;
    if (!before)
        return;
    w->charge_bytes = (i64)(o->account.charge_bytes - before->account.charge_bytes);
    for (u32 i = 0; i < ACCOUNT_LINES; i++)
        w->line_bytes[i] = o->account.bytes[i] - before->account.bytes[i];
}

static void measure_windows(struct oom *o, struct arena *a)
{
    for (u32 i = 0; i < OOM_WINDOWS; i++) {
        struct oom_window *w = &o->window[i];
        w->wanted_ns = window_s[i] * 1000000000;
        w->is_whole = w->wanted_ns >= o->end_ns;
        w->grown_bytes = arena_new(a, i64, o->heap.nsample + 1);
        w->span_ns = w->is_whole ? o->end_ns : w->wanted_ns;
        if (i > 0 && w->is_whole && o->window[i - 1].is_whole)
            w->span_ns = 0; // nothing that the shorter window does not say
        u64 from_ns = w->is_whole ? 0 : o->end_ns - w->wanted_ns;
        measure_stacks(o, w, from_ns, a);
        measure_lines(o, w, from_ns);
    }
}

static void gather(struct oom *o, struct arena *a)
{
    if (o->watch) {
        o->nlook = watch_looks(&o->look, o->watch, a);
        o->nseen = watch_accounts(&o->seen, o->watch, a);
        o->nsnapshot = watch_snapshots(&o->snapshot, o->watch, a);
        o->nmark = watch_marks(&o->mark, o->watch, a);
        memcpy(o->extent, o->watch->extent, sizeof(o->extent));
    }
    o->ntick = record_ticks(&o->tick, &o->v, a);
    o->nblock = record_blocks(&o->block, &o->v, a);
    o->live_bytes = record_live_bytes(&o->v, &o->nblock);
    o->all = record_holdings(&o->v, o->end, &o->stack_of, a);
    o->heap = oom_part(o, RECORD_PART_HEAP);
}

// The record's time of this moment.
static u64 now_ns(const struct oom *o)
{
    u64 now = clock_ns(CLOCK_REALTIME), start = o->v.header.start_time_ns;
    return now > start ? now - start : 1;
}

// Puts together what is known.  With looks: the process can be looked at.
static bool open_record(struct oom *o, struct str bytes, bool looks, struct arena *a, struct err *e)
{
    struct err ignored;
    if (!record_open(&o->v, bytes, e))
        return false;
    if (!o->watch)
        watch_open(&o->watch, str_skip(bytes, o->v.header.file_bytes), a, &ignored);
    gather(o, a);
    leave_out_aftermath(o);
    o->end_ns = looks ? now_ns(o) : find_end(o);
    find_limit(o);
    if (looks)
        oom_look(o, a);
    oom_settle(o);
    oom_map(o, a);
    measure_windows(o, a);
    return true;
}

bool oom_open(struct oom *o, struct str bytes, bool is_alive, struct arena *a, struct err *e)
{
    *o = (struct oom){.is_alive = is_alive};
    return open_record(o, bytes, false, a, e);
}

bool oom_read(struct oom *o, struct str path, bool is_alive, struct arena *a, struct err *e)
{
    struct str bytes;
    struct err ignored;
    *o = (struct oom){.is_alive = is_alive, .path = path};
    if (!file_read(&bytes, path.ptr, (size_t)MIB(FILE_LIMIT_MIB), a, e))
        return false;
    if (!watch_read(&o->watch, arena_printf(a, "%.*s" FOLDER_WATCH, STR_ARG(path)).ptr, a,
                    &ignored))
        o->watch = NULL;
    return open_record(o, bytes, is_alive, a, e) || err_prefix(e, "%.*s: ", STR_ARG(path));
}
