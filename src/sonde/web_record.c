#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/json.h"
#include "sonde/fetch.h"
#include "sonde/web.h"

// Of the only source.  Fails when there are several, or it is no record.
static bool read_record(struct record_view *v, bool *is_live, const struct web *w,
                        const struct http_request *q, struct err *e)
{
    const struct sourcing *s = &w->moments.sourcing;
    if (s->nsource != 1)
        return err_set(e, ENOENT, "memory over time is of one program: there are %u sources",
                       s->nsource);
    return source_record(v, is_live, s->source[0], q->arena, e);
}

static void ticks(struct json *j, const struct record_view *v, struct arena *a)
{
    struct record_tick *tick;
    u32 n = record_ticks(&tick, v, a);
    json_key(j, "ticks");
    json_begin_array(j);
    for (u32 i = 0; i < n; i++) {
        json_begin_object(j);
        json_int_field(j, "ns", (i64)tick[i].time_ns);
        json_int_field(j, "heap", (i64)tick[i].live_bytes);
        json_int_field(j, "allocated", (i64)tick[i].alloc_bytes);
        json_int_field(j, "resident", (i64)tick[i].rss_bytes);
        json_int_field(j, "cgroup", (i64)tick[i].cgroup_bytes);
        json_int_field(j, "limit", (i64)tick[i].limit_bytes);
        json_end(j);
    }
    json_end(j);
}

void web_time_line(void *context, const struct http_request *q, struct http_response *r)
{
    struct record_view v;
    struct err e;
    struct json j;
    bool is_live;
    if (!read_record(&v, &is_live, context, q, &e)) {
        web_fail(r, &e);
        return;
    }
    const struct record_header *h = &v.header;
    r->mime = "application/json";
    json_init(&j, &r->body);
    json_begin_object(&j);
    json_int_field(&j, "start_ns", (i64)h->start_time_ns);
    json_int_field(&j, "death_ns", (i64)h->death.time_ns);
    json_key(&j, "live");
    json_bool(&j, is_live);
    ticks(&j, &v, q->arena);
    json_end(&j);
}

// Why the process ended, in a word.
static const char *cause(const struct record_header *h, bool is_live)
{
    int status = h->death.wait_status;
    bool is_killed = status >= 0 && WIFSIGNALED(status);
    if (is_live)
        return "alive";
    if (h->state == RECORD_EXITED || (h->death.time_ns && !is_killed))
        return "exited";
    if (is_killed && WTERMSIG(status) == SIGKILL && h->death.oom_kills)
        return "out of memory";
    return is_killed ? "killed" : "unknown";
}

// What is known of how it ended.  The parts of the memory are what the record holds; what the limit
// leaves beyond them is not known here.
void web_death(void *context, const struct http_request *q, struct http_response *r)
{
    struct record_view v;
    struct err e;
    struct json j;
    bool is_live;
    u32 nblock;
    if (!read_record(&v, &is_live, context, q, &e)) {
        web_fail(r, &e);
        return;
    }
    const struct record_header *h = &v.header;
    int status = h->death.wait_status;
    r->mime = "application/json";
    json_init(&j, &r->body);
    json_begin_object(&j);
    json_str_field(&j, "program", record_program(&v));
    json_int_field(&j, "pid", h->pid);
    json_str_field(&j, "cause", str_of(cause(h, is_live)));
    json_int_field(&j, "signal", h->death.time_ns && WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    json_int_field(&j, "start_ns", (i64)h->start_time_ns);
    json_int_field(&j, "death_ns", (i64)h->death.time_ns);
    json_str_field(&j, "cgroup", str_of(h->death.cgroup_known ? h->death.cgroup : ""));
    json_int_field(&j, "limit", h->death.cgroup_known ? (i64)h->death.limit_bytes : 0);
    json_int_field(&j, "peak", h->death.cgroup_known ? (i64)h->death.peak_bytes : 0);
    json_int_field(&j, "oom_kills", (i64)h->death.oom_kills);
    json_int_field(&j, "heap", record_live_bytes(&v, &nblock));
    json_int_field(&j, "samples", nblock);
    json_int_field(&j, "rate", (i64)h->heap_rate_bytes);
    ticks(&j, &v, q->arena);
    json_end(&j);
}
