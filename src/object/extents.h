// Which of many address ranges an address is in.  Ranges may be nested, as inlined calls are in
// their function: the innermost counts.
#ifndef OBJECT_EXTENTS_H
#define OBJECT_EXTENTS_H

#include "base/arena.h"

struct extent {
    u64 low, high; // [low, high)
    u32 value;     // the owner's row; not 0
};

struct extents {
    struct arena *arena;
    struct extent *extent; // as they were added; sorted and disjoint after extents_sort()
    u32 nextent, extent_cap;
    struct extent *spare, *open; // for sorting, of spare_cap and open_cap rows
    u32 spare_cap, open_cap;
};

void extents_init(struct extents *r, struct arena *a);

// Empties it for others, with the memory that it has.
void extents_clear(struct extents *r);

// Nested ranges of the same extent are added outermost first.  Empty ones are left out.
void extents_add(struct extents *r, u64 low, u64 high, u32 value);

// Once, after the last was added.
void extents_sort(struct extents *r);

// Value of the innermost range that the address is in; 0 when there is none.  After extents_sort().
u32 extents_find(const struct extents *r, u64 address);

#endif
