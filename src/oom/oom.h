// What is known of a process's memory at its end, or now: the record, what a watcher saw, and what
// the kernel said, put together.  The files of this room, in the order in which data flows:
//
//     attach.c, observe.c   a living process -> struct watch (watch.c)
//     known.c               the record -> what tells whose a process's pages are
//     kernel_log.c          the kernel's report of a kill -> struct watch_kernel
//     oom.c, settle.c       record and watch -> struct oom: the account at the end, what grew
//     mapped.c              which stacks the mapped memory is of
//     now.c, names.c        the account of this moment; names for the stacks' addresses
//     stacks.c, labels.c    sums by stack, and by labels: what each request holds
//     verdict.c, cause.c    struct oom -> struct verdict
//     judge.c               a leak, or a peak
//     text.c, json.c ...    both -> what people and programs read
//     ahead.c               a summary while the process still lives, which costs next to nothing
#ifndef OOM_OOM_H
#define OOM_OOM_H

#include "oom/watch.h"
#include "profile/profile.h"
#include "record/read.h"

enum { OOM_WINDOWS = 4 };

// Who says what the group was charged for at the end.
enum oom_source {
    OOM_FROM_RECORD, // nobody watched: the heap and the charge are all that is known
    OOM_FROM_WATCH,  // the last look, and what grew since, divided as the growth before
    OOM_FROM_KERNEL  // its log of the kill; of whose own parts are from the last look
};

// What grew since some time before the end.
struct oom_window {
    u64 wanted_ns, span_ns; // as asked for, and as found; span 0: the same as a shorter window
    bool is_whole;          // since the start
    bool has_account;       // lines are known
    bool has_stacks;        // grown_bytes are differences; otherwise what is new and still alive
    i64 charge_bytes;
    i64 line_bytes[ACCOUNT_LINES];
    i64 *grown_bytes; // of live heap, by sample of the heap profile
};

struct oom {
    struct str path;
    struct record_view v;
    bool is_alive;
    bool saw_oom_kill;   // by counters or the kernel's log
    struct watch *watch; // NULL: nobody watched
    struct record_tick *tick;
    u32 ntick;
    struct watch_look *look;
    u32 nlook;
    struct watch_account *seen;
    u32 nseen;
    struct watch_snapshot *snapshot;
    u32 nsnapshot;
    struct watch_mark *mark;
    u32 nmark;
    u64 end_ns; // of the process, or of what is known of it; since the record's start
    i64 live_bytes;
    u32 nblock;
    struct record_block *block;
    struct account account;        // at the end
    struct extent extent[EXTENTS]; // when the processes were last looked at
    enum oom_source source;
    u64 account_age_ns; // before the end, the last time that somebody looked at the processes
    u64 limit_bytes, peak_bytes;
    struct str limit_group;
    struct profile all;    // what is held, by stack; as the record tells it, or symbolized
    u32 end[RECORD_PARTS]; // of all's samples, by part
    struct profile heap;   // the part that is the live heap
    u32 *stack_of;         // by sample of all
    struct oom_window window[OOM_WINDOWS]; // 1, 10 and 60 minutes, and all
};

// Everything but names: heap has addresses only.
bool oom_read(struct oom *o, struct str path, bool is_alive, struct arena *a, struct err *e);

// The same from bytes: a record, and perhaps a watch behind it.
bool oom_open(struct oom *o, struct str bytes, bool is_alive, struct arena *a, struct err *e);

// now.c: adds an account of this moment to what was seen of a process that runs.
void oom_look(struct oom *o, struct arena *a);

// names.c: gives the stacks' addresses names, as far as files have them, and leaves out what the
// profile calls uninteresting.
struct symbolizer;
bool oom_name(struct oom *o, struct symbolizer *s, struct arena *a, struct err *e);

// The same with all as somebody else has symbolized it.
bool oom_named(struct oom *o, const struct profile *named, struct arena *a, struct err *e);

// settle.c: the account at the end, from all that is known.
void oom_settle(struct oom *o);

// mapped.c: how much of what the program mapped is in memory, by stack, as far as the account has
// it.
void oom_map(struct oom *o, struct arena *a);

// The column of the profiles that is told about: bytes that are held; before it: in how many
// blocks.
enum { OOM_COLUMN = 3 };

// The line of the account that a part is of.
extern const enum account_line oom_line_of[RECORD_PARTS];

// What a part holds.
i64 oom_part_bytes(const struct oom *o, enum record_part part);

// The samples of a part.
struct profile oom_part(const struct oom *o, enum record_part part);

// The first sample of a part, as row of all.
static inline u32 oom_part_first(const struct oom *o, enum record_part part)
{
    return part ? o->end[part - 1] : 0;
}

// stacks.c: samples of a part that differ by their labels only are one stack.

// By row of all: the first row of the same part with the same frames.
u32 *oom_stacks(const struct oom *o, struct arena *a);

struct oom_stack {
    u32 sample; // row of all; UINT32_MAX: none
    i64 bytes;
    u64 blocks;
};

// The stack that holds most of a part.
struct oom_stack oom_heaviest(const struct oom *o, enum record_part part, struct arena *a);

// labels.c: what is held under a set of labels, such as one request's.
struct oom_labels {
    struct str text;              // "route=/graphql upload=7"
    i64 heap_bytes, mapped_bytes; // live heap; mappings that are in memory
    u64 blocks;                   // of the heap
    u32 first_s, last_s;          // when its oldest and newest live block were allocated
};

// All sets that hold something, the heaviest first; their number.
u32 oom_labels(struct oom_labels **out, const struct oom *o, struct arena *a);

#endif
