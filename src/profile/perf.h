// Linux's perf.data -> profile, as perf_data_converter makes it
// (https://github.com/google/perf_data_converter).
#ifndef PROFILE_PERF_H
#define PROFILE_PERF_H

#include "profile/profile.h"

// What a comment begins with that tells of something that is not in the profile.  Reports show
// comments.
#define PERF_WARNING "perf-warning:"

// Whether bytes are a file of "perf record", or what it writes into a pipe.
bool perf_is(struct str bytes);

// Each event has two sample types, "cycles_sample" and "cycles_event": how many samples there were,
// and how many events these stand for.  Labels: comm, thread_comm, cgroup, pid, tid.  Records that
// are packed in the file may have limit bytes when unpacked, and so may the profile's values.  The
// tables take at most 64 times these bytes, 64 MiB, and 2 GiB for unwind rules of programs that are
// here; a's limit is lowered to that.  The profile's strings lie in bytes or in the arena.  Fails
// with EBADMSG, EFBIG or ENOTSUP.
bool perf_decode(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                 struct err *e);

#endif
