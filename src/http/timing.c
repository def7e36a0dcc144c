#include "http/timing.h"

#include <errno.h>

#include "record/session.h"

enum { DEFAULT_S = 30, MOST_S = 24 * 3600, MOST_HZ = 10000 };

// A number of a query; otherwise when it is not there.
static bool parameter(i64 *out, const struct http_request *q, const char *name, i64 otherwise,
                      i64 most, struct err *e)
{
    struct str text = http_parameter(q, name);
    *out = otherwise;
    return text.len == 0 || (str_i64(out, text) && *out > 0 && *out <= most) ||
           err_set(e, EINVAL, "invalid value for \"%s\" - must be a positive integer", name);
}

static bool take(struct times *t, struct record_view *v, u32 kind, const struct debug *d,
                 const struct http_request *q, struct err *e)
{
    struct folder_record r;
    i64 seconds, hz;
    if (!parameter(&seconds, q, "seconds", DEFAULT_S, MOST_S, e) ||
        !parameter(&hz, q, "hz", 0, MOST_HZ, e) || !debug_choose(&r, d, q, e))
        return false;
    struct session s = {.kind = kind, .hz = (u32)hz, .duration_ns = seconds * 1000000000};
    return session_run(t, v, &s, &r, q->arena, e);
}

void timing_serve_cpu(struct debug *d, const struct http_request *q, struct http_response *r)
{
    struct times t;
    struct record_view v;
    struct err e;
    if (!take(&t, &v, RECORD_CPU, d, q, &e)) {
        debug_fail(r, &e);
        return;
    }
    struct profile p = times_cpu(&t, &v, q->arena);
    p = debug_name(d, &p, q->arena);
    debug_send(r, &p, "profile");
}
