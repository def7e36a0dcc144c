// Profiles of time: what a record's ring of samples, and its threads, tell.
#ifndef RECORD_TIMES_H
#define RECORD_TIMES_H

#include "record/read.h"

// Samples of one kind, and the time that they are of.
struct times {
    struct record_sample *sample;
    u32 nsample, cap;
    u32 kind;    // enum record_sample_kind
    i64 time_ns; // since 1970, of the beginning
    i64 duration_ns;
    i64 period_ns; // that a sample stands for; 0: not known
    u64 lost;      // samples that were overwritten before they were read
};

// Makes a sample that of its time that lies in the window; false when none does.  One of a CPU is a
// point, and in it or not.
bool times_clip(struct record_sample *s, u64 from_ns, u64 to_ns);

// The samples in the ring that are of the time [from_ns, to_ns), since start_mono_ns.
void times_collect(struct times *t, const struct record_view *v, u64 from_ns, u64 to_ns,
                   struct arena *a);

// CPU time by stack and thread, with Go's sample types.
struct profile times_cpu(const struct times *t, const struct record_view *v, struct arena *a);

// All time by stack, thread and what it waited for, with fgprof's sample types.
struct profile times_wall(const struct times *t, const struct record_view *v, struct arena *a);

// Where each thread was when it was last looked at.
struct profile times_threads(const struct record_view *v, i64 time_ns, struct arena *a);

// Which stacks created threads.
struct profile times_created(const struct record_view *v, i64 time_ns, struct arena *a);

#endif
