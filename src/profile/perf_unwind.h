// User stacks of which perf took a copy: "perf record --call-graph dwarf", on x86-64.
//
// For the reader of perf.data only.
#ifndef PROFILE_PERF_UNWIND_H
#define PROFILE_PERF_UNWIND_H

#include "object/image.h"
#include "profile/perf_sample.h"
#include "profile/perf_system.h"

enum { PERF_MOST_FRAMES = 2048 };

struct perf_unwinder {
    const struct perf_system *system;
    struct arena *arena;
    u32 *image_of; // by row of system->mapping: of image; 0: not tried yet
    u32 nimage_of, image_of_cap;
    struct image *image; // rows 0 and 1 have no rules
    u32 nimage, image_cap;
    struct table places;      // row of image, and offset in the file
    struct unwind_rule *rule; // by row of places
    u32 nrule, rule_cap;
    u64 ncut;   // stacks that go on beyond what was copied
    u64 nblind; // stacks that end where there were no rules

    u64 address[PERF_MOST_FRAMES]; // of the stack at hand: where it was interrupted, then calls
    u32 naddress;
};

void perf_unwinder_init(struct perf_unwinder *u, const struct perf_system *system);

// Sets u->address from the sample's registers and copy of the stack; none when it has no such.
void perf_unwind(struct perf_unwinder *u, const struct perf_event *ev, const struct perf_sample *s);

#endif
