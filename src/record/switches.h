// Switching the profilers of a running process on and off, from outside, and changing their rates.
#ifndef RECORD_SWITCHES_H
#define RECORD_SWITCHES_H

#include "base/buf.h"
#include "record/folder.h"

// What is wanted of each.
struct switches {
    bool named[RECORD_NSWITCH]; // those that are to change
    u64 rate[RECORD_NSWITCH];   // as in struct record_switch
};

// Profilers by their names, "all" being all of them, at a rate such as "64KiB", "100" or "1ms"; the
// usual one when it is empty.  Fails with EINVAL, saying what there is.
bool switches_on(struct switches *s, struct str profiler, struct str rate, struct err *e);
bool switches_off(struct switches *s, struct str profiler, struct err *e);

// Has the process do it, and returns when it is done; *header is as it was then.  Fails with
// ETIMEDOUT when the process does not answer, ESRCH when it is gone, ENOTSUP when it cannot.
bool switches_set(struct record_header *header, const struct switches *s,
                  const struct folder_record *r, struct arena *a, struct err *e);

// The rate of one now, as in struct record_switch.
u64 switches_rate(const struct record_header *header, enum record_switch_id id);

// What is on: "heap 512KiB, cpu 100Hz, wall off, locks 1ms".
void switches_write(struct buf *out, const struct record_header *header);

// Names for messages and pages.
extern const char *const switches_names[RECORD_NSWITCH];

#endif
