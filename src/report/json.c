// Views of a profile as one JSON document, for programs; docs/json.md says what is in it.
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "report/flametree.h"
#include "report/tags.h"
#include "report/view.h"

enum { VERSION = 1, MOST_TREE_NODES = 1000000 };

struct writer {
    struct json j;
    struct report *r;
    struct trimmed trimmed; // of top and graph
    bool has_trimmed;
};

static void text_field(struct json *j, const char *key, struct str text)
{
    if (text.len)
        json_str_field(j, key, text);
}

static void true_field(struct json *j, const char *key, bool is_true)
{
    if (!is_true)
        return;
    json_key(j, key);
    json_bool(j, true);
}

// Of a value: divided as the config says, in the profile's own unit.
static void value_field(struct writer *w, const char *key, i64 value, i64 div)
{
    json_int_field(&w->j, key, report_divided(w->r, divided(value, div)));
}

static void types(struct writer *w)
{
    const struct profile *p = &w->r->p;
    json_key(&w->j, "types");
    json_begin_array(&w->j);
    for (u32 i = 0; i < p->ntype; i++) {
        json_begin_object(&w->j);
        json_str_field(&w->j, "type", profile_string(p, p->type[i].type));
        json_str_field(&w->j, "unit", profile_string(p, p->type[i].unit));
        json_end(&w->j);
    }
    json_end(&w->j);
}

static void time_fields(struct writer *w)
{
    const struct profile *p = &w->r->p;
    if (p->time_ns > 0) {
        time_t seconds = (time_t)(p->time_ns / 1000000000);
        struct tm utc;
        char date[32], text[64];
        gmtime_r(&seconds, &utc);
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
        snprintf(text, sizeof(text), "%s.%09lldZ", date, (long long)(p->time_ns % 1000000000));
        text_field(&w->j, "time", str_of(text));
    }
    if (p->duration_ns)
        json_int_field(&w->j, "duration_ns", p->duration_ns);
    if (p->period) {
        text_field(&w->j, "period_type", profile_string(p, p->period_type.type));
        text_field(&w->j, "period_unit", profile_string(p, p->period_type.unit));
        json_int_field(&w->j, "period", p->period);
    }
}

static void comments(struct writer *w)
{
    const struct profile *p = &w->r->p;
    if (p->ncomment == 0)
        return;
    json_key(&w->j, "comments");
    json_begin_array(&w->j);
    for (u32 i = 0; i < p->ncomment; i++)
        json_str(&w->j, profile_string(p, p->comment[i]));
    json_end(&w->j);
}

// All expressions of the config that say what of the profile is there.
static void filters(struct writer *w)
{
    json_key(&w->j, "filters");
    json_begin_object(&w->j);
    for (const struct config_variable *v = config_variables; v->name; v++) {
        bool is_filter =
            v->type == CONFIG_TEXT && v->is_saved && !str_equal(str_of(v->name), STR("unit"));
        const void *field = (const char *)&w->r->config + v->offset;
        if (is_filter)
            text_field(&w->j, v->name, *(const struct str *)field);
    }
    json_end(&w->j);
}

static void header(struct writer *w)
{
    const struct report *r = w->r;
    const struct profile *p = &r->p;
    struct str granularity = r->config.granularity;
    json_int_field(&w->j, "version", VERSION);
    text_field(&w->j, "file", report_title(r));
    if (p->nmapping > 1)
        text_field(&w->j, "build_id", profile_string(p, p->mapping[1].build_id));
    comments(w);
    json_str_field(&w->j, "type", r->sample_type);
    json_str_field(&w->j, "unit", r->sample_unit);
    types(w);
    json_int_field(&w->j, "type_index", r->values.type);
    time_fields(w);
    text_field(&w->j, "granularity", granularity.len ? granularity : STR("functions"));
    filters(w);
    true_field(&w->j, "has_base", r->has_base);
    value_field(w, "total", r->total, 0);
}

// What is known of a place, beside its name as reports print it.
static void place_fields(struct writer *w, const struct places *ps, u32 row)
{
    const struct place *p = &ps->place[row];
    text_field(&w->j, "name", ps->name[row]);
    text_field(&w->j, "function", p->name);
    text_field(&w->j, "file", p->file);
    if (p->line)
        json_int_field(&w->j, "line", p->line);
    if (p->column)
        json_int_field(&w->j, "column", p->column);
    text_field(&w->j, "object", p->objfile);
    if (p->address) {
        char text[32];
        snprintf(text, sizeof(text), "0x%llx", (unsigned long long)p->address);
        text_field(&w->j, "address", str_of(text));
    }
}

static void node(struct writer *w, u32 row)
{
    const struct node *n = &w->trimmed.graph.node[row];
    json_begin_object(&w->j);
    json_int_field(&w->j, "id", row);
    place_fields(w, &w->trimmed.graph.places, n->place);
    value_field(w, "flat", n->flat, n->flat_div);
    value_field(w, "cum", n->cum, n->cum_div);
    json_end(&w->j);
}

static void nodes(struct writer *w, const char *key)
{
    const struct graph *g = &w->trimmed.graph;
    json_key(&w->j, key);
    json_begin_array(&w->j);
    for (u32 i = 0; i < g->nshown; i++)
        node(w, g->shown[i]);
    json_end(&w->j);
}

// What is shown of the graph, counted once for both views of it, and in a report of its own, which
// it changes.
static void need_trimmed(struct writer *w)
{
    if (w->has_trimmed)
        return;
    struct report r = *w->r;
    report_graph(&w->trimmed, &r);
    w->has_trimmed = true;
    const struct trimmed *t = &w->trimmed;
    json_key(&w->j, "dropped");
    json_begin_object(&w->j);
    json_int_field(&w->j, "light_nodes", t->dropped_nodes);
    json_int_field(&w->j, "light_edges", t->dropped_edges);
    json_int_field(&w->j, "more_nodes", t->norig - t->graph.nshown);
    json_end(&w->j);
}

static void write_top(struct writer *w)
{
    need_trimmed(w);
    nodes(w, "top");
}

static void write_graph(struct writer *w)
{
    need_trimmed(w);
    const struct graph *g = &w->trimmed.graph;
    u32 n;
    const u32 *row = graph_all_edges(g, &n);
    json_key(&w->j, "graph");
    json_begin_object(&w->j);
    nodes(w, "nodes");
    json_key(&w->j, "edges");
    json_begin_array(&w->j);
    for (u32 i = 0; i < n; i++) {
        const struct edge *e = &g->edge[row[i]];
        json_begin_object(&w->j);
        json_int_field(&w->j, "from", e->src);
        json_int_field(&w->j, "to", e->dest);
        value_field(w, "weight", e->weight, e->weight_div);
        true_field(&w->j, "inline", e->is_inline);
        true_field(&w->j, "residual", e->is_residual);
        json_end(&w->j);
    }
    json_end(&w->j);
    json_end(&w->j);
}

// The call tree as rows, parents first: nested, it would be deeper than readers of JSON go.
static void write_tree(struct writer *w)
{
    struct report *r = w->r;
    struct places_options o = {false, true, r->config.trim_path, r->config.source_path};
    struct places places = places_build(&r->p, &o, r->arena);
    u32 type[] = {r->values.type, 0};
    bool mean = r->values.mean;
    struct flametree_options options = {.type = type,
                                        .ntype = mean ? 2 : 1,
                                        .most = MOST_TREE_NODES,
                                        .least = r->config.nodefraction};
    struct flametree t = flametree_build(&r->p, &places, &options, r->arena);
    json_key(&w->j, "tree");
    json_begin_array(&w->j);
    for (u32 i = 0; i < t.n; i++) {
        json_begin_object(&w->j);
        json_int_field(&w->j, "id", i);
        if (i)
            json_int_field(&w->j, "parent", t.parent[i]);
        if (t.place[i])
            place_fields(w, &places, t.place[i]);
        else
            true_field(&w->j, i ? "rest" : "root", true);
        true_field(&w->j, "inline", t.is_inline[i]);
        const struct flame_amount *flat = flametree_self(&t, i), *cum = flametree_total(&t, i);
        value_field(w, "flat", flat[0].value, mean ? flat[1].value : 0);
        value_field(w, "cum", cum[0].value, mean ? cum[1].value : 0);
        json_end(&w->j);
    }
    json_end(&w->j);
}

static void label_value(struct writer *w, const struct label *l)
{
    if (l->text)
        json_str(&w->j, profile_string(&w->r->p, l->text));
    else
        json_int(&w->j, l->number);
}

// Labels of one kind, which are sorted, by key: {"route":["/a"]}.
static void labels(struct writer *w, const char *name, const struct label *l, u32 n)
{
    if (n == 0)
        return;
    json_key(&w->j, name);
    json_begin_object(&w->j);
    for (u32 i = 0; i < n;) {
        struct str key = profile_string(&w->r->p, l[i].key);
        json_key_str(&w->j, key);
        json_begin_array(&w->j);
        for (; i < n && str_equal(profile_string(&w->r->p, l[i].key), key); i++)
            label_value(w, &l[i]);
        json_end(&w->j);
    }
    json_end(&w->j);
}

// Texts come before numbers.
static void sample_labels(struct writer *w, const struct sample *s)
{
    const struct label *l = profile_labels(&w->r->p, s);
    u32 ntext = 0;
    while (ntext < s->nlabel && l[ntext].text)
        ntext++;
    labels(w, "labels", l, ntext);
    if (ntext < s->nlabel)
        labels(w, "numbers", l + ntext, s->nlabel - ntext);
}

static void sample_values(struct writer *w, u32 sample)
{
    const struct report *r = w->r;
    const i64 *value = profile_values(&r->p, sample);
    value_field(w, "value", value[r->values.type], r->values.mean ? value[0] : 0);
    json_key(&w->j, "values");
    json_begin_array(&w->j);
    for (u32 i = 0; i < r->p.ntype; i++)
        json_int(&w->j, report_divided(r, value[i]));
    json_end(&w->j);
}

static void stack(struct writer *w, const struct places *ps, const struct sample *s)
{
    json_key(&w->j, "stack");
    json_begin_array(&w->j);
    for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
        u32 location = w->r->p.frame[k];
        for (u32 i = ps->first[location]; i < ps->first[location + 1]; i++)
            json_str(&w->j, ps->name[ps->of_line[i]]);
    }
    json_end(&w->j);
}

void json_header(struct json *j, const struct report *r)
{
    struct report copy = *r;
    struct writer w = {.j = *j, .r = &copy};
    header(&w);
    *j = w.j;
}

void json_place(struct json *j, const struct places *ps, u32 row)
{
    struct writer w = {.j = *j};
    place_fields(&w, ps, row);
    *j = w.j;
}

void json_sample(struct json *j, const struct report *r, const struct places *ps, u32 sample)
{
    struct report copy = *r;
    struct writer w = {.j = *j, .r = &copy};
    json_begin_object(&w.j);
    sample_values(&w, sample);
    stack(&w, ps, &r->p.sample[sample]);
    sample_labels(&w, &r->p.sample[sample]);
    json_end(&w.j);
    *j = w.j;
}

static void write_samples(struct writer *w)
{
    struct report *r = w->r;
    struct places_options o = {false, true, r->config.trim_path, r->config.source_path};
    struct places places = places_build(&r->p, &o, r->arena);
    json_key(&w->j, "units");
    json_begin_object(&w->j);
    for (u32 i = 1; i < r->units.nunit; i++) {
        json_key_str(&w->j, r->units.keys.key[i]);
        json_str(&w->j, r->units.unit[i]);
    }
    json_end(&w->j);
    json_key(&w->j, "samples");
    json_begin_array(&w->j);
    for (u32 i = 0; i < r->p.nsample; i++)
        json_sample(&w->j, r, &places, i);
    json_end(&w->j);
}

static void write_tags(struct writer *w)
{
    struct tags t = tags_build(w->r);
    json_key(&w->j, "tags");
    json_begin_array(&w->j);
    for (u32 i = 1; i < t.nkey; i++) {
        const struct tag_key *k = &t.key[i];
        json_begin_object(&w->j);
        json_str_field(&w->j, "key", k->name);
        value_field(w, "total", k->total, 0);
        json_key(&w->j, "values");
        json_begin_array(&w->j);
        for (u32 n = 1; n < k->ntag; n++) {
            json_begin_object(&w->j);
            json_str_field(&w->j, "name", k->tag[n].name);
            value_field(w, "value", k->tag[n].value, 0);
            json_end(&w->j);
        }
        json_end(&w->j);
        json_end(&w->j);
    }
    json_end(&w->j);
}

static const struct view {
    const char *name;
    void (*write)(struct writer *w);
} views[] = {
    {"top", write_top},         {"graph", write_graph}, {"tree", write_tree},
    {"samples", write_samples}, {"tags", write_tags},
};

// Which views a list by commas names.
static bool choose(bool *wanted, struct str list, struct err *e)
{
    while (list.len) {
        struct str name = str_cut(&list, ',');
        u32 i = 0;
        while (i < ARRAY_LEN(views) && !str_equal(name, str_of(views[i].name)))
            i++;
        if (i == ARRAY_LEN(views))
            return err_set(e, EINVAL,
                           "-json has no view \"%.*s\": there are top, graph, tree, samples, tags",
                           STR_ARG(name));
        wanted[i] = true;
    }
    return true;
}

bool report_json(struct buf *out, struct report *r, struct err *e)
{
    struct writer w = {.r = r};
    bool wanted[ARRAY_LEN(views)] = {false};
    if (!choose(wanted, r->parameter, e))
        return false;
    json_init(&w.j, out);
    json_begin_object(&w.j);
    header(&w);
    for (u32 i = 0; i < ARRAY_LEN(views); i++) {
        if (wanted[i])
            views[i].write(&w);
    }
    json_end(&w.j);
    return true;
}
