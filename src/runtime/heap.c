// The heap sampler.  Each allocated byte is equally likely to be hit, once in rate bytes on average
// (a Poisson process): a thread counts down to its next hit, and an allocation that contains one is
// sampled.  Being hit has the chance p = 1 - e^(-size / rate), so a sample stands for size / p
// bytes, which makes every sum of samples an unbiased estimate, whatever the sizes.
#include "runtime/runtime.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

enum { LARGE_BYTES = 16 << 20 };

u64 heap_rate_bytes;

// Seeds differ by thread, by process and by time, so that no two count in step.
static void seed(struct thread *t)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    u64 x = (u64)(uintptr_t)t ^ (u64)now.tv_nsec << 20 ^ (u64)now.tv_sec ^ (u64)getpid() << 40;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    t->random = (x ^ x >> 31) | 1;
}

bool heap_due(size_t size, bool has_counted)
{
    struct thread *t = &thread;
    u64 rate = heap_rate_bytes;
    if (has_counted)
        t->left += size;
    if (rate == 0) {
        t->left = UINT64_MAX / 2;
        return false;
    }
    if (t->busy)
        return false;
    if (t->random == 0) {
        seed(t);
        t->left = draw_distance(&t->random, rate);
    }
    if (t->left >= size) {
        t->left -= size;
        return false;
    }
    t->left = draw_distance(&t->random, rate);
    return true;
}

static void count(struct record_stack *stack, u64 bytes, double objects)
{
    __atomic_fetch_add(&stack->count, (u64)(objects * 65536 + 0.5), __ATOMIC_RELAXED);
    __atomic_fetch_add(&stack->amount, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&record.header->alloc_bytes, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&record.header->nsample, 1, __ATOMIC_RELAXED);
}

static void add_live(void *block, const struct record_live *live)
{
    struct record_header *h = record.header;
    if (record_live_add(&record, (u64)(uintptr_t)block, live)) {
        __atomic_fetch_add(&h->live_bytes, live->bytes, __ATOMIC_RELAXED);
        __atomic_fetch_add(&h->live_blocks, 1, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_add(&h->lost_bytes, live->bytes, __ATOMIC_RELAXED);
        __atomic_fetch_add(&h->lost_blocks, 1, __ATOMIC_RELAXED);
    }
}

static void track(void *block, size_t size, struct context caller)
{
    u64 frame[RECORD_MAX_FRAMES];
    u16 flags;
    u32 nframe = unwind(frame, &flags, caller);
    struct record_stack *stack = record_stack_add(&record, RECORD_HEAP, flags, frame, nframe);
    double chance = draw_chance(size, heap_rate_bytes);
    struct record_live live = {
        .size = size,
        .bytes = (u64)((double)size / chance + 0.5),
        .stack = record_stack_offset(&record, stack),
        .second = (u32)(start_clock_ns() / 1000000000),
    };
    if (size >= LARGE_BYTES && record.header->attempt.bytes == size)
        __atomic_store_n(&record.header->attempt.served, 1, __ATOMIC_RELAXED);
    count(stack, live.bytes, 1 / chance);
    add_live(block, &live);
    tick();
}

static void attempt(size_t size, struct context caller)
{
    u64 frame[RECORD_MAX_FRAMES];
    u16 flags;
    u32 nframe = unwind(frame, &flags, caller);
    struct record_stack *stack = record_stack_add(&record, RECORD_HEAP, flags, frame, nframe);
    struct record_attempt *a = &record.header->attempt;
    __atomic_store_n(&a->served, 0, __ATOMIC_RELAXED);
    a->bytes = size;
    a->stack = record_stack_offset(&record, stack);
    __atomic_store_n(&a->time_ns, start_clock_ns(), __ATOMIC_RELEASE);
}

void heap_attempt(size_t size, struct context caller)
{
    if (likely(size < LARGE_BYTES))
        return;
    int error = errno;
    thread.busy++;
    if (start_is_ready())
        attempt(size, caller);
    thread.busy--;
    errno = error;
}

void heap_track(void *block, size_t size, struct context caller)
{
    int error = errno;
    thread.busy++;
    if (start_is_ready())
        track(block, size, caller);
    thread.busy--;
    errno = error;
}

bool heap_untrack(void *block, struct record_live *known)
{
    if (!record.header || !start_is_ours() ||
        !record_live_remove(&record, (u64)(uintptr_t)block, known))
        return false;
    __atomic_fetch_sub(&record.header->live_bytes, known->bytes, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&record.header->live_blocks, 1, __ATOMIC_RELAXED);
    if (!thread.busy) {
        int error = errno;
        thread.busy++;
        tick();
        thread.busy--;
        errno = error;
    }
    return true;
}

void heap_retrack(void *block, const struct record_live *known)
{
    add_live(block, known);
}
