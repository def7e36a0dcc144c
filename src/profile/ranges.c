#include "profile/ranges.h"

#include <stdlib.h>

static int compare_edges(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;
    return (x > y) - (x < y);
}

// Number of edges that are not above the address.
static u32 edges_up_to(const struct ranges *r, u64 address)
{
    u32 low = 0, high = r->nedge;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (r->edge[middle] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The first part from i on that nobody owns; next leads over those that are owned.
static u32 next_free(u32 *next, u32 i)
{
    while (next[i] != i) {
        next[i] = next[next[i]];
        i = next[i];
    }
    return i;
}

struct ranges ranges_build(const struct range *range, u32 n, struct arena *a)
{
    struct ranges r = {.edge = arena_new(a, u64, 2 * (size_t)n)};
    for (u32 i = 0; i < n; i++) {
        r.edge[2 * i] = range[i].start;
        r.edge[2 * i + 1] = range[i].limit;
    }
    if (n)
        qsort(r.edge, 2 * (size_t)n, sizeof(*r.edge), compare_edges);
    for (u32 i = 0; i < 2 * n; i++) {
        if (i == 0 || r.edge[i] != r.edge[i - 1])
            r.edge[r.nedge++] = r.edge[i];
    }
    r.owner = arena_new(a, u32, (size_t)r.nedge + 1);
    u32 *next = arena_new(a, u32, (size_t)r.nedge + 1);
    for (u32 i = 0; i <= r.nedge; i++)
        next[i] = i;
    for (u32 i = 0; i < n; i++) {
        if (range[i].start >= range[i].limit)
            continue;
        u32 last = edges_up_to(&r, range[i].limit) - 1;
        for (u32 k = edges_up_to(&r, range[i].start) - 1; (k = next_free(next, k)) < last;) {
            r.owner[k] = range[i].row;
            next[k] = k + 1;
        }
    }
    return r;
}

u32 ranges_find(const struct ranges *r, u64 address)
{
    u32 i = edges_up_to(r, address);
    return i ? r->owner[i - 1] : 0;
}
