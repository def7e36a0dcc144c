// Bytes of any format that profiles have -> profile.
#ifndef PROFILE_READ_H
#define PROFILE_READ_H

#include "profile/profile.h"

// Reads profile.proto, plain, gzipped or packed by zstd, also several one after the other, which
// are merged; the texts and binary forms before it; jemalloc's heap dumps; stacks by ';'
// ("folded"); perf.data, for whose memory see perf.h.  Unpacked it may have at most limit bytes,
// and the tables may take at most 64 times that and 64 MiB, and no more than a's limit.  The
// profile's strings lie in bytes or in the arena, so both must outlive it.  Fails with EBADMSG,
// EFBIG or ENOMEM.
bool profile_read(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                  struct err *e);

// The same of bytes that are an object of a's.  Their memory becomes the profile's, which costs
// less than to have both: nobody may look at them any more.
bool profile_take(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                  struct err *e);

#endif
