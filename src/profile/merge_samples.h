// The samples of a merged profile: those with the same frames and labels are found and added up.
#ifndef PROFILE_MERGE_SAMPLES_H
#define PROFILE_MERGE_SAMPLES_H

#include "base/parallel.h"
#include "profile/merger.h"

// Samples of the merged profile by what they have in common, in a table for each thread.
struct sample_set {
    u32 npart; // a power of 2: a sample belongs to one by its hash
    struct sample_part {
        struct sample_slot {
            u32 id; // the sample's row + 1; 0: free; open addressing
            u32 hash;
        } * slot;
        u32 mask; // slots - 1
        u32 n;
    } part[PARALLEL_MOST];
};

// Makes room in the set, and in the merged profile for the frames, as if all samples of these n
// profiles were different.
void sample_set_init(struct sample_set *set, struct merger *m, const struct profile *p, u32 n);

// Adds the samples of m->from, whose frames are used up; those whose values are all zero only with
// keep_zeroes.
void merge_samples(struct merger *m, struct sample_set *set, bool keep_zeroes);

#endif
