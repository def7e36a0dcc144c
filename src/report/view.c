#include "report/view.h"

#include <errno.h>
#include <stdlib.h>

enum {
    MOST_PEEKED = 50,         // functions
    MOST_TRACES = 200,        // samples, when nodecount is left open
    MOST_GRAPH_NODES = 150,   // whatever nodecount says: Graphviz takes minutes for a thousand
    MOST_TEXT_BYTES = 4 << 20 // of a disassembly
};

// A graph's boxes are sums.
static void flame_part(struct buf *out, struct report *r, enum flame_part part)
{
    r->values.mean = false;
    r->sample_type = profile_string(&r->p, r->p.type[r->values.type].type);
    r->total = report_total(r, r->values.type);
    report_flame_data(out, r, part);
}

static bool view_flame(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    flame_part(out, r, FLAME_TREE);
    return true;
}

static bool view_functions(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    flame_part(out, r, FLAME_FUNCTIONS);
    return true;
}

// What is written of the nodes at the ends of edges.
static void edges(struct json *j, const struct report *r, const struct graph *g, const char *key,
                  const u32 *edge, u32 n, bool is_in)
{
    json_key(j, key);
    json_begin_array(j);
    for (u32 i = 0; i < n; i++) {
        const struct edge *e = &g->edge[edge[i]];
        json_begin_object(j);
        json_place(j, &g->places, g->node[is_in ? e->src : e->dest].place);
        json_int_field(j, "weight", report_divided(r, divided(e->weight, e->weight_div)));
        json_key(j, "inline");
        json_bool(j, e->is_inline);
        json_end(j);
    }
    json_end(j);
}

static void node_fields(struct json *j, const struct report *r, const struct graph *g, u32 node)
{
    const struct node *n = &g->node[node];
    json_place(j, &g->places, n->place);
    json_int_field(j, "flat", report_divided(r, node_flat(n)));
    json_int_field(j, "cum", report_divided(r, node_cum(n)));
}

// A function between those that call it and those that it calls.
static void peeked(struct json *j, const struct report *r, const struct graph *g, u32 node)
{
    u32 n;
    json_begin_object(j);
    node_fields(j, r, g, node);
    const u32 *edge = graph_in(g, node, &n);
    edges(j, r, g, "callers", edge, n, true);
    edge = graph_out(g, node, &n);
    edges(j, r, g, "callees", edge, n, false);
    json_end(j);
}

static bool view_peek(struct buf *out, struct report *r, struct err *e)
{
    struct trimmed t;
    struct json j;
    u32 matched = 0;
    report_graph(&t, r);
    json_init(&j, out);
    json_begin_object(&j);
    json_header(&j, r);
    json_key(&j, "nodes");
    json_begin_array(&j);
    for (u32 i = 0; i < t.graph.nshown; i++) {
        if (r->wanted && !report_wants(r, &t.graph, t.graph.shown[i]))
            continue;
        if (matched++ < MOST_PEEKED)
            peeked(&j, r, &t.graph, t.graph.shown[i]);
    }
    json_end(&j);
    json_int_field(&j, "matched", matched);
    json_end(&j);
    return matched || !r->wanted ||
           err_set(e, ENOENT, "no matches found for regexp: %.*s", STR_ARG(r->parameter));
}

// The picture, and the functions that its nodes are, in the order of their numbers.
static bool view_graph(struct buf *out, struct report *r, struct err *e)
{
    struct trimmed t;
    struct json j;
    struct buf svg;
    if (r->config.nodecount == 0 || r->config.nodecount > MOST_GRAPH_NODES)
        r->config.nodecount = MOST_GRAPH_NODES;
    report_graph(&t, r);
    buf_init(&svg, out->limit);
    bool done = picture_svg(&svg, r, &t, e);
    json_init(&j, out);
    json_begin_object(&j);
    json_header(&j, r);
    json_key(&j, "nodes");
    json_begin_array(&j);
    for (u32 i = 0; i < t.graph.nshown; i++) {
        json_begin_object(&j);
        node_fields(&j, r, &t.graph, t.graph.shown[i]);
        json_end(&j);
    }
    json_end(&j);
    json_int_field(&j, "more", t.norig - t.graph.nshown);
    json_str_field(&j, "svg", buf_str(&svg));
    json_end(&j);
    buf_free(&svg);
    return done;
}

static bool view_disasm(struct buf *out, struct report *r, struct err *e)
{
    struct json j;
    struct buf text;
    buf_init(&text, MOST_TEXT_BYTES);
    bool done = report_disasm(&text, r, e);
    json_init(&j, out);
    json_begin_object(&j);
    json_header(&j, r);
    json_str_field(&j, "text", buf_str(&text));
    json_key(&j, "cut");
    json_bool(&j, text.full);
    json_end(&j);
    buf_free(&text);
    return done;
}

static int by_weight(const void *a, const void *b, void *report)
{
    const struct report *r = report;
    u32 l = *(const u32 *)a, k = *(const u32 *)b;
    i64 left = magnitude(profile_values(&r->p, l)[r->values.type]);
    i64 right = magnitude(profile_values(&r->p, k)[r->values.type]);
    return left != right ? (left < right ? 1 : -1) : (l > k) - (l < k);
}

// The n heaviest samples, by selection: most profiles have far more than anybody reads.
static u32 *heaviest(const struct report *r, u32 n)
{
    u32 *heap = arena_new(r->arena, u32, (size_t)n + 1), count = 0;
    for (u32 i = 0; i < r->p.nsample; i++) {
        if (count == n && by_weight(&i, &heap[n - 1], (void *)(uintptr_t)r) > 0)
            continue;
        u32 at = count < n ? count++ : n - 1;
        for (; at > 0 && by_weight(&i, &heap[at - 1], (void *)(uintptr_t)r) < 0; at--)
            heap[at] = heap[at - 1];
        heap[at] = i;
    }
    return heap;
}

static bool view_traces(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct json j;
    struct places_options o = {false, true, r->config.trim_path, r->config.source_path};
    struct places places = places_build(&r->p, &o, r->arena);
    u32 n = r->p.nsample < MOST_TRACES ? r->p.nsample : MOST_TRACES;
    const u32 *sample = heaviest(r, n);
    json_init(&j, out);
    json_begin_object(&j);
    json_header(&j, r);
    json_int_field(&j, "stacks", r->p.nsample);
    json_key(&j, "samples");
    json_begin_array(&j);
    for (u32 i = 0; i < n; i++)
        json_sample(&j, r, &places, sample[i]);
    json_end(&j);
    json_end(&j);
    return true;
}

// How many functions an expression matches, and how much of the profile is in them or below.
static bool view_search(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct json j;
    struct places ps = places_build(&r->p, &(struct places_options){0}, r->arena);
    bool *place = arena_new(r->arena, bool, ps.nplace), *location;
    u32 functions = 0;
    i64 value = 0;
    location = arena_new(r->arena, bool, r->p.nlocation);
    for (u32 i = 1; i < ps.nplace && r->wanted; i++)
        functions += place[i] =
            regex_match(r->wanted, ps.name[i]) || regex_match(r->wanted, ps.place[i].name);
    for (u32 l = 1; l < r->p.nlocation; l++) {
        for (u32 i = ps.first[l]; i < ps.first[l + 1]; i++)
            location[l] |= place[ps.of_line[i]];
    }
    for (u32 i = 0; i < r->p.nsample; i++) {
        const struct sample *s = &r->p.sample[i];
        bool any = false;
        for (u32 k = s->frame; k < s->frame + s->nframe && !any; k++)
            any = location[r->p.frame[k]];
        value += any ? magnitude(profile_values(&r->p, i)[r->values.type]) : 0;
    }
    json_init(&j, out);
    json_begin_object(&j);
    json_header(&j, r);
    json_int_field(&j, "functions", functions);
    json_int_field(&j, "value", report_divided(r, value));
    json_end(&j);
    return true;
}

#define JSON_MIME "application/json"

const struct report_type report_views[] = {
    {.name = "flamegraph",
     .help = "Flame graph",
     .parameter = "callees or callers",
     .url = "tree",
     .write = view_flame,
     .mime = JSON_MIME,
     .is_untrimmed = true,
     .usual_granularity = "filefunctions",
     .skips_hidden = true,
     .standard_parameter = "callees"},
    {.name = "functions",
     .help = "The functions beside it",
     .write = view_functions,
     .mime = JSON_MIME,
     .is_untrimmed = true,
     .usual_granularity = "filefunctions",
     .skips_hidden = true},
    {.name = "top",
     .help = "Top",
     .write = report_json,
     .mime = JSON_MIME,
     .nodecount = 500,
     .standard_parameter = "top"},
    {.name = "graph",
     .help = "Graph",
     .write = view_graph,
     .mime = JSON_MIME,
     .suffix = "svg",
     .is_visual = true,
     .takes_call_tree = true,
     .shows_edges = true},
    {.name = "peek",
     .help = "Peek",
     .parameter = "regexp",
     .url = "f",
     .write = view_peek,
     .mime = JSON_MIME,
     .is_untrimmed = true,
     .shows_edges = true,
     .matches_names = true},
    {.name = "source",
     .help = "Source",
     .parameter = "regexp",
     .url = "f",
     .write = report_source_view,
     .mime = JSON_MIME,
     .granularity = "addresses",
     .is_untrimmed = true,
     .always_inlines = true,
     .keeps_objfile = true},
    {.name = "disasm",
     .help = "Disassemble",
     .parameter = "regexp",
     .url = "f",
     .write = view_disasm,
     .mime = JSON_MIME,
     .granularity = "addresses",
     .is_untrimmed = true,
     .always_inlines = true,
     .keeps_objfile = true},
    {.name = "traces", .help = "Traces", .write = view_traces, .mime = JSON_MIME},
    {.name = "tags",
     .help = "Tags",
     .write = report_json,
     .mime = JSON_MIME,
     .standard_parameter = "tags"},
    {.name = "search",
     .help = "Search",
     .parameter = "regexp",
     .url = "q",
     .write = view_search,
     .mime = JSON_MIME},
    {0},
};

const struct report_type *report_view_find(struct str name)
{
    for (const struct report_type *t = report_views; t->name; t++) {
        if (str_equal(str_of(t->name), name))
            return t;
    }
    return NULL;
}
