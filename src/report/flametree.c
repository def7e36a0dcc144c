#include "report/flametree.h"

#include <string.h>

#include "report/graph.h"

enum { AT_ONCE = 4 };

// A sample on its way from one end of its stack to the other.  Places are taken from the stack some
// at a time, since each time costs a cache miss.
struct cursor {
    u32 next[AT_ONCE]; // places that come next, with INLINED; 0: not yet taken
    u32 sample;
    u32 frame; // in profile.frame: the one at hand
    u32 left;  // frames, with that one
    u32 line;  // how many of its places are passed
};

// A node that may be added: the samples that go through it are a run of cursors.
struct candidate {
    double share; // of the total in the column where that is largest
    u32 parent;   // row
    u32 place;
    u32 begin, end;
    bool is_inline;
};

// What the samples of a node are divided into.
struct child {
    u32 place;
    u32 n, at; // cursors, and where the next one goes
    bool is_inline;
};

struct builder {
    const struct profile *p;
    const struct places *places;
    const struct flametree_options *o;
    struct arena *arena;
    struct flametree t;
    struct flame_amount *rest; // by row and column: of children that are too light
    double *total;             // by column: the sum of all magnitudes
    struct cursor *cursor, *moved;
    u32 *to;             // by cursor: the child that it goes to
    struct child *child; // of the node at hand; 0: none
    u32 nchild, child_cap;
    struct flame_amount *amount; // by child and column
    u32 *child_of;               // by place; 0: none
    struct candidate *heap;      // the heaviest first; row 0 is not used
    u32 nheap, heap_cap;
};

enum { INLINED = 1u << 31 };

// The next place of the stack, with INLINED when its call was; 0 at its end.
static u32 take_place(const struct builder *b, struct cursor *c)
{
    while (c->left) {
        u32 location = b->p->frame[c->frame];
        u32 first = b->places->first[location], n = b->places->first[location + 1] - first;
        if (c->line < n) {
            u32 i = b->o->from_leaf ? c->line : n - 1 - c->line;
            c->line++;
            return b->places->of_line[first + i] | (i + 1 < n ? INLINED : 0);
        }
        c->frame += b->o->from_leaf ? 1 : UINT32_MAX;
        c->left--;
        c->line = 0;
    }
    return 0;
}

// The same of the cursor's way; it moves on.
static u32 advance(const struct builder *b, struct cursor *c)
{
    u32 place = c->next[0];
    if (place == 0) {
        for (u32 i = 0; i < AT_ONCE; i++)
            c->next[i] = take_place(b, c);
        place = c->next[0];
    }
    memmove(c->next, c->next + 1, sizeof(c->next) - sizeof(*c->next));
    c->next[AT_ONCE - 1] = 0;
    return place;
}

// What the cursors that come soon will ask for is far apart in memory.
static void prefetch(const struct builder *b, u32 i, u32 end)
{
    enum { AHEAD = 12 };
    if (i + AHEAD >= end)
        return;
    const struct cursor *c = &b->cursor[i + AHEAD];
    if (c->next[0] == 0)
        __builtin_prefetch(b->p->frame + c->frame);
    __builtin_prefetch(profile_values(b->p, c->sample));
}

static void add_sample(const struct builder *b, struct flame_amount *to, u32 sample)
{
    const i64 *value = profile_values(b->p, sample);
    for (u32 k = 0; k < b->o->ntype; k++) {
        to[k].value += value[b->o->type[k]];
        to[k].magnitude += magnitude(value[b->o->type[k]]);
    }
}

static void add_amounts(const struct builder *b, struct flame_amount *to,
                        const struct flame_amount *from)
{
    for (u32 k = 0; k < b->o->ntype; k++) {
        to[k].value += from[k].value;
        to[k].magnitude += from[k].magnitude;
    }
}

static struct flame_amount *row_of(const struct builder *b, struct flame_amount *table, u32 row)
{
    return table + (size_t)row * b->o->ntype;
}

static double share_of(const struct builder *b, const struct flame_amount *amount)
{
    double most = 0;
    for (u32 k = 0; k < b->o->ntype; k++) {
        double share = b->total[k] > 0 ? (double)amount[k].magnitude / b->total[k] : 0;
        most = share > most ? share : most;
    }
    return most;
}

// Runs do not overlap, so that the order is the same each time.
static bool is_heavier(const struct candidate *l, const struct candidate *r)
{
    return l->share != r->share ? l->share > r->share : l->begin < r->begin;
}

static void push(struct builder *b, struct candidate c)
{
    arena_push(b->arena, b->heap, b->nheap, b->heap_cap);
    u32 i = b->nheap - 1;
    for (; i > 1 && is_heavier(&c, &b->heap[i / 2]); i /= 2)
        b->heap[i] = b->heap[i / 2];
    b->heap[i] = c;
}

static struct candidate pop(struct builder *b)
{
    struct candidate top = b->heap[1], last = b->heap[--b->nheap];
    u32 i = 1;
    for (u32 below = 2; below < b->nheap; below = 2 * i) {
        below += below + 1 < b->nheap && is_heavier(&b->heap[below + 1], &b->heap[below]);
        if (!is_heavier(&b->heap[below], &last))
            break;
        b->heap[i] = b->heap[below];
        i = below;
    }
    b->heap[i] = last;
    return top;
}

static u32 child_row(struct builder *b, u32 place)
{
    u32 row = b->child_of[place];
    if (row)
        return row;
    b->child_of[place] = row = b->nchild;
    *arena_push(b->arena, b->child, b->nchild, b->child_cap) =
        (struct child){.place = place, .is_inline = true};
    memset(row_of(b, b->amount, row), 0, b->o->ntype * sizeof(*b->amount));
    return row;
}

// Finds out to which child each of the node's samples goes; those that end here are the node's own.
static void find_children(struct builder *b, u32 row, u32 begin, u32 end)
{
    b->nchild = 1;
    for (u32 i = begin; i < end; i++) {
        prefetch(b, i, end);
        u32 sample = b->cursor[i].sample, place = advance(b, &b->cursor[i]);
        if (place == 0) {
            add_sample(b, row_of(b, b->t.self, row), sample);
            b->to[i] = 0;
            continue;
        }
        b->to[i] = child_row(b, place & ~(u32)INLINED);
        b->child[b->to[i]].n++;
        b->child[b->to[i]].is_inline &= (place & INLINED) != 0;
        add_sample(b, row_of(b, b->amount, b->to[i]), sample);
    }
}

// Chooses the children that are heavy enough, and gives each a run of the node's cursors.
static u32 choose_children(struct builder *b, u32 row, u32 begin)
{
    u32 at = begin;
    for (u32 i = 1; i < b->nchild; i++) {
        struct child *c = &b->child[i];
        b->child_of[c->place] = 0;
        double share = share_of(b, row_of(b, b->amount, i));
        if (share <= 0 || share < b->o->least) {
            add_amounts(b, row_of(b, b->rest, row), row_of(b, b->amount, i));
            c->at = UINT32_MAX;
            continue;
        }
        push(b, (struct candidate){share, row, c->place, at, at + c->n, c->is_inline});
        c->at = at;
        at += c->n;
    }
    return at;
}

// Divides a node's samples among its children.
static void expand(struct builder *b, u32 row, u32 begin, u32 end)
{
    find_children(b, row, begin, end);
    u32 used = choose_children(b, row, begin);
    for (u32 i = begin; i < end; i++) {
        struct child *c = &b->child[b->to[i]];
        if (b->to[i] && c->at != UINT32_MAX)
            b->moved[c->at++] = b->cursor[i];
    }
    memcpy(b->cursor + begin, b->moved + begin, (used - begin) * sizeof(*b->cursor));
}

static u32 add_row(struct builder *b, u32 parent, u32 place, bool is_inline)
{
    b->t.parent[b->t.n] = parent;
    b->t.place[b->t.n] = place;
    b->t.is_inline[b->t.n] = is_inline;
    return b->t.n++;
}

// What was found and not added is a part of its parent's rest, and each rest a row.
static void add_rests(struct builder *b)
{
    for (u32 i = 1; i < b->nheap; i++) {
        const struct candidate *c = &b->heap[i];
        for (u32 k = c->begin; k < c->end; k++)
            add_sample(b, row_of(b, b->rest, c->parent), b->cursor[k].sample);
    }
    for (u32 row = 0, n = b->t.n; row < n; row++) {
        if (share_of(b, row_of(b, b->rest, row)) > 0)
            add_amounts(b, row_of(b, b->t.self, add_row(b, row, 0, false)),
                        row_of(b, b->rest, row));
    }
}

static void add_totals(struct builder *b)
{
    for (u32 row = b->t.n; row > 0; row--) {
        struct flame_amount *total = row_of(b, b->t.total, row - 1);
        add_amounts(b, total, row_of(b, b->t.self, row - 1));
        if (row > 1)
            add_amounts(b, row_of(b, b->t.total, b->t.parent[row - 1]), total);
    }
}

static void init(struct builder *b)
{
    struct arena *a = b->arena;
    u32 nsample = b->p->nsample, ntype = b->o->ntype, nplace = b->places->nplace;
    size_t rows = 2 * ((size_t)b->o->most + 1);
    b->t.ncolumn = ntype;
    b->t.parent = arena_new(a, u32, rows);
    b->t.place = arena_new(a, u32, rows);
    b->t.is_inline = arena_new(a, bool, rows);
    b->t.self = arena_new(a, struct flame_amount, rows * ntype);
    b->t.total = arena_new(a, struct flame_amount, rows * ntype);
    b->rest = arena_new(a, struct flame_amount, rows * ntype);
    b->total = arena_new(a, double, ntype);
    b->amount = arena_new(a, struct flame_amount, (size_t)(nplace + 1) * ntype);
    b->cursor = arena_new(a, struct cursor, nsample);
    b->moved = arena_new(a, struct cursor, nsample);
    b->to = arena_new(a, u32, nsample);
    b->child_of = arena_new(a, u32, nplace);
    arena_push(a, b->child, b->nchild, b->child_cap);
    arena_push(a, b->heap, b->nheap, b->heap_cap);
    for (u32 i = 0; i < nsample; i++) {
        const struct sample *s = &b->p->sample[i];
        u32 last = s->nframe ? s->nframe - 1 : 0;
        b->cursor[i] = (struct cursor){
            .sample = i, .frame = s->frame + (b->o->from_leaf ? 0 : last), .left = s->nframe};
        for (u32 k = 0; k < ntype; k++)
            b->total[k] += (double)magnitude(profile_values(b->p, i)[b->o->type[k]]);
    }
}

struct flametree flametree_build(const struct profile *p, const struct places *places,
                                 const struct flametree_options *o, struct arena *a)
{
    struct builder b = {.p = p, .places = places, .o = o, .arena = a};
    init(&b);
    expand(&b, add_row(&b, 0, 0, false), 0, p->nsample);
    while (b.nheap > 1 && b.t.n <= o->most) {
        struct candidate c = pop(&b);
        expand(&b, add_row(&b, c.parent, c.place, c.is_inline), c.begin, c.end);
    }
    add_rests(&b);
    add_totals(&b);
    return b.t;
}
