// The same work on several parts at once.
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include "base/types.h"

// How many threads are worth having: the processors that this process may use, at most 8.
u32 parallel_width(void);

// Calls work(context, 0), ... work(context, n - 1), n at most 256, each in a thread of its own, and
// returns when all are done.  Where threads cannot be had, one after the other.
void parallel_run(void (*work)(void *context, u32 part), void *context, u32 n);

#endif
