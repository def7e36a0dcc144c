// Names as people write them.
#ifndef OBJECT_DEMANGLE_H
#define OBJECT_DEMANGLE_H

#include "base/arena.h"

// The source name of a C++ (Itanium) or Rust (legacy, v0) symbol, without parameters and template
// arguments, as pprof shows it by default; other names as they are.
struct str demangle(struct str symbol, struct arena *a);

// The same with the arguments of templates; and with all that there is, parameters too.
struct str demangle_templates(struct str symbol, struct arena *a);
struct str demangle_whole(struct str symbol, struct arena *a);

#endif
