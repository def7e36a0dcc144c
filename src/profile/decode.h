// profile.proto -> profile.
#ifndef PROFILE_DECODE_H
#define PROFILE_DECODE_H

#include "profile/profile.h"

// Decodes profile.proto that is not compressed.  The profile's strings lie in bytes, so these must
// outlive it.  What comes out is valid: each row that is referred to exists, each sample has a
// value per type.  Fails with EBADMSG and pprof's own sentence, or with ENOTUNIQ when several
// profiles follow each other.
bool profile_decode(struct profile *out, struct str bytes, struct arena *a, struct err *e);

#endif
