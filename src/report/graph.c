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
    const u32 *node; // by location, see node_column()
    u32 first, last;
    struct counted *slot;
    u32 mask, n;
    struct call {
        u64 key; // src << 32 | dest
        bool is_residual, is_inline;
    } call[CALLS_AHEAD]; // of a sample, to be counted, their slots on the way to the cache
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

// What a sample adds to each edge, once.
struct addition {
    u32 stamp;
    i64 weight, div;
};

static void count_waiting(struct edge_part *t, const struct addition *a)
{
    for (u32 i = 0; i < t->ncall; i++) {
        struct counted *e = add_edge(t, t->call[i].key);
        if (e->stamp == a->stamp)
            continue;
        e->stamp = a->stamp;
        e->weight += a->weight;
        e->weight_div += a->div;
        e->is_residual |= t->call[i].is_residual;
        e->is_inline &= t->call[i].is_inline;
    }
    t->ncall = 0;
}

static bool is_wanted(const struct edge_part *t, u32 src, u32 dest)
{
    return src && src != dest && (!t->wanted.into || t->wanted.into[dest]) &&
           (!t->wanted.touching || t->wanted.touching[src] || t->wanted.touching[dest]);
}

// The way down a stack.
struct walk {
    u32 src;          // the last node that is kept
    bool is_residual; // others were passed over since
};

static inline void walk_to(struct edge_part *t, struct walk *w, u32 dest, bool is_inline,
                           const struct addition *a)
{
    if (is_wanted(t, w->src, dest)) {
        u64 key = (u64)w->src << 32 | dest;
        t->call[t->ncall++] = (struct call){key, w->is_residual, is_inline};
        __builtin_prefetch(&t->slot[slot_of(t, key)], 1);
        if (t->ncall == CALLS_AHEAD)
            count_waiting(t, a);
    }
    *w = (struct walk){dest, false};
}

static void count_calls(struct edge_part *t, u32 sample, const struct addition *a)
{
    const struct sample *s = &t->p->sample[sample];
    const struct places *places = &t->g->places;
    const u32 *frame = t->p->frame + s->frame;
    struct walk w = {0};
    for (u32 k = s->nframe; k > 0; k--) {
        u32 first = places->first[frame[k - 1]], last = places->first[frame[k - 1] + 1];
        for (u32 i = last; i > first; i--) {
            u32 dest = places->of_line[i - 1];
            if (t->wanted.kept && !t->wanted.kept[dest])
                w.is_residual = true;
            else
                walk_to(t, &w, dest, i != last, a);
        }
    }
    count_waiting(t, a);
}

// The same without inlined calls: t->node has what each location is.
static void count_plain_calls(struct edge_part *t, u32 sample, const struct addition *a)
{
    const struct sample *s = &t->p->sample[sample];
    const u32 *frame = t->p->frame + s->frame;
    struct walk w = {0};
    for (u32 k = s->nframe; k > 0; k--) {
        u32 dest = t->node[frame[k - 1]];
        if (dest)
            walk_to(t, &w, dest, false, a);
        else
            w.is_residual = true;
    }
    count_waiting(t, a);
}

// By location: its node, or 0 where that is not kept.  NULL where a location may be several.
static const u32 *node_column(const struct graph *g, const struct profile *p, const bool *kept,
                              struct arena *a)
{
    if (g->places.has_inlines)
        return NULL;
    u32 *column = arena_new(a, u32, p->nlocation);
    for (u32 row = 1; row < p->nlocation; row++) {
        u32 node = g->places.of_line[row - 1];
        column[row] = !kept || kept[node] ? node : 0;
    }
    return column;
}

static void count_edges(void *parts, u32 number)
{
    struct edge_part *t = (struct edge_part *)parts + number;
    t->mask = FIRST_SLOTS - 1;
    t->slot = arena_new(&t->arena, struct counted, FIRST_SLOTS);
    t->node = node_column(t->g, t->p, t->wanted.kept, &t->arena);
    for (u32 i = t->first; i < t->last; i++) {
        const i64 *value = profile_values(t->p, i);
        struct addition a = {i + 1, value[t->v.type], t->v.mean ? value[0] : 0};
        if (a.weight == 0 && a.div == 0)
            continue;
        if (t->node)
            count_plain_calls(t, i, &a);
        else
            count_calls(t, i, &a);
    }
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
