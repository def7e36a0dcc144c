// The stacks of samples, as locations of the profile that is made.
//
// For the reader of perf.data only.
#ifndef PROFILE_PERF_STACK_H
#define PROFILE_PERF_STACK_H

#include "profile/build.h"
#include "profile/perf_records.h"
#include "profile/perf_sample.h"
#include "profile/perf_system.h"
#include "profile/perf_unwind.h"

struct perf_stacks {
    struct build *b;
    const struct perf_system *system;
    const struct perf_records *records;
    struct perf_unwinder *unwinder;
    struct arena *arena;

    u32 *location; // of the stack at hand, leaf first
    u32 nlocation, location_cap;

    u32 *row; // of the profile's mapping, by row of system->mapping; 0: not used yet
    u32 nrow, row_cap;
    struct table mappings;  // size, offset, file and build id of the profile's
    struct table locations; // address and mapping
    struct table functions; // names
    u64 nsample;            // stacks that were read
    struct perf_use *use;   // by row of the profile's mapping
    u32 nuse, use_cap;
    u64 nframe;         // that callers had
    u64 nunmapped;      // of these, where nothing was mapped: left out
    u64 nlater_missing; // user stacks that were to follow, and did not
};

// How many stacks have a mapping.
struct perf_use {
    u64 nstack;
    u64 last; // stack's number
};

void perf_stacks_init(struct perf_stacks *st, struct build *b, const struct perf_system *system,
                      const struct perf_records *records);

// Sets st->location.  Callers are at the last byte of their call, as pprof has it; code that was
// interrupted is where it was.
void perf_stack_read(struct perf_stacks *st, const struct perf_event *ev,
                     const struct perf_sample *s);

#endif
