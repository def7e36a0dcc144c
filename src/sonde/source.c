// Where profiles come from.
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "profile/decode.h"
#include "profile/filter.h"
#include "profile/symbolize.h"
#include "record/folder.h"
#include "sonde/command.h"

enum { DEFAULT_TIMEOUT_S = 60 };

static i64 now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (i64)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct profile source_symbolize(const struct profile *p, struct str mode, struct arena *a)
{
    bool force = false, none = false;
    while (mode.len) {
        struct str word = str_cut(&mode, ':');
        none |= str_equal(word, STR("none")) || str_equal(word, STR("no"));
        force |= str_equal(word, STR("force"));
        if (!none && !force && !str_equal(word, STR("local")))
            warn("ignoring unrecognized symbolization option: %.*s", STR_ARG(word));
    }
    if (none)
        return *p;
    struct symbolizer s;
    struct str path;
    struct err why;
    symbolizer_init(&s, getenv("PPROF_BINARY_PATH"), a);
    struct profile out = profile_symbolize(p, &s, force, a);
    while (symbolizer_trouble(&s, &path, &why))
        warn("%s", why.text);
    symbolizer_close(&s);
    return out;
}

// When a record's process died, or now.
static i64 record_time_ns(const struct record_view *v, bool is_live)
{
    struct arena a;
    struct record_tick *tick;
    arena_init(&a, (size_t)MIB(64));
    u32 n = record_ticks(&tick, v, &a);
    i64 last_ns = (i64)(v->header.start_time_ns + (n ? tick[n - 1].time_ns : 0));
    arena_free(&a);
    return is_live ? now_ns() : v->header.death.time_ns ? (i64)v->header.death.time_ns : last_ns;
}

static bool from_pid(struct profile *out, u32 pid, struct arena *a, struct err *e)
{
    struct folder_record r;
    struct record_view v;
    if (!folder_find(&r, pid, a, e) || !record_read(&v, r.path.ptr, a, e))
        return false;
    *out = record_heap(&v, record_time_ns(&v, true), a);
    return true;
}

static bool from_bytes(struct profile *out, struct str bytes, const struct source_options *o,
                       struct arena *a, struct err *e)
{
    if (!record_is(bytes))
        return profile_decode(out, bytes, o->most_bytes, a, e);
    struct record_view v;
    if (!record_open(&v, bytes, e))
        return false;
    *out = record_heap(&v, record_time_ns(&v, false), a);
    return true;
}

struct download {
    struct buf body;
    bool is_pprof_error; // the server says that the body explains the error
};

static size_t on_body(char *data, size_t size, size_t n, void *download)
{
    struct download *d = download;
    buf_add(&d->body, (struct str){data, size * n});
    return d->body.full ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *download)
{
    struct download *d = download;
    struct str line = {data, size * n}, name = str_cut(&line, ':');
    const struct str mark = STR("X-Go-Pprof");
    d->is_pprof_error |= name.len == mark.len && strncasecmp(name.ptr, mark.ptr, mark.len) == 0;
    return size * n;
}

static bool check_download(const struct download *d, CURL *curl, CURLcode code, const char *reason,
                           struct str url, const struct source_options *o, struct err *e)
{
    long status = 0;
    if (d->body.full)
        return err_set(e, EFBIG, "%.*s: larger than %zu MiB; -max_size=SIZE allows more",
                       STR_ARG(url), o->most_bytes >> 20);
    if (code != CURLE_OK)
        return err_set(e, EIO, "%.*s: %s", STR_ARG(url),
                       *reason ? reason : curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return true;
    struct str text = d->is_pprof_error ? str_trim(buf_str(&d->body)) : STR("");
    return err_set(e, EIO, "%.*s: server response: %ld%s%.*s", STR_ARG(url), status,
                   text.len ? " - " : "", STR_ARG(text));
}

static bool from_url(struct profile *out, struct str url, const struct source_options *o,
                     struct arena *a, struct err *e)
{
    struct download d = {0};
    char reason[CURL_ERROR_SIZE] = "";
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    if (!curl)
        return err_errno(e, ENOMEM, "%.*s", STR_ARG(url));
    buf_init(&d.body, o->most_bytes);
    curl_easy_setopt(curl, CURLOPT_URL, arena_str(a, url).ptr);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT,
                     (long)(o->timeout_s < 0 ? DEFAULT_TIMEOUT_S : o->timeout_s));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "sonde/" SONDE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &d);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &d);
    fprintf(stderr, "Fetching profile over HTTP from %.*s\n", STR_ARG(url));
    bool done = check_download(&d, curl, curl_easy_perform(curl), reason, url, o, e);
    struct str bytes = done ? arena_str(a, buf_str(&d.body)) : STR("");
    buf_free(&d.body);
    curl_easy_cleanup(curl);
    return done && (from_bytes(out, bytes, o, a, e) || err_prefix(e, "%.*s: ", STR_ARG(url)));
}

// "http://...", or "host:port/path", which lacks only that.
static bool url_of(struct str *url, struct str name, struct arena *a)
{
    *url = name;
    if (str_starts(name, STR("http://")) || str_starts(name, STR("https://")))
        return true;
    struct str rest = name, host = str_cut(&rest, ':');
    if (host.len == 0 || host.len == name.len || str_find(host, STR("/")) >= 0 || rest.len == 0 ||
        rest.ptr[0] < '0' || rest.ptr[0] > '9')
        return false;
    *url = arena_printf(a, "http://%.*s", STR_ARG(name));
    return true;
}

static bool from_file(struct profile *out, struct str name, const struct source_options *o,
                      struct arena *a, struct err *e)
{
    struct str bytes;
    const char *path = arena_str(a, name).ptr;
    return file_read(&bytes, path, o->most_bytes, a, e) &&
           (from_bytes(out, bytes, o, a, e) || err_prefix(e, "%s: ", path));
}

static bool fetch(struct profile *out, struct str name, const struct source_options *o,
                  struct arena *a, struct err *e)
{
    struct str url;
    i64 pid;
    bool is_file = str_equal(name, STR("-")) || access(arena_str(a, name).ptr, F_OK) == 0;
    if (!is_file && url_of(&url, name, a))
        return from_url(out, url, o, a, e);
    if (!is_file && str_i64(&pid, name) && pid > 0 && pid <= INT32_MAX)
        return from_pid(out, (u32)pid, a, e);
    return from_file(out, name, o, a, e);
}

bool source_fetch(struct profile *out, struct str name, const struct source_options *o,
                  struct arena *a, struct err *e)
{
    struct profile p;
    if (!fetch(&p, name, o, a, e))
        return false;
    p = source_symbolize(&p, o->symbolize, a);
    return filter_drop_frames(out, &p, a, e);
}
