// Names of functions as people write them.
#ifndef PROFILE_DEMANGLE_H
#define PROFILE_DEMANGLE_H

#include "object/demangle.h"
#include "profile/profile.h"

// p with plain names for the functions whose names are still the linker's; with force, for all
// whose linker's names are known.
struct profile profile_demangle(const struct profile *p, enum demangle_mode mode, bool force,
                                struct arena *a);

#endif
