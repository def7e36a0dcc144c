// The ring of samples, and what threads wait for.
#include "record/write.h"

enum {
    WAIT_STATES = 4, // first row that is not of a state alone
    PROBED_WAITS = 64
};

void record_sample_add(struct record *r, const struct record_sample *sample)
{
    u64 n = __atomic_fetch_add(&r->header->nring, 1, __ATOMIC_RELAXED);
    struct record_sample *to = &r->sample[n % RECORD_SAMPLES];
    __atomic_store_n(&to->number, 0, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    to->time_ns = sample->time_ns;
    to->amount_ns = sample->amount_ns;
    to->count = sample->count;
    to->kind = sample->kind;
    to->tid = sample->tid;
    to->stack = sample->stack;
    to->wait = sample->wait;
    __atomic_store_n(&to->number, n + 1, __ATOMIC_RELEASE);
}

static u32 hash_wait(const struct record_wait *w)
{
    u64 hash = w->state | (u64)w->kind << 8 | (u64)(u16)w->call << 16 | (u64)w->owner << 32;
    hash = (hash ^ w->lock << 8) * 0x9e3779b97f4a7c15;
    for (u32 i = 0; i < sizeof(w->peer); i++)
        hash = (hash ^ (u8)w->peer[i]) * 0x100000001b3;
    return (u32)(hash >> 32) | 1;
}

static bool same_wait(const struct record_wait *a, const struct record_wait *b)
{
    return a->state == b->state && a->kind == b->kind && a->call == b->call &&
           a->owner == b->owner && a->lock == b->lock &&
           __builtin_memcmp(a->peer, b->peer, sizeof(a->peer)) == 0;
}

// Only the sampler's thread adds rows.
u32 record_wait_add(struct record *r, const struct record_wait *wait)
{
    u32 hash = hash_wait(wait);
    for (u32 i = 0; i < PROBED_WAITS; i++) {
        u32 row = WAIT_STATES + (hash + i) % (RECORD_WAITS - WAIT_STATES);
        struct record_wait *w = &r->wait[row];
        if (w->hash == 0) {
            *w = *wait;
            w->hash = 0;
            __atomic_store_n(&w->hash, hash, __ATOMIC_RELEASE);
            return row;
        }
        if (w->hash == hash && same_wait(w, wait))
            return row;
    }
    return wait->state;
}
