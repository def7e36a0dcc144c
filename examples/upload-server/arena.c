#include "arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __has_feature
#define HAS_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#else
#define HAS_ASAN 0
#endif

// A chunk as small as its only object lets ASan see a step over the object's end.
enum { CHUNK_BYTES = HAS_ASAN ? 0 : 4096, ALIGN = alignof(max_align_t) };

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes;
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *a, size_t limit_bytes)
{
    *a = (struct arena){.limit_bytes = limit_bytes};
}

void arena_free(struct arena *a)
{
    while (a->chunk) {
        struct arena_chunk *older = a->chunk->older;
        free(a->chunk);
        a->chunk = older;
    }
    arena_init(a, a->limit_bytes);
}

static bool add_chunk(struct arena *a, size_t least_bytes)
{
    size_t bytes = least_bytes > CHUNK_BYTES ? least_bytes : CHUNK_BYTES;
    struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + bytes);
    if (!chunk)
        return false;
    chunk->older = a->chunk;
    chunk->bytes = bytes;
    a->chunk = chunk;
    a->left_bytes = bytes;
    return true;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    size_t left = a->limit_bytes - a->used_bytes;
    if (bytes == 0 || bytes > left || left - bytes < ALIGN)
        return NULL;
    size_t padded = HAS_ASAN ? bytes : (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (padded > a->left_bytes && !add_chunk(a, padded))
        return NULL;
    void *object = a->chunk->data + (a->chunk->bytes - a->left_bytes);
    a->left_bytes -= padded;
    a->used_bytes += padded;
    return object;
}
