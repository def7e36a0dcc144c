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

static const char *obstacle; // why this allocator cannot be sampled; NULL: it can

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

u64 *heap_random(void)
{
    if (thread.random == 0)
        seed(&thread);
    return &thread.random;
}

// A thread never counts down for longer than this without looking whether the rate was changed.
enum { MOST_AHEAD_BYTES = 8 << 20 };

static void set_distance(struct thread *t, u64 bytes)
{
    t->left = bytes < MOST_AHEAD_BYTES ? bytes : MOST_AHEAD_BYTES;
    t->beyond = bytes - t->left;
}

static void draw(struct thread *t, u64 rate)
{
    t->rate = rate;
    set_distance(t, draw_distance(heap_random(), rate));
}

bool heap_due(size_t size, bool has_counted)
{
    struct thread *t = &thread;
    u64 rate = heap_rate_bytes;
    if (has_counted)
        t->left += size;
    if (rate == 0) {
        // Whenever samples are taken again, the next allocation draws.
        t->left = t->beyond = t->rate = 0;
        return false;
    }
    if (t->busy)
        return false;
    if (t->rate == 0)
        draw(t, rate);
    u64 distance = t->left + t->beyond;
    t->sample_rate = t->rate;
    if (distance < size) {
        draw(t, rate);
        return true; // with the rate that this hit was drawn with
    }
    // The next hit is as far away for who has counted long as for who begins, so that a new rate
    // needs no more than a new draw.
    if (t->rate != rate)
        draw(t, rate);
    else
        set_distance(t, distance - size);
    return false;
}

void heap_start(u64 rate_bytes)
{
    obstacle = !real_can_align()      ? "this allocator has no memalign() of its own"
               : !hooks_are_reached() ? "the program's own allocator comes before the library"
                                      : NULL;
    if (obstacle && rate_bytes)
        text_warn("no heap profile: ", obstacle);
    heap_rate_bytes = obstacle ? 0 : rate_bytes;
}

bool heap_set_rate(u64 rate_bytes)
{
    if (rate_bytes && obstacle)
        return false;
    __atomic_store_n(&heap_rate_bytes, rate_bytes, __ATOMIC_SEQ_CST);
    if (record.header)
        record.header->heap_rate_bytes = rate_bytes;
    hooks_follow();
    return true;
}

static void count(struct record_stack *stack, u64 bytes, double objects)
{
    __atomic_fetch_add(&stack->count, (u64)(objects * 65536 + 0.5), __ATOMIC_RELAXED);
    __atomic_fetch_add(&stack->amount, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&record.header->alloc_bytes, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&record.header->nsample, 1, __ATOMIC_RELAXED);
}

// Objects that a live sample stands for, in 1/65536.
static i64 objects_of(const struct record_live *live)
{
    return live->size ? (i64)((double)live->bytes / (double)live->size * 65536 + 0.5) : 65536;
}

static void add_live(void *block, const struct record_live *live, u64 now_ns)
{
    struct record_header *h = record.header;
    if (record_live_add(&record, (u64)(uintptr_t)block, live)) {
        record_hold(&record, record_stack_at(&record, live->stack), (i64)live->bytes,
                    objects_of(live), now_ns);
        __atomic_fetch_add(&h->live_blocks, 1, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_add(&h->lost_bytes, live->bytes, __ATOMIC_RELAXED);
        __atomic_fetch_add(&h->lost_blocks, 1, __ATOMIC_RELAXED);
    }
}

// A whole stack without a handler says that nothing was interrupted, the allocator least of all.
static bool is_outside_allocator(u16 flags, struct context caller)
{
    return (flags & (RECORD_COMPLETE | RECORD_HANDLER)) == RECORD_COMPLETE &&
           !mapping_is_allocator(caller.pc);
}

static void track(void *block, size_t size, struct context caller)
{
    u64 frame[RECORD_MAX_FRAMES];
    struct record_key key = {.kind = RECORD_HEAP, .labels = label_current()};
    u32 nframe = unwind(frame, &key.flags, caller);
    struct record_stack *stack = record_stack_find(&record, key, frame, nframe);
    double chance = draw_chance(size, thread.sample_rate);
    u64 now_ns = start_clock_ns();
    struct record_live live = {
        .size = size,
        .bytes = (u64)((double)size / chance + 0.5),
        .stack = record_stack_offset(&record, stack),
        .second = (u32)(now_ns / 1000000000),
    };
    if (size >= LARGE_BYTES && record.header->attempt.bytes == size)
        __atomic_store_n(&record.header->attempt.served, 1, __ATOMIC_RELAXED);
    count(stack, live.bytes, 1 / chance);
    add_live(block, &live, now_ns);
    tick(now_ns);
    copy_tell();
    if (allocator_is_due(now_ns) && is_outside_allocator(key.flags, caller))
        allocator_ask();
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
    record_hold(&record, record_stack_at(&record, known->stack), -(i64)known->bytes,
                -objects_of(known), 0);
    __atomic_fetch_sub(&record.header->live_blocks, 1, __ATOMIC_RELAXED);
    if (!thread.busy) {
        int error = errno;
        thread.busy++;
        tick(start_clock_ns());
        thread.busy--;
        errno = error;
    }
    return true;
}

void heap_freed(struct context caller)
{
    u64 frame[RECORD_MAX_FRAMES];
    u16 flags;
    if (thread.busy || !allocator_has_changed())
        return;
    int error = errno;
    thread.busy++;
    unwind(frame, &flags, caller);
    if (is_outside_allocator(flags, caller))
        allocator_ask();
    thread.busy--;
    errno = error;
}

void heap_retrack(void *block, const struct record_live *known)
{
    add_live(block, known, start_clock_ns());
}
