#include "object/extents.h"

#include <stdlib.h>

enum { MOST_INSERTIONS = 24 };

void extents_init(struct extents *r, struct arena *a)
{
    *r = (struct extents){.arena = a};
}

void extents_add(struct extents *r, u64 low, u64 high, u32 value)
{
    if (low < high)
        *arena_push(r->arena, r->extent, r->nextent, r->extent_cap) =
            (struct extent){low, high, value};
}

// Outer ranges before those inside of them.
static int by_place(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    if (x->high != y->high)
        return x->high > y->high ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

// Most units have few of them, and nearly in order.
static void sort(struct extent *r, u32 n)
{
    if (n > MOST_INSERTIONS) {
        qsort(r, n, sizeof(*r), by_place);
        return;
    }
    for (u32 i = 1; i < n; i++) {
        struct extent moved = r[i];
        u32 to = i;
        for (; to && by_place(&r[to - 1], &moved) > 0; to--)
            r[to] = r[to - 1];
        r[to] = moved;
    }
}

// A walk over sorted ranges: those that are open, and the pieces between their ends.
struct sweep {
    const struct extent *open; // stack, innermost last
    u32 nopen;
    struct extent *piece;
    u32 npiece;
    u64 at; // up to here, all is in pieces
};

static void add_piece(struct sweep *s, u64 high, u32 value)
{
    if (s->at >= high)
        return;
    struct extent *last = s->npiece ? &s->piece[s->npiece - 1] : NULL;
    if (last && last->high == s->at && last->value == value)
        last->high = high;
    else
        s->piece[s->npiece++] = (struct extent){s->at, high, value};
    s->at = high;
}

// Closes the innermost ranges that end at or before low.
static void close_until(struct sweep *s, u64 low)
{
    while (s->nopen && s->open[s->nopen - 1].high <= low) {
        s->nopen--;
        add_piece(s, s->open[s->nopen].high, s->open[s->nopen].value);
    }
    if (s->nopen)
        add_piece(s, low, s->open[s->nopen - 1].value);
}

static bool is_disjoint(const struct extents *r)
{
    for (u32 i = 1; i < r->nextent; i++) {
        if (r->extent[i].low < r->extent[i - 1].high)
            return false;
    }
    return true;
}

void extents_sort(struct extents *r)
{
    if (is_disjoint(r))
        return;
    sort(r->extent, r->nextent);
    struct extent *open = arena_new(r->arena, struct extent, r->nextent);
    struct sweep s = {.open = open,
                      .piece = arena_new(r->arena, struct extent, 2 * (size_t)r->nextent)};
    for (u32 i = 0; i < r->nextent; i++) {
        close_until(&s, r->extent[i].low);
        s.at = r->extent[i].low;
        open[s.nopen++] = r->extent[i];
    }
    close_until(&s, UINT64_MAX);
    r->extent = s.piece;
    r->nextent = r->extent_cap = s.npiece;
}

u32 extents_find(const struct extents *r, u64 address)
{
    u32 low = 0,
        high = r->nextent; // the last range that begins at or before address is in [low - 1, high)
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (r->extent[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low && address < r->extent[low - 1].high ? r->extent[low - 1].value : 0;
}
