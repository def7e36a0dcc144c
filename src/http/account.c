#include "http/account.h"

#include <errno.h>
#include <sys/wait.h>

#include "oom/text.h"
#include "profile/encode.h"
#include "record/folder.h"

enum { BAD_REQUEST = 400, SERVER_ERROR = 500 };

static bool was_killed(const struct record_view *v)
{
    int status = v->header.death.wait_status;
    return v->header.state != RECORD_EXITED && (status < 0 || WIFSIGNALED(status));
}

bool account_find_killed(struct str *path, struct arena *a, struct err *e)
{
    struct folder_record *list;
    folder_sweep(a);
    u32 n = folder_list(&list, folder_kept(a), a);
    for (u32 i = n; i > 0; i--) {
        struct record_view v;
        struct err ignored;
        *path = list[i - 1].path;
        if (record_read(&v, path->ptr, a, &ignored) && was_killed(&v))
            return true;
    }
    return err_set(e, ENOENT, "no program that was killed has left a record");
}

static bool open_named(struct oom *o, struct debug *d, struct str path, bool is_alive,
                       struct arena *a, struct err *e)
{
    if (!oom_read(o, path, is_alive, a, e))
        return false;
    pthread_mutex_lock(&d->lock);
    bool done = oom_name(o, &d->symbolizer, a, e);
    pthread_mutex_unlock(&d->lock);
    return done;
}

static bool write_form(struct http_response *r, const struct http_request *q, const struct oom *o,
                       struct err *e)
{
    struct str format = http_parameter(q, "format"), debug = http_parameter(q, "debug");
    struct verdict v = verdict_find(o, q->arena);
    if (str_equal(format, STR("json"))) {
        r->mime = "application/json";
        oom_json(&r->body, o, &v, q->arena);
    } else if (str_equal(format, STR("html"))) {
        r->mime = "text/html; charset=utf-8";
        return oom_html(&r->body, o, &v, q->arena, e);
    } else if (str_equal(format, STR("text")) || (debug.len && !str_equal(debug, STR("0")))) {
        oom_text(&r->body, o, &v, q->arena);
    } else if (format.len) {
        return err_set(e, EINVAL, "invalid value for \"format\" - must be text, json or html");
    } else {
        struct profile p = oom_profile(o, q->arena);
        profile_encode_gzip(&r->body, &p);
        r->mime = "application/octet-stream";
        r->filename = o->is_alive ? "memory" : "oom";
    }
    return true;
}

void account_answer(struct debug *d, const struct http_request *q, struct http_response *r,
                    struct str path, bool is_alive)
{
    struct oom o;
    struct err e;
    if (!open_named(&o, d, path, is_alive, q->arena, &e) || !write_form(r, q, &o, &e))
        http_fail(r, e.code == EINVAL ? BAD_REQUEST : SERVER_ERROR, e.text);
}
