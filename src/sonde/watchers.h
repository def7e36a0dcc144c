// Watching all processes of this user that run with the library: what a sidecar does.
#ifndef SONDE_WATCHERS_H
#define SONDE_WATCHERS_H

#include "oom/observe.h"

enum { WATCHERS_MOST = 32 }; // processes; others are not watched, but their records are kept, too

struct watchers {
    struct observer observer[WATCHERS_MOST];
    u32 n;
};

// Begins to watch new ones, and keeps the records of those that died.  Returns how many were kept.
u32 watchers_refresh(struct watchers *w);

// Looks at those that it is time to look at; returns the milliseconds until the next call.
u32 watchers_step(struct watchers *w);

void watchers_end(struct watchers *w);

#endif
