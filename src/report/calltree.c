#include "report/calltree.h"

// A node without any value of its own or below is there, but not shown.
static bool counts(const struct stack_level *l, bool drop_negative)
{
    bool negative = l->flat < 0 || (l->flat == 0 && l->cum < 0);
    return (l->flat || l->cum) && !(drop_negative && negative);
}

struct flat_sum {
    i64 sum;
    bool drop_negative;
};

static void add_flat(void *context, struct stack_level *l)
{
    struct flat_sum *f = context;
    if (counts(l, f->drop_negative))
        f->sum += l->flat;
}

i64 calltree_flat(const struct stacks *s, bool drop_negative)
{
    struct flat_sum f = {.drop_negative = drop_negative};
    stacks_walk(s, &(struct stack_visitor){.context = &f, .leave = add_flat});
    return f.sum;
}

struct builder {
    struct calltree t;
    i64 least;
    bool drop_negative;
    bool *is_light; // by node
    u32 *sibling;   // by node: the next child of the same parent
    u32 node_cap, shown_cap, edge_cap, serial_cap, light_cap, sibling_cap;
    u32 nserial, nis_light, nsibling;
};

enum { FIRST_CHILD }; // in stack_level.data: a node

static u32 add_node(struct builder *b, const struct stack_level *l, bool is_light)
{
    struct graph *g = &b->t.graph;
    *arena_push(g->arena, b->is_light, b->nis_light, b->light_cap) = is_light;
    *arena_push(g->arena, b->sibling, b->nsibling, b->sibling_cap) = 0;
    *arena_push(g->arena, b->t.serial, b->nserial, b->serial_cap) = l->serial;
    *arena_push(g->arena, g->node, g->nnode, b->node_cap) = (struct node){.place = l->place,
                                                                          .flat = l->flat,
                                                                          .flat_div = l->flat_div,
                                                                          .cum = l->cum,
                                                                          .cum_div = l->cum_div};
    return g->nnode - 1;
}

// Children come before their parents; the edge to a node has its weight.
static void add_edge(struct builder *b, u32 src, u32 dest, bool is_inline)
{
    struct graph *g = &b->t.graph;
    const struct node *n = &g->node[dest];
    *arena_push(g->arena, g->edge, g->nedge, b->edge_cap) = (struct edge){.src = src,
                                                                          .dest = dest,
                                                                          .weight = n->cum,
                                                                          .weight_div = n->cum_div,
                                                                          .is_inline = is_inline};
}

static void leave(void *context, struct stack_level *l)
{
    struct builder *b = context;
    bool is_node = counts(l, b->drop_negative);
    bool is_light = is_node && magnitude(l->cum) < b->least;
    b->t.nlight += is_light;
    if (is_light && l->data[FIRST_CHILD] == 0)
        return;
    u32 row = add_node(b, l, is_light);
    if (is_node)
        *arena_push(b->t.graph.arena, b->t.graph.shown, b->t.graph.nshown, b->shown_cap) = row;
    for (u32 child = l->data[FIRST_CHILD]; child; child = b->sibling[child])
        b->t.graph.edge[b->t.graph.node[child].in].src = row;
    // The edge to this node; from 0 until its caller is known.
    b->t.graph.node[row].in = b->t.graph.nedge;
    add_edge(b, 0, row, l->is_inline);
    b->sibling[row] = l[-1].data[FIRST_CHILD];
    l[-1].data[FIRST_CHILD] = row;
}

static void finish(struct graph *g)
{
    for (u32 row = 1; row < g->nedge; row++)
        g->edge[row].is_removed |= g->edge[row].src == 0;
    g->link = arena_new(g->arena, u32, (size_t)2 * g->nedge);
    graph_link(g);
}

struct calltree calltree_build(const struct stacks *s, i64 least, bool drop_negative,
                               struct arena *a)
{
    struct builder b = {.least = least, .drop_negative = drop_negative};
    struct graph *g = &b.t.graph;
    *g = (struct graph){.places = s->places, .arena = a};
    arena_push(a, g->edge, g->nedge, b.edge_cap);
    add_node(&b, &(struct stack_level){0}, false);
    stacks_walk(s, &(struct stack_visitor){.context = &b, .leave = leave});
    finish(g);
    bool *keep = arena_new(a, bool, g->nnode);
    u32 nlight = 0;
    for (u32 i = 1; i < g->nnode; i++) {
        keep[i] = !b.is_light[i];
        nlight += b.is_light[i];
    }
    if (nlight)
        calltree_trim(g, keep);
    return b.t;
}

void calltree_trim(struct graph *g, const bool *keep)
{
    u32 *to = arena_new(g->arena, u32, g->nnode); // by node: the edge to it
    bool *gone = arena_new(g->arena, bool, g->nnode);
    u32 n = 0;
    for (u32 row = 1; row < g->nedge; row++) {
        if (!g->edge[row].is_removed)
            to[g->edge[row].dest] = row;
    }
    for (u32 i = 0; i < g->nshown; i++) {
        gone[g->shown[i]] = !keep[g->shown[i]];
        if (keep[g->shown[i]])
            g->shown[n++] = g->shown[i];
    }
    g->nshown = n;
    // A caller's own edge comes later in the table, so from behind it leads past all that is gone.
    for (u32 row = g->nedge - 1; row > 0; row--) {
        struct edge *e = &g->edge[row];
        if (gone[e->src] && to[e->src]) {
            const struct edge *up = &g->edge[to[e->src]];
            e->src = up->src;
            e->is_inline &= up->is_inline;
            e->is_residual = true;
        }
        e->is_removed |= gone[e->src] || gone[e->dest];
    }
    graph_link(g);
}
