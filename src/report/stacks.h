// The stacks of a profile as places, root first and sorted, so that stacks that begin alike are
// neighbours.  The call tree is then what is met while walking over them: it never has to be in
// memory as a whole.
#ifndef REPORT_STACKS_H
#define REPORT_STACKS_H

#include "report/graph.h"

struct stacks {
    struct places places;
    u32 *path;    // places of all stacks, root first; with INLINED_CALL
    size_t *from; // by sample: its run in path, from[i] .. from[i + 1]
    u32 *sample;  // samples that count (value and stack not empty), in the order of their paths
    u32 n;        // of them
    struct graph_values values;
    const struct profile *p;
};

// Set on a place in a path whose call was inlined into the one before.
#define INLINED_CALL 0x80000000u

struct stacks stacks_sort(const struct profile *p, struct places places, struct graph_values v,
                          struct arena *a);

// A node of the call tree while the walk is in it or below.
struct stack_level {
    u32 place;
    u32 serial;     // in the order in which nodes are entered; 1, 2 ...
    bool is_inline; // all calls were inlined
    i64 flat, flat_div, cum, cum_div;
    u32 data[2]; // the visitor's own; 0 on entry
};

struct stack_visitor {
    void *context;
    // l is l[-depth] .. l[0], where l[-depth] stands for the root of all trees.  All may be NULL.
    void (*enter)(void *context, struct stack_level *l);
    void (*sample)(void *context, struct stack_level *l, u32 depth, u32 sample); // ends at l
    void (*leave)(void *context, struct stack_level *l); // its sums are known, and is_inline
};

// Walks over the call tree, depth first.
void stacks_walk(const struct stacks *s, const struct stack_visitor *visitor);

#endif
