// Addresses -> functions and lines, from the files that the mappings name.
#ifndef PROFILE_SYMBOLIZE_H
#define PROFILE_SYMBOLIZE_H

#include "object/symbolizer.h"
#include "profile/profile.h"

// p with lines for each location that had none; with force, for all.  Locations in mappings that
// cannot be looked up stay as they are.  Names of functions are the linker's.
struct profile profile_symbolize(const struct profile *p, struct symbolizer *s, bool force,
                                 struct arena *a);

// p with a line, of the function of that name, for each location that has one in name: a column,
// with empty names for the others.
struct profile profile_name_locations(const struct profile *p, const struct str *name,
                                      struct arena *a);

#endif
