// One PERF_RECORD_SAMPLE.
//
// For the reader of perf.data only.
#ifndef PROFILE_PERF_SAMPLE_H
#define PROFILE_PERF_SAMPLE_H

#include "profile/perf_file.h"

struct perf_sample {
    u64 ip; // where it was taken; 0: not known
    u32 pid, tid;
    u64 period; // events since the sample before; 0: not known
    u64 cgroup; // 0: not known
    u8 mode;    // PERF_RECORD_MISC_KERNEL, _USER ...: of ip

    struct cursor chain;    // u64 each: addresses, leaf first, and marks of their mode
    struct cursor branches; // three u64 each, the latest first: from, to, flags
    struct cursor counts;   // see perf_count_next()

    bool has_registers;      // of 64 bits, when user code was left
    struct cursor registers; // one u64 for each bit of the event's regs_user
    struct cursor stack;     // user memory from the stack pointer on
};

// False when the record is cut short.
bool perf_sample_read(struct perf_sample *s, const struct perf_event *ev,
                      const struct perf_record *r);

// The next counter's value since it was opened, and its id; false when there is none left.
bool perf_count_next(struct cursor *counts, const struct perf_event *ev, u64 *id, u64 *value);

#endif
