// The heap's high-water mark, kept as it happens.  At a new mark nothing is copied: the header's
// epoch moves on, which says that what each stack holds now is what it held at the mark.  Only when
// a stack changes afterwards, and did not since the mark, is its old state put aside.  So a change
// costs the same whether it is at a mark or not, and the mark is exact.
#include "record/write.h"

// By one instruction, which no signal of this thread comes in between.
static inline void add(u64 *to, u64 value)
{
#if defined(__x86_64__)
    __asm__("add %1, %0" : "+m"(*to) : "r"(value));
#else
    __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
#endif
}

void record_hold(struct record *r, struct record_stack *s, i64 bytes, i64 objects, u64 time_ns)
{
    struct record_header *h = r->header;
    struct record_holding *held = record_holding(s);
    // Where the lock is not had, this is a signal handler that interrupted its holder.  What is
    // added by one instruction stays right, and the mark is wrong by one sample at most.
    bool is_locked = record_lock(&h->peak_lock);
    add(&h->live_bytes, (u64)bytes);
    u64 total = h->live_bytes;
    if (bytes > 0 && total > h->peak_bytes) {
        h->peak_bytes = total;
        h->peak_time_ns = time_ns;
        h->peak_epoch++;
    } else if (held->epoch != h->peak_epoch) {
        held->peak_bytes = held->bytes;
        held->peak_objects = held->objects;
        __atomic_store_n(&held->epoch, h->peak_epoch, __ATOMIC_RELEASE);
    }
    add(&held->bytes, (u64)bytes);
    add(&held->objects, (u64)objects);
    if (is_locked)
        record_unlock(&h->peak_lock);
}
