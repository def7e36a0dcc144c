// The record's reading side: bytes that somebody else wrote, perhaps while we look, perhaps with
// the intent to harm.  Everything is checked against the bytes that are there; a torn row costs
// that row.
#ifndef RECORD_READ_H
#define RECORD_READ_H

#include "base/arena.h"
#include "base/err.h"
#include "profile/profile.h"
#include "record/layout.h"

// A record's copy whose sections are known to lie inside it.
struct record_view {
    struct record_header header;
    const struct record_tick *tick;
    const struct record_bucket *bucket;
    const struct record_live *live;
    const u32 *stack_slot;
    const u64 *stack_word;
    const struct record_mapping *mapping;
    const char *text;
};

// Whether these bytes begin like a record.
bool record_is(struct str bytes);

// Fails with EBADMSG (cut short, damaged) or EPROTO (another version), saying so.  The view points
// into bytes.
bool record_open(struct record_view *v, struct str bytes, struct err *e);

// Reads a record's file, front to back, and opens it.
bool record_read(struct record_view *v, const char *path, struct arena *a, struct err *e);

// A string of the text section.
struct str record_text(const struct record_view *v, u32 text);

// The program's name: the last part of its path.
struct str record_program(const struct record_view *v);

// The heap as a profile with Go's four sample types, not symbolized; time_ns is the moment of the
// reading.  Mapping 1 is the program.
struct profile record_heap(const struct record_view *v, i64 time_ns, struct arena *a);

// The same, with the word offset of each sample's stack, by sample.
struct profile record_heap_stacks(const struct record_view *v, i64 time_ns, u32 **stack_of,
                                  struct arena *a);

// A row of the live table.
struct record_block {
    u64 address;
    struct record_live live;
};

// All blocks of the live table, in no order; their number.
u32 record_blocks(struct record_block **out, const struct record_view *v, struct arena *a);

// The time line: all ticks of all rings, oldest first, without repetitions.
u32 record_ticks(struct record_tick **out, const struct record_view *v, struct arena *a);

// Live bytes by the live table itself, and the number of its rows.
i64 record_live_bytes(const struct record_view *v, u32 *nblock);

#endif
