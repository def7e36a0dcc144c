// Memory of one request, freed all at once.  Zeroed; under ASan each object is a block of its own.
#ifndef UPLOAD_ARENA_H
#define UPLOAD_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_chunk *chunk; // newest first
    size_t left_bytes;         // of the newest chunk
    size_t used_bytes, limit_bytes;
};

void arena_init(struct arena *a, size_t limit_bytes);
void arena_free(struct arena *a);

// NULL: the limit is reached, or there is no memory.
void *arena_alloc(struct arena *a, size_t bytes);
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
