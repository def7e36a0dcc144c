#include "http/debug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/html.h"
#include "http/account.h"
#include "http/snapshot.h"
#include "http/switching.h"
#include "http/timing.h"
#include "profile/demangle.h"
#include "profile/encode.h"
#include "profile/symbolize.h"
#include "record/folder.h"
#include "record/profiles.h"

enum {
    SYMBOLS_LIMIT_MIB = 4096,
    BAD_REQUEST = 400,
    NOT_FOUND = 404,
    SERVER_ERROR = 500,
    NOT_IMPLEMENTED = 501
};

static const char prefix[] = "/debug/pprof/";

// Where fgprof's users have it.
static const char fgprof[] = "/debug/fgprof";

void debug_init(struct debug *d, u32 pid)
{
    *d = (struct debug){.pid = pid};
    pthread_mutex_init(&d->lock, NULL);
    arena_init(&d->symbols, (size_t)MIB(SYMBOLS_LIMIT_MIB));
    symbolizer_init(&d->symbolizer, &d->symbols);
}

void debug_free(struct debug *d)
{
    symbolizer_close(&d->symbolizer);
    arena_free(&d->symbols);
    pthread_mutex_destroy(&d->lock);
}

// Records of processes that run.
static u32 list_live(struct folder_record **out, struct arena *a)
{
    u32 n = folder_list(out, folder_live(a), a), alive = 0;
    for (u32 i = 0; i < n; i++) {
        if (folder_life(&(*out)[i]) == FOLDER_ALIVE)
            (*out)[alive++] = (*out)[i];
    }
    return alive;
}

// ?pid=, or the server's own, or the only one.
bool debug_choose(struct folder_record *out, const struct debug *d, const struct http_request *q,
                  struct err *e)
{
    struct str named = http_parameter(q, "pid");
    i64 pid = d->pid;
    if (named.len && (!str_i64(&pid, named) || pid <= 0 || pid > INT32_MAX))
        return err_set(e, EINVAL, "invalid value for \"pid\" - must be a process number");
    if (pid)
        return folder_find(out, (u32)pid, q->arena, e);
    struct folder_record *list;
    u32 n = list_live(&list, q->arena);
    if (n == 0)
        return err_set(e, ENOENT, "no process with the library is running");
    if (n > 1)
        return err_set(
            e, EINVAL,
            "%u processes with the library are running: choose one by ?pid=, from the list at %s",
            n, prefix);
    *out = list[0];
    return true;
}

static bool read_process(struct record_view *v, const struct debug *d, const struct http_request *q,
                         struct err *e)
{
    struct folder_record r;
    return debug_choose(&r, d, q, e) && record_read(v, r.path.ptr, q->arena, e);
}

void debug_fail(struct http_response *r, const struct err *e)
{
    http_fail(r,
              e->code == EINVAL                       ? BAD_REQUEST
              : e->code == ENOENT || e->code == ESRCH ? NOT_FOUND
                                                      : SERVER_ERROR,
              e->text);
}

// Names for all, made here so that no client needs the binaries.
struct profile debug_name(struct debug *d, const struct profile *p, struct arena *a)
{
    pthread_mutex_lock(&d->lock);
    struct profile named = profile_symbolize(p, &d->symbolizer, false, a);
    pthread_mutex_unlock(&d->lock);
    return profile_demangle(&named, DEMANGLE_DEFAULT, false, a);
}

void debug_send(struct http_response *r, const struct profile *p, const char *filename)
{
    profile_encode_gzip(&r->body, p);
    r->mime = "application/octet-stream";
    r->filename = filename;
}

static void serve_cmdline(struct debug *d, const struct http_request *q, struct http_response *r)
{
    struct record_view v;
    struct err e;
    if (!read_process(&v, d, q, &e)) {
        debug_fail(r, &e);
        return;
    }
    u32 n = v.header.section[RECORD_TEXT].nrow, at = v.header.cmdline,
        bytes = v.header.cmdline_bytes;
    if (at >= n || bytes == 0 || bytes > n - at)
        return;
    // The kernel ends each argument by NUL; Go joins them by it.
    buf_add(&r->body, (struct str){v.text + at, v.text[at + bytes - 1] ? bytes : bytes - 1});
}

// The mapping that an address is in, or NULL.
static const struct record_mapping *find_mapping(const struct record_view *v, u64 address)
{
    u32 n = v->header.nmapping, cap = v->header.section[RECORD_MAPPING].nrow;
    for (u32 row = 1; row < n && row < cap; row++) {
        if (address >= v->mapping[row].start && address < v->mapping[row].limit)
            return &v->mapping[row];
    }
    return NULL;
}

static struct str function_at(struct debug *d, const struct record_view *v, u64 address,
                              struct arena *a)
{
    const struct record_mapping *m = find_mapping(v, address);
    struct symbol_line *line;
    if (!m)
        return STR("");
    struct symbolizer_query q = {
        .path = record_text(v, m->filename),
        .mapping = {m->start, m->limit, m->offset},
        .address = address,
    };
    if (symbolizer_find(&d->symbolizer, &q, &line) == 0)
        return STR("");
    return demangle(line[0].function, DEMANGLE_DEFAULT, a);
}

// Addresses, "0x1234+0x5678", as the query or the body; a line for each that has a name.
static void serve_symbol(struct debug *d, const struct http_request *q, struct http_response *r)
{
    struct record_view v;
    struct err e;
    struct str addresses = q->is_post ? q->body : q->query;
    if (!read_process(&v, d, q, &e)) {
        debug_fail(r, &e);
        return;
    }
    buf_text(&r->body, "num_symbols: 1\n"); // as Go: it says that there are symbols at all
    pthread_mutex_lock(&d->lock);
    while (addresses.len) {
        struct str text = arena_str(q->arena, str_cut(&addresses, '+'));
        u64 address = strtoull(text.ptr, NULL, 0);
        struct str name = address ? function_at(d, &v, address, q->arena) : STR("");
        if (name.len)
            buf_printf(&r->body, "%#llx %.*s\n", (unsigned long long)address, STR_ARG(name));
    }
    pthread_mutex_unlock(&d->lock);
}

static void serve_memory(struct debug *d, const struct http_request *q, struct http_response *r)
{
    struct folder_record f;
    struct err e;
    if (debug_choose(&f, d, q, &e))
        account_answer(d, q, r, f.path, true);
    else
        debug_fail(r, &e);
}

static void serve_oom(struct debug *d, const struct http_request *q, struct http_response *r)
{
    struct str path;
    struct err e;
    if (account_find_killed(&path, q->arena, &e))
        account_answer(d, q, r, path, false);
    else
        debug_fail(r, &e);
}

// What Go's trace is for has no counterpart in one file.
static void serve_trace(struct debug *d, const struct http_request *q, struct http_response *r)
{
    (void)d, (void)q;
    http_fail(r, NOT_IMPLEMENTED,
              "a native program has no scheduler of its own to trace: /debug/pprof/wall?seconds=5 "
              "tells where all threads are and what they wait for, /debug/pprof/profile where they "
              "run, /debug/pprof/threads where they are now");
}

// Go's word for threads.
static void serve_goroutine(struct debug *d, const struct http_request *q, struct http_response *r)
{
    timing_serve(d, q, r, timed_find(STR("threads")));
}

struct route {
    const char *name;
    void (*serve)(struct debug *d, const struct http_request *q, struct http_response *r);
    const char *description;
    bool is_change; // not for a link
};

static void serve_index(struct debug *d, const struct http_request *q, struct http_response *r);

static const struct route routes[] = {
    {"", serve_index, NULL, false},
    {"cmdline", serve_cmdline, "The command line invocation of the program", false},
    {"goroutine", serve_goroutine, "The threads, by Go's name for them", false},
    {"memory", serve_memory,
     "What the memory cgroup is charged for, line by line; the sum is the charge", false},
    {"oom", serve_oom,
     "The same of the last program that was killed, at its end: debug=1, format=json, format=html",
     false},
    {"start", switching_start,
     "Switches \"profile\" (heap, cpu, wall, locks, all) on by POST, at \"rate\" (512KiB, 100, 20, "
     "1ms), "
     "or changes its rate",
     true},
    {"stop", switching_stop, "Switches it off by POST", true},
    {"symbol", serve_symbol, "Maps given program counters to function names", false},
    {"trace", serve_trace, "Says what there is in its place", false},
};

static void index_link(struct buf *out, struct str name, u32 pid)
{
    buf_text(out, "<a href=\"");
    html_text(out, name);
    buf_printf(out, "?pid=%u\">", pid);
    html_text(out, name);
    buf_text(out, "</a> ");
}

static void index_process(struct buf *out, const struct folder_record *f, struct arena *a)
{
    struct record_view v;
    struct err e;
    u32 nblock;
    if (!record_read(&v, f->path.ptr, a, &e))
        return;
    i64 live = record_live_bytes(&v, &nblock);
    buf_printf(out, "<tr><td>%u</td><td>", f->pid);
    html_text(out, record_program(&v));
    buf_printf(out, "</td><td>%.1f MB</td><td>", (double)live / 0x1p20);
    for (u32 i = 0; i < nprofile; i++)
        index_link(out, str_of(profiles[i].name), f->pid);
    for (u32 i = 0; i < ntimed_row; i++)
        index_link(out, str_of(timed_rows[i].name), f->pid);
    for (u32 own = 1; own < record_own_count(&v); own++)
        index_link(out, record_own_name(&v, own), f->pid);
    for (size_t i = 1; i < ARRAY_LEN(routes); i++) {
        if (!routes[i].is_change)
            index_link(out, str_of(routes[i].name), f->pid);
    }
    buf_text(out, "</td><td>");
    switching_write(out, &v.header);
    buf_text(out, "</td></tr>\n");
}

static void serve_index(struct debug *d, const struct http_request *q, struct http_response *r)
{
    struct folder_record *list;
    u32 n = list_live(&list, q->arena);
    r->mime = "text/html; charset=utf-8";
    buf_text(
        &r->body,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>/debug/pprof/</title></head>\n<body>\n"
        "<h1>/debug/pprof/</h1>\n<table>\n"
        "<thead><tr><th>PID</th><th>Program</th><th>Live "
        "heap</th><th>Profiles</th><th>Always sampled</th></tr></thead>\n");
    for (u32 i = 0; i < n; i++) {
        if (d->pid == 0 || list[i].pid == d->pid)
            index_process(&r->body, &list[i], q->arena);
    }
    buf_text(&r->body, "</table>\n<p>Profile Descriptions:</p>\n<ul>\n");
    for (u32 i = 0; i < nprofile; i++)
        buf_printf(&r->body, "<li><b>%s:</b> %s</li>\n", profiles[i].name, profiles[i].description);
    for (u32 i = 0; i < ntimed_row; i++)
        buf_printf(&r->body, "<li><b>%s:</b> %s</li>\n", timed_rows[i].name,
                   timed_rows[i].description);
    for (size_t i = 1; i < ARRAY_LEN(routes); i++)
        buf_printf(&r->body, "<li><b>%s:</b> %s</li>\n", routes[i].name, routes[i].description);
    buf_text(&r->body, "</ul>\n</body>\n</html>\n");
}

void debug_handle(void *context, const struct http_request *q, struct http_response *r)
{
    struct str path = q->path;
    if (str_equal(path, str_of(fgprof))) {
        timing_serve(context, q, r, timed_find(STR("wall")));
        return;
    }
    if (!str_starts(path, str_of(prefix))) {
        http_fail(r, NOT_FOUND, "404 page not found: the profiles are at /debug/pprof/");
        return;
    }
    struct str name = str_skip(path, sizeof(prefix) - 1);
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (str_equal(name, str_of(routes[i].name))) {
            routes[i].serve(context, q, r);
            return;
        }
    }
    const struct timed_row *timed = timed_find(name);
    if (timed)
        timing_serve(context, q, r, timed);
    else
        snapshot_serve(context, q, r, name);
}
