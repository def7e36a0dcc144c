// Reports for a terminal: top, tree, peek and traces, in pprof's layouts.
#include <errno.h>

#include "report/report.h"

enum { COLUMN = 10, EDGE_COLUMN = 50 }; // characters

static void add_amount(struct buf *out, const struct report *r, i64 value, size_t width)
{
    struct amount amount = report_amount(r, value);
    buf_right(out, str_of(amount.text), width);
}

// "    1.50MB 25.00%", with what is between.
static void add_share(struct buf *out, const struct report *r, i64 value, i64 total, size_t width)
{
    add_amount(out, r, value, width);
    buf_printf(out, " %s", unit_percent(value, total).text);
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
    (void)e;
    struct trimmed t;
    report_graph(&t, r);
    const struct graph *g = &t.graph;
    report_labels(out, r, &t, false, "\n");
    buf_printf(out, "%10s %5s%% %5s%% %10s %5s%%\n", "flat", "flat", "sum", "cum", "cum");
    i64 sum = 0;
    for (u32 i = 0; i < g->nshown; i++) {
        const struct node *n = &g->node[g->shown[i]];
        i64 flat = node_flat(n);
        sum += flat;
        add_share(out, r, flat, r->total, COLUMN);
        buf_printf(out, " %s ", unit_percent(sum, r->total).text);
        add_share(out, r, node_cum(n), r->total, COLUMN);
        buf_printf(out, "  %.*s%s\n", STR_ARG(node_name(g, g->shown[i])),
                   inline_label(g, g->shown[i]));
    }
    return true;
}

// A caller's or callee's line in a tree.
static void tree_edge(struct buf *out, const struct report *r, const struct graph *g,
                      const struct edge *e, i64 cum, u32 other)
{
    add_share(out, r, e->weight, cum, EDGE_COLUMN);
    buf_printf(out, " |   %.*s%s\n", STR_ARG(node_name(g, other)), e->is_inline ? " (inline)" : "");
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
    add_share(out, r, flat, r->total, COLUMN);
    buf_printf(out, " %s ", unit_percent(*sum, r->total).text);
    add_share(out, r, cum, r->total, COLUMN);
    buf_printf(out, "                | %.*s\n", STR_ARG(node_name(g, node)));
    edge = graph_out(g, node, &count);
    for (u32 i = 0; i < count; i++)
        tree_edge(out, r, g, &g->edge[edge[i]], cum, g->edge[edge[i]].dest);
}

#define TREE_SEPARATOR "----------------------------------------------------------+-------------\n"

bool report_tree(struct buf *out, struct report *r, struct err *e)
{
    struct trimmed t;
    report_graph(&t, r);
    const struct graph *g = &t.graph;
    report_labels(out, r, &t, false, "\n");
    buf_text(out, TREE_SEPARATOR
             "      flat  flat%   sum%        cum   cum%   calls calls% + context \t \t \n");
    u32 matched = 0;
    i64 sum = 0;
    for (u32 i = 0; i < g->nshown; i++) {
        if (r->wanted && !regex_match(r->wanted, node_name(g, g->shown[i])))
            continue;
        matched++;
        buf_text(out, TREE_SEPARATOR);
        tree_node(out, r, g, g->shown[i], &sum);
    }
    if (g->nshown)
        buf_text(out, TREE_SEPARATOR);
    return matched || !r->wanted ||
           err_set(e, ENOENT, "no matches found for regexp: %.*s", STR_ARG(r->parameter));
}

#define TRACE_SEPARATOR "-----------+-------------------------------------------------------\n"

// "       key:  value value" of labels of one key.
static void trace_label(struct buf *out, const struct report *r, const struct label *l, u32 n)
{
    struct str key = profile_string(&r->p, l->key);
    buf_right(out, key, COLUMN);
    buf_text(out, ":  ");
    for (u32 i = 0; i < n; i++) {
        buf_text(out, i ? " " : "");
        if (l[i].text)
            buf_add(out, profile_string(&r->p, l[i].text));
        else
            unit_label(out, l[i].number, label_unit(&r->units, key), STR("auto"));
    }
    buf_char(out, '\n');
}

// A sample's labels, texts before numbers, a line a key.
static struct str trace_labels(const struct report *r, const struct sample *s)
{
    struct buf lines;
    buf_init(&lines, SIZE_MAX / 2);
    for (u32 kind = 0; kind < 2; kind++) {
        struct str *part;
        u32 n = report_label_parts(&part, r, s, kind == 0, trace_label);
        for (u32 i = 0; i < n; i++)
            buf_add(&lines, part[i]);
    }
    struct str text = arena_str(r->arena, buf_str(&lines));
    buf_free(&lines);
    return text;
}

// The lines of a location's frames, after the column of values.
static struct str location_lines(struct buf *scratch, const struct places *ps, u32 location,
                                 struct arena *a)
{
    u32 last = ps->first[location + 1];
    scratch->len = 0;
    for (u32 i = ps->first[location]; i < last; i++) {
        buf_right(scratch, STR(""), COLUMN);
        buf_printf(scratch, "   %.*s%s\n", STR_ARG(ps->name[ps->of_line[i]]),
                   i + 1 < last ? " (inline)" : "");
    }
    return arena_str(a, buf_str(scratch));
}

// By location; a location is in many stacks.
static struct str *all_location_lines(const struct places *ps, u32 nlocation, struct arena *a)
{
    struct str *lines = arena_new(a, struct str, nlocation);
    struct buf scratch;
    buf_init(&scratch, SIZE_MAX / 2);
    for (u32 i = 1; i < nlocation; i++)
        lines[i] = location_lines(&scratch, ps, i, a);
    buf_free(&scratch);
    return lines;
}

// Values as text, by some bits of them: few differ, and to write one takes as long as a stack.
struct amounts {
    struct known {
        i64 value;
        struct amount text; // empty: none yet
    } known[1021];          // a prime: values are often multiples of a round number
};

static struct str amount_of(struct amounts *a, const struct report *r, i64 value)
{
    struct known *k = &a->known[(u64)value % ARRAY_LEN(a->known)];
    if (k->value != value || !k->text.text[0])
        *k = (struct known){value, report_amount(r, value)};
    return str_of(k->text.text);
}

// The value stands beside the first line.
static void trace_frames(struct buf *out, struct str amount, const struct profile *p,
                         const struct str *lines, const struct sample *s)
{
    const u32 *frame = &p->frame[s->frame];
    u32 first = 0;
    while (first < s->nframe && lines[frame[first]].len == 0)
        first++;
    if (first == s->nframe)
        return;
    buf_right(out, amount, COLUMN);
    buf_add(out, str_skip(lines[frame[first]], COLUMN));
    for (u32 k = first + 1; k < s->nframe; k++)
        buf_add(out, lines[frame[k]]);
}

bool report_traces(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct places ps = places_build(&r->p, &(struct places_options){0}, r->arena);
    const struct str *lines = all_location_lines(&ps, r->p.nlocation, r->arena);
    struct str *labels = arena_new(r->arena, struct str, r->p.nlabel); // by run; NULL: not yet
    struct amounts *amounts = arena_new(r->arena, struct amounts, 1);
    report_profile_labels(out, r, "\n");
    for (u32 i = 0; i < r->p.nsample; i++) {
        const struct sample *s = &r->p.sample[i];
        const i64 *value = profile_values(&r->p, i);
        if (s->nframe == 0)
            continue;
        buf_text(out, TRACE_SEPARATOR);
        if (s->nlabel && !labels[s->label].ptr)
            labels[s->label] = trace_labels(r, s);
        buf_add(out, s->nlabel ? labels[s->label] : STR(""));
        i64 weight = divided(value[r->values.type], r->values.mean ? value[0] : 0);
        trace_frames(out, amount_of(amounts, r, weight), &r->p, lines, s);
    }
    buf_text(out, TRACE_SEPARATOR);
    return true;
}
