// Bytes -> profile.
#ifndef PROFILE_DECODE_H
#define PROFILE_DECODE_H

#include "profile/profile.h"

// Decodes profile.proto, plain or gzipped; unpacked it may have at most limit bytes.  The profile's
// strings lie in bytes or in the arena, so both must outlive it.  What comes out is valid: each row
// that is referred to exists, each sample has a value per type. Fails with EBADMSG and pprof's own
// sentence, or EFBIG.
bool profile_decode(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                    struct err *e);

#endif
