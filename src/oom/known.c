#include "oom/known.h"

#include <stdio.h>
#include <stdlib.h>

static int by_address(const void *a, const void *b)
{
    const struct areas_block *l = a, *r = b;
    return (l->address > r->address) - (l->address < r->address);
}

static int by_start(const void *a, const void *b)
{
    const struct areas_range *l = a, *r = b;
    return (l->start > r->start) - (l->start < r->start);
}

// What the program has mapped, and not its allocator, by address; how many ranges.
static u32 find_ranges(struct known_ranges room, const struct record_view *v)
{
    struct record_region x;
    bool is_allocators;
    u32 n = 0, rows = record_region_count(v);
    for (u32 row = 0; row < rows && n < room.cap; row++) {
        if (record_region_row(v, row, &x, &is_allocators) && !is_allocators)
            room.range[n++] = (struct areas_range){x.start, x.start + x.length};
    }
    qsort(room.range, n, sizeof(*room.range), by_start);
    return n;
}

bool known_read_areas(struct areas *out, u32 pid, u64 start_ticks, struct areas_block *block,
                      u32 nblock, struct known_ranges room, const struct record_view *v)
{
    char record[64];
    snprintf(record, sizeof(record), "/%u-%llu", pid, (unsigned long long)start_ticks);
    qsort(block, nblock, sizeof(*block), by_address);
    struct areas_known known = {.block = block,
                                .nblock = nblock,
                                .range = room.range,
                                .nrange = find_ranges(room, v),
                                .record = str_of(record)};
    return areas_read(out, "/proc", pid, &known);
}
