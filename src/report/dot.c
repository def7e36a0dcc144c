// The call graph in Graphviz' language, as pprof writes it: boxes grow with flat, arrows with
// weight, red is much.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/shorten.h"

// For a quoted string of DOT; a line's end becomes \l, left-aligned.
static void escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            buf_text(out, "\\l");
            continue;
        }
        if (text.ptr[i] == '\\' || text.ptr[i] == '"')
            buf_char(out, '\\');
        buf_char(out, text.ptr[i]);
    }
}

// Replaces each part of a string by another of it; result in the arena.
static struct str replaced(struct str s, const char *from, const char *to, struct arena *a)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    struct str needle = str_of(from);
    for (i64 at; (at = str_find(s, needle)) >= 0 && s.len;
         s = str_skip(s, (size_t)at + needle.len)) {
        buf_add(&b, (struct str){s.ptr, (size_t)at});
        buf_text(&b, to);
    }
    buf_add(&b, s);
    struct str result = arena_str(a, buf_str(&b));
    buf_free(&b);
    return result;
}

// A colour from grey (0) to red (1) or green (-1), light for a background.
static void colour(struct buf *out, const char *name, double score, bool background)
{
    double saturation = background ? 0.1 : 1, value = background ? 0.93 : 0.7;
    if (isnan(score)) { // nothing of nothing, as Go's conversions have it
        buf_printf(out, " %s=\"%s\"", name, background ? "#ed00d5" : "#b20000");
        return;
    }
    score = fmax(-1, fmin(1, score));
    if (fabs(score) < 0.2)
        saturation *= fabs(score) / 0.2;
    score = score > 0 ? pow(score, 0.3) : score < 0 ? -pow(-score, 0.3) : 0;
    double red = score < 0 ? value * (1 + saturation * score) : value;
    double green = score < 0 ? value : value * (1 - saturation * score);
    double blue = value * (1 - saturation);
    buf_printf(out, " %s=\"#%02x%02x%02x\"", name, (u8)(red * 255), (u8)(green * 255),
               (u8)(blue * 255));
}

// The lines of a box that name its place.
static void place_label(struct buf *out, const struct report *r, const struct place *p)
{
    struct str file = p->file.len ? path_base(p->file) : p->file;
    struct buf name;
    buf_init(&name, SIZE_MAX / 2);
    escaped(&name, shorten_function(p->name, r->arena));
    struct str shown = replaced(buf_str(&name), "::", "\\n", r->arena);
    shown = replaced(shown, "[...]", "[…]", r->arena);
    shown = replaced(shown, ".", "\\n", r->arena);
    buf_free(&name);
    if (p->address)
        buf_printf(out, "%016llx\\n", (unsigned long long)p->address);
    if (shown.len)
        buf_printf(out, "%.*s\\n", STR_ARG(shown));
    if (p->line && p->column)
        buf_printf(out, "%.*s:%lld:%lld\\n", STR_ARG(file), (long long)p->line,
                   (long long)p->column);
    else if (p->line)
        buf_printf(out, "%.*s:%lld\\n", STR_ARG(file), (long long)p->line);
    else if (p->file.len)
        buf_printf(out, "%.*s\\n", STR_ARG(file));
    else if (!p->name.len && p->objfile.len)
        buf_printf(out, "[%.*s]\\n", STR_ARG(path_base(p->objfile)));
    else if (!p->name.len)
        buf_text(out, "<unknown>\\n");
}

// "1.50MB (25.00%)"
static void value_label(struct buf *out, const struct report *r, i64 value)
{
    struct percent percent = unit_percent(value, r->total);
    report_value(out, r, value);
    buf_printf(out, " (%s)", percent_trimmed(&percent));
}

static int font_size(i64 flat, i64 most)
{
    enum { LEAST = 8, GROWTH = 16 };
    // The least number has no magnitude.
    if (most <= 0 || flat == 0 || magnitude(flat) < 0 || magnitude(flat) > most)
        return LEAST;
    return LEAST + (int)ceil(GROWTH * sqrt((double)magnitude(flat) / (double)most));
}

static void add_node(struct buf *out, const struct report *r, const struct graph *g, u32 node,
                     u32 id, i64 most)
{
    const struct node *n = &g->node[node];
    i64 flat = node_flat(n), cum = node_cum(n);
    double score = (double)cum / (double)magnitude(r->total);
    buf_printf(out, "N%u [label=\"", id);
    place_label(out, r, &g->places.place[n->place]);
    if (flat)
        value_label(out, r, flat);
    else
        buf_char(out, '0');
    if (cum != flat) {
        buf_text(out, flat ? "\\nof " : " of ");
        value_label(out, r, cum);
    }
    buf_printf(out, "\" id=\"node%u\" fontsize=%d shape=box tooltip=\"", id, font_size(flat, most));
    escaped(out, node_name(g, node));
    buf_text(out, " (");
    report_value(out, r, cum);
    buf_text(out, ")\"");
    colour(out, "color", score, false);
    colour(out, "fillcolor", score, true);
    buf_text(out, "]\n");
}

// Order of nodelets: heaviest first, by their flat or their cum value.
struct nodelet_order {
    const struct nodelets *n;
    bool by_flat;
};

static int compare_amounts(i64 l, i64 r)
{
    l = magnitude(l);
    r = magnitude(r);
    return (l < r) - (l > r);
}

static struct str nodelet_name(const struct nodelets *n, const struct nodelet *one)
{
    return one->is_size ? one->name : n->text[one->text];
}

static int by_weight(const void *a, const void *b, void *context)
{
    const struct nodelet_order *o = context;
    const struct nodelet *l = a, *r = b;
    int order = o->by_flat ? 0 : compare_amounts(l->cum, r->cum);
    if (order == 0)
        order = compare_amounts(l->flat, r->flat);
    return order ? order : str_compare(nodelet_name(o->n, l), nodelet_name(o->n, r));
}

// The nodelets of a node that are texts, or the sizes beside a text (0: beside none), sorted.
static struct nodelet *nodelets_sorted(const struct report *r, const struct nodelets *n, u32 node,
                                       bool is_size, u32 text, bool by_flat, u32 *count)
{
    struct nodelet *out = arena_new(r->arena, struct nodelet, n->first[node + 1] - n->first[node]);
    *count = 0;
    for (u32 i = n->first[node]; i < n->first[node + 1]; i++) {
        if (n->row[i].is_size == is_size && (!is_size || n->row[i].text == text))
            out[(*count)++] = n->row[i];
    }
    struct nodelet_order o = {n, by_flat};
    qsort_r(out, *count, sizeof(*out), by_weight, &o);
    return out;
}

enum { MOST_NODELETS = 4 }; // of a node, and of a text

// Sizes as few groups: the heaviest, each with those that are nearest to it.
struct group {
    struct nodelet sum; // with its name
    struct nodelet least, most;
    u32 n;
};

static u64 distance(i64 a, i64 b)
{
    return a > b ? (u64)a - (u64)b : (u64)b - (u64)a;
}

static void add_to_group(struct group *g, const struct nodelet *one)
{
    g->least = g->n == 0 || one->value < g->least.value ? *one : g->least;
    g->most = g->n == 0 || one->value > g->most.value ? *one : g->most;
    g->sum.flat += one->flat;
    g->sum.flat_div += one->flat_div;
    g->sum.cum += one->cum;
    g->sum.cum_div += one->cum_div;
    g->n++;
}

// "1MB..4MB"
static void finish_group(struct group *g, const struct report *r, struct str unit)
{
    struct buf name;
    buf_init(&name, SIZE_MAX / 2);
    unit_label(&name, g->least.value, unit, STR("auto"));
    if (g->n > 1) {
        buf_text(&name, "..");
        unit_label(&name, g->most.value, unit, STR("auto"));
    }
    // Divided as a whole, so there is nothing left to divide.
    g->sum = (struct nodelet){.is_size = true,
                              .name = arena_str(r->arena, buf_str(&name)),
                              .flat = divided(g->sum.flat, g->sum.flat_div),
                              .cum = divided(g->sum.cum, g->sum.cum_div)};
    buf_free(&name);
}

// Replaces n sizes by at most MOST_NODELETS groups; returns their number.
static u32 group_sizes(struct nodelet *size, u32 n, const struct report *r,
                       const struct nodelets *all, bool by_flat)
{
    struct group group[MOST_NODELETS] = {0};
    if (n <= MOST_NODELETS)
        return n;
    for (u32 i = 0; i < n; i++) {
        u32 nearest = 0;
        for (u32 k = 1; k < MOST_NODELETS && i >= MOST_NODELETS; k++) {
            if (distance(size[i].value, size[k].value) <
                distance(size[i].value, size[nearest].value))
                nearest = k;
        }
        add_to_group(&group[i < MOST_NODELETS ? i : nearest], &size[i]);
    }
    for (u32 i = 0; i < MOST_NODELETS; i++) {
        finish_group(&group[i], r, all->unit);
        size[i] = group[i].sum;
    }
    struct nodelet_order o = {all, by_flat};
    qsort_r(size, MOST_NODELETS, sizeof(*size), by_weight, &o);
    return MOST_NODELETS;
}

// The name as it is, since pprof's graphs have it so; in pictures, quotes must not end it.
static void nodelet_label(struct buf *out, const struct report *r, struct str name)
{
    bool is_source = r->type->write == report_dot;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"' && !is_source)
            buf_char(out, '\\');
        buf_char(out, name.ptr[i]);
    }
}

// A small box named id, and the line from its owner.
static void add_nodelet(struct buf *out, const struct report *r, const char *owner, const char *id,
                        struct str name, i64 weight, const char *style)
{
    struct amount amount = report_amount(r, weight);
    buf_printf(out, "%s [label = \"", id);
    nodelet_label(out, r, name);
    buf_printf(out, "\" id=\"%s\" fontsize=8 shape=box3d tooltip=\"%s\"]\n", id, amount.text);
    buf_printf(out, "%s -> %s [label=\" %s\" weight=100 tooltip=\"%s\" labeltooltip=\"%s\"%s]\n",
               owner, id, amount.text, amount.text, amount.text, style);
}

// A node as its nodelets need it.
struct owner {
    const struct nodelets *all;
    u32 node;
    bool by_flat; // it calls others: only its own values are told
};

static bool add_sizes(struct buf *out, const struct report *r, const struct owner *o, u32 text,
                      const char *id)
{
    u32 n;
    bool any = false;
    struct nodelet *size = nodelets_sorted(r, o->all, o->node, true, text, o->by_flat, &n);
    n = group_sizes(size, n, r, o->all, o->by_flat);
    for (u32 i = 0; i < n; i++) {
        i64 flat = divided(size[i].flat, size[i].flat_div);
        i64 cum = divided(size[i].cum, size[i].cum_div);
        bool is_flat = o->by_flat || flat == cum;
        char own[64];
        snprintf(own, sizeof(own), "N%s_%u", id, i);
        if (is_flat ? flat : cum)
            add_nodelet(out, r, id, own, size[i].name, is_flat ? flat : cum,
                        is_flat ? "" : " style=\"dotted\"");
        any |= (is_flat ? flat : cum) != 0;
    }
    return any;
}

// True: there are some.
static bool add_nodelets(struct buf *out, const struct report *r, const struct owner *o, u32 id)
{
    char node[32], own[48];
    u32 n;
    bool any = false;
    snprintf(node, sizeof(node), "N%u", id);
    const struct nodelet *text = nodelets_sorted(r, o->all, o->node, false, 0, o->by_flat, &n);
    for (u32 i = 0; i < n && i < MOST_NODELETS; i++) {
        i64 weight = o->by_flat ? divided(text[i].flat, text[i].flat_div)
                                : divided(text[i].cum, text[i].cum_div);
        if (weight == 0)
            continue;
        snprintf(own, sizeof(own), "N%u_%u", id, i);
        add_nodelet(out, r, node, own, nodelet_name(o->all, &text[i]), weight, "");
        add_sizes(out, r, o, text[i].text, own);
        any = true;
    }
    return add_sizes(out, r, o, 0, node) || any;
}

static void edge_tooltip(struct buf *out, const struct report *r, const struct graph *g,
                         const struct edge *e, const char *name)
{
    buf_printf(out, " %s=\"", name);
    escaped(out, node_name(g, e->src));
    buf_text(out, e->is_residual ? " ... " : " -> ");
    escaped(out, node_name(g, e->dest));
    buf_text(out, " (");
    report_value(out, r, divided(e->weight, e->weight_div));
    buf_text(out, ")\"");
}

// 1 for nothing, up to most + 1 for all.
static i64 part_of_total(const struct report *r, i64 weight, i64 most)
{
    i64 part = magnitude(weight * most / r->total);
    return 1 + (part < most ? part : most);
}

static void add_edge(struct buf *out, const struct report *r, const struct graph *g,
                     const struct edge *e, const u32 *id, bool has_nodelets)
{
    i64 weight = divided(e->weight, e->weight_div);
    buf_printf(out, "N%u -> N%u [label=\" ", id[e->src], id[e->dest]);
    report_value(out, r, weight);
    buf_printf(out, "%s\"", e->is_inline ? "\\n (inline)" : "");
    if (r->total) {
        i64 pull = part_of_total(r, weight, 100), width = part_of_total(r, weight, 5);
        if (pull > 1)
            buf_printf(out, " weight=%lld", (long long)pull);
        if (width > 1)
            buf_printf(out, " penwidth=%lld", (long long)width);
        colour(out, "color", (double)weight / (double)magnitude(r->total), false);
    }
    edge_tooltip(out, r, g, e, "tooltip");
    edge_tooltip(out, r, g, e, "labeltooltip");
    buf_printf(out, "%s%s]\n", e->is_residual ? " style=\"dotted\"" : "",
               has_nodelets ? " minlen=2" : "");
}

static void add_legend(struct buf *out, const struct report *r, const struct trimmed *t)
{
    struct buf labels;
    buf_init(&labels, SIZE_MAX / 2);
    // Labels may hold line ends of their own, so they are kept apart by a byte that no text has.
    report_labels(&labels, r, t, true, "\1");
    struct str rest = buf_str(&labels), title = report_title(r);
    struct str first = str_cut(&rest, '\1');
    buf_text(out, "subgraph cluster_L { \"");
    escaped(out, first);
    buf_text(out, "\" [shape=box fontsize=16 label=\"");
    escaped(out, first);
    while (rest.len) {
        buf_text(out, "\\l");
        escaped(out, str_cut(&rest, '\1'));
    }
    buf_text(out, "\\l\\lSee https://git.io/JfYMW for how to read the graph\\l\"");
    if (title.len)
        buf_printf(out, " tooltip=\"%.*s\"", STR_ARG(title));
    buf_text(out, "] }\n");
    buf_free(&labels);
}

static void add_graph(struct buf *out, const struct report *r, const struct trimmed *t)
{
    const struct graph *g = &t->graph;
    i64 most = 0;
    u32 n;
    u32 *id = arena_new(r->arena, u32, g->nnode);
    bool *has_nodelets = arena_new(r->arena, bool, g->nnode);
    for (u32 i = 0; i < g->nshown; i++) {
        i64 flat = magnitude(node_flat(&g->node[g->shown[i]]));
        most = flat > most ? flat : most;
        id[g->shown[i]] = i + 1;
    }
    for (u32 i = 0; i < g->nshown; i++) {
        struct owner o = {&t->nodelets, g->shown[i], g->node[g->shown[i]].nout > 0};
        add_node(out, r, g, o.node, i + 1, most);
        has_nodelets[o.node] = add_nodelets(out, r, &o, i + 1);
    }
    const u32 *edge = graph_all_edges(g, &n);
    for (u32 i = 0; i < n; i++) {
        const struct edge *one = &g->edge[edge[i]];
        if (id[one->src])
            add_edge(out, r, g, one, id, has_nodelets[one->src]);
    }
}

void dot_write(struct buf *out, struct report *r, const struct trimmed *t, bool with_legend)
{
    struct str title = report_title(r);
    buf_printf(out, "digraph \"%.*s\" {\n", STR_ARG(title.len ? title : STR("unnamed")));
    buf_text(out, "node [style=filled fillcolor=\"#f8f8f8\"]\n");
    if (with_legend)
        add_legend(out, r, t);
    add_graph(out, r, t);
    buf_text(out, "}\n");
}

bool report_dot(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct trimmed t;
    report_graph(&t, r);
    dot_write(out, r, &t, true);
    return true;
}
