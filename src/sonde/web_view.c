#include <errno.h>
#include <setjmp.h>

#include "base/compress.h"
#include "report/view.h"
#include "sonde/web.h"

enum {
    LEAST_REQUEST_MIB = 512, // that a view may take, and so many times the profile
    TIMES_PROFILE = 8,
    MOST_ANSWER_MIB = 256,
    GZIP_LEVEL = 1,
};

bool web_config(struct config *out, const struct web *w, const struct http_request *q,
                struct err *e)
{
    *out = w->config;
    out->confine_sources = true;
    for (const struct config_variable *v = config_variables; v->name; v++) {
        struct str value = v->url ? http_parameter(q, v->url) : STR("");
        if (value.len && !config_set(out, v, value, e))
            return err_prefix(e, "%s: ", v->name);
    }
    return true;
}

static bool number(u32 *out, const struct http_request *q, const char *name, struct err *e)
{
    i64 value = 0;
    struct str text = http_parameter(q, name);
    if (text.len && (!str_i64(&value, text) || value < 0 || value > UINT32_MAX))
        return err_set(e, EINVAL, "%s: \"%.*s\" is no number of a load", name, STR_ARG(text));
    *out = (u32)value;
    return true;
}

bool web_moment(struct moment **out, struct web *w, const struct http_request *q, struct err *e)
{
    u32 id, base;
    return number(&id, q, "load", e) && number(&base, q, "base", e) &&
           moments_take(out, &w->moments, id, base, e);
}

// A view that is being made.
struct making {
    const struct report_type *type;
    const struct config *config;
    const struct profile *p;
    struct str parameter;
    struct arena arena;
    struct buf data, warnings;
    jmp_buf full;
};

static void leave(struct arena *a)
{
    longjmp(((struct making *)a->context)->full, 1);
}

static bool make(struct making *m, struct err *e)
{
    m->arena.full = leave;
    m->arena.context = m;
    if (setjmp(m->full))
        return err_set(e, ENOMEM,
                       "this view needs more than %zu MiB: focus, or a coarser "
                       "granularity, makes it smaller",
                       m->arena.limit_bytes >> 20);
    return report_write(&m->data, m->p, m->type, m->parameter, m->config, &m->warnings, &m->arena,
                        e);
}

// {"warnings": [...], "data": what the report wrote}
static void wrap(struct buf *out, const struct making *m)
{
    struct json j;
    json_init(&j, out);
    json_begin_object(&j);
    json_key(&j, "warnings");
    json_begin_array(&j);
    for (struct str rest = buf_str(&m->warnings); rest.len;)
        json_str(&j, str_cut(&rest, '\n'));
    json_end(&j);
    buf_text(out, ",\n\"data\":");
    buf_add(out, buf_str(&m->data));
    buf_text(out, "}\n");
}

// The whole answer, packed.
static bool write_view(struct buf *out, const struct moment *moment, const struct report_type *type,
                       const struct config *c, struct str parameter, struct err *e)
{
    struct making m = {.type = type, .config = c, .p = &moment->p, .parameter = parameter};
    struct buf plain;
    arena_init(&m.arena, (size_t)MIB(LEAST_REQUEST_MIB) +
                             (size_t)TIMES_PROFILE * arena_used_bytes(&moment->arena));
    buf_init(&m.data, (size_t)MIB(MOST_ANSWER_MIB));
    buf_init(&m.warnings, KIB(64));
    buf_init(&plain, (size_t)MIB(MOST_ANSWER_MIB));
    bool done = make(&m, e);
    if (done) {
        wrap(&plain, &m);
        gzip_encode(out, buf_str(&plain), GZIP_LEVEL);
    }
    buf_free(&plain);
    buf_free(&m.warnings);
    buf_free(&m.data);
    arena_free(&m.arena);
    return done;
}

// Whether somebody makes the answer of this key.
static bool is_made(const struct web *w, struct str key)
{
    for (u32 i = 0; i < WEB_MOST_BUSY; i++) {
        if (w->busy[i].len && str_equal(w->busy[i], key))
            return true;
    }
    return false;
}

// Waits for a place among those who make views, and until nobody makes this one.
static struct str *enter(struct web *w, struct str key)
{
    struct str *place = NULL;
    pthread_mutex_lock(&w->lock);
    while (!place) {
        for (u32 i = 0; i < WEB_MOST_BUSY && !is_made(w, key); i++)
            place = w->busy[i].len == 0 ? &w->busy[i] : place;
        if (!place)
            pthread_cond_wait(&w->freed, &w->lock);
    }
    *place = key;
    pthread_mutex_unlock(&w->lock);
    return place;
}

static void leave_place(struct web *w, struct str *place)
{
    pthread_mutex_lock(&w->lock);
    *place = STR("");
    pthread_cond_broadcast(&w->freed);
    pthread_mutex_unlock(&w->lock);
}

bool web_answer(struct buf *out, struct web *w, const struct moment *moment,
                const struct web_question *q, struct err *e)
{
    if (cache_find(out, &w->cache, q->key))
        return true;
    struct str *place = enter(w, q->key);
    bool done = cache_find(out, &w->cache, q->key) ||
                write_view(out, moment, q->type, &q->config, q->parameter, e);
    if (done)
        cache_add(&w->cache, q->key, buf_str(out));
    leave_place(w, place);
    return done;
}

struct str web_key(const struct moment *moment, struct str path, struct str query, struct arena *a)
{
    return arena_printf(a, "%u %.*s?%.*s", moment->id, STR_ARG(path), STR_ARG(query));
}

static bool answer(struct buf *out, struct web *w, const struct http_request *r,
                   const struct moment *moment, const struct report_type *type, struct err *e)
{
    struct web_question q = {.type = type, .key = web_key(moment, r->path, r->query, r->arena)};
    if (type->parameter)
        q.parameter = http_parameter(r, type->url);
    return web_config(&q.config, w, r, e) && web_answer(out, w, moment, &q, e);
}

// Clients that take no gzip are few, and get their answer unpacked.
static bool unpack(struct http_response *r, const struct http_request *q, struct err *e)
{
    struct str plain;
    if (str_find(http_header(q, "Accept-Encoding"), STR("gzip")) >= 0) {
        r->is_gzip = true;
        return true;
    }
    if (!gzip_decode(&plain, buf_str(&r->body), (size_t)MIB(MOST_ANSWER_MIB), q->arena, e))
        return false;
    r->body.len = 0;
    buf_add(&r->body, plain);
    return true;
}

void web_view(struct web *w, const struct http_request *q, struct http_response *r)
{
    struct moment *moment;
    struct err e;
    struct str name = str_skip(q->path, sizeof("/api/") - 1);
    const struct report_type *type = report_view_find(name);
    if (!type) {
        http_fail(r, 404, "there is no such view");
        return;
    }
    if (!web_moment(&moment, w, q, &e)) {
        web_fail(r, &e);
        return;
    }
    bool done = answer(&r->body, w, q, moment, type, &e);
    moments_give(&w->moments, moment);
    r->mime = type->mime;
    if (!done || !unpack(r, q, &e))
        web_fail(r, &e);
}
