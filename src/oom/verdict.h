// The verdict: how the process ended, what took the memory, and whether that is a leak or a peak,
// each with what it is concluded from.
#ifndef OOM_VERDICT_H
#define OOM_VERDICT_H

#include "oom/oom.h"

enum verdict_end {
    VERDICT_ALIVE,
    VERDICT_EXITED,
    VERDICT_GROUP_OOM,   // the limit of a group
    VERDICT_MACHINE_OOM, // the whole machine had no memory
    VERDICT_LIKELY_OOM,  // nobody saw it, but the charge had reached the limit
    VERDICT_SIGNAL,      // another signal, or SIGKILL by somebody else
    VERDICT_UNSEEN
};

enum verdict_cause {
    CAUSE_UNKNOWN,
    CAUSE_HEAP,
    CAUSE_HUGE_BLOCK,
    CAUSE_RETAINED,
    CAUSE_MAPPINGS,
    CAUSE_STACKS,
    CAUSE_TMPFS,
    CAUSE_FILES,
    CAUSE_PROCESS,
    CAUSE_PROCESSES,
    CAUSE_SOCKETS,
    CAUSE_KERNEL,
    CAUSES
};

enum { VERDICT_FACTS = 12, VERDICT_STEPS = 4 };

struct verdict {
    enum verdict_end end;
    enum verdict_cause cause;
    struct str sentence; // the cause, "live heap: read_all holds 228MB, 89% of the limit"
    i64 cause_bytes;     // what it held
    i64 cause_grown;     // since the first look
    bool is_leak, is_peak;
    enum record_part part;  // that the cause is in; otherwise the live heap
    struct oom_stack stack; // that holds most of it
    u32 nrequest;           // sets of labels that hold most of the heap at once; 0: there are none
    i64 request_bytes;      // the largest of them
    double rate_bytes_s;    // of the charge's growth, over the last window with some
    double limit_s;         // from a start to the limit at that rate; 0: it does not grow
    i64 needed_bytes;       // a limit that such a peak would fit into; 0: there is none to name
    struct str fact[VERDICT_FACTS];
    u32 nfact;
    struct str step[VERDICT_STEPS]; // commands to type next
    u32 nstep;
};

// A cause as a key, "live_heap".
const char *verdict_key(enum verdict_cause cause);

// A kind of end as a key, "oom".
const char *verdict_end_key(enum verdict_end end);

// o->heap is to be symbolized already, for names.
struct verdict verdict_find(const struct oom *o, struct arena *a);

// cause.c: sets the cause, and what it holds.
void verdict_weigh(struct verdict *v, const struct oom *o);

// judge.c: whether the heap is a leak or a peak, and what such a peak needs.
void verdict_judge(struct verdict *v, const struct oom *o, struct arena *a);

void verdict_add_fact(struct verdict *v, struct arena *a, const char *format, ...) PRINTF(3, 4);

// The function that a sample of all ends in, "read_all".
struct str verdict_leaf(const struct oom *o, u32 sample, struct arena *a);

// "12.50MB".
struct str verdict_bytes(i64 bytes, struct arena *a);

// "1.50s", "2.5 min", "3.2 h".
struct str verdict_time(double seconds, struct arena *a);

// The same, from a second of the record's time to the end.
struct str verdict_since(const struct oom *o, u32 second, struct arena *a);

#endif
