#include "record/timed.h"

#include <errno.h>

enum { LOOK_NS = 200000000 }; // so long threads that run have the time to tell where they are

static bool take(struct times *times, struct record_view *v, u32 kind, const struct timed *t,
                 struct arena *a, struct err *e)
{
    struct session s = {.kind = kind, .hz = t->hz, .duration_ns = t->duration_ns};
    return t->at_ns ? session_recall(times, v, &s, t->record, t->at_ns, a, e)
                    : session_run(times, v, &s, t->record, a, e);
}

static bool read_cpu(struct profile *out, const struct timed *t, struct arena *a, struct err *e)
{
    struct times times;
    struct record_view v;
    if (!take(&times, &v, RECORD_CPU, t, a, e))
        return false;
    *out = times_cpu(&times, &v, a);
    return true;
}

static bool read_wall(struct profile *out, const struct timed *t, struct arena *a, struct err *e)
{
    struct times times;
    struct record_view v;
    if (!take(&times, &v, RECORD_WALL, t, a, e))
        return false;
    *out = times_wall(&times, &v, a);
    return true;
}

static bool read_threads(struct profile *out, const struct timed *t, struct arena *a, struct err *e)
{
    struct times times;
    struct record_view v;
    struct timed look = {.record = t->record, .duration_ns = LOOK_NS};
    if (!take(&times, &v, RECORD_WALL, &look, a, e))
        return false;
    *out = times_threads(&v, times.time_ns + times.duration_ns, a);
    return true;
}

const struct timed_row timed_rows[] = {
    {"profile", RECORD_CPU, read_cpu,
     "CPU profile, for \"seconds\" (30) at \"hz\" (100), or of the past with \"at=-60s\""},
    {"threads", RECORD_WALL, read_threads,
     "Stack traces of all threads, as they are now; debug=2 shows one after the other"},
    {"wall", RECORD_WALL, read_wall,
     "Where all threads are, running or waiting, and what for; parameters as of profile"},
};
const u32 ntimed_row = ARRAY_LEN(timed_rows);

const struct timed_row *timed_find(struct str name)
{
    for (u32 i = 0; i < ntimed_row; i++) {
        if (str_equal(name, str_of(timed_rows[i].name)))
            return &timed_rows[i];
    }
    return NULL;
}

bool timed_past(struct profile *out, const struct timed_row *row, const struct record_view *v,
                struct arena *a, struct err *e)
{
    struct times t = {.kind = row->kind};
    u64 first_ns = UINT64_MAX, last_ns = 0;
    times_collect(&t, v, 0, UINT64_MAX, a);
    for (u32 i = 0; i < t.nsample; i++) {
        const struct record_sample *s = &t.sample[i];
        first_ns = s->time_ns < first_ns ? s->time_ns : first_ns;
        last_ns = s->time_ns > last_ns ? s->time_ns : last_ns;
    }
    if (t.nsample == 0)
        return err_set(
            e, ENOENT,
            "the record has no samples of time: \"sonde run -cpu=HZ -wall=HZ\" takes them");
    t.time_ns = (i64)(v->header.start_time_ns + first_ns);
    t.duration_ns = (i64)(last_ns - first_ns);
    t.period_ns = t.sample[0].count ? (i64)t.sample[0].amount_ns / t.sample[0].count : 0;
    *out = row->read == read_cpu    ? times_cpu(&t, v, a)
           : row->read == read_wall ? times_wall(&t, v, a)
                                    : times_threads(v, t.time_ns + t.duration_ns, a);
    return true;
}
