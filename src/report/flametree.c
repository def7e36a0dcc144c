#include "report/flametree.h"

#include <string.h>

#include "base/parallel.h"
#include "report/candidates.h"
#include "report/graph.h"

enum {
    AT_ONCE = 4,
    VALUE_SLOTS = 1 << 16,
    PARTS = 2,               // of a node's cursors, that are divided at the same time
    LEAST_CURSORS = 1 << 15, // of a node, that are worth a thread of their own
    LEAST_WAVE = 1 << 12     // cursors of several nodes: the same
};

// A sample on its way from one end of its stack to the other.  Places are taken from the stack some
// at a time, since each time costs a cache miss.
struct cursor {
    u32 taken[AT_ONCE]; // places, with INLINED; 0: the stack's end
    u32 values;         // row of builder.value
    u32 frame;          // in profile.frame: the one at hand
    u32 left;           // frames, with that one
    u32 line : 29;      // how many of its places are passed
    u32 at : 3;         // the next place in taken; AT_ONCE: others are to be taken
};

// What the samples of a node are divided into.
struct child {
    u32 place;
    u32 n, at;  // cursors, and where the next one goes
    u32 first;  // the row of the first part's child of the same place
    u32 before; // its cursors, which come before those of this part
    bool is_inline;
};

// What a node's cursors, or a part of them, are divided into, by a thread of its own.
struct division {
    struct child *child; // row 0: none; as many as there are places
    u32 nchild;
    struct flame_amount *amount; // by child and column
    u32 *child_of;               // by place; 0: none
    struct flame_amount *own;    // by column: of samples that end here
    u32 begin, end;              // cursors
    u32 side;                    // where they are
    double *weight;              // by column: the sum of the magnitudes of samples
    struct arena arena;          // of what it finds
};

struct builder {
    const struct profile *p;
    const struct places *places;
    const struct flametree_options *o;
    struct arena *arena;
    struct flametree t;
    struct flame_amount *value; // rows of columns: samples with the same values share one
    u32 *only;     // by location: its place when that is one; 0: it is several, or none
    double *total; // by column: the sum of all magnitudes
    struct cursor *cursor[2];
    u32 *to; // by cursor: the child that it goes to
    struct division part[PARTS];
    struct parallel_division start; // the samples, while they are set on their way
    struct candidates fresh, seen;  // those that nobody has looked at yet, and the others
    struct candidate *wave;         // that are looked at at the same time
    u32 nwave, wave_cap, taken;
};

enum { INLINED = 1u << 31 };

// The next place of the stack, with INLINED when its call was; 0 at its end.
static u32 take_place(const struct builder *b, struct cursor *c)
{
    while (c->left) {
        u32 location = b->p->frame[c->frame];
        if (b->only[location]) {
            c->frame += b->o->from_leaf ? 1 : UINT32_MAX;
            c->left--;
            return b->only[location];
        }
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
    if (c->at == AT_ONCE) {
        for (u32 i = 0; i < AT_ONCE; i++)
            c->taken[i] = take_place(b, c);
        c->at = 0;
    }
    return c->taken[c->at++];
}

// What the cursors that come soon will ask for is far apart in memory.  Always inlined: gcc takes a
// function that only prefetches for one without effect, and leaves its calls out.
__attribute__((always_inline)) static inline void prefetch(const struct builder *b,
                                                           const struct division *d, u32 i)
{
    enum { AHEAD = 8 };
    if (i + AHEAD >= d->end)
        return;
    const struct cursor *c = &b->cursor[d->side][i + AHEAD];
    if (c->at == AT_ONCE)
        __builtin_prefetch(b->p->frame + c->frame);
}

static void add_amounts(const struct builder *b, struct flame_amount *to,
                        const struct flame_amount *from, int sign)
{
    for (u32 k = 0; k < b->o->ntype; k++) {
        to[k].value += sign * from[k].value;
        to[k].magnitude += sign * from[k].magnitude;
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

static u32 child_row(const struct builder *b, struct division *d, u32 place)
{
    u32 row = d->child_of[place];
    if (row)
        return row;
    d->child_of[place] = row = d->nchild++;
    d->child[row] = (struct child){.place = place, .is_inline = true};
    memset(row_of(b, d->amount, row), 0, b->o->ntype * sizeof(*d->amount));
    return row;
}

// Finds out to which child each of the part's samples goes; those that end here are the node's own.
static void find_children(void *builder, u32 part)
{
    struct builder *b = builder;
    struct division *d = &b->part[part];
    d->nchild = 1;
    memset(d->own, 0, b->o->ntype * sizeof(*d->own));
    for (u32 i = d->begin; i < d->end; i++) {
        prefetch(b, d, i);
        struct cursor *c = &b->cursor[d->side][i];
        u32 place = advance(b, c);
        if (place == 0) {
            add_amounts(b, d->own, row_of(b, b->value, c->values), 1);
            b->to[i] = 0;
            continue;
        }
        b->to[i] = child_row(b, d, place & ~(u32)INLINED);
        d->child[b->to[i]].n++;
        d->child[b->to[i]].is_inline &= (place & INLINED) != 0;
        add_amounts(b, row_of(b, d->amount, b->to[i]), row_of(b, b->value, c->values), 1);
    }
}

// Adds a part's children to the first part's, behind them: the order is that of one part alone.
static void join(const struct builder *b, struct division *all, struct division *part)
{
    for (u32 i = 1; i < part->nchild; i++) {
        struct child *c = &part->child[i];
        c->first = child_row(b, all, c->place);
        struct child *to = &all->child[c->first];
        c->before = to->n;
        to->n += c->n;
        to->is_inline &= c->is_inline;
        add_amounts(b, row_of(b, all->amount, c->first), row_of(b, part->amount, i), 1);
        part->child_of[c->place] = 0;
    }
    add_amounts(b, all->own, part->own, 1);
}

// Chooses the children that are heavy enough, and gives each a run of cursors.
static const struct found *choose_children(const struct builder *b, struct division *d, u32 at)
{
    u32 ntype = b->o->ntype;
    struct found *f = arena_new(&d->arena, struct found, 1);
    f->own = arena_new(&d->arena, struct flame_amount, ntype);
    f->total = arena_new(&d->arena, struct flame_amount, ntype);
    f->child = arena_new(&d->arena, struct candidate, d->nchild);
    add_amounts(b, f->own, d->own, 1);
    add_amounts(b, f->total, d->own, 1);
    for (u32 i = 1; i < d->nchild; i++) {
        struct child *c = &d->child[i];
        d->child_of[c->place] = 0;
        double share = share_of(b, row_of(b, d->amount, i));
        add_amounts(b, f->total, row_of(b, d->amount, i), 1);
        if (share <= 0 || share < b->o->least) {
            c->at = UINT32_MAX;
            continue;
        }
        f->child[f->nchild++] =
            (struct candidate){share, 0, c->place, at, at + c->n, !d->side, c->is_inline, NULL};
        c->at = at;
        at += c->n;
    }
    return f;
}

static void move_cursors(void *builder, u32 part)
{
    struct builder *b = builder;
    struct division *d = &b->part[part];
    const struct cursor *from = b->cursor[d->side];
    struct cursor *to = b->cursor[!d->side];
    for (u32 i = d->begin; i < d->end; i++) {
        struct child *c = &d->child[b->to[i]];
        if (b->to[i] && c->at != UINT32_MAX)
            to[c->at++] = from[i];
    }
}

// Divides a node's samples among its children, one half by a thread of its own.
static const struct found *divide_large(struct builder *b, const struct candidate *of)
{
    struct division *one = &b->part[0], *two = &b->part[1];
    one->side = two->side = of->side;
    one->begin = of->begin;
    two->end = of->end;
    one->end = two->begin = of->begin + (of->end - of->begin) / 2;
    parallel_run(find_children, b, PARTS);
    join(b, one, two);
    const struct found *f = choose_children(b, one, of->begin);
    for (u32 i = 1; i < two->nchild; i++) {
        u32 at = one->child[two->child[i].first].at;
        two->child[i].at = at == UINT32_MAX ? at : at + two->child[i].before;
    }
    parallel_run(move_cursors, b, PARTS);
    return f;
}

static const struct found *divide(struct builder *b, u32 part, const struct candidate *of)
{
    struct division *d = &b->part[part];
    d->side = of->side;
    d->begin = of->begin;
    d->end = of->end;
    find_children(b, part);
    const struct found *f = choose_children(b, d, of->begin);
    move_cursors(b, part);
    return f;
}

// Whether so many cursors are worth a thread for each part of them.
static bool has_threads_for(u32 n)
{
    return n >= PARTS * LEAST_CURSORS && parallel_width() > 1;
}

// Divides nodes of the wave until none is left.  Their cursors are apart, so that it makes no
// difference who comes first.
static void divide_wave(void *builder, u32 part)
{
    struct builder *b = builder;
    for (u32 i; (i = __atomic_fetch_add(&b->taken, 1, __ATOMIC_RELAXED)) < b->nwave;) {
        struct candidate *c = &b->wave[i];
        if (!c->found)
            c->found = divide(b, part, c);
    }
}

// Looks at the heaviest candidate of the fresh ones, and at all those that are almost as heavy:
// their turn comes soon.
static void look_ahead(struct builder *b)
{
    const double almost = 0.7, least = b->fresh.row[1].share * almost;
    u32 n = 0;
    b->nwave = b->taken = 0;
    while (b->fresh.n > 1 && b->fresh.row[1].share >= least) {
        struct candidate c = candidates_pop(&b->fresh);
        if (has_threads_for(c.end - c.begin))
            c.found = divide_large(b, &c);
        else
            n += c.end - c.begin;
        *arena_push(b->arena, b->wave, b->nwave, b->wave_cap) = c;
    }
    parallel_run(divide_wave, b, n >= LEAST_WAVE && parallel_width() > 1 ? PARTS : 1);
    for (u32 i = 0; i < b->nwave; i++)
        candidates_push(&b->seen, b->wave[i]);
}

// Takes the heaviest of all, which somebody has looked at then; there must be one.
static struct candidate next_candidate(struct builder *b)
{
    if (b->seen.n == 1 ||
        (b->fresh.n > 1 && candidate_is_heavier(&b->fresh.row[1], &b->seen.row[1])))
        look_ahead(b);
    return candidates_pop(&b->seen);
}

// Adds what was found below a node.
static void add_found(struct builder *b, u32 row, const struct found *f)
{
    add_amounts(b, row_of(b, b->t.self, row), f->own, 1);
    add_amounts(b, row_of(b, b->t.total, row), f->total, 1);
    for (u32 i = 0; i < f->nchild; i++) {
        f->child[i].parent = row;
        candidates_push(&b->fresh, f->child[i]);
    }
}

static u32 add_row(struct builder *b, u32 parent, u32 place, bool is_inline)
{
    b->t.parent[b->t.n] = parent;
    b->t.place[b->t.n] = place;
    b->t.is_inline[b->t.n] = is_inline;
    return b->t.n++;
}

// What of a row's total is neither its own nor that of a row below is its rest, which is a row too.
static void add_rests(struct builder *b)
{
    u32 n = b->t.n, ntype = b->o->ntype;
    struct flame_amount *rest = arena_new(b->arena, struct flame_amount, (size_t)n * ntype);
    for (u32 row = 0; row < n; row++) {
        add_amounts(b, row_of(b, rest, row), row_of(b, b->t.total, row), 1);
        add_amounts(b, row_of(b, rest, row), row_of(b, b->t.self, row), -1);
        if (row)
            add_amounts(b, row_of(b, rest, b->t.parent[row]), row_of(b, b->t.total, row), -1);
    }
    for (u32 row = 0; row < n; row++) {
        if (share_of(b, row_of(b, rest, row)) <= 0)
            continue;
        u32 added = add_row(b, row, 0, false);
        add_amounts(b, row_of(b, b->t.self, added), row_of(b, rest, row), 1);
        add_amounts(b, row_of(b, b->t.total, added), row_of(b, rest, row), 1);
    }
}

static void init_tree(struct builder *b)
{
    struct arena *a = b->arena;
    size_t rows = 2 * ((size_t)b->o->most + 1);
    b->t.ncolumn = b->o->ntype;
    b->t.parent = arena_new(a, u32, rows);
    b->t.place = arena_new(a, u32, rows);
    b->t.is_inline = arena_new(a, bool, rows);
    b->t.self = arena_new(a, struct flame_amount, rows * b->o->ntype);
    b->t.total = arena_new(a, struct flame_amount, rows * b->o->ntype);
}

// Row of a sample's values: a new one where the last of its hash has others.
static u32 value_row(struct builder *b, u32 *slots, u32 sample, u32 *nvalue)
{
    const i64 *value = profile_values(b->p, sample);
    u32 *slot = &slots[hash_bytes(value, b->p->ntype * sizeof(*value)) % VALUE_SLOTS];
    bool same = *slot != 0;
    for (u32 k = 0; k < b->o->ntype && same; k++)
        same = row_of(b, b->value, *slot - 1)[k].value == value[b->o->type[k]];
    if (same)
        return *slot - 1;
    struct flame_amount *row = row_of(b, b->value, *nvalue);
    for (u32 k = 0; k < b->o->ntype; k++)
        row[k] = (struct flame_amount){value[b->o->type[k]], magnitude(value[b->o->type[k]])};
    *slot = ++*nvalue;
    return *slot - 1;
}

// Sets a part of the samples on their way.
static void start_part(void *builder, u32 part)
{
    struct builder *b = builder;
    u32 begin = parallel_first(b->start, part), end = parallel_first(b->start, part + 1);
    u32 nvalue = begin;
    u32 *slots = arena_new(&b->part[part].arena, u32, VALUE_SLOTS);
    double *weight = b->part[part].weight;
    for (u32 i = begin; i < end; i++) {
        const struct sample *s = &b->p->sample[i];
        u32 last = s->nframe ? s->nframe - 1 : 0;
        u32 values = value_row(b, slots, i, &nvalue);
        b->cursor[0][i] = (struct cursor){.values = values,
                                          .frame = s->frame + (b->o->from_leaf ? 0 : last),
                                          .left = s->nframe,
                                          .at = AT_ONCE};
        for (u32 k = 0; k < b->o->ntype; k++)
            weight[k] += (double)row_of(b, b->value, values)[k].magnitude;
    }
}

static void init_cursors(struct builder *b)
{
    b->start =
        (struct parallel_division){b->p->nsample, has_threads_for(b->p->nsample) ? PARTS : 1};
    parallel_run(start_part, b, b->start.n);
    for (u32 part = 0; part < b->start.n; part++) {
        for (u32 k = 0; k < b->o->ntype; k++)
            b->total[k] += b->part[part].weight[k];
    }
}

static void init_part(struct division *d, const struct builder *b)
{
    u32 ntype = b->o->ntype, nplace = b->places->nplace;
    *d = (struct division){0};
    arena_init(&d->arena, SIZE_MAX);
    d->child = arena_new(&d->arena, struct child, (size_t)nplace + 1);
    d->amount = arena_new(&d->arena, struct flame_amount, (size_t)(nplace + 1) * ntype);
    d->child_of = arena_new(&d->arena, u32, nplace);
    d->own = arena_new(&d->arena, struct flame_amount, ntype);
    d->weight = arena_new(&d->arena, double, ntype);
}

static void init(struct builder *b)
{
    struct arena *a = b->arena;
    u32 nsample = b->p->nsample, ntype = b->o->ntype;
    b->value = arena_new(a, struct flame_amount, (size_t)nsample * ntype);
    b->total = arena_new(a, double, ntype);
    for (u32 i = 0; i < PARTS; i++)
        init_part(&b->part[i], b);
    for (u32 side = 0; side < 2; side++)
        b->cursor[side] = arena_new(a, struct cursor, nsample);
    b->to = arena_new(a, u32, nsample);
    candidates_init(&b->fresh, a);
    candidates_init(&b->seen, a);
    b->only = arena_new(a, u32, b->p->nlocation);
    for (u32 l = 1; l < b->p->nlocation; l++) {
        const u32 *first = &b->places->first[l];
        b->only[l] = first[1] - first[0] == 1 ? b->places->of_line[*first] : 0;
    }
    init_tree(b);
    init_cursors(b);
}

// Gives back what is large, so that the next tree can be made in it.
static void release(struct builder *b)
{
    size_t n = b->p->nsample;
    for (u32 side = 0; side < 2; side++)
        arena_release(b->arena, (struct str){(char *)b->cursor[side], n * sizeof(struct cursor)});
    arena_release(b->arena, (struct str){(char *)b->to, n * sizeof(*b->to)});
    arena_release(b->arena, (struct str){(char *)b->value, n * b->o->ntype * sizeof(*b->value)});
    for (u32 i = 0; i < PARTS; i++)
        arena_free(&b->part[i].arena);
}

struct flametree flametree_build(const struct profile *p, const struct places *places,
                                 const struct flametree_options *o, struct arena *a)
{
    struct builder b = {.p = p, .places = places, .o = o, .arena = a};
    init(&b);
    candidates_push(&b.fresh, (struct candidate){.share = 1, .end = p->nsample});
    while ((b.fresh.n > 1 || b.seen.n > 1) && b.t.n <= o->most) {
        struct candidate c = next_candidate(&b);
        add_found(&b, add_row(&b, c.parent, c.place, c.is_inline), c.found);
    }
    add_rests(&b);
    release(&b);
    return b.t;
}
