// The call graph: how much each place in the program holds itself (flat) and with all that it
// called (cum), and how much flows along each call.  Counted straight from the samples; a node or
// edge counts once a sample, however often it is in the stack.
#ifndef REPORT_GRAPH_H
#define REPORT_GRAPH_H

#include "profile/profile.h"

// What a node stands for; fields that the granularity does not tell apart are empty.
struct place {
    struct str name;
    struct str file; // cleaned as by filepath.Clean
    struct str
        objfile; // of the mapping; kept only where nothing else is known or a report asks for it
    u64 address;
    i64 start_line, line, column;
};

struct node {
    u32 place;
    i64 flat, flat_div, cum, cum_div;
    u32 in, nin;   // run in graph.link, edges to this node
    u32 out, nout; // run in graph.link, edges from it
};

struct edge {
    u32 src, dest; // nodes
    i64 weight, weight_div;
    bool is_residual; // passes over nodes that are not shown
    bool is_inline;   // every call along it was inlined
    bool is_removed;
};

// Places of each location, innermost first: run first[location] .. first[location + 1] of place.
struct columns {
    u32 *first;
    u32 *place;
};

struct graph {
    struct columns columns;
    struct place *place; // row 0: none
    struct str *name;    // of each place, as it is printed
    u32 nplace;
    struct node *node; // by place: row i is place i
    struct edge *edge; // row 0: none
    u32 nedge;
    u32 *link;  // edges by node, of those that are not removed
    u32 *shown; // nodes in the report's order
    u32 nshown;
    struct arena *arena;
};

struct graph_options {
    u32 type;  // column of values
    bool mean; // divide by column 0
    bool drop_negative;
    bool keep_objfile;
};

// Counts all samples.  shown has the nodes with a value, in no order yet.
struct graph graph_build(const struct profile *p, const struct graph_options *o, struct arena *a);

// Counts again with only these nodes (a column by node): edges then pass over the others.
struct graph graph_rebuild(const struct graph *g, const struct profile *p,
                           const struct graph_options *o, const bool *kept);

static inline i64 divided(i64 value, i64 divisor)
{
    return divisor ? value / divisor : value;
}

static inline i64 node_flat(const struct node *n)
{
    return divided(n->flat, n->flat_div);
}

static inline i64 node_cum(const struct node *n)
{
    return divided(n->cum, n->cum_div);
}

enum graph_order { GRAPH_BY_FLAT, GRAPH_BY_CUM, GRAPH_BY_ENTROPY };
void graph_sort(struct graph *g, enum graph_order order);

// A node's edges, heaviest first; n is its number.
const u32 *graph_in(const struct graph *g, u32 node, u32 *n);
const u32 *graph_out(const struct graph *g, u32 node, u32 *n);

// All edges, heaviest first.
u32 *graph_edges(const struct graph *g, u32 *n);

// Removes edges lighter than the cutoff; returns their number.
u32 graph_drop_edges(struct graph *g, i64 cutoff);

// Removes residual edges between nodes that another path joins as well.
void graph_drop_redundant(struct graph *g);

static inline i64 magnitude(i64 value)
{
    return value < 0 ? -value : value;
}

#endif
