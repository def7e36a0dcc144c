// The program's own profiles: of values, each of which counts, and of blocks of pools, which are
// sampled as the heap is.  What is held is in the live table, under keys that no block of the heap
// can have.
#include "runtime/runtime.h"

#include <errno.h>

#include "sonde/sonde.h"

enum { MOST_BLOCKS = 16384 }; // of all of them, so that they leave room for the heap

static sonde_profile make(const char *name, bool is_pool)
{
    int error = errno;
    u32 row = 0;
    thread.busy++;
    if (name && *name && start_is_ready())
        row = record_own_add(&record, name, is_pool);
    thread.busy--;
    errno = error;
    return row;
}

EXPORT sonde_profile sonde_profile_new(const char *name)
{
    return make(name, false);
}

EXPORT sonde_profile sonde_pool_new(const char *name)
{
    return make(name, true);
}

static void forget(sonde_profile profile, const void *value)
{
    struct record_live known;
    if (record_live_remove(&record, record_own_key((u64)(uintptr_t)value, profile), &known))
        __atomic_fetch_sub(&record.header->own_blocks, 1, __ATOMIC_RELAXED);
}

static bool is_profile(sonde_profile profile)
{
    return profile != 0 && record.header && profile < record.header->nown;
}

// A value or block, with the stack of the function that told of it; chance is that of being
// sampled.
static void enter(sonde_profile profile, const void *value, struct record_live live, double chance,
                  struct context caller)
{
    u64 frame[RECORD_MAX_FRAMES];
    struct record_key key = {
        .kind = RECORD_OWN_KIND,
        .detail = profile,
        .labels = label_current(),
    };
    u32 nframe = unwind(frame, &key.flags, caller);
    struct record_stack *s = record_stack_find(&record, key, frame, nframe);
    live.stack = record_stack_offset(&record, s);
    live.second = (u32)(start_clock_ns() / 1000000000);
    __atomic_fetch_add(&s->count, (u64)(65536 / chance + 0.5), __ATOMIC_RELAXED);
    __atomic_fetch_add(&s->amount, live.bytes, __ATOMIC_RELAXED);
    forget(profile, value);
    if (__atomic_fetch_add(&record.header->own_blocks, 1, __ATOMIC_RELAXED) < MOST_BLOCKS &&
        record_live_add(&record, record_own_key((u64)(uintptr_t)value, profile), &live))
        return;
    __atomic_fetch_sub(&record.header->own_blocks, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&record.own[profile].lost, 1, __ATOMIC_RELAXED);
}

EXPORT void sonde_profile_add(sonde_profile profile, const void *value)
{
    int error = errno;
    thread.busy++;
    if (start_is_ready() && is_profile(profile))
        enter(profile, value, (struct record_live){.bytes = 1}, 1, CALLER());
    thread.busy--;
    errno = error;
}

EXPORT void sonde_profile_remove(sonde_profile profile, const void *value)
{
    if (is_profile(profile) && start_is_ours())
        forget(profile, value);
}

EXPORT void sonde_track(sonde_profile pool, const void *block, size_t bytes)
{
    int error = errno;
    if (!is_profile(pool) || !heap_due(bytes, false))
        return;
    thread.busy++;
    if (start_is_ready()) {
        double chance = draw_chance(bytes, thread.sample_rate);
        struct record_live live = {
            .size = bytes,
            .bytes = (u64)((double)bytes / chance + 0.5),
        };
        enter(pool, block, live, chance, CALLER());
    }
    thread.busy--;
    errno = error;
}

EXPORT void sonde_untrack(sonde_profile pool, const void *block)
{
    sonde_profile_remove(pool, block);
}
