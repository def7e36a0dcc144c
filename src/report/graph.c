// Algorithms: pprof's internal/graph, on tables instead of maps, and on all processors.
#include "report/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

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
    bool is_plain = t->places->is_plain; // two loads less a frame
    for (u32 k = 0; k < s->nframe && is_plain; k++)
        count_node(t, of_line[frame[k] - 1], sample + 1, weight, div);
    for (u32 k = 0; k < s->nframe && !is_plain; k++) {
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
