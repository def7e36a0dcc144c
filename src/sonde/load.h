// What the pages show: the profile as it was at one moment or another.
#ifndef SONDE_LOAD_H
#define SONDE_LOAD_H

#include <pthread.h>

#include "sonde/request.h"

enum { LOAD_MOST = 8 };

struct load {
    u32 id;           // 1: the first
    const char *kind; // "profile", "cpu", or "difference" of two others
    i64 time_ns;      // since 1970, of loading
    struct profile p;
    struct arena arena;     // of p
    struct load *of, *base; // of a difference, which shares their tables
    u32 users;
};

struct loads {
    struct sourcing sourcing;
    pthread_mutex_t fetching; // held while a new one is made
    pthread_mutex_t lock;     // of what follows
    struct load *load[LOAD_MOST];
    u32 n, next_id;
};

void loads_init(struct loads *l, const struct sourcing *s);
void loads_free(struct loads *l);

// Loads s, which is the sources or something beside them, once more, and forgets the oldest but the
// first where there are too many.
bool loads_fetch(u32 *id, struct loads *l, const struct sourcing *s, const char *kind,
                 struct err *e);

// The load of this number, 0: the newest of the sources; without that of the number base, unless
// that is 0.  It stays until it is given back.  Fails with ENOENT.
bool loads_take(struct load **out, struct loads *l, u32 id, u32 base, struct err *e);
void loads_give(struct loads *l, struct load *load);

#endif
