// Which of many address ranges an address is in.  They may overlap: then the one that was told
// first counts.
#ifndef PROFILE_RANGES_H
#define PROFILE_RANGES_H

#include "base/arena.h"

struct range {
    u64 start, limit; // [start, limit)
    u32 row;          // what ranges_find answers
};

struct ranges {
    u64 *edge;  // all starts and limits, ascending
    u32 *owner; // row of the range that [edge[i], edge[i + 1]) belongs to, or 0
    u32 nedge;
};

struct ranges ranges_build(const struct range *range, u32 n, struct arena *a);

// Row of the first range that holds the address, or 0.
u32 ranges_find(const struct ranges *r, u64 address);

#endif
