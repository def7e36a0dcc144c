// Answers that were given, kept for who asks the same again: the least recently asked for goes
// first.
#ifndef HTTP_CACHE_H
#define HTTP_CACHE_H

#include <pthread.h>

#include "base/buf.h"

enum { CACHE_ANSWERS = 64 };

struct cache {
    pthread_mutex_t lock;
    struct cached {
        char *key, *body; // NULL: no answer is here
        size_t nkey, nbody;
        u64 used; // the larger, the later
    } answer[CACHE_ANSWERS];
    u64 clock;
    size_t bytes, limit_bytes;
};

void cache_init(struct cache *c, size_t limit_bytes);
void cache_free(struct cache *c);

// Appends the answer to out; false: it is not there.
bool cache_find(struct buf *out, struct cache *c, struct str key);

// Keeps a copy, unless it is too large to be worth it.
void cache_add(struct cache *c, struct str key, struct str body);

#endif
