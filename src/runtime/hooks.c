// The malloc family by its public names.  A call that is not sampled costs one indirect jump, a
// subtraction in TLS and a branch (malloc), or a jump and a test of the pointer's low bits (free):
// sampled blocks, and only few others, begin at a page.
//
// Functions that may sample take their caller's registers from their own frame.  They are reached
// by jumps, never by calls, from the public names, so that frame is the caller's callee.
#include "runtime/runtime.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNED(block) (((uintptr_t)(block) & (SAMPLE_ALIGN - 1)) == 0)

// C23 names that the C library's headers do not have yet, and one that they no longer have.
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
void cfree(void *block);

enum {
    LEAST_BLOCK = SAMPLE_ALIGN - 64,
    ZEROED_BY_SCAN =
        128 << 10 // larger blocks are read before they are zeroed, so that untouched pages stay so
};

static void *boot_malloc(size_t size);
static void boot_free(void *block);
static void *boot_calloc(size_t n, size_t size);
static void *boot_realloc(void *block, size_t size);

struct hook hook = {boot_malloc, boot_free, boot_calloc, boot_realloc};

__thread struct thread thread;

static bool is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

// A block for a sample; NULL with errno when there is no memory.  Small ones get most of their
// page: once freed they then are in no list that serves other small blocks, which would all begin
// at a page and take the slow way through free().
static void *aligned_block(size_t alignment, size_t size)
{
    return real.memalign(alignment < SAMPLE_ALIGN ? SAMPLE_ALIGN : alignment,
                         size < LEAST_BLOCK ? LEAST_BLOCK : size);
}

static SLOW void *sampled_malloc(size_t size)
{
    if (!heap_due(size, true))
        return real.malloc(size);
    heap_attempt(size, CALLER());
    void *block = aligned_block(0, size);
    if (!block)
        return real.malloc(size); // perhaps the page's worth of alignment was too much
    heap_track(block, size, CALLER());
    return block;
}

static void *heap_malloc(size_t size)
{
    if (unlikely(heap_count_down(size)))
        return sampled_malloc(size);
    return real.malloc(size);
}

static SLOW void freed_aligned(void *block)
{
    struct record_live known;
    if (!block || real_is_bootstrap(block))
        return;
    bool is_sample = heap_untrack(block, &known);
    real.free(block);
    if (is_sample)
        heap_freed(CALLER());
}

static void heap_free(void *block)
{
    if (unlikely(ALIGNED(block))) {
        freed_aligned(block);
        return;
    }
    real.free(block);
}

// Zeroes a block without touching pages that are zero already: those cost no memory until the
// program writes to them.
static void zero_lazily(void *block, size_t size)
{
    // A glibc chunk that was mapped for this block alone is zero: bit 1 of the size word before it
    // says so.
    if (real.is_glibc && (((const size_t *)block)[-1] & 2))
        return;
    if (size < ZEROED_BY_SCAN) {
        memset(block, 0, size);
        return;
    }
    u8 *byte = block;
    for (size_t at = 0; at < size; at += SAMPLE_ALIGN) {
        size_t n = size - at < SAMPLE_ALIGN ? size - at : SAMPLE_ALIGN;
        u64 any = 0;
        for (size_t i = 0; i + 8 <= n; i += 8)
            any |= *(const u64 *)(byte + at + i);
        if (any || n < SAMPLE_ALIGN)
            memset(byte + at, 0, n);
    }
}

static SLOW void *sampled_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || !heap_due(bytes, true))
        return real.calloc(n, size);
    heap_attempt(bytes, CALLER());
    void *block = aligned_block(0, bytes);
    if (!block)
        return real.calloc(n, size);
    zero_lazily(block, bytes);
    heap_track(block, bytes, CALLER());
    return block;
}

static void *heap_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (unlikely(__builtin_mul_overflow(n, size, &bytes)) || unlikely(heap_count_down(bytes)))
        return sampled_calloc(n, size);
    return real.calloc(n, size);
}

// A block of the bootstrap arena moves out; its size is not known, but it is at least a page and
// within the arena.
static void *move_bootstrap(const void *block, size_t size)
{
    void *moved = real.malloc(size);
    if (moved)
        memcpy(moved, block, size < SAMPLE_ALIGN ? size : SAMPLE_ALIGN);
    return moved;
}

// A new home at a page for a block, of which at least size bytes are usable unless the allocator
// can tell; NULL when there is none.
static void *move_to_page(void *block, size_t size)
{
    void *moved = aligned_block(0, size);
    if (!moved)
        return NULL;
    size_t old_size = real.usable_size ? real.usable_size(block) : size;
    memcpy(moved, block, old_size < size ? old_size : size);
    real.free(block);
    return moved;
}

static SLOW void *sampled_realloc(void *block, size_t size)
{
    // Either the countdown ran out, or block begins at a page (NULL included) and nothing was
    // counted yet.
    bool aligned = ALIGNED(block);
    bool due = size && heap_due(size, !aligned);
    if (block && real_is_bootstrap(block))
        return move_bootstrap(block, size);
    struct record_live known;
    bool tracked = aligned && block && heap_untrack(block, &known);
    if (due)
        heap_attempt(size, CALLER());
    void *moved = NULL;
    if (due && !block)
        moved = aligned_block(0, size);
    else if (due && !aligned && real.usable_size)
        moved = move_to_page(block, size);
    if (!moved)
        moved = real.realloc(block, size);
    if (!moved && tracked && size)
        heap_retrack(block, &known);
    if (!moved || !due)
        return moved;
    if (!ALIGNED(moved)) {
        void *page = move_to_page(moved, size);
        if (!page)
            return moved;
        moved = page;
    }
    heap_track(moved, size, CALLER());
    return moved;
}

static void *heap_realloc(void *block, size_t size)
{
    if (unlikely(ALIGNED(block)) || unlikely(heap_count_down(size)))
        return sampled_realloc(block, size);
    return real.realloc(block, size);
}

// While no samples are taken, but some were.
static void *resting_realloc(void *block, size_t size)
{
    return unlikely(ALIGNED(block)) ? sampled_realloc(block, size) : real.realloc(block, size);
}

// Before the real functions are known.

static void *boot_malloc(size_t size)
{
    start();
    return hook.malloc != boot_malloc ? hook.malloc(size) : real_bootstrap(size);
}

static void boot_free(void *block)
{
    start();
    if (hook.free != boot_free && !real_is_bootstrap(block))
        hook.free(block);
}

static void *boot_calloc(size_t n, size_t size)
{
    start();
    if (hook.calloc != boot_calloc)
        return hook.calloc(n, size);
    size_t bytes;
    return __builtin_mul_overflow(n, size, &bytes) ? NULL : real_bootstrap(bytes);
}

static void *boot_realloc(void *block, size_t size)
{
    start();
    if (hook.realloc != boot_realloc)
        return hook.realloc(block, size);
    void *moved = real_bootstrap(size);
    if (moved && block)
        memcpy(moved, block, size < SAMPLE_ALIGN ? size : SAMPLE_ALIGN);
    return moved;
}

// The public names.

EXPORT void *malloc(size_t size)
{
    return hook.malloc(size);
}

EXPORT void free(void *block)
{
    hook.free(block);
}

EXPORT void *calloc(size_t n, size_t size)
{
    return hook.calloc(n, size);
}

EXPORT void *realloc(void *block, size_t size)
{
    return hook.realloc(block, size);
}

EXPORT void *reallocarray(void *block, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return hook.realloc(block, bytes);
}

EXPORT void cfree(void *block)
{
    hook.free(block);
}

EXPORT void free_sized(void *block, size_t size)
{
    (void)size;
    hook.free(block);
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size)
{
    (void)alignment;
    (void)size;
    hook.free(block);
}

// The rarer ones test for themselves whether there is a sampler.

static bool is_sampling(void)
{
    if (unlikely(hook.malloc == boot_malloc))
        start();
    return hook.malloc == heap_malloc;
}

EXPORT SLOW int posix_memalign(void **out, size_t alignment, size_t size)
{
    bool valid = is_power_of_two(alignment) && alignment % sizeof(void *) == 0;
    if (!is_sampling() || !valid || !heap_due(size, false))
        return real.posix_memalign(out, alignment, size);
    void *block = aligned_block(alignment, size);
    if (!block)
        return real.posix_memalign(out, alignment, size);
    *out = block;
    heap_track(block, size, CALLER());
    return 0;
}

EXPORT SLOW void *memalign(size_t alignment, size_t size)
{
    if (!is_sampling() || !is_power_of_two(alignment) || !heap_due(size, false))
        return real.memalign(alignment, size);
    void *block = aligned_block(alignment, size);
    if (!block)
        return real.memalign(alignment, size);
    heap_track(block, size, CALLER());
    return block;
}

EXPORT SLOW void *aligned_alloc(size_t alignment, size_t size)
{
    if (!is_sampling() || !is_power_of_two(alignment) || !heap_due(size, false))
        return real.aligned_alloc(alignment, size);
    void *block = aligned_block(alignment, size);
    if (!block)
        return real.aligned_alloc(alignment, size);
    heap_track(block, size, CALLER());
    return block;
}

EXPORT SLOW void *valloc(size_t size)
{
    bool due = is_sampling() && heap_due(size, false);
    void *block = real.valloc(size);
    if (block && due && ALIGNED(block))
        heap_track(block, size, CALLER());
    return block;
}

EXPORT SLOW void *pvalloc(size_t size)
{
    bool due = is_sampling() && heap_due(size, false);
    void *block = real.pvalloc(size);
    if (block && due && ALIGNED(block))
        heap_track(block, size, CALLER());
    return block;
}

static bool was_reached;

static void *probe_malloc(size_t size)
{
    was_reached = true;
    return real.malloc(size);
}

// An address does not tell: a program that is not position-independent has one of its own for it.
bool hooks_are_reached(void)
{
    void *(*before)(size_t) = hook.malloc;
    void *(*volatile first_malloc)(size_t) = malloc;
    void (*volatile first_free)(void *) = free;
    hook.malloc = probe_malloc;
    first_free(first_malloc(1));
    hook.malloc = before;
    return was_reached;
}

// What frees is there before what allocates samples.
static void install(bool sampling)
{
    // Blocks of the bootstrap arena, and sampled ones, have to be recognised for ever.
    static bool has_sampled;
    if (sampling)
        has_sampled = true;
    bool looks = has_sampled || real_bootstrap_was_used();
    struct hook h = {
        .malloc = sampling ? heap_malloc : real.malloc,
        .free = looks ? heap_free : real.free,
        .calloc = sampling ? heap_calloc : real.calloc,
        .realloc = sampling ? heap_realloc
                   : looks  ? resting_realloc
                            : real.realloc,
    };
    __atomic_store_n(&hook.free, h.free, __ATOMIC_RELEASE);
    __atomic_store_n(&hook.realloc, h.realloc, __ATOMIC_RELEASE);
    __atomic_store_n(&hook.calloc, h.calloc, __ATOMIC_RELEASE);
    __atomic_store_n(&hook.malloc, h.malloc, __ATOMIC_RELEASE);
    cxx_follow(sampling);
}

void hooks_follow(void)
{
    u64 rate;
    if (!real.malloc)
        return;
    do {
        rate = __atomic_load_n(&heap_rate_bytes, __ATOMIC_SEQ_CST);
        install(rate != 0);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } while (rate != __atomic_load_n(&heap_rate_bytes, __ATOMIC_SEQ_CST));
}
