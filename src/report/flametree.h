// The call tree as far as anybody looks at it: its heaviest nodes, up to a number of them.  It is
// made from the root downwards, a node at a time, the heaviest first, so that what is too light is
// never made at all.
#ifndef REPORT_FLAMETREE_H
#define REPORT_FLAMETREE_H

#include "report/place.h"

struct flame_amount {
    i64 value;     // a sum of values, which in a difference may be negative
    i64 magnitude; // the sum of their magnitudes
};

// Row 0 is the root of all.  A row's place is 0 where it stands for all nodes that are too light to
// be there, below its parent.
struct flametree {
    u32 *parent; // by row; parent[i] < i
    u32 *place;
    bool *is_inline; // all calls were inlined
    u32 n;
    u32 ncolumn;
    struct flame_amount *self, *total; // n rows of ncolumn columns
};

struct flametree_options {
    const u32 *type; // the profile's columns that are counted
    u32 ntype;
    bool from_leaf; // who called whom, backwards: the first nodes are where samples end
    u32 most;       // nodes; as many more may stand for the rest below them
    double least;   // part of the total of any column that is too light if it is less
};

struct flametree flametree_build(const struct profile *p, const struct places *places,
                                 const struct flametree_options *o, struct arena *a);

static inline const struct flame_amount *flametree_self(const struct flametree *t, u32 row)
{
    return t->self + (size_t)row * t->ncolumn;
}

static inline const struct flame_amount *flametree_total(const struct flametree *t, u32 row)
{
    return t->total + (size_t)row * t->ncolumn;
}

#endif
