// What the record knows of a process's memory, as areas_read() wants it.
#ifndef OOM_KNOWN_H
#define OOM_KNOWN_H

#include "memory/areas.h"
#include "record/read.h"

// By address.
void known_sort(struct areas_block *block, u32 nblock);

// What the program has mapped, and not its allocator, by address, at most cap ranges; their number.
u32 known_ranges(struct areas_range *out, u32 cap, const struct record_view *v);

#endif
