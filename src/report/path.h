// Names of files as profiles have them.
#ifndef REPORT_PATH_H
#define REPORT_PATH_H

#include "base/arena.h"
#include "base/str.h"

// As Go's filepath.Clean: no double slashes, no "." and, where they can be resolved, no "..".  The
// empty path stays empty.
struct str path_clean(struct str path, struct arena *a);

// As Go's filepath.Base: the last name in it; "." for the empty path, "/" for slashes alone.
struct str path_base(struct str path);

// The path without what was in front of it on the machine where it was built, as pprof's: the first
// of the prefixes in trim_path (by ':'); or with an empty trim_path all up to a folder named like
// one of source_path.
struct str path_trim(struct str path, struct str trim_path, struct str source_path);

#endif
