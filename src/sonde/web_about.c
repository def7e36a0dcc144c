#include <string.h>

#include "base/json.h"
#include "report/report.h"
#include "sonde/fetch.h"
#include "sonde/settings.h"
#include "sonde/web.h"

static void types(struct json *j, const struct profile *p)
{
    json_key(j, "types");
    json_begin_array(j);
    for (u32 i = 0; i < p->ntype; i++) {
        json_begin_object(j);
        json_str_field(j, "name", profile_string(p, p->type[i].type));
        json_str_field(j, "unit", profile_string(p, p->type[i].unit));
        json_end(j);
    }
    json_end(j);
}

// The keys of labels, for frames to be made of them.
static void label_keys(struct json *j, const struct profile *p, struct arena *a)
{
    bool *is_seen = arena_new(a, bool, p->nstring);
    json_key(j, "keys");
    json_begin_array(j);
    for (u32 i = 0; i < p->nlabel; i++) {
        u32 key = p->label[i].key;
        struct str name = profile_string(p, key);
        if (is_seen[key] || str_equal(name, STR(PROFILE_BASE_LABEL)))
            continue;
        is_seen[key] = true;
        json_str(j, name);
    }
    json_end(j);
}

// The lines that reports begin with.
static void header(struct json *j, const struct profile *p, const struct config *c, struct arena *a)
{
    struct buf lines, warnings;
    struct err ignored;
    i64 total;
    buf_init(&lines, KIB(64));
    buf_init(&warnings, KIB(64));
    report_greeting(&lines, p, c, &total, &warnings, a, &ignored);
    json_str_field(j, "header", buf_str(&lines));
    buf_free(&warnings);
    buf_free(&lines);
}

static void loads(struct json *j, struct moments *m)
{
    json_key(j, "loads");
    json_begin_array(j);
    pthread_mutex_lock(&m->lock);
    for (u32 i = 0; i < m->n; i++) {
        const struct moment *moment = m->moment[i];
        if (moment->of)
            continue;
        json_begin_object(j);
        json_int_field(j, "id", moment->id);
        json_str_field(j, "kind", str_of(moment->kind));
        json_int_field(j, "time_ns", moment->time_ns);
        json_end(j);
    }
    pthread_mutex_unlock(&m->lock);
    json_end(j);
}

// What can be done with the sources besides looking at them.
static void sources(struct json *j, const struct web *w, struct arena *a)
{
    const struct sourcing *s = &w->moments.sourcing;
    bool is_live = false, is_server = false, is_record = false;
    struct record_view v;
    struct err ignored;
    json_key(j, "sources");
    json_begin_array(j);
    for (u32 i = 0; i < s->nsource; i++) {
        json_str(j, s->source[i]);
        is_server |= source_is_remote(s->source[i], a);
    }
    json_end(j);
    if (s->nsource == 1)
        is_record = source_record(&v, &is_live, s->source[0], a, &ignored);
    json_key(j, "live");
    json_bool(j, is_live || is_server);
    json_key(j, "records");
    json_bool(j, web_can_record(w, a));
    json_key(j, "record");
    json_bool(j, is_record);
}

static void configs(struct json *j, struct arena *a)
{
    struct err e;
    json_key(j, "configs");
    if (settings_list(j, a, &e))
        return;
    json_begin_array(j);
    json_end(j);
    json_str_field(j, "config_error", str_of(e.text));
}

// A document or a program: the mapping that the profile is of.
static struct str title(const struct profile *p)
{
    return p->nmapping > 1 ? path_base(profile_string(p, p->mapping[1].filename)) : STR("");
}

void web_about(void *context, const struct http_request *q, struct http_response *r)
{
    struct web *w = context;
    struct moment *moment;
    struct err e;
    struct json j;
    struct config c;
    if (!web_config(&c, w, q, &e) || !web_moment(&moment, w, q, &e)) {
        web_fail(r, &e);
        return;
    }
    const struct profile *p = &moment->p;
    u32 type = 0;
    r->mime = "application/json";
    json_init(&j, &r->body);
    json_begin_object(&j);
    json_str_field(&j, "title", title(p));
    header(&j, p, &c, q->arena);
    types(&j, p);
    profile_type_find(&type, p, w->config.sample_index, &e);
    json_int_field(&j, "type", type);
    json_int_field(&j, "load", moment->id);
    json_key(&j, "base");
    json_bool(&j, w->moments.sourcing.nbase != 0 ||
                      label_marks(p, STR(REPORT_BASE_LABEL), STR("true"), q->arena) != NULL);
    label_keys(&j, p, q->arena);
    json_str_field(&j, "doc_url", profile_string(p, p->doc_url));
    moments_give(&w->moments, moment);
    loads(&j, &w->moments);
    sources(&j, w, q->arena);
    configs(&j, q->arena);
    json_end(&j);
}
