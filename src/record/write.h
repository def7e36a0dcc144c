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
    struct record_tick *tick;
};

// Size of a record in bytes, the same for all that this version writes.
u64 record_bytes(void);

// Lays a record out in record_bytes() zeroed bytes at base.  The state stays RECORD_STARTING.
void record_init(struct record *r, void *base);

// Offset of a copy of n bytes and a NUL in the text section; 0 when there is no room.
u32 record_text_add(struct record *r, const char *text, u32 n);

// Row of a new mapping; 0 when there is no room.
u32 record_mapping_add(struct record *r, const struct record_mapping *m);

// The stack with these frames, new or not.  When the table is full: the overflow stack.  Never
// NULL.
struct record_stack *record_stack_add(struct record *r, u16 kind, u16 flags, const u64 *frame,
                                      u32 nframe);

// Word offset of a stack, for record_live.stack.
static inline u32 record_stack_offset(const struct record *r, const struct record_stack *s)
{
    return (u32)((const u64 *)s - r->stack_word);
}

// Adds a block to the live table; false when there is no room.  No address may be added twice.
bool record_live_add(struct record *r, u64 address, const struct record_live *block);

// Takes a block out of the live table and tells what was known of it; false when it is not there.
bool record_live_remove(struct record *r, u64 address, struct record_live *block);

// Appends a tick to each ring whose period has passed since its last one.
void record_tick_add(struct record *r, const struct record_tick *tick);

// Time since start_mono_ns at which the next tick is due.
u64 record_tick_due_ns(const struct record *r);

#endif
