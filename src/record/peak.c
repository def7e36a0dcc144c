// The heap's high-water mark, kept as it happens.  At a new mark nothing is copied: the header's
// epoch moves on, which says that what each stack holds now is what it held at the mark.  Only when
// a stack changes afterwards, and did not since the mark, is its old state put aside.  So a change
// costs the same whether it is at a mark or not, and the mark is exact.
#include "record/write.h"

void record_hold(struct record *r, struct record_stack *s, i64 bytes, i64 objects, u64 time_ns)
{
    struct record_header *h = r->header;
    struct record_holding *held = record_holding(s);
    // Whoever holds the lock for longer was interrupted by this very thread's signal handler: then
    // the sums stay right, and the mark is wrong by one sample at most.
    bool is_locked = record_lock(&h->peak_lock);
    u64 total = __atomic_add_fetch(&h->live_bytes, (u64)bytes, __ATOMIC_RELAXED);
    if (bytes > 0 && total > h->peak_bytes) {
        h->peak_bytes = total;
        h->peak_time_ns = time_ns;
        h->peak_epoch++;
    } else if (held->epoch != h->peak_epoch) {
        held->peak_bytes = held->bytes;
        held->peak_objects = held->objects;
        __atomic_store_n(&held->epoch, h->peak_epoch, __ATOMIC_RELEASE);
    }
    __atomic_fetch_add(&held->bytes, (u64)bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&held->objects, (u64)objects, __ATOMIC_RELAXED);
    if (is_locked)
        record_unlock(&h->peak_lock);
}
