// The record's writing side, for the profiled process.  Everything here is lock-free,
// async-signal-safe and needs no library: stores and atomic operations on mapped memory, nothing
// else.
#ifndef RECORD_WRITE_H
#define RECORD_WRITE_H

#include "record/layout.h"

// Where the sections of a mapped record are.
struct record {
    struct record_header *header;
    char *text;
    struct record_mapping *mapping;
    u32 *stack_slot;
    u64 *stack_word;
    struct record_bucket *bucket;
    struct record_live *live;
    struct record_region *region;
    struct record_own *own;
    u32 *label_slot;
    char *label;
    struct record_tick *tick;
    struct record_sample *sample;
    struct record_thread *thread;
    struct record_wait *wait;
};

// A lock of short duration, in the record itself.  Waits for another thread, at most some 0.1 s;
// false when that was not enough, or when the calling thread itself has it and was interrupted by a
// signal: then it is not held.
bool record_lock(u64 *lock);

static inline void record_unlock(u64 *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

// Size of a record in bytes, the same for all that this version writes.
u64 record_bytes(void);

// Lays a record out in record_bytes() zeroed bytes at base.  The state stays RECORD_STARTING.
void record_init(struct record *r, void *base);

// Offset of a copy of n bytes and a NUL in the text section; 0 when there is no room.
u32 record_text_add(struct record *r, const char *text, u32 n);

// Row of a new mapping; 0 when there is no room.
u32 record_mapping_add(struct record *r, const struct record_mapping *m);

// What tells apart stacks with the same frames.
struct record_key {
    u16 kind;  // enum record_kind
    u16 flags; // enum record_stack_flag; not compared
    u32 detail;
    u32 labels; // label set
};

// The stack with these frames, new or not.  When the table is full: its kind's overflow stack.
// Never NULL.
struct record_stack *record_stack_find(struct record *r, struct record_key key, const u64 *frame,
                                       u32 nframe);

// The same without detail and labels.
struct record_stack *record_stack_add(struct record *r, u16 kind, u16 flags, const u64 *frame,
                                      u32 nframe);

// What is held of a stack of RECORD_HEAP.
static inline struct record_holding *record_holding(struct record_stack *s)
{
    return (struct record_holding *)&s->frame[s->nframe];
}

// Adds to what is live of a stack of RECORD_HEAP and of the whole heap, or takes away (negative
// numbers), and keeps the high-water mark.  objects in 1/65536; time_ns since the record's start.
void record_hold(struct record *r, struct record_stack *s, i64 bytes, i64 objects, u64 time_ns);

// Label set with the pairs of base, and key with this value; without key when value is NULL.  Keys
// and values of any length and content are cut to RECORD_LABEL_BYTES.  When there is no room: a set
// that says so.
u32 record_label_add(struct record *r, u32 base, const char *key, const char *value);

// Makes the label sets of a record those of another one, with the same numbers: a forked child's.
void record_label_copy(struct record *to, const struct record *from);

// Row of the profile with this name, new or not; 0 when there is no room.
u32 record_own_add(struct record *r, const char *name, bool is_pool);

static inline struct record_stack *record_stack_at(const struct record *r, u32 word)
{
    return (struct record_stack *)&r->stack_word[word];
}

// Word offset of a stack, for record_live.stack.
static inline u32 record_stack_offset(const struct record *r, const struct record_stack *s)
{
    return (u32)((const u64 *)s - r->stack_word);
}

// Makes the own profiles of a record those of another one, with the same rows and no values.
void record_own_copy(struct record *to, const struct record *from);

// Adds a block to the live table; false when there is no room.  No address may be added twice.
bool record_live_add(struct record *r, u64 address, const struct record_live *block);

// Takes a block out of the live table and tells what was known of it; false when it is not there.
bool record_live_remove(struct record *r, u64 address, struct record_live *block);

// An address range, or one that a mapping was part of.
struct record_range {
    u64 start, length; // bytes
};

// Takes all regions out of a range, whole or in part.  False when others held the table for too
// long.
bool record_region_remove(struct record *r, struct record_range range);

// Enters a region, in place of whatever was there.  False when there is no room.
bool record_region_add(struct record *r, struct record_range range, u32 stack, u32 second);

// Takes the regions in from out, as a chain of rows for record_region_attach(); 0: none.
u32 record_region_detach(struct record *r, struct record_range from);

// Puts a chain back, moved from one start to another, as far as the new range goes.
void record_region_attach(struct record *r, u32 chain, u64 old_start, struct record_range to);

// Appends a tick to each ring whose period has passed since its last one.
void record_tick_add(struct record *r, const struct record_tick *tick);

// Time since start_mono_ns at which the next tick is due.
u64 record_tick_due_ns(const struct record *r);

// Appends to the ring of samples; number is filled in.
void record_sample_add(struct record *r, const struct record_sample *sample);

// Row of what a thread waits for, new or not; hash is filled in.  When there is no room: the row of
// its state alone.
u32 record_wait_add(struct record *r, const struct record_wait *wait);

#endif
