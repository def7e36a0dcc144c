#include "http/snapshot.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "http/text.h"
#include "http/timing.h"
#include "profile/merge.h"
#include "record/profiles.h"
#include "record/trim.h"

enum { MOST_S = 24 * 3600 };

struct snapshot {
    struct record_view v;
    struct profile p;
};

// As Go reads numbers of a query: what is none is 0.
static i64 number(const struct http_request *q, const char *name)
{
    i64 n;
    return str_i64(&n, http_parameter(q, name)) ? n : 0;
}

static bool take(struct snapshot *s, const struct folder_record *f, struct str name,
                 struct arena *a, struct err *e)
{
    return record_read(&s->v, f->path.ptr, a, e) &&
           profiles_read(&s->p, name, &s->v, (i64)clock_ns(CLOCK_REALTIME), a, e);
}

static void sleep_s(i64 seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

// What so many seconds add to *before, as net/http/pprof has it.
static bool add_up(struct profile *out, const struct profile *before, const struct folder_record *f,
                   struct str name, i64 seconds, struct arena *a, struct err *e)
{
    struct snapshot after;
    sleep_s(seconds);
    if (!take(&after, f, name, a, e))
        return false;
    struct profile pair[] = {profile_negative(before, a), after.p};
    if (!profile_merge(out, pair, ARRAY_LEN(pair), a, e))
        return false;
    out->time_ns = after.p.time_ns;
    out->duration_ns = after.p.time_ns - before->time_ns;
    return true;
}

static bool serve_delta(struct debug *d, const struct http_request *q, struct http_response *r,
                        const struct folder_record *f, struct str name, struct err *e)
{
    struct snapshot before;
    struct profile delta;
    i64 seconds = number(q, "seconds");
    // What these hold is of one moment.
    if (str_equal(name, STR("peak")) || str_equal(name, STR("ages")))
        return err_set(e, EINVAL, "\"seconds\" parameter is not supported for this profile type");
    if (seconds <= 0 || seconds > MOST_S)
        return err_set(e, EINVAL, "invalid value for \"seconds\" - must be a positive integer");
    if (number(q, "debug"))
        return err_set(e, EINVAL, "seconds and debug params are incompatible");
    if (!take(&before, f, name, q->arena, e) ||
        !add_up(&delta, &before.p, f, name, seconds, q->arena, e))
        return false;
    delta = debug_name(d, &delta, q->arena);
    debug_send(r, &delta, arena_printf(q->arena, "%.*s-delta", STR_ARG(name)).ptr);
    return true;
}

static bool serve_whole(struct debug *d, const struct http_request *q, struct http_response *r,
                        const struct folder_record *f, struct str name, struct err *e)
{
    struct snapshot s;
    if (!take(&s, f, name, q->arena, e))
        return false;
    struct profile p = debug_name(d, &s.p, q->arena);
    if (!number(q, "debug")) {
        debug_send(r, &p, arena_str(q->arena, name).ptr);
        return true;
    }
    text_write(&r->body, &p, name, q->arena);
    if (str_equal(name, STR("heap")) || str_equal(name, STR("allocs")))
        text_write_totals(&r->body, &s.v.header);
    return true;
}

void snapshot_serve(struct debug *d, const struct http_request *q, struct http_response *r,
                    struct str name)
{
    struct folder_record f;
    struct err e, ignored;
    bool is_found = debug_choose(&f, d, q, &e);
    if (is_found && number(q, "gc") && str_equal(name, STR("heap")))
        trim_ask(&f, q->arena, &ignored); // one that allocates nothing is shown as it is
    bool is_served =
        is_found && (http_parameter(q, "seconds").len ? serve_delta(d, q, r, &f, name, &e)
                                                      : serve_whole(d, q, r, &f, name, &e));
    if (!is_served)
        debug_fail(r, &e);
}
