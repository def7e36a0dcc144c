#include "oom/known.h"

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

void known_sort(struct areas_block *block, u32 nblock)
{
    qsort(block, nblock, sizeof(*block), by_address);
}

u32 known_ranges(struct areas_range *out, u32 cap, const struct record_view *v)
{
    struct record_region x;
    bool is_allocators;
    u32 n = 0, rows = v->header.section[RECORD_REGION].nrow;
    for (u32 row = 0; row < rows && row < v->header.nregion && n < cap; row++) {
        if (record_region_row(v, row, &x, &is_allocators) && !is_allocators)
            out[n++] = (struct areas_range){x.start, x.start + x.length};
    }
    qsort(out, n, sizeof(*out), by_start);
    return n;
}
