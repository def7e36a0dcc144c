// The same work on several parts at once.
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include "base/types.h"

// How many threads are worth having: the processors that this process may use, at most
// PARALLEL_MOST.
u32 parallel_width(void);

// Calls work(context, 0), ... work(context, n - 1), n at most 256, each in a thread of its own, and
// returns when all are done.  Where threads cannot be had, one after the other.
void parallel_run(void (*work)(void *context, u32 part), void *context, u32 n);

// Items divided among threads: part i has those from parallel_first(i) to parallel_first(i + 1).
struct parallel_division {
    u32 nitem;
    u32 n; // parts, at least 1, at most PARALLEL_MOST
};
enum { PARALLEL_MOST = 8 };

// A part for each thread worth having that would get at least so many items.
struct parallel_division parallel_divide(u32 nitem, u32 least);

static inline u32 parallel_first(struct parallel_division d, u32 part)
{
    return (u32)((u64)d.nitem * part / d.n);
}

#endif
