// Addresses -> functions and lines, from the files that the mappings name.
#ifndef PROFILE_SYMBOLIZE_H
#define PROFILE_SYMBOLIZE_H

#include "object/symbolizer.h"
#include "profile/profile.h"

// p with lines for each location that had none; with force, for all.  Locations in mappings that
// cannot be looked up stay as they are.
struct profile profile_symbolize(const struct profile *p, struct symbolizer *s, bool force,
                                 struct arena *a);

#endif
