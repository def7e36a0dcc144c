// The call graph in Graphviz' language, as pprof writes it: boxes grow with flat, arrows with
// weight, red is much.
#include <math.h>
#include <stdio.h>
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
        buf_printf(out, "%.*s:%lld:%lld\\n", STR_ARG(str_basename(p->file)), (long long)p->line,
                   (long long)p->column);
    else if (p->line)
        buf_printf(out, "%.*s:%lld\\n", STR_ARG(str_basename(p->file)), (long long)p->line);
    else if (p->file.len)
        buf_printf(out, "%.*s\\n", STR_ARG(str_basename(p->file)));
    else if (!p->name.len && p->objfile.len)
        buf_printf(out, "[%.*s]\\n", STR_ARG(str_basename(p->objfile)));
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
    if (most == 0 || flat == 0 || magnitude(flat) > most)
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
                     const struct edge *e, const u32 *id)
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
    buf_printf(out, "%s]\n", e->is_residual ? " style=\"dotted\"" : "");
}

static struct str title_of(const struct report *r)
{
    return r->p.nmapping > 1 ? str_basename(profile_string(&r->p, r->p.mapping[1].filename))
                             : STR("");
}

static void add_legend(struct buf *out, const struct report *r, const struct trimmed *t)
{
    struct buf labels;
    buf_init(&labels, SIZE_MAX / 2);
    // Labels may hold line ends of their own, so they are kept apart by a byte that no text has.
    report_labels(&labels, r, t, true, "\1");
    struct str rest = buf_str(&labels), title = title_of(r);
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

bool report_dot(struct buf *out, struct report *r, struct err *e)
{
    struct trimmed t;
    if (!report_graph(&t, r, e))
        return false;
    const struct graph *g = &t.graph;
    struct str title = title_of(r);
    buf_printf(out, "digraph \"%.*s\" {\n", STR_ARG(title.len ? title : STR("unnamed")));
    buf_text(out, "node [style=filled fillcolor=\"#f8f8f8\"]\n");
    add_legend(out, r, &t);
    i64 most = 0;
    u32 *id = arena_new(r->arena, u32, g->nnode);
    for (u32 i = 0; i < g->nshown; i++) {
        i64 flat = magnitude(node_flat(&g->node[g->shown[i]]));
        most = flat > most ? flat : most;
        id[g->shown[i]] = i + 1;
    }
    for (u32 i = 0; i < g->nshown; i++)
        add_node(out, r, g, g->shown[i], i + 1, most);
    u32 n;
    const u32 *edge = graph_all_edges(g, &n);
    for (u32 i = 0; i < n; i++) {
        const struct edge *one = &g->edge[edge[i]];
        if (id[one->src] && id[one->dest])
            add_edge(out, r, g, one, id);
    }
    buf_text(out, "}\n");
    return true;
}
