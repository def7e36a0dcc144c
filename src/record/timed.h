// The profiles that take time to make, since the process has to be asked, by the names that they
// have under /debug/pprof/.
#ifndef RECORD_TIMED_H
#define RECORD_TIMED_H

#include "record/session.h"

// What is asked of a process.
struct timed {
    const struct folder_record *record;
    i64 duration_ns;
    u32 hz;    // rate; 0: the usual one
    i64 at_ns; // below 0: not from now on, but from then on, as far as it is known
};

struct timed_row {
    const char *name;
    u32 kind; // enum record_sample_kind
    bool (*read)(struct profile *out, const struct timed *t, struct arena *a, struct err *e);
    const char *description;
};

extern const struct timed_row timed_rows[];
extern const u32 ntimed_row;

// NULL when no profile of this name takes time.
const struct timed_row *timed_find(struct str name);

// What a record that is not written any more has of the profile; fails with ENOENT.
bool timed_past(struct profile *out, const struct timed_row *row, const struct record_view *v,
                struct arena *a, struct err *e);

#endif
