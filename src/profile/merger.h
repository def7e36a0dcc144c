// The tables of a merged profile while they are made, but for its samples: rows of one profile
// after the other get rows in them, equal ones the same.
#ifndef PROFILE_MERGER_H
#define PROFILE_MERGER_H

#include "profile/build.h"

struct merger {
    struct build b;
    struct table mappings, functions, locations, label_runs;
    struct label_run {
        u32 label, nlabel; // run in b.p.label
    } * run;               // by row of label_runs; row 0: no labels
    u32 nrun, run_cap;

    const struct profile *from; // the profile at hand
    u32 *string, *mapping, *function, *location,
        *label_run;        // by row of from (label_run: by first label); 0: not yet
    i64 *moved;            // by mapping of from: what is added to its addresses
    struct arena *scratch; // for the columns above
};

void merger_init(struct merger *m, struct arena *a);

// From here on rows are those of from.  The scratch arena may be freed when it is done.
void merger_start(struct merger *m, const struct profile *from, struct arena *scratch);

// Each makes sure that there is a row for a row of from, and returns it.
u32 merger_mapping(struct merger *m, u32 row);
u32 merger_location(struct merger *m, u32 row);

// Row of run for the labels of a sample.
u32 merger_labels(struct merger *m, const struct sample *s);

#endif
