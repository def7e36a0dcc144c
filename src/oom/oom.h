// What is known of a process's memory at its end, or now: the record, what a watcher saw, and what
// the kernel said, put together.  The files of this room, in the order in which data flows:
//
//     attach.c, observe.c   a living process -> struct watch (watch.c)
//     kernel_log.c          the kernel's report of a kill -> struct watch_kernel
//     oom.c, settle.c       record and watch -> struct oom: the account at the end, what grew
//     now.c, names.c        the account of this moment; names for the heap's addresses
//     verdict.c, cause.c    struct oom -> struct verdict
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
    struct account account; // at the end
    enum oom_source source;
    u64 account_age_ns; // before the end, the last time that somebody looked at the processes
    u64 limit_bytes, peak_bytes;
    struct str limit_group;
    struct profile heap;                   // as the record tells it, or symbolized
    u32 *stack_of;                         // by sample
    struct oom_window window[OOM_WINDOWS]; // 1, 10 and 60 minutes, and all
};

// Everything but names: heap has addresses only.
bool oom_read(struct oom *o, struct str path, bool is_alive, struct arena *a, struct err *e);

// The same from bytes: a record, and perhaps a watch behind it.
bool oom_open(struct oom *o, struct str bytes, bool is_alive, struct arena *a, struct err *e);

// now.c: adds an account of this moment to what was seen of a process that runs.
void oom_look(struct oom *o, struct arena *a);

// names.c: gives the addresses of the heap names, as far as files have them, and leaves out what
// the profile calls uninteresting.
struct symbolizer;
bool oom_name(struct oom *o, struct symbolizer *s, struct arena *a, struct err *e);

// settle.c: the account at the end, from all that is known.
void oom_settle(struct oom *o);

// The column of the heap's profile that is told about: live bytes.
enum { OOM_COLUMN = 3 };

#endif
