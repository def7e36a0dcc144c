// Bytes of any format that profiles have -> profile.
#ifndef PROFILE_READ_H
#define PROFILE_READ_H

#include "profile/profile.h"

// Reads profile.proto, plain, gzipped or packed by zstd, also several one after the other, which
// are merged; the texts and binary forms before it; stacks by ';' ("folded"); jemalloc's heap
// dumps; perf.data.  Unpacked it may have at most limit bytes.  The profile's strings lie in bytes
// or in the arena, so both must outlive it.  Fails with EBADMSG or EFBIG.
bool profile_read(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                  struct err *e);

#endif
