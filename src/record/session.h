// Asking a running process for samples of time, from outside: the words in its record's header, and
// the reading of what comes.
#ifndef RECORD_SESSION_H
#define RECORD_SESSION_H

#include "record/folder.h"
#include "record/times.h"

struct session {
    u32 kind; // enum record_sample_kind
    u32 hz;   // rate; 0: 100
    i64 duration_ns;
};

// Takes samples for so long.  The view is a copy of the record of afterwards, the times are
// complete but for what they say is lost.  Fails with ETIMEDOUT when the process does not answer,
// ESRCH when it is gone, saying why.
bool session_run(struct times *out, struct record_view *v, const struct session *s,
                 const struct folder_record *r, struct arena *a, struct err *e);

// The samples that were taken from at_ns (below 0) before now on, for so long, as far as the record
// still has them.  Fails with ENOENT when there are none, saying how there would be.
bool session_recall(struct times *out, struct record_view *v, const struct session *s,
                    const struct folder_record *r, i64 at_ns, struct arena *a, struct err *e);

#endif
