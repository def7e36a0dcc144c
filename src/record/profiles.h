// The profiles that a record holds, by the names that they have under /debug/pprof/.
#ifndef RECORD_PROFILES_H
#define RECORD_PROFILES_H

#include "record/read.h"

struct profiles_row {
    const char *name;
    struct profile (*read)(const struct record_view *v, i64 time_ns, struct arena *a);
    const char *description;
};

extern const struct profiles_row profiles[];
extern const u32 nprofile;

// The profile with this name, not symbolized: one of the table, or of the program's own.  Fails
// with ENOENT.
bool profiles_read(struct profile *out, struct str name, const struct record_view *v, i64 time_ns,
                   struct arena *a, struct err *e);

#endif
