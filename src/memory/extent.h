// Long anonymous areas that the allocator does not have for itself, and where in them memory is.
// The kernel makes one area of mappings that lie side by side, of which one may be full and the
// other hardly used.
#ifndef MEMORY_EXTENT_H
#define MEMORY_EXTENT_H

#include "base/str.h"

enum { EXTENTS = 8, EXTENT_SLICES = 32 };

struct extent {
    u64 start, limit;       // addresses; 0: none
    u64 bytes;              // in memory, and not in blocks of the allocator
    u8 part[EXTENT_SLICES]; // of each slice, what is in memory, in 1/255
};

// Enters an area among the longest.
void extent_add(struct extent extent[EXTENTS], u64 start, u64 limit, u64 bytes);

// Looks at some pages of each slice of those that are neither full nor empty, which takes some 0.2
// ms an extent.  Where that is not allowed all slices are alike.
void extent_look(struct extent extent[EXTENTS], const char *proc, u32 pid);

// Bytes of an address range that are in memory, as far as it lies in the extent; *common gets how
// much does.
double extent_touched(const struct extent *e, u64 start, u64 limit, double *common);

#endif
