#include "memory/extent.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, PROBES = 16, FULL = 255, LEAST_MIB = 1, MOST_PERCENT = 95 };

// Of an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst): in memory.
#define PRESENT (1ULL << 63)

void extent_add(struct extent extent[EXTENTS], u64 start, u64 limit, u64 bytes)
{
    u32 at = EXTENTS;
    while (at > 0 && extent[at - 1].limit - extent[at - 1].start < limit - start)
        at--;
    if (at == EXTENTS)
        return;
    memmove(extent + at + 1, extent + at, (EXTENTS - 1 - at) * sizeof(*extent));
    extent[at] = (struct extent){.start = start, .limit = limit, .bytes = bytes};
}

// Where a slice begins; slice EXTENT_SLICES is the end.
static u64 slice_start(const struct extent *e, u32 slice)
{
    return e->start + (u64)((double)(e->limit - e->start) * slice / EXTENT_SLICES);
}

// The part of a slice's pages that is in memory, by some of them.
static u8 probe(int pages, u64 start, u64 limit)
{
    u32 seen = 0, present = 0;
    for (u32 i = 0; i < PROBES; i++) {
        u64 entry, page = (start + (limit - start) / PROBES * i) / PAGE;
        if (pread(pages, &entry, sizeof(entry), (off_t)(page * sizeof(entry))) != sizeof(entry))
            continue;
        seen++;
        present += (entry & PRESENT) != 0;
    }
    if (seen == 0)
        return FULL;
    return (u8)(present * FULL / seen);
}

// Whether an extent is long, and neither full nor empty.
static bool is_mixed(const struct extent *e)
{
    u64 length = e->limit - e->start, part = length / 100 * MOST_PERCENT;
    return length >= MIB(LEAST_MIB) && e->bytes < part && e->bytes > length - part;
}

void extent_look(struct extent extent[EXTENTS], const char *proc, u32 pid)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%u/pagemap", proc, pid);
    int pages = -1;
    for (u32 i = 0; i < EXTENTS && extent[i].limit; i++) {
        struct extent *e = &extent[i];
        memset(e->part, FULL, sizeof(e->part));
        if (!is_mixed(e))
            continue;
        if (pages < 0)
            pages = open(path, O_RDONLY | O_CLOEXEC);
        for (u32 k = 0; k < EXTENT_SLICES && pages >= 0; k++)
            e->part[k] = probe(pages, slice_start(e, k), slice_start(e, k + 1));
    }
    if (pages >= 0)
        close(pages);
}

static double common_of(u64 start, u64 limit, u64 other_start, u64 other_limit)
{
    u64 from = start > other_start ? start : other_start;
    u64 to = limit < other_limit ? limit : other_limit;
    return to > from ? (double)(to - from) : 0;
}

// The slices are guesses; their sum is known.
double extent_touched(const struct extent *e, u64 start, u64 limit, double *common)
{
    double all = 0, touched = 0;
    *common = e->limit > e->start ? common_of(start, limit, e->start, e->limit) : 0;
    for (u32 k = 0; k<EXTENT_SLICES && * common> 0; k++) {
        u64 from = slice_start(e, k), to = slice_start(e, k + 1);
        all += (double)(to - from) * e->part[k];
        touched += common_of(start, limit, from, to) * e->part[k];
    }
    double bytes = all > 0 ? touched / all * (double)e->bytes : 0;
    return bytes < *common ? bytes : *common;
}
