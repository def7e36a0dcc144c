// The nodes that may be added to a flame graph's tree, the heaviest first: a heap.
#ifndef REPORT_CANDIDATES_H
#define REPORT_CANDIDATES_H

#include "report/flametree.h"

// A node that may be added: the samples that go through it are a run of cursors, in one of two
// tables; its children's are in the other one, at the same place.
struct candidate {
    double share; // of the total in the column where that is largest
    u32 parent;   // row
    u32 place;
    u32 begin, end;
    u32 side;
    bool is_inline;
    const struct found *found; // NULL: nobody has looked at it yet
};

// What there is below a candidate.
struct found {
    struct flame_amount *own, *total; // by column
    struct candidate *child;          // those that are heavy enough; their parent is not known yet
    u32 nchild;
};

// A heap: no row is heavier than row / 2.  Row 0 is not used.
struct candidates {
    struct candidate *row;
    u32 n, cap;
    struct arena *arena;
};

bool candidate_is_heavier(const struct candidate *l, const struct candidate *r);

void candidates_init(struct candidates *h, struct arena *a);
void candidates_push(struct candidates *h, struct candidate c);

// Takes the heaviest; there must be one.
struct candidate candidates_pop(struct candidates *h);

#endif
