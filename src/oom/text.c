#include "oom/text.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "profile/unit.h"

enum { MOST_MOMENTS = 20, BAR_WIDTH = 30, MOST_GROWN = 3, MOST_MARKS = 10, MOST_SUMMED_LINES = 8 };

static void add_time(struct buf *out, u64 time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm local;
    char text[64] = "?";
    if (localtime_r(&seconds, &local))
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
    buf_text(out, text);
}

void oom_end_text(struct buf *out, const struct oom *o)
{
    const struct record_header *h = &o->v.header;
    int status = h->death.wait_status;
    if (o->is_alive)
        buf_text(out, "is alive");
    else if (h->state == RECORD_EXITED)
        buf_text(out, "exited");
    else if (status >= 0 && WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        buf_printf(out, "was killed by SIG%s", name ? name : "?");
    } else if (status >= 0)
        buf_printf(out, "exited with status %d", WEXITSTATUS(status));
    else
        buf_text(out, "was killed; nobody saw by what, its last sign of life was");
}

static void add_end(struct buf *out, const struct oom *o)
{
    const struct record_header *h = &o->v.header;
    buf_printf(out, "%.*s (process %u) ", STR_ARG(record_program(&o->v)), h->pid);
    oom_end_text(out, o);
    if (!o->is_alive) {
        buf_text(out, " on ");
        add_time(out, h->start_time_ns + o->end_ns);
    }
    buf_printf(out, ", %.1f s after its start\n", (double)o->end_ns / 1e9);
}

static void add_judgement(struct buf *out, const struct oom *o, const struct verdict *v)
{
    static const char *const text[] = {
        [VERDICT_GROUP_OOM] =
            "  out of memory: the kernel's OOM killer acted in its memory cgroup\n",
        [VERDICT_MACHINE_OOM] = "  out of memory: the whole machine had none left, whatever the "
                                "limit of its group\n",
        [VERDICT_LIKELY_OOM] = "  probably out of memory: nobody saw the kill, but the last charge "
                               "was at the limit\n",
        [VERDICT_SIGNAL] =
            "  not by the OOM killer of its cgroup, which did not act: somebody sent "
            "the signal\n",
        [VERDICT_UNSEEN] = "  not at the limit when it was last seen\n"};
    int status = o->v.header.death.wait_status;
    bool is_own = v->end == VERDICT_SIGNAL && WTERMSIG(status) != SIGKILL; // abort() and such
    if (v->end < ARRAY_LEN(text) && text[v->end] && !is_own)
        buf_text(out, text[v->end]);
}

static void add_limits(struct buf *out, const struct oom *o, const struct verdict *v,
                       struct arena *a)
{
    if (o->limit_group.len == 0 && o->limit_bytes == 0)
        return;
    buf_printf(out, "  cgroup %.*s: limit %.*s", STR_ARG(o->limit_group),
               STR_ARG(o->limit_bytes ? verdict_bytes((i64)o->limit_bytes, a) : STR("none")));
    if (o->peak_bytes)
        buf_printf(out, ", peak %.*s", STR_ARG(verdict_bytes((i64)o->peak_bytes, a)));
    buf_printf(out, ", OOM kills while it ran: %llu\n",
               (unsigned long long)o->v.header.death.oom_kills);
    if (v->rate_bytes_s > 0)
        buf_printf(out, "  grew by %.*s a second on average since it was lowest\n",
                   STR_ARG(verdict_bytes(i64_of(v->rate_bytes_s), a)));
    if (o->watch && o->watch->kills_all)
        buf_text(out, "  memory.oom.group is set: all processes of the group die together\n");
}

static void add_verdict(struct buf *out, const struct verdict *v)
{
    buf_printf(out, "\n%s: %.*s\n", v->end == VERDICT_ALIVE ? "Holds most" : "Cause",
               STR_ARG(v->sentence));
    for (u32 i = 0; i < v->nfact; i++)
        buf_printf(out, "  - %.*s\n", STR_ARG(v->fact[i]));
}

struct str oom_window_name(const struct oom_window *w, struct arena *a)
{
    if (w->is_whole)
        return STR("start");
    return arena_printf(a, "%llu min", (unsigned long long)(w->wanted_ns / 60000000000));
}

u32 oom_lines(enum account_line out[ACCOUNT_LINES], const struct oom *o)
{
    u32 n = 0;
    for (enum account_line line = 0; line < ACCOUNT_UNEXPLAINED; line++) {
        if (o->account.bytes[line] == 0)
            continue;
        u32 at = n++;
        for (; at > 0 && o->account.bytes[out[at - 1]] < o->account.bytes[line]; at--)
            out[at] = out[at - 1];
        out[at] = line;
    }
    out[n++] = ACCOUNT_UNEXPLAINED;
    return n;
}

// What the numbers are, and how old.
static void add_source(struct buf *out, const struct oom *o, struct arena *a)
{
    struct str age = verdict_time((double)o->account_age_ns / 1e9, a);
    if (o->source == OOM_FROM_RECORD)
        buf_text(out, "nobody watched the group, so this is what the process knew of itself");
    else if (o->is_alive)
        buf_printf(out, "as it was %.*s ago", STR_ARG(age));
    else if (o->source == OOM_FROM_KERNEL)
        buf_printf(out, "by the kernel's log of the kill; its own parts as they were %.*s before",
                   STR_ARG(age));
    else
        buf_printf(out, "as it was %.*s before the end, and what came since", STR_ARG(age));
}

static void add_growth(struct buf *out, i64 bytes, struct arena *a)
{
    struct str text = bytes == 0 ? STR(".") : verdict_bytes(bytes, a);
    buf_right(out, bytes > 0 ? arena_printf(a, "+%.*s", STR_ARG(text)) : text, 12);
}

static void add_line(struct buf *out, const struct oom *o, enum account_line line, struct arena *a)
{
    buf_right(out, verdict_bytes(o->account.bytes[line], a), 12);
    buf_printf(out, " %s", unit_percent(o->account.bytes[line], (i64)o->account.charge_bytes).text);
    for (u32 i = 0; i < OOM_WINDOWS; i++) {
        if (o->window[i].span_ns && o->window[i].has_account)
            add_growth(out, o->window[i].line_bytes[line], a);
    }
    const char *meaning = account_meaning(line);
    buf_printf(out, "  %s%s%s%s\n", account_name(line), *meaning ? " (" : "", meaning,
               *meaning ? ")" : "");
}

void oom_account_text(struct buf *out, const struct oom *o, struct arena *a)
{
    enum account_line line[ACCOUNT_LINES];
    u32 n = oom_lines(line, o);
    buf_printf(out, "\nAccount of the %.*s that the group is charged for, ",
               STR_ARG(verdict_bytes((i64)o->account.charge_bytes, a)));
    add_source(out, o, a);
    buf_printf(out, "\n%12s %6s", "bytes", "share");
    for (u32 i = 0; i < OOM_WINDOWS; i++) {
        if (o->window[i].span_ns && o->window[i].has_account)
            buf_right(out,
                      arena_printf(a, "%s%.*s", o->window[i].is_whole ? "since " : "last ",
                                   STR_ARG(oom_window_name(&o->window[i], a))),
                      12);
    }
    buf_text(out, "  what\n");
    for (u32 i = 0; i < n; i++)
        add_line(out, o, line[i], a);
    for (u32 i = 0; i < ACCOUNT_PROCESSES && o->account.bytes[ACCOUNT_OTHERS] > 0; i++) {
        const struct process *p = &o->account.other[i];
        if (p->pid && p->anon_bytes)
            buf_printf(out, "%33s (process %u): %.*s\n", p->name, p->pid,
                       STR_ARG(verdict_bytes((i64)p->anon_bytes, a)));
    }
}

// The stacks that grew most in a window.
static void add_grown(struct buf *out, const struct oom *o, const struct oom_window *w,
                      struct arena *a)
{
    const u32 *first = oom_stacks(o, a);
    i64 *grown = arena_new(a, i64, o->heap.nsample + 1);
    double minutes = (double)w->span_ns / 6e10;
    for (u32 i = 0; i < o->heap.nsample; i++)
        grown[first[i]] += w->grown_bytes[i];
    for (u32 k = 0; k < MOST_GROWN; k++) {
        u32 best = 0;
        for (u32 i = 1; i < o->heap.nsample; i++)
            best = grown[i] > grown[best] ? i : best;
        if (grown[best] <= 0)
            return;
        add_growth(out, grown[best], a);
        buf_printf(out, "  %.*s", STR_ARG(verdict_leaf(o, best, a)));
        if (minutes > 0)
            buf_printf(out, ", %.*s a minute",
                       STR_ARG(verdict_bytes(i64_of((double)grown[best] / minutes), a)));
        buf_char(out, '\n');
        grown[best] = 0;
    }
}

static void add_windows(struct buf *out, const struct oom *o, struct arena *a)
{
    for (u32 i = 0; i < OOM_WINDOWS; i++) {
        const struct oom_window *w = &o->window[i];
        if (w->span_ns == 0 || w->is_whole)
            continue;
        buf_printf(out, "\nStacks that %s in the last %.*s\n",
                   w->has_stacks ? "grew" : "allocated what is still alive",
                   STR_ARG(oom_window_name(w, a)));
        add_grown(out, o, w, a);
    }
}

static u64 top_of(const struct oom_moment *m)
{
    return m->charge_bytes > m->rss_bytes ? m->charge_bytes : m->rss_bytes;
}

static void add_time_line(struct buf *out, const struct oom *o, struct arena *a)
{
    struct oom_moment *m;
    u32 n = oom_moments(&m, o, MOST_MOMENTS, a);
    u64 most = 1;
    for (u32 i = 0; i < n; i++)
        most = top_of(&m[i]) > most ? top_of(&m[i]) : most;
    if (n == 0)
        return;
    buf_printf(out, "\nMemory over time\n%14s %10s %10s\n", "before the end", "heap", "charged");
    for (u32 i = 0; i < n; i++) {
        buf_printf(out, "%12.2f s  %7.1f MB %7.1f MB ", (double)(o->end_ns - m[i].time_ns) / 1e9,
                   (double)m[i].live_bytes / 0x1p20, (double)top_of(&m[i]) / 0x1p20);
        u64 bars = (u64)((double)top_of(&m[i]) / (double)most * BAR_WIDTH);
        u64 live = (u64)((double)m[i].live_bytes / (double)most * BAR_WIDTH);
        for (u64 k = 0; k < bars; k++)
            buf_char(out, k < live ? '#' : '-');
        buf_char(out, '\n');
    }
    buf_printf(out, "%37s %s\n", "", "# live heap  - other memory");
}

struct str oom_mark_text(const struct watch_mark *m, struct arena *a)
{
    switch (m->kind) {
    case WATCH_THRESHOLD:
        return arena_printf(a, "passed %u%% of the limit", m->value);
    case WATCH_PROJECTED:
        return arena_printf(a, "%.1f s to the limit, at the rate of then", m->value / 1000.0);
    case WATCH_EVENT_HIGH:
        return arena_printf(a, "throttled at memory.high, %u times", m->value);
    case WATCH_EVENT_MAX:
        return arena_printf(a, "at the limit, made to reclaim %u times", m->value);
    case WATCH_EVENT_OOM:
        return arena_printf(a, "the OOM killer killed %u", m->value);
    case WATCH_TERMINATE:
        return STR("somebody sent SIGTERM");
    default:
        return STR("");
    }
}

static void add_marks(struct buf *out, const struct oom *o, struct arena *a)
{
    u32 from = o->nmark > MOST_MARKS ? o->nmark - MOST_MARKS : 0;
    if (o->nmark)
        buf_text(out, "\nEvents\n");
    for (u32 i = from; i < o->nmark; i++)
        buf_printf(out, "%12.2f s  %.*s at %.*s\n",
                   (double)(i64)(o->end_ns - o->mark[i].time_ns) / 1e9,
                   STR_ARG(oom_mark_text(&o->mark[i], a)),
                   STR_ARG(verdict_bytes((i64)o->mark[i].usage_bytes, a)));
}

static void add_doubts(struct buf *out, const struct oom *o, struct arena *a)
{
    const struct record_header *h = &o->v.header;
    if (h->lost_blocks)
        buf_printf(out,
                   "\n%llu samples (%.*s) found no room in the record: what of them is alive "
                   "is not known\n",
                   (unsigned long long)h->lost_blocks,
                   STR_ARG(verdict_bytes((i64)h->lost_bytes, a)));
    if (h->forked)
        buf_text(out, "\nA child made by fork: what it had inherited is not in its heap\n");
}

void oom_text(struct buf *out, const struct oom *o, const struct verdict *v, struct arena *a)
{
    add_end(out, o);
    add_judgement(out, o, v);
    add_limits(out, o, v, a);
    buf_printf(out, "  record %.*s\n", STR_ARG(o->path));
    add_verdict(out, v);
    oom_account_text(out, o, a);
    oom_held_text(out, o, a);
    add_windows(out, o, a);
    add_time_line(out, o, a);
    add_marks(out, o, a);
    add_doubts(out, o, a);
    for (u32 i = 0; i < v->nstep; i++)
        buf_printf(out, "%s%.*s\n", i ? "      " : "\nNext: ", STR_ARG(v->step[i]));
}

void oom_summary(struct buf *out, const struct oom *o, const struct verdict *v, size_t most,
                 struct arena *a)
{
    enum account_line line[ACCOUNT_LINES];
    u32 n = oom_lines(line, o);
    struct buf all;
    buf_init(&all, most > 1 ? most : 2);
    add_end(&all, o);
    add_limits(&all, o, v, a);
    add_verdict(&all, v);
    buf_char(&all, '\n');
    for (u32 i = 0; i < n && i < MOST_SUMMED_LINES; i++)
        buf_printf(&all, "%12s  %s\n", verdict_bytes(o->account.bytes[line[i]], a).ptr,
                   account_name(line[i]));
    buf_printf(&all, "\nMore: sonde oom %.*s\n", STR_ARG(o->path));
    struct str text = buf_str(&all);
    buf_add(out, (struct str){text.ptr, text.len < most ? text.len : most});
    buf_free(&all);
}
