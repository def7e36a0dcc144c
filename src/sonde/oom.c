// sonde oom: what a program that was killed held at that moment.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "profile/filter.h"
#include "profile/unit.h"
#include "record/folder.h"
#include "report/graph.h"
#include "sonde/command.h"
#include "sonde/fetch.h"

enum { MOST_FUNCTIONS = 10, MOST_CALLERS = 6, MOST_TICKS = 20, BAR_WIDTH = 30 };

// A record that was found, and whether its process still runs.
struct subject {
    struct str path;
    struct record_view v;
    bool is_alive;
    u32 nblock;
    i64 live_bytes;
};

static bool was_killed(const struct record_view *v)
{
    int status = v->header.death.wait_status;
    return v->header.state != RECORD_EXITED && (status < 0 || WIFSIGNALED(status));
}

// The newest record in a folder whose process was killed.
static bool newest_killed(struct str *path, struct str folder, struct arena *a, struct err *e)
{
    struct folder_record *list;
    u32 n = folder_list(&list, folder, a);
    for (u32 i = n; i > 0; i--) {
        struct record_view v;
        struct err ignored;
        if (record_read(&v, list[i - 1].path.ptr, a, &ignored) && was_killed(&v)) {
            *path = list[i - 1].path;
            return true;
        }
    }
    return err_set(e, ENOENT,
                   "no program that was killed has left a record in %.*s; start programs by "
                   "\"sonde run -- PROGRAM\" or "
                   "with LD_PRELOAD=libsonde.so",
                   STR_ARG(folder));
}

// The kept record of a process, newest first.
static bool kept_of_pid(struct str *path, u32 pid, struct arena *a, struct err *e)
{
    struct folder_record *list;
    struct str folder = folder_kept(a);
    u32 n = folder_list(&list, folder, a);
    for (u32 i = n; i > 0; i--) {
        if (list[i - 1].pid == pid) {
            *path = list[i - 1].path;
            return true;
        }
    }
    return err_set(e, ENOENT, "process %u has left no record in %.*s", pid, STR_ARG(folder));
}

static bool find_subject(struct subject *s, const char *argument, struct arena *a, struct err *e)
{
    struct stat st;
    struct folder_record live;
    struct err ignored;
    i64 pid;
    folder_sweep(a);
    if (!argument)
        return newest_killed(&s->path, folder_kept(a), a, e);
    if (stat(argument, &st) == 0 && S_ISDIR(st.st_mode))
        return newest_killed(&s->path, str_of(argument), a, e);
    if (stat(argument, &st) != 0 && str_i64(&pid, str_of(argument)) && pid > 0 &&
        pid <= INT32_MAX) {
        s->is_alive = folder_find(&live, (u32)pid, a, &ignored);
        s->path = live.path;
        return s->is_alive || kept_of_pid(&s->path, (u32)pid, a, e);
    }
    s->path = str_of(argument);
    return true;
}

static void print_bytes(i64 bytes)
{
    struct buf b;
    buf_init(&b, 64);
    unit_label(&b, bytes, STR("bytes"), STR("auto"));
    printf("%.*s", STR_ARG(buf_str(&b)));
    buf_free(&b);
}

static void print_time(u64 time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm local;
    char text[64];
    localtime_r(&seconds, &local);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
    printf("%s", text);
}

static void print_cause(const struct record_death *d)
{
    if (!d->cgroup_known)
        return;
    if (WIFSIGNALED(d->wait_status) && WTERMSIG(d->wait_status) == SIGKILL && d->oom_kills)
        printf("  out of memory: the kernel's OOM killer acted in its memory cgroup\n");
    else if (WIFSIGNALED(d->wait_status) && WTERMSIG(d->wait_status) == SIGKILL)
        printf(
            "  not by the OOM killer of its cgroup, which did not act: somebody sent the signal\n");
    printf("  cgroup %s: limit ", d->cgroup);
    if (d->limit_bytes)
        print_bytes((i64)d->limit_bytes);
    else
        printf("none");
    if (d->peak_bytes) {
        printf(", peak ");
        print_bytes((i64)d->peak_bytes);
    }
    printf(", OOM kills while it ran: %llu\n", (unsigned long long)d->oom_kills);
}

// First lines: who died, of what, when.
static void print_verdict(const struct subject *s, const struct record_tick *last)
{
    const struct record_header *h = &s->v.header;
    const struct record_death *d = &h->death;
    u64 end_ns = d->time_ns ? d->time_ns : h->start_time_ns + (last ? last->time_ns : 0);
    printf("%.*s (process %u) ", STR_ARG(record_program(&s->v)), h->pid);
    if (s->is_alive)
        printf("is alive");
    else if (h->state == RECORD_EXITED)
        printf("exited");
    else if (d->wait_status >= 0 && WIFSIGNALED(d->wait_status))
        printf("was killed by SIG%s", sigabbrev_np(WTERMSIG(d->wait_status)));
    else if (d->wait_status >= 0)
        printf("exited with status %d", WEXITSTATUS(d->wait_status));
    else
        printf("was killed; nobody saw by what, its last sign of life was");
    if (!s->is_alive) {
        printf(" on ");
        print_time(end_ns);
    }
    printf(", %.1f s after its start\n", (double)(i64)(end_ns - h->start_time_ns) / 1e9);
    print_cause(d);
    printf("  record %.*s\n", STR_ARG(s->path));
}

// The heaviest sample that ends in a place: whose stack stands for the place's callers.
static u32 heaviest_sample(const struct profile *p, const struct graph *g, u32 column, u32 place)
{
    u32 best = UINT32_MAX;
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        if (s->nframe == 0 || g->places.of_line[g->places.first[p->frame[s->frame]]] != place)
            continue;
        if (best == UINT32_MAX || profile_values(p, i)[column] > profile_values(p, best)[column])
            best = i;
    }
    return best;
}

static void print_callers(const struct profile *p, const struct graph *g, u32 sample)
{
    const struct sample *s = &p->sample[sample];
    u32 printed = 0;
    for (u32 k = 0; k < s->nframe; k++) {
        u32 location = p->frame[s->frame + k];
        for (u32 i = g->places.first[location]; i < g->places.first[location + 1]; i++) {
            if (k == 0 && i == g->places.first[location])
                continue;
            if (printed++ == MOST_CALLERS) {
                printf("                       ...\n");
                return;
            }
            printf("                       by %.*s\n",
                   STR_ARG(g->places.name[g->places.of_line[i]]));
        }
    }
}

static bool print_heap(const struct subject *s, const struct profile *p, struct arena *a,
                       struct err *e)
{
    u32 column;
    if (!profile_type_find(&column, p, STR("inuse_space"), e))
        return false;
    struct profile functions =
        filter_aggregate(p, (struct granularity){.inlines = true, .function = true}, a);
    struct places places = places_build(&functions, &(struct places_options){0}, a);
    struct graph g =
        graph_nodes(&functions, (struct graph_values){.type = column}, places, false, a);
    graph_sort(&g, GRAPH_BY_FLAT);
    printf("\nLive heap %s: ", s->is_alive ? "now" : "at death");
    print_bytes(s->live_bytes);
    printf(" in %u samples, one for ", s->nblock);
    print_bytes((i64)s->v.header.heap_rate_bytes);
    printf(" on average\n%12s %6s  %s\n", "bytes", "share", "held by");
    for (u32 i = 0; i < g.nshown && i < MOST_FUNCTIONS; i++) {
        const struct node *n = &g.node[g.shown[i]];
        struct buf value;
        if (n->flat == 0)
            break;
        buf_init(&value, 64);
        unit_label(&value, n->flat, STR("bytes"), STR("auto"));
        printf("%12.*s %s  %.*s\n", STR_ARG(buf_str(&value)),
               unit_percent(n->flat, s->live_bytes).text, STR_ARG(node_name(&g, g.shown[i])));
        buf_free(&value);
        print_callers(&functions, &g, heaviest_sample(&functions, &g, column, n->place));
    }
    return true;
}

static u64 tick_top(const struct record_tick *t)
{
    return t->cgroup_bytes > t->rss_bytes ? t->cgroup_bytes : t->rss_bytes;
}

// Some twenty moments, closer to each other towards the end.
static void print_time_line(const struct record_tick *tick, u32 n)
{
    u64 most = 1;
    if (n == 0)
        return;
    for (u32 i = 0; i < n; i++)
        most = tick_top(&tick[i]) > most ? tick_top(&tick[i]) : most;
    u64 end_ns = tick[n - 1].time_ns, age_ns = end_ns - tick[0].time_ns;
    printf("\nMemory over time\n%14s %10s %10s %10s\n", "before the end", "heap", "resident",
           "cgroup");
    u32 at = 0;
    for (u32 step = MOST_TICKS; step > 0 && at < n; step--) {
        u64 wanted_ns =
            (u64)((double)age_ns * (step - 1) * (step - 1) / ((MOST_TICKS - 1) * (MOST_TICKS - 1)));
        u32 from = at;
        while (at + 1 < n && end_ns - tick[at + 1].time_ns >= wanted_ns)
            at++;
        if (step < MOST_TICKS && at == from)
            continue;
        const struct record_tick *t = &tick[at];
        printf("%12.2f s  %7.1f MB %7.1f MB %7.1f MB ", (double)(end_ns - t->time_ns) / 1e9,
               (double)t->live_bytes / 0x1p20, (double)t->rss_bytes / 0x1p20,
               (double)t->cgroup_bytes / 0x1p20);
        for (u64 i = 0; i < tick_top(t) * BAR_WIDTH / most; i++)
            putchar(i < t->live_bytes * BAR_WIDTH / most ? '#' : '-');
        putchar('\n');
    }
    printf("%45s %s\n", "", "# live heap  - other memory");
}

static bool report(const char *argument, struct arena *a, struct err *e)
{
    struct subject s = {0};
    struct record_tick *tick;
    if (!find_subject(&s, argument, a, e) || !record_read(&s.v, s.path.ptr, a, e))
        return false;
    s.live_bytes = record_live_bytes(&s.v, &s.nblock);
    u32 ntick = record_ticks(&tick, &s.v, a);
    print_verdict(&s, ntick ? &tick[ntick - 1] : NULL);
    struct profile raw = record_heap(&s.v, 0, a), named, p;
    const struct sourcing plain = {0};
    const struct remote nowhere = {0};
    if (!symbolize(&named, &raw, &nowhere, &plain, a, e) || !filter_drop_frames(&p, &named, a, e) ||
        !print_heap(&s, &p, a, e))
        return false;
    print_time_line(tick, ntick);
    printf("\nMore: sonde -top %.*s\n      sonde -svg -output=heap.svg %.*s\n", STR_ARG(s.path),
           STR_ARG(s.path));
    return true;
}

int command_oom(char **argument)
{
    struct arena a;
    struct err e;
    arena_init(&a, (size_t)MIB(16384));
    bool done = argument[0] && argument[1]
                    ? err_set(&e, EINVAL, "oom: usage: sonde oom [RECORD|PID|DIR]")
                    : report(argument[0], &a, &e);
    arena_free(&a);
    return done ? STATUS_OK : fail(&e);
}
