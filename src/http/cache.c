#include "http/cache.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_ANSWERS = 4 }; // that there must be room for

void cache_init(struct cache *c, size_t limit_bytes)
{
    *c = (struct cache){.limit_bytes = limit_bytes};
    pthread_mutex_init(&c->lock, NULL);
}

static void forget(struct cache *c, struct cached *a)
{
    c->bytes -= a->nkey + a->nbody;
    free(a->key);
    free(a->body);
    *a = (struct cached){0};
}

void cache_free(struct cache *c)
{
    for (u32 i = 0; i < CACHE_ANSWERS; i++)
        forget(c, &c->answer[i]);
    pthread_mutex_destroy(&c->lock);
}

static struct cached *find(struct cache *c, struct str key)
{
    for (u32 i = 0; i < CACHE_ANSWERS; i++) {
        struct cached *a = &c->answer[i];
        if (a->key && a->nkey == key.len && memcmp(a->key, key.ptr, key.len) == 0)
            return a;
    }
    return NULL;
}

// The place that a new answer takes: a free one, or that of the one that was asked for the longest
// time ago.
static struct cached *place(struct cache *c)
{
    struct cached *found = &c->answer[0];
    for (u32 i = 1; i < CACHE_ANSWERS && found->key; i++) {
        struct cached *a = &c->answer[i];
        if (!a->key || a->used < found->used)
            found = a;
    }
    return found;
}

// Makes room for so many bytes.
static void make_room(struct cache *c, size_t bytes)
{
    while (c->bytes + bytes > c->limit_bytes) {
        struct cached *found = NULL;
        for (u32 i = 0; i < CACHE_ANSWERS; i++) {
            struct cached *a = &c->answer[i];
            if (a->key && (!found || a->used < found->used))
                found = a;
        }
        if (!found)
            return;
        forget(c, found);
    }
}

bool cache_find(struct buf *out, struct cache *c, struct str key)
{
    pthread_mutex_lock(&c->lock);
    struct cached *a = find(c, key);
    if (a) {
        a->used = ++c->clock;
        buf_add(out, (struct str){a->body, a->nbody});
    }
    pthread_mutex_unlock(&c->lock);
    return a != NULL;
}

static char *copy_of(struct str s)
{
    char *copy = malloc(s.len ? s.len : 1);
    if (copy && s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

void cache_add(struct cache *c, struct str key, struct str body)
{
    if (key.len + body.len > c->limit_bytes / LEAST_ANSWERS)
        return;
    struct cached new = {copy_of(key), copy_of(body), key.len, body.len, 0};
    pthread_mutex_lock(&c->lock);
    if (new.key &&new.body && !find(c, key)) {
        make_room(c, key.len + body.len);
        struct cached *at = place(c);
        forget(c, at);
        *at = new;
        at->used = ++c->clock;
        c->bytes += key.len + body.len;
    } else {
        free(new.key);
        free(new.body);
    }
    pthread_mutex_unlock(&c->lock);
}
