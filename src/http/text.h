// Profiles as the texts that Go's endpoints give for debug=1.
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include "base/buf.h"
#include "profile/profile.h"

// A profile with names: heap, contention or counts, as its types say.  Readers of these texts look
// up the addresses again, in the mappings at the end.
void text_write(struct buf *out, const struct profile *p, struct str name, struct arena *a);

#endif
