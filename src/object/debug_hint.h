// Where the debug information of a file could come from.
#ifndef OBJECT_DEBUG_HINT_H
#define OBJECT_DEBUG_HINT_H

#include "base/err.h"
#include "base/str.h"

// Writes that the file at path has none, and what a person can do: the package to install, when a
// package has the file, or the compiler's flag.  has_names: its functions have names, at least.
void debug_hint(struct err *e, struct str path, bool has_names);

#endif
