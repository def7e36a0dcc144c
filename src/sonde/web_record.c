#include <errno.h>

#include "base/json.h"
#include "oom/text.h"
#include "sonde/death.h"
#include "sonde/fetch.h"
#include "sonde/web.h"

static bool is_of_one(const struct sourcing *s, struct err *e)
{
    return s->nsource == 1 ||
           err_set(e, ENOENT, "memory over time is of one program: there are %u sources",
                   s->nsource);
}

// Of the only source.  Fails when there are several, or it is no record.
static bool read_record(struct record_view *v, bool *is_live, const struct web *w,
                        const struct http_request *q, struct err *e)
{
    const struct sourcing *s = &w->moments.sourcing;
    return is_of_one(s, e) && source_record(v, is_live, s->source[0], q->arena, e);
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

// What the lines of the account are called, and what they mean.
static void line_names(struct json *j)
{
    json_key(j, "lines");
    json_begin_object(j);
    for (u32 i = 0; i < ACCOUNT_LINES; i++) {
        json_key(j, account_key(i));
        json_begin_object(j);
        json_str_field(j, "name", str_of(account_name(i)));
        json_str_field(j, "meaning", str_of(account_meaning(i)));
        json_end(j);
    }
    json_end(j);
}

// Appends the names, and the document of "sonde oom -json".
static bool write_death(struct buf *out, const struct web *w, struct str path, bool is_live,
                        struct arena *a, struct err *e)
{
    struct oom o;
    struct json j;
    if (!death_read(&o, path, is_live, &w->moments.sourcing, a, e))
        return false;
    struct verdict v = verdict_find(&o, a);
    json_init(&j, out);
    json_begin_object(&j);
    line_names(&j);
    json_int_field(&j, "start_ns", (i64)o.v.header.start_time_ns);
    json_key(&j, "live");
    json_bool(&j, is_live);
    buf_text(out, ",\n\"oom\":");
    oom_json(out, &o, &v, a);
    buf_text(out, "}\n");
    return true;
}

// A record that was left behind says the same each time.
void web_death(void *context, const struct http_request *q, struct http_response *r)
{
    struct web *w = context;
    const struct sourcing *s = &w->moments.sourcing;
    const struct str key = STR("how it ended");
    struct str path;
    struct err e;
    bool is_live,
        done = is_of_one(s, &e) && source_record_path(&path, &is_live, s->source[0], q->arena, &e);
    r->mime = "application/json";
    if (done && (is_live || !cache_find(&r->body, &w->cache, key))) {
        done = write_death(&r->body, w, path, is_live, q->arena, &e);
        if (done && !is_live)
            cache_add(&w->cache, key, buf_str(&r->body));
    }
    if (!done)
        web_fail(r, &e);
}
