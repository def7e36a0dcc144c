// Memory that is freed all at once.  Backed by mmap, zeroed, 16-byte aligned; under ASan each
// object has a red zone. An arena never returns NULL: at its limit it calls full(), which must not
// return.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena {
    struct arena_chunk *chunk; // newest first
    u8 *next, *end;            // free part of the newest shared chunk
    struct arena_chunk *spare; // of large objects that are no more
    struct arena_chunk *empty; // shared ones, of before arena_reset()
    size_t kept_bytes;         // of these two
    size_t mapped_bytes, limit_bytes;
    void (*full)(
        struct arena *a); // leaves by exit or longjmp; by default says so and exits with status 2
    void *context;        // full()'s own
};

void arena_init(struct arena *a, size_t limit_bytes);
void arena_free(struct arena *a);

// Frees all objects, but keeps their memory for the next, which costs less than the kernel's.
void arena_reset(struct arena *a);

// Bytes of memory that objects are in, and not just kept for the next.
static inline size_t arena_used_bytes(const struct arena *a)
{
    return a->mapped_bytes - a->kept_bytes;
}

// An arena for a part of what a is for: with what is left of its limit, and its way to leave.
void arena_part(struct arena *part, const struct arena *a);

// Moves all that part holds to a, and leaves part empty: a thread fills an arena of its own, which
// is then joined to the others'.
void arena_join(struct arena *a, struct arena *part);

// Gives a large object back, whose bytes are no longer looked at: the next large ones take its
// memory, which costs less than the kernel's.  Small ones stay until the end.
void arena_release(struct arena *a, struct str object);

// Moves n bytes to where nothing is kept yet; afterwards nothing is known of where they were. Whole
// pages are moved without a copy, if from and to are at the same place in a page: arena_gap() tells
// how many bytes further on that is, of two addresses that are multiples of 4.
void arena_move(void *to, void *from, size_t n);
size_t arena_gap(const void *to, const void *from);

// What was released in from is a's.
void arena_take_released(struct arena *a, struct arena *from);

// n zeroed objects of size bytes.
void *arena_alloc(struct arena *a, size_t n, size_t size);
#define arena_new(a, type, n) ((type *)arena_alloc((a), (n), sizeof(type)))

// The same for an array much of which may never be touched: it takes nothing that was released.
void *arena_reserve(struct arena *a, size_t n, size_t size);

// A growing array: returns old with room for at least *cap + 1 objects of size bytes, and sets the
// new *cap.  Large arrays grow in place by mremap, so that a column of any length costs its own
// size.
void *arena_grow(struct arena *a, void *old, u32 *cap, size_t size);

// Appends one zeroed element to the array and gives its address; n and cap are u32 lvalues.
#define arena_push(a, array, n, cap)                                                               \
    ((n) < (cap)                                                                                   \
         ? &(array)[(n)++]                                                                         \
         : ((array) = arena_grow((a), (array), &(cap), sizeof(*(array))), &(array)[(n)++]))

// A copy of s that a NUL follows.
struct str arena_str(struct arena *a, struct str s);

// A formatted string; a NUL follows.
struct str arena_printf(struct arena *a, const char *format, ...) PRINTF(2, 3);

#endif
