// The samples of a profile.proto, which are most of its bytes: decoded by several threads, each
// from a part of the bytes.
#ifndef PROFILE_SAMPLES_H
#define PROFILE_SAMPLES_H

#include "base/table.h"
#include "profile/profile.h"

// Where samples are in the bytes: noted for every so many of them, so that work can begin there.
struct sample_mark {
    const u8 *at; // of the sample's field
    u32 sample;   // its number
};

// What the samples refer to, for checks once all tables are known.
struct sample_references {
    u64 most_string;   // the largest string index in a label
    u64 most_location; // the largest location id in a stack that is below FAR_LOCATION
    bool zero_location;
    bool bad;            // bytes that are no samples
    bool values_differ;  // from p->ntype
    u32 nvalue;          // of the first sample whose values do
    u32 first_differing; // that sample
    struct table far;    // larger location ids, 8 bytes each
};

// Stacks hold location ids below this bit, or above it rows of sample_references.far.
#define FAR_LOCATION 0x80000000u

// Decodes the p->nsample samples that are the fields number 2 between bytes and end.  p->ntype must
// be known; sample, value, frame and label of p are made anew.  Frames are location ids still, and
// there may be gaps between the runs of different parts.
void samples_decode(struct profile *p, struct sample_references *refs,
                    const struct sample_mark *mark, u32 nmark, const u8 *end, struct arena *a);

#endif
