#include "sonde/web.h"

#include <errno.h>
#include <string.h>

#include "profile/encode.h"
#include "report/asset.h"
#include "sonde/fetch.h"
#include "sonde/settings.h"

enum {
    CACHE_MIB = 48,
    USUAL_SECONDS = 10, // of a CPU profile
    MOST_SECONDS = 300,
    REDIRECT = 307,
    MOVED = 301,
    BAD_REQUEST = 400,
    NOT_FOUND = 404,
    NOT_ALLOWED = 405,
    SERVER_ERROR = 500,
    UNAVAILABLE = 503,
};

// Pages load what they need from here, and nothing from anywhere else; nobody may have them in a
// frame.
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void web_init(struct web *w, const struct sourcing *s, const struct config *c)
{
    *w = (struct web){.config = *c};
    moments_init(&w->moments, s);
    cache_init(&w->cache, (size_t)MIB(CACHE_MIB));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->freed, NULL);
}

void web_free(struct web *w)
{
    web_foresee_end(w);
    moments_free(&w->moments);
    cache_free(&w->cache);
    pthread_cond_destroy(&w->freed);
    pthread_mutex_destroy(&w->lock);
}

void web_fail(struct http_response *r, const struct err *e)
{
    static const struct {
        int code;
        u32 status;
    } known[] = {{EINVAL, BAD_REQUEST}, {EBADMSG, BAD_REQUEST}, {ENOENT, NOT_FOUND},
                 {ESRCH, NOT_FOUND},    {ENOMEM, UNAVAILABLE},  {EFBIG, UNAVAILABLE},
                 {EAGAIN, UNAVAILABLE}};
    u32 status = SERVER_ERROR;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].code == e->code)
            status = known[i].status;
    }
    http_fail(r, status, e->text);
}

static void serve_page(void *context, const struct http_request *q, struct http_response *r)
{
    (void)context, (void)q;
    r->mime = "text/html; charset=utf-8";
    r->policy = policy;
    buf_add(&r->body, ASSET(app_html));
}

static void redirect(const struct http_request *q, struct http_response *r, u32 status,
                     const char *path)
{
    r->status = status;
    r->location =
        arena_printf(q->arena, "%s%s%.*s", path, q->query.len ? "?" : "", STR_ARG(q->query)).ptr;
}

static void serve_root(void *context, const struct http_request *q, struct http_response *r)
{
    (void)context;
    redirect(q, r, REDIRECT, "/flamegraph");
}

// Where older versions of pprof had it.
static void serve_moved(void *context, const struct http_request *q, struct http_response *r)
{
    (void)context;
    redirect(q, r, MOVED, "/flamegraph");
}

static void serve_download(void *context, const struct http_request *q, struct http_response *r)
{
    struct web *w = context;
    struct moment *moment;
    struct err e;
    if (!web_moment(&moment, w, q, &e)) {
        web_fail(r, &e);
        return;
    }
    profile_encode_gzip(&r->body, &moment->p);
    moments_give(&w->moments, moment);
    r->mime = "application/vnd.google.protobuf+gzip";
    r->filename = "profile.pb.gz";
}

static void done(struct http_response *r)
{
    r->mime = "application/json";
    buf_text(&r->body, "{}\n");
}

static void serve_save(void *context, const struct http_request *q, struct http_response *r)
{
    struct err e;
    struct config c;
    if (!web_config(&c, context, q, &e) ||
        !settings_save(http_parameter(q, "config"), &c, q->arena, &e))
        web_fail(r, &e);
    else
        done(r);
}

static void serve_delete(void *context, const struct http_request *q, struct http_response *r)
{
    struct err e;
    (void)context;
    if (settings_delete(http_parameter(q, "config"), q->arena, &e))
        done(r);
    else
        web_fail(r, &e);
}

static void load_again(struct web *w, const struct sourcing *s, const char *kind,
                       struct http_response *r)
{
    struct err e;
    u32 id;
    if (!moments_fetch(&id, &w->moments, s, kind, &e)) {
        web_fail(r, &e);
        return;
    }
    r->mime = "application/json";
    buf_printf(&r->body, "{\"load\":%u}\n", id);
}

static void serve_refresh(void *context, const struct http_request *q, struct http_response *r)
{
    struct web *w = context;
    (void)q;
    load_again(w, &w->moments.sourcing, "profile", r);
}

bool web_can_record(const struct web *w, struct arena *a)
{
    const struct sourcing *s = &w->moments.sourcing;
    return w->cpu_url.len || (s->nsource == 1 && source_is_pid(s->source[0], a));
}

static void serve_record(void *context, const struct http_request *q, struct http_response *r)
{
    struct web *w = context;
    struct sourcing s = w->moments.sourcing;
    struct str text = http_parameter(q, "seconds");
    i64 seconds = USUAL_SECONDS;
    if (text.len && (!str_i64(&seconds, text) || seconds < 1 || seconds > MOST_SECONDS)) {
        http_fail(r, BAD_REQUEST, "seconds: it is a number from 1 to 300");
        return;
    }
    if (!web_can_record(w, q->arena)) {
        http_fail(r, BAD_REQUEST,
                  "a CPU profile can be recorded where the source is a process, or a server's "
                  "/debug/pprof/");
        return;
    }
    if (w->cpu_url.len)
        s.source = &w->cpu_url;
    s.nsource = 1;
    s.nbase = 0;
    s.seconds = seconds;
    load_again(w, &s, "cpu", r);
}

struct route {
    const char *path;
    http_handler *serve;
    bool changes; // something, so it is asked by POST alone
};

static const struct route routes[] = {
    {"/", serve_root, false},
    {"/ui", serve_root, false},
    {"/flamegraph", serve_page, false},
    {"/flamegraph2", serve_moved, false},
    {"/flamegraphold", serve_moved, false},
    {"/top", serve_page, false},
    {"/graph", serve_page, false},
    {"/peek", serve_page, false},
    {"/source", serve_page, false},
    {"/disasm", serve_page, false},
    {"/traces", serve_page, false},
    {"/difference", serve_page, false},
    {"/timeline", serve_page, false},
    {"/death", serve_page, false},
    {"/download", serve_download, false},
    {"/saveconfig", serve_save, true},
    {"/deleteconfig", serve_delete, true},
    {"/api/about", web_about, false},
    {"/api/timeline", web_time_line, false},
    {"/api/death", web_death, false},
    {"/api/refresh", serve_refresh, true},
    {"/api/record", serve_record, true},
};

static const struct route *find_route(struct str path)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (str_equal(path, str_of(routes[i].path)))
            return &routes[i];
    }
    return NULL;
}

void web_handle(void *context, const struct http_request *q, struct http_response *r)
{
    const struct str ui = STR("/ui/");
    const struct route *route = find_route(q->path);
    if (!route && str_starts(q->path, ui)) { // where pprof has them
        route = find_route(str_skip(q->path, ui.len - 1));
        if (route)
            redirect(q, r, MOVED, route->path);
        else
            http_fail(r, NOT_FOUND, "404 page not found");
        return;
    }
    if (route && route->changes && !q->is_post)
        http_fail(r, NOT_ALLOWED, "method not allowed: this is asked by POST");
    else if (route)
        route->serve(context, q, r);
    else if (str_starts(q->path, STR("/api/")))
        web_view(context, q, r);
    else if (!str_starts(q->path, STR("/web/")) || !web_asset(q, r))
        http_fail(r, NOT_FOUND, "404 page not found: the pages begin at /");
}
