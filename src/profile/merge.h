// Several profiles as one, and a profile's values scaled.
#ifndef PROFILE_MERGE_H
#define PROFILE_MERGE_H

#include "profile/profile.h"

// The sum of n profiles, as pprof's Merge: sample types that all of them have, in the finest of
// their units; equal stacks with equal labels are one sample; what is not referred to is left out;
// ids are 1, 2, 3 ...  Independent of the profiles' arenas.  One profile is returned as it is.
// The frames of several are used up, so each must have its own, and may only be freed afterwards.
// Fails with EINVAL when they do not go together.
bool profile_merge(struct profile *out, const struct profile *p, u32 n, struct arena *a,
                   struct err *e);

// The same profile with frames of its own, for a merge to use up.
struct profile profile_with_own_frames(const struct profile *p, struct arena *a);

// Each type's values times its ratio, rounded.  Samples that are nothing afterwards are left out.
struct profile profile_scale(const struct profile *p, const double *ratio, struct arena *a);

// All values negative: what is to be subtracted.
struct profile profile_negative(const struct profile *p, struct arena *a);

// p scaled so that each type has base's sum.  Fails with EINVAL when their types differ.
bool profile_normalize(struct profile *out, const struct profile *p, const struct profile *base,
                       struct arena *a, struct err *e);

#endif
