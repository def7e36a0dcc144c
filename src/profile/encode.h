// Profile -> bytes.
#ifndef PROFILE_ENCODE_H
#define PROFILE_ENCODE_H

#include "base/buf.h"
#include "profile/profile.h"

// Appends p as profile.proto, byte for byte as Go's profile.Write does before it compresses:
// strings in the order of their first use, packed lists from three elements on, labels sorted.
void profile_encode(struct buf *out, const struct profile *p);

// The same, gzipped: what every consumer of pprof profiles reads.
void profile_encode_gzip(struct buf *out, const struct profile *p);

#endif
