// sonde oom: what a program that was killed held at that moment.  sonde mem: the same of one that
// runs.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "oom/text.h"
#include "profile/encode.h"
#include "record/folder.h"
#include "sonde/command.h"
#include "sonde/death.h"
#include "sonde/request.h"

static bool was_killed(const struct record_view *v)
{
    int status = v->header.death.wait_status;
    return v->header.state != RECORD_EXITED && (status < 0 || WIFSIGNALED(status));
}

// The newest record in a folder whose process was killed.
static bool newest_killed(struct str *path, struct str folder, struct arena *a, struct err *e)
{
    struct folder_record *list;
    u32 n = folder_list(&list, folder, a);
    for (u32 i = n; i > 0; i--) {
        struct record_view v;
        struct err ignored;
        if (record_read(&v, list[i - 1].path.ptr, a, &ignored) && was_killed(&v)) {
            *path = list[i - 1].path;
            return true;
        }
    }
    return err_set(e, ENOENT,
                   "no program that was killed has left a record in %.*s; start programs by "
                   "\"sonde run -- PROGRAM\" or "
                   "with LD_PRELOAD=libsonde.so",
                   STR_ARG(folder));
}

// The kept record of a process, newest first.
static bool kept_of_pid(struct str *path, u32 pid, struct arena *a, struct err *e)
{
    struct folder_record *list;
    struct str folder = folder_kept(a);
    u32 n = folder_list(&list, folder, a);
    for (u32 i = n; i > 0; i--) {
        if (list[i - 1].pid == pid) {
            *path = list[i - 1].path;
            return true;
        }
    }
    return err_set(e, ENOENT, "process %u has left no record in %.*s", pid, STR_ARG(folder));
}

// What is asked for, and as what.
struct question {
    const char *argument; // NULL: the newest
    enum { AS_TEXT, AS_JSON, AS_HTML, AS_PROTO } form;
    const char *output; // file; NULL: standard output
    struct str path;
    bool is_alive;
};

static bool find_record(struct question *q, struct arena *a, struct err *e)
{
    struct stat st;
    struct folder_record live;
    struct err ignored;
    i64 pid;
    const char *argument = q->argument;
    folder_sweep(a);
    if (!argument)
        return newest_killed(&q->path, folder_kept(a), a, e);
    if (stat(argument, &st) == 0 && S_ISDIR(st.st_mode))
        return newest_killed(&q->path, str_of(argument), a, e);
    if (stat(argument, &st) != 0 && str_i64(&pid, str_of(argument)) && pid > 0 &&
        pid <= INT32_MAX) {
        q->is_alive = folder_find(&live, (u32)pid, a, &ignored);
        q->path = live.path;
        return q->is_alive || kept_of_pid(&q->path, (u32)pid, a, e);
    }
    q->path = str_of(argument);
    return true;
}

static bool write_form(struct buf *out, const struct question *q, const struct oom *o,
                       struct arena *a, struct err *e)
{
    struct profile p;
    struct verdict v = verdict_find(o, a);
    switch (q->form) {
    case AS_JSON:
        oom_json(out, o, &v, a);
        return true;
    case AS_HTML:
        return oom_html(out, o, &v, a, e);
    case AS_PROTO:
        p = oom_profile(o, a);
        profile_encode_gzip(out, &p);
        return true;
    default:
        oom_text(out, o, &v, a);
        return true;
    }
}

static bool put(const struct question *q, struct str bytes, struct err *e)
{
    if (q->output)
        return file_write(q->output, bytes, e);
    if (q->form == AS_PROTO && isatty(STDOUT_FILENO))
        return err_set(e, EINVAL, "oom: -proto writes bytes for programs; name a file by -output=");
    return fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len ||
           err_set(e, EIO, "standard output could not be written");
}

static bool report(struct question *q, struct arena *a, struct err *e)
{
    struct oom o;
    struct buf out;
    const struct sourcing plain = {0};
    if (!find_record(q, a, e) || !death_read(&o, q->path, q->is_alive, &plain, a, e))
        return false;
    buf_init(&out, SIZE_MAX / 2);
    bool done = write_form(&out, q, &o, a, e) && put(q, buf_str(&out), e);
    buf_free(&out);
    return done;
}

static bool parse(struct question *q, const char *name, char **argument, struct err *e)
{
    u32 at = 0;
    struct str value;
    for (struct option o; argument[at] && option_next(&o, argument, &at);) {
        if (str_equal(o.name, STR("json")))
            q->form = AS_JSON;
        else if (str_equal(o.name, STR("html")))
            q->form = AS_HTML;
        else if (str_equal(o.name, STR("proto")))
            q->form = AS_PROTO;
        else if (!str_equal(o.name, STR("output")))
            return err_set(e, EINVAL,
                           "%s: flag provided but not defined: -%.*s; there are -json, -html, "
                           "-proto and -output=FILE",
                           name, STR_ARG(o.name));
        else if (!option_value(&value, &o, argument, &at, e))
            return false;
        else
            q->output = value.ptr; // arguments end by NUL
    }
    q->argument = argument[at];
    return !argument[at] || !argument[at + 1] ||
           err_set(e, EINVAL, "%s: usage: sonde %s [-json|-html|-proto] [-output=FILE] %s", name,
                   name, strcmp(name, "oom") == 0 ? "[RECORD|PID|DIR]" : "PID");
}

static int run(const char *name, bool needs_pid, char **argument)
{
    struct arena a;
    struct err e;
    struct question q = {0};
    arena_init(&a, (size_t)MIB(16384));
    bool done = parse(&q, name, argument, &e) &&
                (q.argument || !needs_pid ||
                 err_set(&e, EINVAL, "%s: of which process?  usage: sonde %s PID", name, name)) &&
                report(&q, &a, &e);
    arena_free(&a);
    return done ? STATUS_OK : fail(&e);
}

int command_oom(char **argument)
{
    return run("oom", false, argument);
}

int command_mem(char **argument)
{
    return run("mem", true, argument);
}
