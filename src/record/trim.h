// Asking a running process's allocator to give back to the kernel what it does not use.
#ifndef RECORD_TRIM_H
#define RECORD_TRIM_H

#include "record/folder.h"

// Returns when it has.  The process does it at its next sample of the heap: one that allocates
// nothing meanwhile is not waited for (EAGAIN).
bool trim_ask(const struct folder_record *r, struct arena *a, struct err *e);

#endif
