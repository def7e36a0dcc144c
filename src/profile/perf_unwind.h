// User stacks of which perf took a copy: "perf record --call-graph dwarf", on x86-64.
//
// For the reader of perf.data only.
#ifndef PROFILE_PERF_UNWIND_H
#define PROFILE_PERF_UNWIND_H

#include "object/image.h"
#include "profile/perf_sample.h"
#include "profile/perf_system.h"

enum { PERF_MOST_FRAMES = 2048 };

// A file that names one binary by ever new paths shall not fill the memory with copies of it.  The
// last image may go beyond this, by 1 GiB at most.
#define PERF_MOST_IMAGE_BYTES ((u64)1 << 30)

struct perf_unwinder {
    const struct perf_system *system;
    struct arena *arena;
    struct table files;  // path and build id
    struct image *image; // by row of files; no rules where eh.low is NULL
    u32 nimage, image_cap;
    u64 image_bytes; // of all images
    u32 *file;       // by row of system->mapping: row of files; 0: not looked up yet
    u32 nfile, file_cap;
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
