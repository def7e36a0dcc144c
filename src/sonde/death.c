#include "sonde/death.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "object/symbolizer.h"
#include "oom/ahead.h"
#include "oom/text.h"
#include "record/folder.h"
#include "sonde/command.h"
#include "sonde/fetch.h"

enum {
    SUMMARY_LINES = 1 << 20,
    MOST_TOLD = 3 // of those that died before this start
};

struct record_death death_of(int wait_status)
{
    return (struct record_death){.time_ns = clock_ns(CLOCK_REALTIME), .wait_status = wait_status};
}

void death_set_group(struct record_death *d, const struct cgroup *g, const struct cgroup_state *s,
                     u64 oom_kills_before)
{
    d->cgroup_known = 1;
    d->limit_bytes = s->limit_bytes;
    d->peak_bytes = s->peak_bytes;
    d->oom_kills = s->oom_kills > oom_kills_before ? s->oom_kills - oom_kills_before : 0;
    snprintf(d->cgroup, sizeof(d->cgroup), "%s", s->limit_bytes ? s->limit_group : g->group);
}

struct record_death death_describe(const struct observer *o, int wait_status)
{
    struct cgroup_state s;
    struct record_death d = death_of(wait_status);
    if (o->usage_fd >= 0 && cgroup_read(&s, &o->group))
        death_set_group(&d, &o->group, &s, o->watch->at_start.oom_kills);
    return d;
}

bool death_read(struct oom *o, struct str path, bool is_alive, const struct sourcing *s,
                struct arena *a, struct err *e)
{
    struct profile named;
    const struct remote nowhere = {0};
    return oom_read(o, path, is_alive, a, e) && symbolize(&named, &o->all, &nowhere, s, a, e) &&
           oom_named(o, &named, a, e);
}

int death_open_log(void)
{
    const char *path = getenv("SONDE_TERMINATION_LOG");
    return open(path && *path ? path : "/dev/termination-log", O_WRONLY | O_CLOEXEC);
}

// The whole content of the log; that it cannot be written is no reason to do less.
static void write_log(int log, struct str text)
{
    if (log >= 0 && ftruncate(log, 0) == 0 && pwrite(log, text.ptr, text.len, 0) < 0)
        return;
}

void death_write_ahead(int log, const struct observer *o)
{
    struct buf out;
    if (log < 0)
        return;
    buf_init(&out, AHEAD_BYTES);
    ahead_write(&out, o);
    write_log(log, buf_str(&out));
    buf_free(&out);
}

void death_withdraw(int log)
{
    write_log(log, STR(""));
}

static bool is_oom(enum verdict_end end)
{
    return end == VERDICT_GROUP_OOM || end == VERDICT_MACHINE_OOM || end == VERDICT_LIKELY_OOM;
}

static void tell(int log, const struct oom *o, struct arena *a)
{
    struct buf out;
    struct verdict v = verdict_find(o, a);
    buf_init(&out, SUMMARY_LINES);
    if (is_oom(v.end)) {
        oom_json_line(&out, o, &v, a);
        fwrite(out.data, 1, out.len, stderr);
        out.len = 0;
    }
    oom_summary(&out, o, &v, AHEAD_BYTES, a);
    write_log(log, buf_str(&out));
    buf_free(&out);
}

void death_tell(int log, struct str record, struct arena *a)
{
    struct oom o;
    struct err e;
    struct symbolizer s;
    symbolizer_init(&s, a);
    s.names_only = true;
    if (!oom_read(&o, record, false, a, &e) || !oom_name(&o, &s, a, &e))
        warn("%s", e.text);
    else
        tell(log, &o, a);
    symbolizer_close(&s);
}

void death_tell_earlier(struct arena *a)
{
    struct folder_record *list;
    struct str kept;
    struct err e;
    u32 n = folder_list(&list, folder_live(a), a), told = 0;
    for (u32 i = 0; i < n; i++) {
        if (folder_life(&list[i]) != FOLDER_DEAD || folder_is_watched(&list[i]) ||
            !folder_keep(&kept, &list[i], NULL, a, &e))
            continue;
        if (++told > MOST_TOLD)
            continue;
        warn("process %u died before this start; what it held: sonde oom %.*s", list[i].pid,
             STR_ARG(kept));
        death_tell(-1, kept, a);
    }
    if (told > MOST_TOLD)
        warn("%u more died before this start; they are kept, too: sonde oom PID", told - MOST_TOLD);
}
