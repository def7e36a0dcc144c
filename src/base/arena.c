#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifdef ASAN
#include <sanitizer/asan_interface.h>
#define RED_ZONE       16
#define poison(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define RED_ZONE       0
#define poison(p, n)   ((void)0)
#define unpoison(p, n) ((void)0)
#endif

enum {
    CHUNK_BYTES =
        1 << 18, // shared chunks; an object of half of that or more gets a chunk of its own
    OWN_BYTES = CHUNK_BYTES / 2,
    PAGE_BYTES = 4096,
    LARGE_BYTES = 4 << 20 // from here on in large pages, if the kernel has them: a column of 100 MB
                          // is 25,000 faults otherwise
};

struct arena_chunk {
    struct arena_chunk *older, *newer;
    size_t bytes; // mapped, this header included
    u64 pad;      // keeps the objects 16-byte aligned
};

static void exit_full(struct arena *a)
{
    fprintf(stderr, "sonde: out of memory: this needs more than %zu MiB\n", a->limit_bytes >> 20);
    exit(2);
}

void arena_init(struct arena *a, size_t limit_bytes)
{
    *a = (struct arena){.limit_bytes = limit_bytes, .full = exit_full};
}

static size_t room_left(const struct arena *a)
{
    return a->limit_bytes > a->mapped_bytes ? a->limit_bytes - a->mapped_bytes : 0;
}

void arena_part(struct arena *part, const struct arena *a)
{
    arena_init(part, room_left(a));
    part->full = a->full;
    part->context = a->context;
}

static void unmap(struct arena_chunk *newest)
{
    for (struct arena_chunk *c = newest, *older; c; c = older) {
        older = c->older;
        unpoison(c, c->bytes);
        munmap(c, c->bytes);
    }
}

void arena_free(struct arena *a)
{
    unmap(a->chunk);
    unmap(a->spare);
    unmap(a->empty);
    a->chunk = a->spare = a->empty = NULL;
    a->next = a->end = NULL;
    a->mapped_bytes = a->kept_bytes = 0;
}

void arena_reset(struct arena *a)
{
    for (struct arena_chunk *c = a->chunk, *older; c; c = older) {
        struct arena_chunk **kept = c->bytes == CHUNK_BYTES ? &a->empty : &a->spare;
        older = c->older;
        c->older = *kept;
        *kept = c;
    }
    a->kept_bytes = a->mapped_bytes;
    a->chunk = NULL;
    a->next = a->end = NULL;
}

void arena_take_released(struct arena *a, struct arena *from)
{
    while (from->spare) {
        struct arena_chunk *c = from->spare;
        from->spare = c->older;
        c->older = a->spare;
        a->spare = c;
        from->mapped_bytes -= c->bytes;
        from->kept_bytes -= c->bytes;
        a->mapped_bytes += c->bytes;
        a->kept_bytes += c->bytes;
    }
}

void arena_join(struct arena *a, struct arena *part)
{
    struct arena_chunk *oldest = part->chunk;
    while (oldest && oldest->older)
        oldest = oldest->older;
    if (oldest) {
        oldest->older = a->chunk;
        if (a->chunk)
            a->chunk->newer = oldest;
        a->chunk = part->chunk;
    }
    arena_take_released(a, part);
    unmap(part->empty);
    part->mapped_bytes -= part->kept_bytes;
    part->empty = NULL;
    part->kept_bytes = 0;
    a->mapped_bytes += part->mapped_bytes;
    part->chunk = NULL;
    part->next = part->end = NULL;
    part->mapped_bytes = 0;
}

static void charge(struct arena *a, size_t bytes)
{
    if (bytes > room_left(a)) {
        a->full(a);
        abort();
    }
    a->mapped_bytes += bytes;
}

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer does not see mremap(): it would take what another thread left at the new address
// for this one's.  So bytes are copied, and spare pages are given back.
enum { PAGES_MOVE = false };
#else
enum { PAGES_MOVE = true };
#endif

static void *map_pages(size_t bytes)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
}

// What is mapped, where it can be as long.
static void *remap(void *old, size_t old_bytes, size_t bytes)
{
    void *to = PAGES_MOVE ? mremap(old, old_bytes, bytes, MREMAP_MAYMOVE) : MAP_FAILED;
    if (to != MAP_FAILED)
        return to;
    to = map_pages(bytes); // pages that came from several places cannot be moved at once
    if (to == MAP_FAILED)
        return to;
    memcpy(to, old, old_bytes);
    munmap(old, old_bytes);
    return to;
}

// Maps bytes, or moves what is mapped where it can be as long.
static struct arena_chunk *map(struct arena *a, struct arena_chunk *old, size_t bytes)
{
    charge(a, bytes - (old ? old->bytes : 0));
    struct arena_chunk *c = old ? remap(old, old->bytes, bytes) : map_pages(bytes);
    if (c == MAP_FAILED) {
        a->full(a);
        abort();
    }
    if (bytes >= LARGE_BYTES)
        madvise(c, bytes, MADV_HUGEPAGE);
    c->bytes = bytes;
    return c;
}

// Moves pages of the newest spare chunk to a place that is mapped already, at most room bytes;
// returns how many.
static size_t move_pages(struct arena *a, u8 *to, size_t room)
{
    struct arena_chunk *spare = a->spare, *older = spare->older;
    bool whole = spare->bytes <= room;
    size_t n = whole ? spare->bytes : spare->bytes - PAGE_BYTES; // a part leaves it its header
    n = n < room ? n : room;
    u8 *from = (u8 *)spare + spare->bytes - n;
    size_t left = spare->bytes - n;
    unpoison(from, n);
    if (mremap(from, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
        return 0;
    a->mapped_bytes -= n;
    a->kept_bytes -= n;
    if (left)
        spare->bytes = left;
    else
        a->spare = older;
    return n;
}

// A zeroed chunk out of the pages of spare ones, as far as they reach.
static struct arena_chunk *reuse(struct arena *a, size_t bytes)
{
    struct arena_chunk *c = map(a, NULL, bytes);
    size_t filled = 0;
    for (size_t n; a->spare && filled < bytes; filled += n) {
        n = move_pages(a, (u8 *)c + filled, bytes - filled);
        if (n == 0)
            break;
    }
    memset(c, 0, filled);
    c->bytes = bytes;
    return c;
}

static void drop_spare(struct arena *a)
{
    for (const struct arena_chunk *c = a->spare; c; c = c->older) {
        a->mapped_bytes -= c->bytes;
        a->kept_bytes -= c->bytes;
    }
    unmap(a->spare);
    a->spare = NULL;
}

// A zeroed chunk that was kept.
static struct arena_chunk *take_empty(struct arena *a)
{
    struct arena_chunk *c = a->empty;
    unpoison(c, c->bytes);
    a->empty = c->older;
    a->kept_bytes -= c->bytes;
    memset(c + 1, 0, c->bytes - sizeof(*c));
    return c;
}

static struct arena_chunk *chunk_map(struct arena *a, size_t object_bytes)
{
    size_t bytes =
        (object_bytes + sizeof(struct arena_chunk) + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    if (!PAGES_MOVE)
        drop_spare(a);
    // Pages that come from several spare chunks cannot grow without a copy.
    bool fits = a->spare && (bytes == a->spare->bytes || bytes + PAGE_BYTES <= a->spare->bytes);
    bool may_reuse = fits || (a->spare && bytes > LARGE_BYTES);
    struct arena_chunk *c = bytes == CHUNK_BYTES && a->empty ? take_empty(a)
                            : may_reuse                      ? reuse(a, bytes)
                                                             : map(a, NULL, bytes);
    c->newer = NULL;
    c->older = a->chunk;
    if (a->chunk)
        a->chunk->newer = c;
    a->chunk = c;
    poison(c + 1, c->bytes - sizeof(*c));
    return c;
}

static void *alloc_bytes(struct arena *a, size_t bytes)
{
    size_t room = (bytes + RED_ZONE + 15) & ~(size_t)15;
    if (room >= OWN_BYTES) {
        void *own = chunk_map(a, room) + 1;
        unpoison(own, bytes);
        return own;
    }
    if (room > (size_t)(a->end - a->next)) {
        struct arena_chunk *c = chunk_map(a, CHUNK_BYTES - sizeof(*c));
        a->next = (u8 *)(c + 1);
        a->end = (u8 *)c + c->bytes;
    }
    u8 *object = a->next;
    a->next += room;
    unpoison(object, bytes);
    return object;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2) {
        a->full(a);
        abort();
    }
    return alloc_bytes(a, bytes);
}

void *arena_reserve(struct arena *a, size_t n, size_t size)
{
    struct arena_chunk *spare = a->spare;
    a->spare = NULL;
    void *array = arena_alloc(a, n, size);
    a->spare = spare;
    return array;
}

// Whether object has a chunk of its own, whose size may change.
static bool owns_chunk(size_t bytes)
{
    return ((bytes + RED_ZONE + 15) & ~(size_t)15) >= OWN_BYTES;
}

static void *grow_chunk(struct arena *a, void *old, size_t new_bytes)
{
    struct arena_chunk *c = (struct arena_chunk *)old - 1;
    size_t bytes =
        (new_bytes + RED_ZONE + 15 + sizeof(*c) + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    unpoison(c, c->bytes);
    if (bytes > c->bytes)
        c = map(a, c, bytes);
    if (c->older)
        c->older->newer = c;
    *(c->newer ? &c->newer->older : &a->chunk) = c;
    poison((u8 *)(c + 1) + new_bytes, c->bytes - sizeof(*c) - new_bytes);
    return c + 1;
}

void arena_release(struct arena *a, struct str object)
{
    if (!owns_chunk(object.len))
        return;
    struct arena_chunk *c = (struct arena_chunk *)(uintptr_t)object.ptr - 1;
    if (c->older)
        c->older->newer = c->newer;
    *(c->newer ? &c->newer->older : &a->chunk) = c->older;
    c->older = a->spare;
    a->spare = c;
    a->kept_bytes += c->bytes;
    poison(c + 1, c->bytes - sizeof(*c));
}

size_t arena_gap(const void *to, const void *from)
{
    return ((uintptr_t)from - (uintptr_t)to) % PAGE_BYTES;
}

void arena_move(void *to, void *from, size_t n)
{
    size_t head = (PAGE_BYTES - (uintptr_t)from % PAGE_BYTES) % PAGE_BYTES;
    if (!PAGES_MOVE || arena_gap(to, from) || n < LARGE_BYTES) {
        memcpy(to, from, n);
        return;
    }
    size_t pages = (n - head) / PAGE_BYTES * PAGE_BYTES;
    u8 *old = (u8 *)from + head, *new = (u8 *)to + head;
    // The old place stays mapped, since it is another object's.
    if (mremap(old, pages, pages, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, new) ==
        MAP_FAILED)
        memcpy(new, old, pages);
    memcpy(to, from, head);
    memcpy(new + pages, old + pages, n - head - pages);
}

void *arena_grow(struct arena *a, void *old, u32 *cap, size_t size)
{
    u64 more = *cap < 8 ? 8 : *cap + (*cap >> (*cap < (1 << 20) ? 0 : 1)) + (u64)1;
    if (more > UINT32_MAX)
        more = UINT32_MAX;
    size_t old_bytes = *cap * size, new_bytes;
    if (more == *cap || __builtin_mul_overflow((size_t)more, size, &new_bytes)) {
        a->full(a);
        abort();
    }
    void *array;
    if (old && owns_chunk(old_bytes)) {
        array = grow_chunk(a, old, new_bytes);
    } else {
        array = alloc_bytes(a, new_bytes);
        if (old)
            memcpy(array, old, old_bytes);
    }
    *cap = (u32)more;
    return array;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.len + 1, 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return (struct str){copy, s.len};
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    char *text = arena_alloc(a, len + 1, 1);
    vsnprintf(text, len + 1, format, again);
    va_end(again);
    return (struct str){text, len};
}
