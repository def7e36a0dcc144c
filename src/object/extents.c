#include "object/extents.h"

enum { RUN = 12 }; // of rows that are sorted by insertion

void extents_init(struct extents *r, struct arena *a)
{
    *r = (struct extents){.arena = a};
}

void extents_clear(struct extents *r)
{
    r->nextent = 0;
}

void extents_add(struct extents *r, u64 low, u64 high, u32 value)
{
    if (low < high)
        *arena_push(r->arena, r->extent, r->nextent, r->extent_cap) =
            (struct extent){low, high, value};
}

static void swap_spare(struct extents *x)
{
    struct extent *row = x->extent;
    u32 cap = x->extent_cap;
    x->extent = x->spare;
    x->extent_cap = x->spare_cap;
    x->spare = row;
    x->spare_cap = cap;
}

// Outer ranges come before those inside of them.
static bool is_before(const struct extent *x, const struct extent *y)
{
    if (x->low != y->low)
        return x->low < y->low;
    return x->high != y->high ? x->high > y->high : x->value < y->value;
}

static void insert_each(struct extent *r, u32 n)
{
    for (u32 i = 1; i < n; i++) {
        struct extent moved = r[i];
        u32 to = i;
        for (; to && is_before(&moved, &r[to - 1]); to--)
            r[to] = r[to - 1];
        r[to] = moved;
    }
}

// Two sorted runs, which lie one behind the other, into one.
static void merge(struct extent *out, const struct extent *r, u32 nleft, u32 n)
{
    u32 left = 0, right = nleft;
    for (u32 i = 0; i < n; i++) {
        bool is_right = left == nleft || (right < n && is_before(&r[right], &r[left]));
        out[i] = r[is_right ? right++ : left++];
    }
}

// A merge sort.  qsort()'s calls of a function for each comparison were a tenth of all the time
// that symbols take.
static void sort(struct extents *x)
{
    u32 n = x->nextent;
    for (u32 at = 0; at < n; at += RUN)
        insert_each(x->extent + at, n - at < RUN ? n - at : RUN);
    for (u64 run = RUN; run < n; run *= 2) {
        for (u64 at = 0; at < n; at += 2 * run) {
            u32 both = (u32)(n - at < 2 * run ? n - at : 2 * run);
            merge(x->spare + at, x->extent + at, both < run ? both : (u32)run, both);
        }
        swap_spare(x);
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

// Room for n rows, whose contents do not matter.
static void make_room(struct extent **row, u32 *cap, u32 n, struct arena *a)
{
    if (*cap >= n)
        return;
    *cap = n + n / 2;
    *row = arena_new(a, struct extent, *cap);
}

void extents_sort(struct extents *r)
{
    if (is_disjoint(r))
        return;
    make_room(&r->open, &r->open_cap, r->nextent, r->arena);
    make_room(&r->spare, &r->spare_cap, 2 * r->nextent, r->arena);
    sort(r);
    make_room(&r->spare, &r->spare_cap, 2 * r->nextent, r->arena); // the merge swaps them
    struct sweep s = {.open = r->open, .piece = r->spare};
    for (u32 i = 0; i < r->nextent; i++) {
        close_until(&s, r->extent[i].low);
        s.at = r->extent[i].low;
        r->open[s.nopen++] = r->extent[i];
    }
    close_until(&s, UINT64_MAX);
    swap_spare(r);
    r->nextent = s.npiece;
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
