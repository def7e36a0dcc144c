// The call tree: a graph whose nodes are told apart by all of their callers.
#ifndef REPORT_CALLTREE_H
#define REPORT_CALLTREE_H

#include "report/stacks.h"

struct calltree {
    struct graph graph; // its places are the stacks'; a node has at most one edge to it
    u32 *serial;        // by node: as stacks_walk() numbers them
    u32 nlight;         // nodes that were left out, or passed over, since they weigh too little
};

// Sum of the flat values of the nodes that calltree_build() would count.
i64 calltree_flat(const struct stacks *s, bool drop_negative);

// The tree without what is lighter than least, and not needed to join what is not.
struct calltree calltree_build(const struct stacks *s, i64 least, bool drop_negative,
                               struct arena *a);

// Leaves out nodes of graph.shown that are not kept: who they called is then called by their
// caller, along a residual edge.
void calltree_trim(struct graph *g, const bool *keep);

#endif
