// Copies of a record and its watch on a volume, for where nothing of memory survives: made as the
// limit comes near, and once a minute.  They take no memory, and go past the page cache where that
// can be done: at the limit it could not be had.
#ifndef OOM_COPY_H
#define OOM_COPY_H

#include "oom/observe.h"

// Writes the copy to folder, by the name that a kept record would have.  False, with errno, when
// that cannot be done.
bool copy_write(const struct observer *o, const char *folder);

// Removes it: there is a better one, or nothing to tell.
void copy_remove(const struct observer *o, const char *folder);

#endif
