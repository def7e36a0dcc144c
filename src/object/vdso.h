// The code that the kernel maps into every process.
#ifndef OBJECT_VDSO_H
#define OBJECT_VDSO_H

#include "base/arena.h"

// Whether the path of a mapping stands for it.
bool vdso_is(struct str path);

// A file with this process's own, which is the running kernel's: its path, and the descriptor that
// the path lives as long as.  False when there is none.
bool vdso_open(struct str *path, int *fd, struct arena *a);

#endif
