// Threads and where they are, as text.
#ifndef HTTP_THREADS_H
#define HTTP_THREADS_H

#include "base/buf.h"
#include "profile/profile.h"

// A profile of threads, a paragraph for each, as Go's for an unrecovered panic.
void threads_write(struct buf *out, const struct profile *p);

#endif
