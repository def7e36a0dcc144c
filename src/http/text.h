// Profiles as the texts that Go's endpoints give for debug=1.
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include "base/buf.h"
#include "profile/profile.h"
#include "record/layout.h"

// A profile with names: heap, contention or counts, as its types say.  Readers of these texts look
// up the addresses again, in the mappings at the end.
void text_write(struct buf *out, const struct profile *p, struct str name, struct arena *a);

// What Go's heap ends with, the runtime's memory statistics: the heap's totals and what the
// allocator tells, as comments.
void text_write_totals(struct buf *out, const struct record_header *h);

#endif
