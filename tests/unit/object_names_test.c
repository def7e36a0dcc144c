// Ranges and symbol tables: which of several, nested or adjacent, an address belongs to.
#include "object/names.h"

#include <stdlib.h>

#include "../tap.h"

static void nested_ranges(struct arena *a)
{
    struct extents r;
    extents_init(&r, a);
    extents_add(&r, 100, 200, 1); // a function,
    extents_add(&r, 120, 180, 2); // a call inlined there,
    extents_add(&r, 120, 150, 3); // one inside of that
    extents_add(&r, 140, 150, 4); // and one in that
    extents_add(&r, 300, 300, 5);
    extents_sort(&r);
    ok(extents_find(&r, 99) == 0, "nothing is before the first");
    ok(extents_find(&r, 100) == 1 && extents_find(&r, 119) == 1, "the outer one where it is alone");
    ok(extents_find(&r, 120) == 3 && extents_find(&r, 139) == 3, "the innermost of two");
    ok(extents_find(&r, 140) == 4 && extents_find(&r, 149) == 4, "the innermost of four");
    ok(extents_find(&r, 150) == 2 && extents_find(&r, 179) == 2,
       "behind them, the middle one again");
    ok(extents_find(&r, 180) == 1 && extents_find(&r, 199) == 1, "and the outer one again");
    ok(extents_find(&r, 200) == 0 && extents_find(&r, 300) == 0,
       "nothing is at an end, nor in an empty one");
}

static void same_ranges(struct arena *a)
{
    struct extents r;
    extents_init(&r, a);
    extents_add(&r, 10, 20, 1);
    extents_add(&r, 10, 20, 2);
    extents_add(&r, 30, UINT64_MAX, 3);
    extents_sort(&r);
    ok(extents_find(&r, 10) == 2 && extents_find(&r, 19) == 2,
       "of two of the same extent the later is inside");
    ok(extents_find(&r, UINT64_MAX - 1) == 3, "a range up to the highest address");
}

// The same by looking at all: the last to begin, and of those the shortest, and the last.
static u32 slow_find(const struct extent *r, u32 n, u64 address)
{
    u32 best = 0;
    for (u32 i = 1; i <= n; i++) {
        const struct extent *x = &r[i - 1], *y = best ? &r[best - 1] : NULL;
        if (address < x->low || address >= x->high)
            continue;
        if (!y || x->low > y->low || (x->low == y->low && x->high <= y->high))
            best = i;
    }
    return best;
}

static void random_ranges(struct arena *a)
{
    bool same = true;
    srand(1);
    for (int round = 0; round < 200; round++) {
        struct extents r;
        struct extent all[40];
        u32 n = 1 + (u32)rand() % 40;
        extents_init(&r, a);
        for (u32 i = 0; i < n; i++) {
            u64 low = (u64)rand() % 60;
            all[i] = (struct extent){low, low + (u64)rand() % 30, i + 1};
            extents_add(&r, all[i].low, all[i].high, i + 1);
        }
        extents_sort(&r);
        for (u64 address = 0; address < 100; address++)
            same &= extents_find(&r, address) == slow_find(all, n, address);
    }
    ok(same, "200 sets of ranges, overlapping too, find what a look at each finds");
}

static void add(struct names *n, u64 address, u64 end, bool is_sized, u32 rank, const char *text)
{
    *names_add(n) = (struct name){address, end, is_sized, rank, str_of(text)};
}

static bool is_called(const struct names *n, u64 address, const char *text)
{
    const struct name *name = names_find(n, address);
    return text ? name && str_equal(name->text, str_of(text)) : !name;
}

static void tables(struct arena *a)
{
    struct names n;
    names_init(&n, a);
    add(&n, 300, 400, false, 1, "unsized");
    add(&n, 100, 200, true, 1, "weak");
    add(&n, 100, 200, true, 2, "global");
    add(&n, 350, 400, false, 1, "last");
    add(&n, 150, 400, false, 9, "label");
    add(&n, 500, 520, true, 1, "sized");
    add(&n, 500, 900, false, 9, "no code");
    names_sort(&n);
    ok(is_called(&n, 500, "sized") && is_called(&n, 530, NULL),
       "a function without code, beside one with a size, names nothing behind that");
    ok(is_called(&n, 100, "global") && is_called(&n, 199, "global"), "the better of two names");
    ok(is_called(&n, 160, "global"), "a label inside of a function does not hide it");
    ok(is_called(&n, 250, "label"), "but names what follows it");
    ok(is_called(&n, 300, "unsized") && is_called(&n, 349, "unsized"),
       "one without a size ends at the next");
    ok(is_called(&n, 399, "last") && is_called(&n, 400, NULL), "and the last at its section's end");
    ok(is_called(&n, 99, NULL), "nothing is before the first");
    names_init(&n, a);
    names_sort(&n);
    ok(is_called(&n, 1, NULL), "an empty table has no names");
}

int main(void)
{
    struct arena a;
    arena_init(&a, SIZE_MAX);
    nested_ranges(&a);
    same_ranges(&a);
    random_ranges(&a);
    tables(&a);
    arena_free(&a);
    return done();
}
