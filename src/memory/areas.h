// A process's areas of memory, from /proc/PID/maps and pagemap: whose each anonymous page is, as
// far as that can be told from outside.  smaps has the same, but while it counts an area's pages,
// the process cannot map memory.
#ifndef MEMORY_AREAS_H
#define MEMORY_AREAS_H

#include "memory/extent.h"

// A block of the heap that is known to be alive, and the bytes of live blocks that it stands for.
struct areas_block {
    u64 address, bytes;
};

// What the program, and not its allocator, has mapped itself.
struct areas_range {
    u64 start, limit;
};

// What the record knows, blocks and ranges by address, and a part of the record's own path.
struct areas_known {
    const struct areas_block *block;
    const struct areas_range *range;
    u32 nblock, nrange;
    struct str record;
};

// Bytes in memory: the process's own, and those that others may have as well, since a fork.  Pages
// that were read but never written look like the latter, and are in nobody's memory.
struct areas_bytes {
    u64 own, shared;
};

struct areas {
    struct areas_bytes heap;    // of areas that belong to the allocator
    struct areas_bytes mapping; // other anonymous areas: mmap() by the program or its libraries
    struct areas_bytes stack;   // of threads, the first one too
    struct areas_bytes data;    // written copies of file pages: variables of programs and libraries
    u64 live_bytes;             // of heap, what live blocks account for
    u64 record_bytes;           // of Sonde's record
    u64 largest_mapping_bytes;
    u64 largest_mapping; // its address
    u32 nstack, nmapping;
    struct extent extent[EXTENTS]; // the longest ones; extent_look() is not done
};

// Reads proc/PID/maps and pagemap, and a few words of proc/PID/mem where that is allowed.  False
// when the process is gone.
bool areas_read(struct areas *out, const char *proc, u32 pid, const struct areas_known *known);

#endif
