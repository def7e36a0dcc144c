// One source of a profile.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "profile/read.h"
#include "record/folder.h"
#include "record/profiles.h"
#include "record/timed.h"
#include "sonde/fetch.h"

// When a record's process died, or now.
static i64 record_time_ns(const struct record_view *v, bool is_live)
{
    struct arena a;
    struct record_tick *tick;
    arena_init(&a, (size_t)MIB(64));
    u32 n = record_ticks(&tick, v, &a);
    i64 last_ns = (i64)(v->header.start_time_ns + (n ? tick[n - 1].time_ns : 0));
    arena_free(&a);
    return is_live                   ? (i64)clock_ns(CLOCK_REALTIME)
           : v->header.death.time_ns ? (i64)v->header.death.time_ns
                                     : last_ns;
}

enum { DEFAULT_S = 30 };

// The profile of this name of a process that runs, or of the record in a file.  An empty name with
// -seconds is the CPU profile, as of a server.
static bool from_pid(struct profile *out, u32 pid, struct str name, const struct sourcing *s,
                     struct arena *a, struct err *e)
{
    struct folder_record r;
    struct record_view v;
    if (name.len == 0)
        name = s->seconds > 0 ? STR("profile") : STR("heap");
    const struct timed_row *timed = timed_find(name);
    i64 seconds = s->seconds > 0 ? s->seconds : DEFAULT_S;
    struct timed t = {.record = &r, .duration_ns = seconds * 1000000000};
    if (timed)
        return folder_find(&r, pid, a, e) && timed->read(out, &t, a, e);
    return folder_find(&r, pid, a, e) && record_read(&v, r.path.ptr, a, e) &&
           profiles_read(out, name, &v, record_time_ns(&v, true), a, e);
}

static bool from_record(struct profile *out, struct str path, struct str name, struct arena *a,
                        struct err *e)
{
    struct record_view v;
    const struct timed_row *timed = timed_find(name);
    if (timed)
        return record_read(&v, arena_str(a, path).ptr, a, e) && timed_past(out, timed, &v, a, e);
    return record_read(&v, arena_str(a, path).ptr, a, e) &&
           profiles_read(out, name, &v, record_time_ns(&v, false), a, e);
}

// From bytes that are an object of a's.
static bool from_bytes(struct profile *out, struct str bytes, const struct sourcing *s,
                       struct arena *a, struct err *e)
{
    if (!record_is(bytes))
        return profile_take(out, bytes, s->most_bytes, a, e);
    struct record_view v;
    if (!record_open(&v, bytes, e))
        return false;
    *out = record_heap(&v, record_time_ns(&v, false), a);
    return true;
}

static bool from_file(struct profile *out, struct str name, const struct sourcing *s,
                      struct arena *a, struct err *e)
{
    struct str bytes;
    const char *path = arena_str(a, name).ptr;
    return file_read(&bytes, path, s->most_bytes, a, e) &&
           (from_bytes(out, bytes, s, a, e) || err_prefix(e, "%s: ", path));
}

static bool from_url(struct profile *out, struct str url, const struct sourcing *s, struct arena *a,
                     struct err *e)
{
    struct str bytes;
    return download(&bytes, url, s, a, e) &&
           (from_bytes(out, bytes, s, a, e) || err_prefix(e, "%.*s: ", STR_ARG(url)));
}

static bool is_file(struct str name, struct arena *a)
{
    return str_equal(name, STR("-")) || access(arena_str(a, name).ptr, F_OK) == 0;
}

static bool is_folder(struct str name, struct arena *a)
{
    struct stat st;
    return stat(arena_str(a, name).ptr, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_pid(struct str name, i64 *pid)
{
    return str_i64(pid, name) && *pid > 0 && *pid <= INT32_MAX;
}

// "http://...", "unix:SOCKET:/path", or "host:port/path", which lacks only the scheme.
static bool url_of(struct str *url, struct str name, struct arena *a)
{
    static const char *const scheme[] = {"http://", "https://", "https+insecure://", "unix:"};
    *url = name;
    for (size_t i = 0; i < ARRAY_LEN(scheme); i++) {
        if (str_starts(name, str_of(scheme[i])))
            return true;
    }
    struct str rest = name, host = str_cut(&rest, ':');
    if (host.len == 0 || host.len == name.len || str_find(host, STR("/")) >= 0 || rest.len == 0 ||
        rest.ptr[0] < '0' || rest.ptr[0] > '9')
        return false;
    *url = arena_printf(a, "http://%.*s", STR_ARG(name));
    return true;
}

// "PID/mmap" or "RECORD/peak": a profile other than the heap's.
static bool cut_name(struct str *record, struct str *name, struct str source)
{
    for (size_t i = source.len; i > 0; i--) {
        if (source.ptr[i - 1] != '/')
            continue;
        *record = (struct str){source.ptr, i - 1};
        *name = str_skip(source, i);
        return record->len && name->len;
    }
    return false;
}

static bool from_named(struct profile *out, struct str source, bool *is_named,
                       const struct sourcing *s, struct arena *a, struct err *e)
{
    struct str record, name;
    i64 pid;
    *is_named = cut_name(&record, &name, source);
    if (*is_named && is_file(record, a) && !is_folder(record, a))
        return from_record(out, record, name, a, e) || err_prefix(e, "%.*s: ", STR_ARG(source));
    *is_named = *is_named && is_pid(record, &pid);
    return *is_named &&
           (from_pid(out, (u32)pid, name, s, a, e) || err_prefix(e, "%.*s: ", STR_ARG(source)));
}

bool source_is_remote(struct str name, struct arena *a)
{
    struct str url;
    return !is_file(name, a) && url_of(&url, name, a);
}

bool source_is_pid(struct str name, struct arena *a)
{
    i64 pid;
    return !is_file(name, a) && is_pid(name, &pid);
}

bool source_record_path(struct str *path, bool *is_live, struct str name, struct arena *a,
                        struct err *e)
{
    struct folder_record r;
    struct str url;
    i64 pid;
    *path = arena_str(a, name);
    *is_live = !is_file(name, a) && is_pid(name, &pid);
    if (*is_live) {
        bool is_found = folder_find(&r, (u32)pid, a, e);
        *path = r.path;
        return is_found;
    }
    return is_file(name, a) || !url_of(&url, name, a) ||
           err_set(e, ENOENT,
                   "a profile from a server has no memory over time: a record, or the PID of a "
                   "program that runs with the library, has");
}

bool source_record(struct record_view *out, bool *is_live, struct str name, struct arena *a,
                   struct err *e)
{
    struct str path;
    return source_record_path(&path, is_live, name, a, e) && record_read(out, path.ptr, a, e);
}

bool source_read(struct profile *out, struct str name, const struct sourcing *s, struct str *url,
                 struct arena *a, struct err *e)
{
    i64 pid;
    bool is_remote = !is_file(name, a) && url_of(url, name, a);
    if (is_remote)
        return from_url(out, *url, s, a, e);
    *url = STR("");
    if (!is_file(name, a) && is_pid(name, &pid))
        return from_pid(out, (u32)pid, STR(""), s, a, e);
    bool is_named = false, is_read = !is_file(name, a) && from_named(out, name, &is_named, s, a, e);
    if (is_named)
        return is_read;
    return from_file(out, name, s, a, e);
}
