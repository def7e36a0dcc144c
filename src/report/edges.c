// Counts a graph's edges: pprof's internal/graph, in tables instead of maps, and on all processors.
// Where few nodes are kept the table has a row for each pair of them; otherwise it is hashed.
#include <string.h>

#include "report/graph.h"

enum {
    FIRST_ROWS = 1024,
    CALLS_AHEAD = 64,
    MOST_PAIRED = 1024 // nodes
};

// An edge while it is being counted; a row of zeros is none.
struct counted {
    i64 weight;
    u32 stamp; // the sample that was counted last, + 1
    bool is_residual;
    bool is_called; // not only by inlined calls
};

// The rows of the edges that a thread counts.
struct rows {
    u32 n;
    u32 width; // of a row of pairs
    u32 nused; // when hashed
    u64 *key;  // by row: src << 32 | dest; 0 free.  NULL: not hashed, but a row for each pair
    struct counted *counted;
    i64 *weight_div; // NULL when no mean is wanted
};

// What all threads go by.  A node's id is its own number, or when there are pairs that among those
// which are kept.
struct plan {
    const struct graph *g;
    const struct profile *p;
    struct graph_values v;
    struct graph_edges wanted;
    u32 width;              // as in struct rows
    u32 *id;                // by node; 0: it is not kept
    u32 *node;              // by id
    const u32 *location_id; // by location; NULL where one may be several nodes
    struct graph_ways *ways;
    const u32 *way_id; // by number in the ways, when they are known
};

struct edge_part {
    const struct plan *plan;
    u32 first, last;
    struct rows rows;
    u16 *step; // of the ways: the next one to be read or written; NULL: there are none
    struct call {
        u64 key; // src << 32 | dest, or the row of the pair
        bool is_residual, is_inline;
    } call[CALLS_AHEAD]; // of a sample, to be counted, their rows on the way to the cache
    u32 ncall;
    struct arena arena;
};

static struct rows new_rows(u32 n, bool is_hashed, const struct plan *plan, struct arena *a)
{
    struct rows rows = {.n = n, .width = plan->width};
    rows.counted = arena_new(a, struct counted, n);
    if (is_hashed)
        rows.key = arena_new(a, u64, n);
    if (plan->v.mean)
        rows.weight_div = arena_new(a, i64, n);
    return rows;
}

static inline u32 first_row(const struct rows *rows, u64 key)
{
    return !rows->key ? (u32)key : (u32)(key * 0x9e3779b97f4a7c15 >> 32) & (rows->n - 1);
}

static u32 find_row(const struct rows *rows, u64 key)
{
    u32 i = first_row(rows, key);
    while (rows->key[i] && rows->key[i] != key)
        i = (i + 1) & (rows->n - 1);
    return i;
}

static void double_rows(struct edge_part *t)
{
    const struct rows old = t->rows;
    struct rows rows = new_rows(old.n * 2, true, t->plan, &t->arena);
    rows.nused = old.nused;
    for (u32 i = 0; i < old.n; i++) {
        if (!old.key[i])
            continue;
        u32 row = find_row(&rows, old.key[i]);
        rows.key[row] = old.key[i];
        rows.counted[row] = old.counted[i];
        if (rows.weight_div)
            rows.weight_div[row] = old.weight_div[i];
    }
    t->rows = rows;
}

// The edge's row, made when it is new.
static inline u32 row_of(struct edge_part *t, u64 key)
{
    if (!t->rows.key)
        return (u32)key;
    u32 row = find_row(&t->rows, key);
    if (t->rows.key[row])
        return row;
    if (t->rows.nused >= t->rows.n / 2) {
        double_rows(t);
        row = find_row(&t->rows, key);
    }
    t->rows.nused++;
    t->rows.key[row] = key;
    return row;
}

// What a sample adds to each edge, once.
struct addition {
    u32 stamp;
    i64 weight, div;
};

static void count_waiting(struct edge_part *t, const struct addition *a)
{
    for (u32 i = 0; i < t->ncall; i++) {
        u32 row = row_of(t, t->call[i].key);
        struct counted *c = &t->rows.counted[row];
        if (c->stamp == a->stamp)
            continue;
        c->stamp = a->stamp;
        c->weight += a->weight;
        c->is_residual |= t->call[i].is_residual;
        c->is_called |= !t->call[i].is_inline;
        if (t->rows.weight_div)
            t->rows.weight_div[row] += a->div;
    }
    t->ncall = 0;
}

static bool is_wanted(const struct plan *plan, u32 src, u32 dest)
{
    const struct graph_edges *w = &plan->wanted;
    u32 from = plan->node[src], to = plan->node[dest];
    return (!w->into || w->into[to]) && (!w->touching || w->touching[from] || w->touching[to]);
}

// The way down a stack.
struct walk {
    u32 src;          // the last node that is kept
    bool is_residual; // others were passed over since
    bool is_choosy;   // not every edge is wanted
};

static inline void walk_to(struct edge_part *t, struct walk *w, u32 dest, bool is_inline,
                           const struct addition *a)
{
    if (dest == 0) {
        w->is_residual = true;
        return;
    }
    if (w->src && w->src != dest && (!w->is_choosy || is_wanted(t->plan, w->src, dest))) {
        const struct rows *rows = &t->rows;
        u64 key = rows->key ? (u64)w->src << 32 | dest : w->src * rows->width + dest;
        t->call[t->ncall++] = (struct call){key, w->is_residual, is_inline};
        __builtin_prefetch(&rows->counted[first_row(rows, key)], 1);
        if (t->ncall == CALLS_AHEAD)
            count_waiting(t, a);
    }
    w->src = dest;
    w->is_residual = false;
}

static void walk_frames(struct edge_part *t, struct walk w, u32 sample, const struct addition *a)
{
    const struct plan *plan = t->plan;
    const struct sample *s = &plan->p->sample[sample];
    const struct places *places = &plan->g->places;
    const u32 *frame = plan->p->frame + s->frame;
    for (u32 k = s->nframe; k > 0; k--) {
        u32 first = places->first[frame[k - 1]], last = places->first[frame[k - 1] + 1];
        for (u32 i = last; i > first; i--)
            walk_to(t, &w, plan->id[places->of_line[i - 1]], i != last, a);
    }
}

// The same without inlined calls.
static void walk_plain_frames(struct edge_part *t, struct walk w, u32 sample,
                              const struct addition *a)
{
    const struct sample *s = &t->plan->p->sample[sample];
    const u32 *frame = t->plan->p->frame + s->frame, *id = t->plan->location_id;
    for (u32 k = s->nframe; k > 0; k--) {
        u32 dest = id[frame[k - 1]];
        if (dest && t->step)
            *t->step++ = (u16)(dest << 1 | w.is_residual);
        walk_to(t, &w, dest, false, a);
    }
    if (t->step)
        *t->step++ = 0;
}

// The same by the way of an earlier count.
static void walk_way(struct edge_part *t, struct walk w, const struct addition *a)
{
    u16 step;
    while ((step = *t->step++) != 0) {
        w.is_residual |= step & 1;
        walk_to(t, &w, t->plan->way_id[step >> 1], false, a);
    }
}

static void count_calls(struct edge_part *t, u32 sample, const struct addition *a)
{
    const struct plan *plan = t->plan;
    struct walk w = {.is_choosy = plan->wanted.into || plan->wanted.touching};
    if (plan->way_id)
        walk_way(t, w, a);
    else if (plan->location_id)
        walk_plain_frames(t, w, sample, a);
    else
        walk_frames(t, w, sample, a);
    count_waiting(t, a);
}

static void count_edges(void *parts, u32 number)
{
    struct edge_part *t = (struct edge_part *)parts + number;
    const struct plan *plan = t->plan;
    u32 n = plan->width ? plan->width * plan->width : FIRST_ROWS;
    t->rows = new_rows(n, plan->width == 0, plan, &t->arena);
    for (u32 i = t->first; i < t->last; i++) {
        const i64 *value = profile_values(plan->p, i);
        struct addition a = {i + 1, value[plan->v.type], plan->v.mean ? value[0] : 0};
        if (a.weight || a.div)
            count_calls(t, i, &a);
    }
}

// Adds what a part counted to the first part's rows.
static void join_rows(struct edge_part *to, const struct rows *from)
{
    for (u32 i = 0; i < from->n; i++) {
        const struct counted *c = &from->counted[i];
        if (!c->stamp)
            continue;
        u32 row = row_of(to, from->key ? from->key[i] : i);
        struct counted *sum = &to->rows.counted[row];
        sum->stamp = c->stamp;
        sum->weight += c->weight;
        sum->is_residual |= c->is_residual;
        sum->is_called |= c->is_called;
        if (to->rows.weight_div)
            to->rows.weight_div[row] += from->weight_div[i];
    }
}

static void take_edges(struct graph *g, const struct plan *plan, const struct rows *rows)
{
    u32 n = 1;
    for (u32 i = 0; i < rows->n; i++)
        n += rows->counted[i].stamp != 0;
    g->edge = arena_new(g->arena, struct edge, n);
    g->nedge = 1;
    for (u32 i = 0; i < rows->n; i++) {
        const struct counted *c = &rows->counted[i];
        if (!c->stamp)
            continue;
        u32 src = rows->key ? (u32)(rows->key[i] >> 32) : i / rows->width;
        u32 dest = rows->key ? (u32)rows->key[i] : i % rows->width;
        g->edge[g->nedge++] =
            (struct edge){.src = plan->node[src],
                          .dest = plan->node[dest],
                          .weight = c->weight,
                          .weight_div = rows->weight_div ? rows->weight_div[i] : 0,
                          .is_residual = c->is_residual,
                          .is_inline = !c->is_called};
    }
}

// Pairs are worth their rows when those are fewer than the samples.
static bool is_paired(const struct plan *plan)
{
    u64 n = 1;
    if (!plan->wanted.kept)
        return false;
    for (u32 i = 1; i < plan->g->nnode; i++)
        n += plan->wanted.kept[i];
    return n <= MOST_PAIRED && n * n <= plan->p->nsample;
}

static void number_nodes(struct plan *plan, struct arena *a)
{
    const struct graph *g = plan->g;
    bool paired = is_paired(plan);
    u32 n = 1;
    plan->id = arena_new(a, u32, g->nnode);
    plan->node = arena_new(a, u32, g->nnode);
    for (u32 i = 1; i < g->nnode; i++) {
        if (plan->wanted.kept && !plan->wanted.kept[i])
            continue;
        u32 id = paired ? n : i;
        plan->id[i] = id;
        plan->node[id] = i;
        n++;
    }
    plan->width = paired ? n : 0;
    if (!g->places.is_plain || (plan->ways && plan->ways->node))
        return;
    u32 *column = arena_new(a, u32, plan->p->nlocation);
    for (u32 row = 1; row < plan->p->nlocation; row++)
        column[row] = plan->id[g->places.of_line[row - 1]];
    plan->location_id = column;
}

// Makes room for the steps of each part, were all frames kept.
static void begin_ways(struct plan *plan, struct edge_part *part, u32 npart)
{
    struct graph_ways *ways = plan->ways;
    arena_init(&ways->arena, SIZE_MAX);
    ways->node = arena_new(&ways->arena, u32, MOST_PAIRED);
    memcpy(ways->node, plan->node, plan->width * sizeof(*ways->node));
    for (u32 i = 0; i < npart; i++) {
        u32 n = 0;
        for (u32 k = part[i].first; k < part[i].last; k++)
            n += plan->p->sample[k].nframe + 1;
        part[i].step = ways->step[i] = arena_new(&ways->arena, u16, n);
    }
}

static void follow_ways(struct plan *plan, struct edge_part *part, u32 npart, struct arena *a)
{
    const struct graph_ways *ways = plan->ways;
    u32 *way_id = arena_new(a, u32, MOST_PAIRED);
    for (u32 i = 1; i < MOST_PAIRED; i++)
        way_id[i] = plan->id[ways->node[i]];
    plan->way_id = way_id;
    for (u32 i = 0; i < npart; i++)
        part[i].step = ways->step[i];
}

void graph_ways_free(struct graph_ways *ways)
{
    if (ways->node)
        arena_free(&ways->arena);
}

void graph_count_edges(struct graph *g, const struct profile *p, struct graph_values v,
                       struct graph_edges wanted, struct graph_ways *ways)
{
    struct parallel_division d = parallel_divide(p->nsample, GRAPH_LEAST_SAMPLES);
    struct plan plan = {.g = g, .p = p, .v = v, .wanted = wanted, .ways = ways};
    struct edge_part part[PARALLEL_MOST];
    struct arena numbers;
    arena_init(&numbers, SIZE_MAX);
    number_nodes(&plan, &numbers);
    for (u32 i = 0; i < d.n; i++) {
        part[i] = (struct edge_part){.plan = &plan};
        part[i].first = parallel_first(d, i);
        part[i].last = parallel_first(d, i + 1);
        arena_init(&part[i].arena, SIZE_MAX);
    }
    if (ways && ways->node)
        follow_ways(&plan, part, d.n, &numbers);
    else if (ways && plan.width && plan.location_id)
        begin_ways(&plan, part, d.n);
    parallel_run(count_edges, part, d.n);
    for (u32 i = 1; i < d.n; i++)
        join_rows(&part[0], &part[i].rows);
    take_edges(g, &plan, &part[0].rows);
    for (u32 i = 0; i < d.n; i++)
        arena_free(&part[i].arena);
    arena_free(&numbers);
    g->link = arena_new(g->arena, u32, (size_t)2 * g->nedge);
    graph_link(g);
}
