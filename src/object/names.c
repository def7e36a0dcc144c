#include "object/names.h"

#include <stdlib.h>

void names_init(struct names *n, struct arena *a)
{
    *n = (struct names){.arena = a};
    arena_push(a, n->name, n->nname, n->name_cap);
    extents_init(&n->sized, a);
    extents_init(&n->unsized, a);
}

struct name *names_add(struct names *n)
{
    return arena_push(n->arena, n->name, n->nname, n->name_cap);
}

// Of those for the same code the one to be taken comes last.
static int by_address(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

// Whether the address begins something that has a size: a name without one is of a function that
// has no code then, and of nothing that follows.
static bool begins_sized(const struct names *n, u64 address)
{
    u32 row = extents_find(&n->sized, address);
    return row && n->name[row].address == address;
}

// A name without a size ends where code that has another name begins.
static void add_unsized(struct names *n)
{
    u64 next = UINT64_MAX; // address that has a name
    for (u32 row = n->nname - 1; row >= 1; row--) {
        const struct name *name = &n->name[row];
        if (row + 1 < n->nname && name[1].address != name->address)
            next = name[1].address;
        if (!name->is_sized && !begins_sized(n, name->address))
            extents_add(&n->unsized, name->address, name->end < next ? name->end : next, row);
    }
    extents_sort(&n->unsized);
}

void names_sort(struct names *n)
{
    qsort(n->name + 1, n->nname - 1, sizeof(*n->name), by_address);
    for (u32 row = n->nname - 1; row >= 1; row--) {
        const struct name *name = &n->name[row];
        if (name->is_sized)
            extents_add(&n->sized, name->address, name->end, row);
    }
    extents_sort(&n->sized);
    add_unsized(n);
}

const struct name *names_find(const struct names *n, u64 address)
{
    u32 row = extents_find(&n->sized, address);
    if (row == 0)
        row = extents_find(&n->unsized, address);
    return row ? &n->name[row] : NULL;
}
