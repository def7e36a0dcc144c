// Algorithms: pprof's internal/graph, on tables instead of maps, and on all processors.
#include "report/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

enum { FIRST_SLOTS = 1024, CALLS_AHEAD = 64 };

// What a thread counts of the nodes; the hot half by itself, so that it stays in the cache.
struct hot {
    i64 cum;
    u32 stamp; // the sample that was counted last, + 1
};

struct cold {
    i64 flat, flat_div, cum_div;
};

struct node_part {
    const struct profile *p;
    const struct places *places;
    struct graph_values v;
    u32 first, last;
    struct hot *hot;
    struct cold *cold;
    struct arena arena;
};

static inline void count_node(struct node_part *t, u32 place, u32 stamp, i64 weight, i64 div)
{
    struct hot *h = &t->hot[place];
    if (h->stamp == stamp)
        return;
    h->stamp = stamp;
    h->cum += weight;
    if (div)
        t->cold[place].cum_div += div;
}

static void count_sample(struct node_part *t, u32 sample, i64 weight, i64 div)
{
    const struct sample *s = &t->p->sample[sample];
    const u32 *first = t->places->first, *of_line = t->places->of_line;
    const u32 *frame = t->p->frame + s->frame;
    bool has_inlines = t->places->has_inlines;
    // Without inlined calls each location is one place, in their order: two loads less a frame.
    for (u32 k = 0; k < s->nframe && !has_inlines; k++)
        count_node(t, of_line[frame[k] - 1], sample + 1, weight, div);
    for (u32 k = 0; k < s->nframe && has_inlines; k++) {
        for (u32 i = first[frame[k]]; i < first[frame[k] + 1]; i++)
            count_node(t, of_line[i], sample + 1, weight, div);
    }
    if (s->nframe == 0)
        return;
    u32 leaf = t->p->frame[s->frame];
    t->cold[of_line[first[leaf]]].flat += weight;
    t->cold[of_line[first[leaf]]].flat_div += div;
}

static void count_nodes(void *parts, u32 number)
{
    struct node_part *t = (struct node_part *)parts + number;
    t->hot = arena_new(&t->arena, struct hot, t->places->nplace);
    t->cold = arena_new(&t->arena, struct cold, t->places->nplace);
    for (u32 i = t->first; i < t->last; i++) {
        const i64 *value = profile_values(t->p, i);
        i64 weight = value[t->v.type], div = t->v.mean ? value[0] : 0;
        if (weight || div)
            count_sample(t, i, weight, div);
    }
}

static bool is_negative(const struct node *n)
{
    return n->flat < 0 || (n->flat == 0 && n->cum < 0);
}

struct graph graph_nodes(const struct profile *p, struct graph_values v, struct places places,
                         bool drop_negative, struct arena *a)
{
    struct graph g = {.places = places, .arena = a};
    struct parallel_division d = parallel_divide(p->nsample, GRAPH_LEAST_SAMPLES);
    struct node_part part[PARALLEL_MOST];
    for (u32 i = 0; i < d.n; i++) {
        part[i] = (struct node_part){.p = p, .places = &g.places, .v = v};
        part[i].first = parallel_first(d, i);
        part[i].last = parallel_first(d, i + 1);
        arena_init(&part[i].arena, SIZE_MAX);
    }
    parallel_run(count_nodes, part, d.n);
    g.nnode = g.places.nplace;
    g.node = arena_new(a, struct node, g.nnode);
    g.shown = arena_new(a, u32, g.nnode);
    for (u32 row = 1; row < g.nnode; row++) {
        struct node *n = &g.node[row];
        n->place = row;
        for (u32 i = 0; i < d.n; i++) {
            n->cum += part[i].hot[row].cum;
            n->cum_div += part[i].cold[row].cum_div;
            n->flat += part[i].cold[row].flat;
            n->flat_div += part[i].cold[row].flat_div;
        }
        if ((n->cum || n->flat) && !(drop_negative && is_negative(n)))
            g.shown[g.nshown++] = row;
    }
    for (u32 i = 0; i < d.n; i++)
        arena_free(&part[i].arena);
    return g;
}

// An edge while it is being counted.  Found through slots by its two nodes.
struct counted {
    u64 key; // src << 32 | dest; 0 free
    i64 weight, weight_div;
    u32 stamp;
    bool is_residual, is_inline;
};

struct edge_part {
    const struct graph *g;
    const struct profile *p;
    struct graph_values v;
    struct graph_edges wanted;
    u32 first, last;
    struct counted *slot;
    u32 mask, n;
    struct call {
        u64 key; // src << 32 | dest
        u32 stamp;
        bool is_residual, is_inline;
        i64 weight, div;
    } call[CALLS_AHEAD]; // to be counted, their slots on the way to the cache
    u32 ncall;
    struct arena arena;
};

static u32 slot_of(const struct edge_part *t, u64 key)
{
    return (u32)(key * 0x9e3779b97f4a7c15 >> 32) & t->mask;
}

static struct counted *find_edge(struct edge_part *t, u64 key)
{
    u32 i = slot_of(t, key);
    while (t->slot[i].key && t->slot[i].key != key)
        i = (i + 1) & t->mask;
    return &t->slot[i];
}

static void double_slots(struct edge_part *t)
{
    const struct counted *old = t->slot;
    u32 old_mask = t->mask;
    t->mask = old_mask * 2 + 1;
    t->slot = arena_new(&t->arena, struct counted, (size_t)t->mask + 1);
    for (u32 i = 0; i <= old_mask; i++) {
        if (old[i].key)
            *find_edge(t, old[i].key) = old[i];
    }
}

// The edge's entry, made when it is new.
static struct counted *add_edge(struct edge_part *t, u64 key)
{
    struct counted *e = find_edge(t, key);
    if (e->key)
        return e;
    if (t->n >= t->mask / 2) {
        double_slots(t);
        e = find_edge(t, key);
    }
    t->n++;
    e->key = key;
    e->is_inline = true;
    return e;
}

static void count_call(struct edge_part *t, const struct call *c)
{
    struct counted *e = add_edge(t, c->key);
    if (e->stamp == c->stamp)
        return;
    e->stamp = c->stamp;
    e->weight += c->weight;
    e->weight_div += c->div;
    e->is_residual |= c->is_residual;
    e->is_inline &= c->is_inline;
}

static void count_waiting(struct edge_part *t)
{
    for (u32 i = 0; i < t->ncall; i++)
        count_call(t, &t->call[i]);
    t->ncall = 0;
}

static void add_call(struct edge_part *t, u32 src, u32 dest, const struct call *c)
{
    if ((t->wanted.into && !t->wanted.into[dest]) ||
        (t->wanted.touching && !t->wanted.touching[src] && !t->wanted.touching[dest]))
        return;
    if (t->ncall == CALLS_AHEAD)
        count_waiting(t);
    struct call *to = &t->call[t->ncall++];
    *to = *c;
    to->key = (u64)src << 32 | dest;
    __builtin_prefetch(&t->slot[slot_of(t, to->key)], 1);
}

static void count_calls(struct edge_part *t, u32 sample, i64 weight, i64 div)
{
    const struct sample *s = &t->p->sample[sample];
    const u32 *first = t->g->places.first, *of_line = t->g->places.of_line;
    const bool *kept = t->wanted.kept;
    struct call c = {.stamp = sample + 1, .weight = weight, .div = div};
    u32 src = 0;
    for (u32 k = s->nframe; k > 0; k--) {
        u32 location = t->p->frame[s->frame + k - 1], last = first[location + 1];
        for (u32 i = last; i > first[location]; i--) {
            u32 dest = of_line[i - 1];
            if (kept && !kept[dest]) {
                c.is_residual = true;
                continue;
            }
            c.is_inline = i != last;
            if (src && src != dest)
                add_call(t, src, dest, &c);
            src = dest;
            c.is_residual = false;
        }
    }
}

static void count_edges(void *parts, u32 number)
{
    struct edge_part *t = (struct edge_part *)parts + number;
    t->mask = FIRST_SLOTS - 1;
    t->slot = arena_new(&t->arena, struct counted, FIRST_SLOTS);
    for (u32 i = t->first; i < t->last; i++) {
        const i64 *value = profile_values(t->p, i);
        i64 weight = value[t->v.type], div = t->v.mean ? value[0] : 0;
        if (weight || div)
            count_calls(t, i, weight, div);
    }
    count_waiting(t);
}

// Adds what a part counted to the first part's table.
static void join_edges(struct edge_part *to, const struct edge_part *from)
{
    for (u32 i = 0; i <= from->mask; i++) {
        const struct counted *c = &from->slot[i];
        if (!c->key)
            continue;
        struct counted *e = add_edge(to, c->key);
        e->weight += c->weight;
        e->weight_div += c->weight_div;
        e->is_residual |= c->is_residual;
        e->is_inline &= c->is_inline;
    }
}

static void take_edges(struct graph *g, const struct edge_part *t)
{
    g->edge = arena_new(g->arena, struct edge, (size_t)t->n + 1);
    g->nedge = 1;
    for (u32 i = 0; i <= t->mask; i++) {
        const struct counted *c = &t->slot[i];
        if (c->key)
            g->edge[g->nedge++] = (struct edge){.src = (u32)(c->key >> 32),
                                                .dest = (u32)c->key,
                                                .weight = c->weight,
                                                .weight_div = c->weight_div,
                                                .is_residual = c->is_residual,
                                                .is_inline = c->is_inline};
    }
}

void graph_count_edges(struct graph *g, const struct profile *p, struct graph_values v,
                       struct graph_edges wanted)
{
    struct parallel_division d = parallel_divide(p->nsample, GRAPH_LEAST_SAMPLES);
    struct edge_part part[PARALLEL_MOST];
    for (u32 i = 0; i < d.n; i++) {
        part[i] = (struct edge_part){.g = g, .p = p, .v = v, .wanted = wanted};
        part[i].first = parallel_first(d, i);
        part[i].last = parallel_first(d, i + 1);
        arena_init(&part[i].arena, SIZE_MAX);
    }
    parallel_run(count_edges, part, d.n);
    for (u32 i = 1; i < d.n; i++)
        join_edges(&part[0], &part[i]);
    take_edges(g, &part[0]);
    for (u32 i = 0; i < d.n; i++)
        arena_free(&part[i].arena);
    g->link = arena_new(g->arena, u32, (size_t)2 * g->nedge);
    graph_link(g);
}
