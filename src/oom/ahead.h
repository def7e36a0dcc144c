// A summary of a process that still lives, at most 4 KiB, written ahead of time: what is left of it
// where nobody survives to write another.  Made from what the watch has, without more memory.
#ifndef OOM_AHEAD_H
#define OOM_AHEAD_H

#include "base/buf.h"
#include "oom/observe.h"

enum { AHEAD_BYTES = 4096 }; // what Kubernetes shows of a container's termination message

void ahead_write(struct buf *out, const struct observer *o);

#endif
