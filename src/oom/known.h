// A process's areas, told apart by what its record knows of them.
#ifndef OOM_KNOWN_H
#define OOM_KNOWN_H

#include "memory/areas.h"
#include "record/read.h"

// Room for what the program has mapped; what finds none is not known.
struct known_ranges {
    struct areas_range *range;
    u32 cap;
};

// areas_read() of a process that is alive, whose record is PID-START.  Sorts the blocks.
bool known_read_areas(struct areas *out, u32 pid, u64 start_ticks, struct areas_block *block,
                      u32 nblock, struct known_ranges room, const struct record_view *v);

#endif
