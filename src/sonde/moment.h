// What the pages show: the profile as it was at one moment or another.
#ifndef SONDE_MOMENT_H
#define SONDE_MOMENT_H

#include <pthread.h>

#include "sonde/request.h"

enum { MOMENT_MOST = 8 };

struct moment {
    u32 id;           // 1: the first
    const char *kind; // "profile", "cpu", or "difference" of two others
    i64 time_ns;      // since 1970, of loading
    struct profile p;
    struct arena arena;       // of p
    struct moment *of, *base; // of a difference, which shares their tables
    u32 users;
};

struct moments {
    struct sourcing sourcing;
    pthread_mutex_t fetching; // held while a new one is made
    pthread_mutex_t lock;     // of what follows
    struct moment *moment[MOMENT_MOST];
    u32 n, next_id;
};

void moments_init(struct moments *m, const struct sourcing *s);
void moments_free(struct moments *m);

// Loads s, which is the sources or something beside them, once more, and forgets the oldest but the
// first where there are too many.
bool moments_fetch(u32 *id, struct moments *m, const struct sourcing *s, const char *kind,
                   struct err *e);

// The load of this number, 0: the newest of the sources; without that of the number base, unless
// that is 0.  It stays until it is given back.  Fails with ENOENT.
bool moments_take(struct moment **out, struct moments *m, u32 id, u32 base, struct err *e);
void moments_give(struct moments *m, struct moment *moment);

#endif
