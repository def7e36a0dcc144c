// Orders of a graph's nodes and edges, and which of them can be left out.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/graph.h"

static int compare_amounts(i64 l, i64 r)
{
    l = magnitude(l);
    r = magnitude(r);
    return (l < r) - (l > r);
}

// The last resort: nodes of a call tree may be alike in all that is shown of them.
static int compare_rows(u32 l, u32 r)
{
    return (l > r) - (l < r);
}

static int by_flat(const void *a, const void *b, void *graph)
{
    const struct graph *g = graph;
    const struct node *l = &g->node[*(const u32 *)a], *r = &g->node[*(const u32 *)b];
    int order = compare_amounts(l->flat, r->flat);
    if (order == 0)
        order = place_compare_names(&g->places, l->place, r->place);
    if (order == 0)
        order = compare_amounts(l->cum, r->cum);
    if (order == 0)
        order = place_compare(&g->places, l->place, r->place);
    return order ? order : compare_rows(*(const u32 *)a, *(const u32 *)b);
}

struct scored {
    const struct graph *g;
    const i64 *score; // by node
};

static int by_score(const void *a, const void *b, void *scored)
{
    const struct scored *s = scored;
    u32 l = *(const u32 *)a, r = *(const u32 *)b;
    const struct node *nl = &s->g->node[l], *nr = &s->g->node[r];
    int order = compare_amounts(s->score[l], s->score[r]);
    if (order == 0)
        order = place_compare_names(&s->g->places, nl->place, nr->place);
    if (order == 0)
        order = compare_amounts(nl->flat, nr->flat);
    if (order == 0)
        order = place_compare(&s->g->places, nl->place, nr->place);
    return order ? order : compare_rows(l, r);
}

// Entropy of the weights of n edges, and of self beside them: how interesting their distribution
// is.
static double edge_entropy(const struct graph *g, const u32 *edge, u32 n, i64 self)
{
    i64 total = self;
    double score = 0;
    for (u32 i = 0; i < n; i++) {
        if (g->edge[edge[i]].weight > 0)
            total += g->edge[edge[i]].weight;
    }
    if (total == 0)
        return 0;
    for (u32 i = 0; i < n; i++) {
        double part = (double)magnitude(g->edge[edge[i]].weight) / (double)total;
        score += -part * log2(part);
    }
    if (self > 0) {
        double part = (double)self / (double)total;
        score += -part * log2(part);
    }
    return score;
}

static i64 entropy_score(const struct graph *g, const struct node *n)
{
    double score = n->nin ? edge_entropy(g, g->link + n->in, n->nin, 0) : 1;
    score += n->nout ? edge_entropy(g, g->link + n->out, n->nout, n->flat) : 1;
    return i64_of(score * (double)n->cum) + n->flat;
}

void graph_sort(struct graph *g, enum graph_order order)
{
    if (g->nshown == 0)
        return;
    if (order == GRAPH_BY_FLAT) {
        qsort_r(g->shown, g->nshown, sizeof(*g->shown), by_flat, g);
        return;
    }
    i64 *score = arena_new(g->arena, i64, g->nnode);
    for (u32 i = 0; i < g->nshown; i++) {
        const struct node *n = &g->node[g->shown[i]];
        score[g->shown[i]] = order == GRAPH_BY_CUM ? n->cum : entropy_score(g, n);
    }
    struct scored s = {g, score};
    qsort_r(g->shown, g->nshown, sizeof(*g->shown), by_score, &s);
}

static int by_weight(const void *a, const void *b, void *graph)
{
    const struct graph *g = graph;
    const struct edge *l = &g->edge[*(const u32 *)a], *r = &g->edge[*(const u32 *)b];
    int order = compare_amounts(l->weight, r->weight);
    if (order == 0)
        order = str_compare(node_name(g, l->src), node_name(g, r->src));
    if (order == 0)
        order = str_compare(node_name(g, l->dest), node_name(g, r->dest));
    if (order == 0)
        order = (l->src > r->src) - (l->src < r->src);
    return order ? order : (l->dest > r->dest) - (l->dest < r->dest);
}

static const u32 *sorted(const struct graph *g, u32 *edge, u32 n)
{
    if (n > 1)
        qsort_r(edge, n, sizeof(*edge), by_weight, (void *)(uintptr_t)g);
    return edge;
}

const u32 *graph_in(const struct graph *g, u32 node, u32 *n)
{
    *n = g->node[node].nin;
    return *n ? sorted(g, &g->link[g->node[node].in], *n) : NULL;
}

const u32 *graph_out(const struct graph *g, u32 node, u32 *n)
{
    *n = g->node[node].nout;
    return *n ? sorted(g, &g->link[g->node[node].out], *n) : NULL;
}

u32 *graph_all_edges(const struct graph *g, u32 *n)
{
    u32 *edge = arena_new(g->arena, u32, g->nedge);
    *n = 0;
    for (u32 row = 1; row < g->nedge; row++) {
        if (!g->edge[row].is_removed)
            edge[(*n)++] = row;
    }
    sorted(g, edge, *n);
    return edge;
}

void graph_link(struct graph *g)
{
    u32 at = 0;
    for (u32 i = 0; i < g->nnode; i++)
        g->node[i].nin = g->node[i].nout = 0;
    for (u32 row = 1; row < g->nedge; row++) {
        if (g->edge[row].is_removed)
            continue;
        g->node[g->edge[row].src].nout++;
        g->node[g->edge[row].dest].nin++;
    }
    for (u32 i = 0; i < g->nnode; i++) {
        g->node[i].in = at;
        g->node[i].out = at += g->node[i].nin;
        at += g->node[i].nout;
        g->node[i].nin = g->node[i].nout = 0;
    }
    for (u32 row = 1; row < g->nedge; row++) {
        if (g->edge[row].is_removed)
            continue;
        struct node *src = &g->node[g->edge[row].src], *dest = &g->node[g->edge[row].dest];
        g->link[src->out + src->nout++] = row;
        g->link[dest->in + dest->nin++] = row;
    }
}

u32 graph_drop_edges(struct graph *g, i64 cutoff)
{
    u32 dropped = 0;
    for (u32 i = 0; i < g->nshown; i++) {
        const struct node *n = &g->node[g->shown[i]];
        for (u32 k = n->in; k < n->in + n->nin; k++) {
            struct edge *e = &g->edge[g->link[k]];
            bool is_light = magnitude(e->weight) < cutoff;
            e->is_removed |= is_light;
            dropped += is_light;
        }
    }
    if (dropped)
        graph_link(g);
    return dropped;
}

// Whether src reaches the edge's dest without the edge: a search backwards from dest.
static bool is_redundant(const struct graph *g, u32 row, u32 *queue, u32 *stamp)
{
    const struct edge *e = &g->edge[row];
    u32 n = 1;
    queue[0] = e->dest;
    stamp[e->dest] = row;
    for (u32 at = 0; at < n; at++) {
        const struct node *node = &g->node[queue[at]];
        for (u32 i = 0; i < node->nin; i++) {
            u32 in = g->link[node->in + i], src = g->edge[in].src;
            if (in == row || g->edge[in].is_removed || stamp[src] == row)
                continue;
            if (src == e->src)
                return true;
            stamp[src] = row;
            queue[n++] = src;
        }
    }
    return false;
}

void graph_drop_redundant(struct graph *g)
{
    u32 *queue = arena_new(g->arena, u32, g->nnode), *stamp = arena_new(g->arena, u32, g->nnode);
    for (u32 i = g->nshown; i > 0; i--) {
        u32 n;
        const u32 *in = graph_in(g, g->shown[i - 1], &n);
        for (u32 k = n; k > 0; k--) {
            struct edge *e = &g->edge[in[k - 1]];
            if (!e->is_residual)
                break;
            if (is_redundant(g, in[k - 1], queue, stamp))
                e->is_removed = true;
        }
    }
    graph_link(g);
}
