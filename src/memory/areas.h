// A process's areas of memory, from /proc/PID/smaps: whose each anonymous page is, as far as that
// can be told from outside.
#ifndef MEMORY_AREAS_H
#define MEMORY_AREAS_H

#include "memory/extent.h"

// A block of the heap that is known to be alive, and the bytes of live blocks that it stands for.
struct areas_block {
    u64 address, bytes;
};

// Bytes in memory.  Pages that are shared with others by fork count in part.
struct areas {
    u64 heap_bytes;    // of areas that belong to the allocator
    u64 live_bytes;    // of heap_bytes, what live blocks account for
    u64 mapping_bytes; // other anonymous areas: mmap() by the program or its libraries
    u64 stack_bytes;   // of threads, the first one too
    u64 data_bytes;    // written copies of file pages: variables of programs and libraries
    u64 record_bytes;  // of Sonde's record
    u64 largest_mapping_bytes;
    u64 largest_mapping; // its address
    u32 nstack, nmapping;
    struct extent extent[EXTENTS]; // the longest ones; extent_look() is not done
};

// Reads proc/PID/smaps, and a few words of proc/PID/mem where that is allowed.  Blocks are sorted
// by address.  record is a part of the record's path.  False when the process is gone.
bool areas_read(struct areas *out, const char *proc, u32 pid, const struct areas_block *block,
                u32 nblock, struct str record);

#endif
