// What threads wait for each other.  A wait is told of when it is over, and sampled by its length,
// as allocations are by theirs: each nanosecond is equally likely to be hit, once in lock_rate_ns.
// That is the profile "block", by the stacks that waited.
//
// "mutex" is by the stacks that others waited for: who lets go of a lock is charged with the time
// that was waited for it since it was charged last.  For that the waiting ones are counted, by the
// address of the lock.
#include "runtime/runtime.h"

#include <errno.h>

#include "base/clock.h"

enum { BUCKETS = 256, LOCKS = 4 };

u64 lock_rate_ns;
u32 lock_nwaiting;

static u64 resumed_ns; // when it was last begun to follow locks

// A lock that is waited for.
struct waited {
    u64 address;    // 0: free
    u64 nwaiter;    // threads
    u64 sum_ns;     // of the times since when each of them waits and nobody was charged with it
    u64 charged_ns; // when somebody was charged last
};

static struct {
    u64 lock;
    struct waited waited[LOCKS];
} bucket[BUCKETS];

u64 lock_clock_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

void lock_reset(void)
{
    __builtin_memset(bucket, 0, sizeof(bucket));
    lock_nwaiting = 0;
}

static void enter(u16 kind, u32 what, u64 delay_ns, u64 rate_ns, struct context caller)
{
    u64 frame[RECORD_MAX_FRAMES];
    struct record_key key = {.kind = kind, .detail = what, .labels = label_current()};
    u32 nframe = unwind(frame, &key.flags, caller);
    struct record_stack *s = record_stack_find(&record, key, frame, nframe);
    double chance = draw_chance(delay_ns, rate_ns);
    __atomic_fetch_add(&s->count, (u64)(65536 / chance + 0.5), __ATOMIC_RELAXED);
    __atomic_fetch_add(&s->amount, (u64)((double)delay_ns / chance + 0.5), __ATOMIC_RELAXED);
}

static void draw(struct lock_countdown *c, u64 rate_ns)
{
    c->rate_ns = rate_ns;
    c->left = draw_distance(heap_random(), rate_ns);
}

// Takes a delay from a countdown; true when it ran out, with *rate_ns what it had been drawn with.
static bool is_due(struct lock_countdown *c, u64 delay_ns, u64 *rate_ns)
{
    u64 rate_now = __atomic_load_n(&lock_rate_ns, __ATOMIC_RELAXED);
    if (rate_now == 0)
        return false;
    if (c->rate_ns == 0)
        draw(c, rate_now);
    *rate_ns = c->rate_ns;
    bool is_hit = c->left < delay_ns;
    // As in heap_due(): a new draw is as good as going on.
    if (is_hit || c->rate_ns != rate_now)
        draw(c, rate_now);
    else
        c->left -= delay_ns;
    return is_hit;
}

static void sample(u16 kind, struct lock_countdown *c, u32 what, u64 delay_ns,
                   struct context caller)
{
    u64 rate_ns;
    int error = errno;
    if (thread.busy || !is_due(c, delay_ns, &rate_ns))
        return;
    thread.busy++;
    if (start_is_ready())
        enter(kind, what, delay_ns, rate_ns, caller);
    thread.busy--;
    errno = error;
}

void lock_waited(u64 since_ns, enum record_lock_kind what, struct context caller)
{
    u64 resumed = __atomic_load_n(&resumed_ns, __ATOMIC_RELAXED), now_ns = lock_clock_ns();
    since_ns = since_ns > resumed ? since_ns : resumed;
    sample(RECORD_BLOCK, &thread.block, what, now_ns > since_ns ? now_ns - since_ns : 0, caller);
}

void lock_resume(void)
{
    u64 now_ns = lock_clock_ns();
    __atomic_store_n(&resumed_ns, now_ns, __ATOMIC_RELAXED);
    for (u32 b = 0; b < BUCKETS && lock_is_waited_for(); b++) {
        if (!record_lock(&bucket[b].lock))
            continue;
        for (struct waited *w = bucket[b].waited; w < bucket[b].waited + LOCKS; w++) {
            w->sum_ns = w->nwaiter * now_ns;
            w->charged_ns = w->nwaiter ? now_ns : 0;
        }
        record_unlock(&bucket[b].lock);
    }
}

static struct waited *find(u32 b, u64 address)
{
    for (u32 i = 0; i < LOCKS; i++) {
        if (bucket[b].waited[i].address == address)
            return &bucket[b].waited[i];
    }
    return NULL;
}

static u32 bucket_of(u64 address)
{
    return (u32)(address * 0x9e3779b97f4a7c15 >> 40) % BUCKETS;
}

// In a forked child, the table is its parent's until the child has a record of its own.
static bool is_ready(void)
{
    if (thread.busy)
        return false;
    int error = errno;
    thread.busy++;
    bool is_ours = start_is_ready();
    thread.busy--;
    errno = error;
    return is_ours;
}

// When a bucket is full of other locks, waits for this one are in "block" alone.
bool lock_begin_wait(const void *lock, u64 now_ns)
{
    u64 address = (u64)(uintptr_t)lock;
    u32 b = bucket_of(address);
    if (!lock_rate_ns || !is_ready() || !record_lock(&bucket[b].lock))
        return false;
    struct waited *w = find(b, address);
    if (!w)
        w = find(b, 0);
    if (w) {
        w->address = address;
        w->nwaiter++;
        w->sum_ns += now_ns;
        __atomic_fetch_add(&lock_nwaiting, 1, __ATOMIC_RELAXED);
    }
    record_unlock(&bucket[b].lock);
    return w != NULL;
}

void lock_end_wait(const void *lock, u64 since_ns)
{
    u64 address = (u64)(uintptr_t)lock;
    u32 b = bucket_of(address);
    if (!start_is_ours() || !record_lock(&bucket[b].lock))
        return;
    struct waited *w = find(b, address);
    if (w) {
        w->sum_ns -= since_ns > w->charged_ns ? since_ns : w->charged_ns;
        if (--w->nwaiter == 0)
            *w = (struct waited){0};
        __atomic_fetch_sub(&lock_nwaiting, 1, __ATOMIC_RELAXED);
    }
    record_unlock(&bucket[b].lock);
}

u64 lock_charge(const void *lock)
{
    u64 address = (u64)(uintptr_t)lock, delay_ns = 0;
    u32 b = bucket_of(address);
    if (thread.busy || !start_is_ours() || !record_lock(&bucket[b].lock))
        return 0;
    struct waited *w = find(b, address);
    if (w) {
        w->charged_ns = lock_clock_ns();
        delay_ns = w->nwaiter * w->charged_ns - w->sum_ns;
        w->sum_ns = w->nwaiter * w->charged_ns;
    }
    record_unlock(&bucket[b].lock);
    return delay_ns;
}

void lock_charged(u64 delay_ns, enum record_lock_kind what, struct context caller)
{
    if (delay_ns)
        sample(RECORD_MUTEX, &thread.mutex, what, delay_ns, caller);
}
