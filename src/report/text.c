// Reports for a terminal: top, tree, peek and traces, in pprof's layouts.
#include <errno.h>

#include "report/report.h"

enum { VALUE_LIMIT = 512 };

// A formatted value, for a column of fixed width.
struct value {
    char text[VALUE_LIMIT];
};

static struct value value_text(const struct report *r, i64 value)
{
    struct value v = {""};
    struct buf b;
    buf_init(&b, VALUE_LIMIT - 1);
    report_value(&b, r, value);
    for (size_t i = 0; i < b.len; i++)
        v.text[i] = b.data[i];
    buf_free(&b);
    return v;
}

// " (inline)" when all calls of a node were inlined, " (partial-inline)" when some were.
static const char *inline_label(const struct graph *g, u32 node)
{
    bool some = false, all = true;
    u32 n;
    const u32 *in = graph_in(g, node, &n);
    for (u32 i = 0; i < n; i++) {
        some |= g->edge[in[i]].is_inline;
        all &= g->edge[in[i]].is_inline;
    }
    return !some ? "" : all ? " (inline)" : " (partial-inline)";
}

bool report_text(struct buf *out, struct report *r, struct err *e)
{
    struct trimmed t;
    if (!report_graph(&t, r, e))
        return false;
    const struct graph *g = &t.graph;
    report_labels(out, r, &t, false, "\n");
    buf_printf(out, "%10s %5s%% %5s%% %10s %5s%%\n", "flat", "flat", "sum", "cum", "cum");
    i64 sum = 0;
    for (u32 i = 0; i < g->nshown; i++) {
        const struct node *n = &g->node[g->shown[i]];
        i64 flat = node_flat(n), cum = node_cum(n);
        sum += flat;
        buf_printf(out, "%10s %s %s ", value_text(r, flat).text, unit_percent(flat, r->total).text,
                   unit_percent(sum, r->total).text);
        buf_printf(out, "%10s %s  %.*s%s\n", value_text(r, cum).text,
                   unit_percent(cum, r->total).text, STR_ARG(node_name(g, g->shown[i])),
                   inline_label(g, g->shown[i]));
    }
    return true;
}

// A caller's or callee's line in a tree.
static void tree_edge(struct buf *out, const struct report *r, const struct graph *g,
                      const struct edge *e, i64 cum, u32 other)
{
    buf_printf(out, "%50s %s |   %.*s%s\n", value_text(r, e->weight).text,
               unit_percent(e->weight, cum).text, STR_ARG(node_name(g, other)),
               e->is_inline ? " (inline)" : "");
}

static void tree_node(struct buf *out, const struct report *r, const struct graph *g, u32 node,
                      i64 *sum)
{
    const struct node *n = &g->node[node];
    i64 flat = node_flat(n), cum = node_cum(n);
    u32 count;
    const u32 *edge = graph_in(g, node, &count);
    for (u32 i = 0; i < count; i++)
        tree_edge(out, r, g, &g->edge[edge[i]], cum, g->edge[edge[i]].src);
    *sum += flat;
    buf_printf(out, "%10s %s %s ", value_text(r, flat).text, unit_percent(flat, r->total).text,
               unit_percent(*sum, r->total).text);
    buf_printf(out, "%10s %s                | %.*s\n", value_text(r, cum).text,
               unit_percent(cum, r->total).text, STR_ARG(node_name(g, node)));
    edge = graph_out(g, node, &count);
    for (u32 i = 0; i < count; i++)
        tree_edge(out, r, g, &g->edge[edge[i]], cum, g->edge[edge[i]].dest);
}

#define TREE_SEPARATOR "----------------------------------------------------------+-------------\n"

bool report_tree(struct buf *out, struct report *r, struct err *e)
{
    struct trimmed t;
    if (!report_graph(&t, r, e))
        return false;
    const struct graph *g = &t.graph;
    report_labels(out, r, &t, false, "\n");
    buf_text(out, TREE_SEPARATOR
             "      flat  flat%   sum%        cum   cum%   calls calls% + context \t \t \n");
    u32 matched = 0;
    i64 sum = 0;
    for (u32 i = 0; i < g->nshown; i++) {
        if (r->matched && !r->matched[g->shown[i]])
            continue;
        matched++;
        buf_text(out, TREE_SEPARATOR);
        tree_node(out, r, g, g->shown[i], &sum);
    }
    if (g->nshown)
        buf_text(out, TREE_SEPARATOR);
    return matched || !r->matched ||
           err_set(e, ENOENT, "no matches found for regexp: %.*s", STR_ARG(r->parameter));
}

#define TRACE_SEPARATOR "-----------+-------------------------------------------------------\n"

// A sample's labels of one kind, texts or numbers, a line a key.
static void trace_labels(struct buf *out, const struct report *r, const struct sample *s)
{
    const struct profile *p = &r->p;
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &p->label[s->label + i], *before = i ? l - 1 : NULL;
        bool same_key = before &&
                        str_equal(profile_string(p, l->key), profile_string(p, before->key)) &&
                        (l->text == 0) == (before->text == 0);
        if (!same_key)
            buf_printf(out, "%s%10.*s:  ", i ? "\n" : "", STR_ARG(profile_string(p, l->key)));
        else
            buf_char(out, ' ');
        if (l->text)
            buf_add(out, profile_string(p, l->text));
        else
            unit_label(out, l->number, profile_label_unit(p, l), STR("auto"));
    }
    if (s->nlabel)
        buf_char(out, '\n');
}

static void trace_frames(struct buf *out, const struct report *r, const struct places *ps,
                         const struct sample *s, i64 value)
{
    bool first = true;
    for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
        u32 location = r->p.frame[k], last = ps->first[location + 1];
        for (u32 i = ps->first[location]; i < last; i++) {
            buf_printf(out, "%10s   %.*s%s\n", first ? value_text(r, value).text : "",
                       STR_ARG(ps->name[ps->of_line[i]]), i + 1 < last ? " (inline)" : "");
            first = false;
        }
    }
}

bool report_traces(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct places ps = places_build(&r->p, false, r->arena);
    report_profile_labels(out, r, "\n");
    for (u32 i = 0; i < r->p.nsample; i++) {
        const struct sample *s = &r->p.sample[i];
        const i64 *value = profile_values(&r->p, i);
        if (s->nframe == 0)
            continue;
        buf_text(out, TRACE_SEPARATOR);
        trace_labels(out, r, s);
        trace_frames(out, r, &ps, s, divided(value[r->column], r->config.mean ? value[0] : 0));
    }
    buf_text(out, TRACE_SEPARATOR);
    return true;
}
