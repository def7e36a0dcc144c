// Short forms of long function names, for boxes.
#ifndef REPORT_SHORTEN_H
#define REPORT_SHORTEN_H

#include "base/arena.h"
#include "base/str.h"

// The name without its package or namespaces and a module's version, as pprof's
// ShortenFunctionName.
struct str shorten_function(struct str name, struct arena *a);

#endif
