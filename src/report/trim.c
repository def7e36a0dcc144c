// What of a graph is shown.  pprof trims in three steps, since a trimmed graph's edges cannot be
// had from the whole one's: what weighs too little, what is too many, and edges that weigh too
// little.
#include <string.h>

#include "report/report.h"

enum { MOST_NODELETS = 4 }; // of a node, that are counted as if they were nodes

static i64 cutoff(i64 total, double fraction)
{
    return magnitude(i64_of((double)total * fraction));
}

// Column by node: whether it is shown.
static bool *shown_column(const struct graph *g)
{
    bool *column = arena_new(g->arena, bool, g->nnode);
    for (u32 i = 0; i < g->nshown; i++)
        column[g->shown[i]] = true;
    return column;
}

// Moves nodes whose cum is at least the cutoff to the front; returns their number.
static u32 heavy_nodes(struct graph *g, i64 least)
{
    u32 n = 0;
    for (u32 i = 0; i < g->nshown; i++) {
        if (magnitude(g->node[g->shown[i]].cum) >= least)
            g->shown[n++] = g->shown[i];
    }
    return n;
}

static i64 flat_sum(const struct graph *g)
{
    i64 sum = 0;
    for (u32 i = 0; i < g->nshown; i++)
        sum += g->node[g->shown[i]].flat;
    return sum;
}

// Nodes that are called by an inlined call somewhere; NULL when there are none.
static const bool *inlined_column(const struct graph *g, const struct profile *p)
{
    if (!g->places.has_inlines)
        return NULL;
    bool *column = arena_new(g->arena, bool, g->nnode);
    for (u32 l = 1; l < p->nlocation; l++) {
        for (u32 i = g->places.first[l]; i + 1 < g->places.first[l + 1]; i++)
            column[g->places.of_line[i]] = true;
    }
    return column;
}

bool report_wants(const struct report *r, const struct graph *g, u32 node)
{
    return regex_match(r->wanted, node_name(g, node)) ||
           (r->type->matches_names &&
            regex_match(r->wanted, g->places.place[g->node[node].place].name));
}

// Nodes whose name matches the parameter; NULL when there is none.
static const bool *matched_column(const struct report *r, const struct graph *g)
{
    if (!r->wanted)
        return NULL;
    bool *matched = arena_new(r->arena, bool, g->nnode);
    for (u32 i = 1; i < g->nnode; i++)
        matched[i] = report_wants(r, g, i);
    return matched;
}

// Chooses the unit in which the smallest value still shows, when the config leaves that open.
static void choose_unit(struct report *r, const struct graph *g)
{
    i64 least = 0, most = r->total;
    struct str least_unit, most_unit;
    if (!str_equal(r->output_unit, STR("minimum")) || g->nshown == 0)
        return;
    for (u32 i = 0; i < g->nshown; i++) {
        const struct node *n = &g->node[g->shown[i]];
        i64 value = magnitude(node_flat(n));
        if (value == 0)
            value = magnitude(node_cum(n));
        if (value > 0 && (least == 0 || value < least))
            least = value;
    }
    if (least == 0)
        least = most;
    double ratio = 1 / r->config.divide_by;
    if (ratio > 0 && ratio != 1) {
        least = i64_of((double)least * ratio);
        most = i64_of((double)most * ratio);
    }
    unit_scale(least, r->sample_unit, STR("minimum"), &least_unit);
    unit_scale(most, r->sample_unit, STR("minimum"), &most_unit);
    // Two decimals show a hundredth of the unit above.
    if (!str_equal(least_unit, most_unit) && least * 100 < most && !r->type->is_integer)
        unit_scale(100 * least, r->sample_unit, STR("minimum"), &least_unit);
    r->output_unit = least_unit.len ? least_unit : r->sample_unit;
}

// Counts the edges that the report can show.  A table needs them only to tell which functions were
// inlined.
static void count_edges(struct graph *g, const struct report *r, const bool *kept,
                        struct graph_ways *ways)
{
    struct graph_edges wanted = {.kept = kept, .touching = matched_column(r, g)};
    if (!r->type->shows_edges) {
        wanted.into = inlined_column(g, &r->p);
        if (!wanted.into)
            return;
    }
    graph_count_edges(g, &r->p, r->values, wanted, ways);
}

static enum graph_order order_of(const struct report *r)
{
    if (r->type->is_visual)
        return GRAPH_BY_ENTROPY;
    return str_equal(r->config.sort, STR("cum")) ? GRAPH_BY_CUM : GRAPH_BY_FLAT;
}

// How many of the nodes, which are sorted, are shown so that there are at most nodecount boxes.
static u32 count_shown(const struct trimmed *t, const struct report *r)
{
    u64 boxes = 0, most = (u64)r->config.nodecount;
    for (u32 i = 0; i < t->graph.nshown && r->type->is_visual; i++) {
        u32 nodelets = nodelets_flat(&t->nodelets, t->graph.shown[i]);
        boxes += 1 + (nodelets < MOST_NODELETS ? nodelets : MOST_NODELETS);
        if (boxes >= most) {
            most = i + 1;
            break;
        }
    }
    return most < t->graph.nshown ? (u32)most : t->graph.nshown;
}

static struct nodelet_options nodelet_options(const struct report *r, i64 least)
{
    return (struct nodelet_options){.values = r->values,
                                    .size_unit = label_unit(&r->units, STR("bytes")),
                                    .output_unit = r->output_unit,
                                    .least = least};
}

static void trim_graph(struct trimmed *t, struct report *r)
{
    const struct config *c = &r->config;
    const bool *kept = NULL;
    struct graph_ways ways = {0};
    struct graph *g = &t->graph;
    *g = report_nodes(r);
    i64 sum = flat_sum(g), node_cutoff = cutoff(sum, c->nodefraction);
    i64 edge_cutoff = cutoff(sum, c->edgefraction);
    u32 heavy = node_cutoff > 0 ? heavy_nodes(g, node_cutoff) : g->nshown;
    if (heavy != g->nshown) {
        t->dropped_nodes = g->nshown - heavy;
        g->nshown = heavy;
        kept = shown_column(g);
    }
    t->norig = g->nshown;
    struct nodelet_options o = nodelet_options(r, node_cutoff);
    if (r->type->is_visual)
        t->nodelets = nodelets_of_graph(g, &r->p, shown_column(g), &o);
    bool may_cut = c->nodecount > 0 && (r->type->is_visual || c->nodecount < g->nshown);
    if (!may_cut || r->type->is_visual)
        count_edges(g, r, kept, may_cut ? &ways : NULL);
    graph_sort(g, order_of(r));
    if (may_cut) {
        graph_drop_edges(g, edge_cutoff); // not told of: only those that the last step drops are
        u32 n = count_shown(t, r);
        if (n < g->nshown) {
            g->nshown = n;
            count_edges(g, r, shown_column(g), ways.node ? &ways : NULL);
            graph_sort(g, order_of(r));
        }
    }
    graph_ways_free(&ways);
    t->dropped_edges = graph_drop_edges(g, edge_cutoff);
}

static void trim_calltree(struct trimmed *t, struct report *r)
{
    const struct config *c = &r->config;
    struct places_options o = {r->type->keeps_objfile, true, c->trim_path, c->source_path};
    struct stacks stacks =
        stacks_sort(&r->p, places_build(&r->p, &o, r->arena), r->values, r->arena);
    i64 sum = calltree_flat(&stacks, c->drop_negative), node_cutoff = cutoff(sum, c->nodefraction);
    i64 edge_cutoff = cutoff(sum, c->edgefraction);
    struct calltree tree = calltree_build(&stacks, node_cutoff, c->drop_negative, r->arena);
    t->graph = tree.graph;
    t->dropped_nodes = tree.nlight;
    t->norig = t->graph.nshown;
    struct nodelet_options nodelets = nodelet_options(r, node_cutoff);
    if (r->type->is_visual)
        t->nodelets = nodelets_of_tree(&t->graph, tree.serial, &stacks, &nodelets);
    graph_sort(&t->graph, order_of(r));
    if (c->nodecount > 0) {
        graph_drop_edges(&t->graph, edge_cutoff);
        u32 n = count_shown(t, r), all = t->graph.nshown;
        if (n < all) {
            t->graph.nshown = n;
            const bool *keep = shown_column(&t->graph);
            t->graph.nshown = all;
            calltree_trim(&t->graph, keep);
            graph_sort(&t->graph, order_of(r));
        }
    }
    t->dropped_edges = graph_drop_edges(&t->graph, edge_cutoff);
}

void report_graph(struct trimmed *t, struct report *r)
{
    *t = (struct trimmed){0};
    // The label of a base's samples says nothing about the program.
    r->p = label_remove(&r->p, STR(REPORT_BASE_LABEL), r->arena);
    if (r->config.call_tree)
        trim_calltree(t, r);
    else
        trim_graph(t, r);
    if (r->type->is_visual)
        graph_drop_redundant(&t->graph);
    choose_unit(r, &t->graph);
}

struct graph report_nodes(const struct report *r)
{
    struct places_options o = {r->type->keeps_objfile, true, r->config.trim_path,
                               r->config.source_path};
    return graph_nodes(&r->p, r->values, places_build(&r->p, &o, r->arena), r->config.drop_negative,
                       r->arena);
}
