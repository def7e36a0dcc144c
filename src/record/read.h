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
    const struct record_region *region;
    const struct record_own *own;
    const char *label;
    const u32 *stack_slot;
    const u64 *stack_word;
    const struct record_mapping *mapping;
    const char *text;
    const struct record_sample *sample;
    const struct record_thread *thread;
    const struct record_wait *wait;
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

// "glibc"; of an allocator that is not known: otherwise.
const char *record_allocator_name(u32 kind, const char *otherwise);

// The heap as a profile with Go's four sample types, not symbolized; time_ns is the moment of the
// reading.  Mapping 1 is the program.
struct profile record_heap(const struct record_view *v, i64 time_ns, struct arena *a);

// The same, with a label that says how old live blocks are: "age", in powers of two of a second,
// rounded down.
struct profile record_heap_by_age(const struct record_view *v, i64 time_ns, struct arena *a);

// What was live when most was: "inuse_objects", "inuse_space"; its time is that moment.
struct profile record_peak(const struct record_view *v, i64 time_ns, struct arena *a);

// What the program has mapped, exactly, with the heap's types and the labels "mapping" (anonymous,
// shared, file, reserved, break) and "by" (allocator).
struct profile record_mmap(const struct record_view *v, i64 time_ns, struct arena *a);

// What threads waited for each other: contentions and delay by the stacks that waited (block) and
// by those that they waited for (mutex), with the label "lock".
struct profile record_block(const struct record_view *v, i64 time_ns, struct arena *a);
struct profile record_mutex(const struct record_view *v, i64 time_ns, struct arena *a);

// The program's own profiles: rows 1 to count - 1.
u32 record_own_count(const struct record_view *v);
struct str record_own_name(const struct record_view *v, u32 own);

// The row of the one with this name.  Fails with ENOENT.
bool record_own_find(u32 *own, const struct record_view *v, struct str name, struct err *e);

// A profile of values has one type, of its own name; one of a pool has the heap's.
struct profile record_own(const struct record_view *v, u32 own, i64 time_ns, struct arena *a);

// Whether a row of the live table is in use, and what is in it; *own gets the row of the program's
// own profile that it belongs to, 0: the heap.
bool record_live_row(const struct record_view *v, u32 row, struct record_live *out, u32 *own);
// What a process holds, in parts that share their tables: one to be symbolized.
enum record_part {
    RECORD_PART_HEAP,   // as record_heap(): allocated by, and live
    RECORD_PART_MAPPED, // anonymous mappings that the program made, not its allocator
    RECORD_PART_SHARED, // anonymous ones that forked processes share
    RECORD_PART_PEAK,   // as record_peak()
    RECORD_PARTS
};

// With the heap's types; the samples of a part are those before end[part].  *stack_of gets the word
// offset of each sample's stack.
struct profile record_holdings(const struct record_view *v, u32 end[RECORD_PARTS], u32 **stack_of,
                               struct arena *a);

// Rows of the regions that were used so far.
u32 record_region_count(const struct record_view *v);

// Whether a row of the regions is in use, what is in it, and whether the allocator mapped it.
bool record_region_row(const struct record_view *v, u32 row, struct record_region *out,
                       bool *is_allocators);

// All regions, in no order; their number.
u32 record_regions(struct record_region **out, const struct record_view *v, struct arena *a);

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
