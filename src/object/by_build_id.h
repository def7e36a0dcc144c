// Files that are not where the program had them, by their build id.
#ifndef OBJECT_BY_BUILD_ID_H
#define OBJECT_BY_BUILD_ID_H

#include "base/arena.h"

// Path of a file with that build id (in hex): of debug information in /usr/lib/debug/.build-id, or
// what the servers of DEBUGINFOD_URLS have, which is kept in debuginfod's cache.  False when there
// is none.
bool by_build_id_find(struct str *path, struct str build_id, struct arena *a);

// The same of a source file, by the whole of the name that the debug information has for it; from
// the servers alone.
bool by_build_id_find_source(struct str *path, struct str build_id, struct str source,
                             struct arena *a);

#endif
