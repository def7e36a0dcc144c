// Leaving out samples and frames by the names in them; each transformation returns a profile that
// shares what it leaves alone. A location has the name of each of its functions, of their files,
// and of its mapping's file.
#ifndef PROFILE_FILTER_H
#define PROFILE_FILTER_H

#include "profile/profile.h"
#include "profile/regex.h"

// Expressions that are NULL do not filter.
struct filter_names {
    const struct regex *focus;  // keep samples that have a location with such a name
    const struct regex *ignore; // leave out samples that have one
    const struct regex *hide;   // leave out lines with such a name
    const struct regex *show;   // leave out all other lines

    // Locations without a line that is left are marked as hidden, and stay in stacks, though not at
    // their ends.  Otherwise stacks are copied without them.
    bool marks_hidden;
};

// Which expressions matched anything.
struct filter_matched {
    bool focus, ignore, hide, show;
};

// A sample that loses all of its frames is left out.
struct profile filter_names(const struct profile *p, const struct filter_names *f,
                            struct filter_matched *m, struct arena *a);

// Cuts each stack above the match that is nearest to the root; samples without a match are left
// out.
struct profile filter_show_from(const struct profile *p, const struct regex *show_from,
                                bool *matched, struct arena *a);

// Cuts each stack below the match that is nearest to the leaf.
struct profile filter_prune_from(const struct profile *p, const struct regex *prune_from,
                                 struct arena *a);

// Leaves out what the profile's own drop_frames and keep_frames ask for: below the first user
// frame, the match that is nearest to the root and all that it called.
bool filter_drop_frames(struct profile *out, const struct profile *p, struct arena *a,
                        struct err *e);

// How much of each frame is told apart, as Go's profile.Aggregate: what is false is blanked.
struct granularity {
    bool inlines, function, filename, line, column, address;
};
struct profile filter_aggregate(const struct profile *p, struct granularity g, struct arena *a);

#endif
