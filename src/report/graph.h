// The call graph: how much each place in the program holds itself (flat) and with all that it
// called (cum), and how much flows along each call.  Counted straight from the samples; a node or
// edge counts once a sample, however often it is in the stack.
#ifndef REPORT_GRAPH_H
#define REPORT_GRAPH_H

#include "base/parallel.h"
#include "report/place.h"

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

struct graph {
    struct places places;
    struct node *node; // row 0: none
    u32 nnode;
    struct edge *edge; // row 0: none
    u32 nedge;
    u32 *link;  // edges by node, of those that are not removed
    u32 *shown; // nodes in the report's order
    u32 nshown;
    struct arena *arena;
};

// So many samples are worth a thread of their own.
enum { GRAPH_LEAST_SAMPLES = 20000 };

// What is counted of each sample.
struct graph_values {
    u32 type;  // column of values
    bool mean; // to be divided by column 0
};

// The nodes with their values, one for each place: row i is place i.  shown has those with a value,
// or without drop_negative those with a positive one, in no order yet.  There are no edges yet.
struct graph graph_nodes(const struct profile *p, struct graph_values v, struct places places,
                         bool drop_negative, struct arena *a);

// Which edges are to be counted.
struct graph_edges {
    const bool *kept;     // by node: others are passed over; NULL: all are kept
    const bool *into;     // by node: only edges to these are wanted; NULL: to all
    const bool *touching; // by node: only edges from or to these; NULL: all
};

// The samples' ways over the nodes that were kept, of a first count, so that a second one, which
// keeps some of these, need not go through all frames again.  Zeros at first.
struct graph_ways {
    u16 *step[PARALLEL_MOST]; // by part of the samples: a node's number among those kept << 1 |
                              // others were passed over before it; a sample ends with 0
    u32 *node;                // by that number; NULL: no ways are known
    struct arena arena;
};

// Counts the edges anew.  ways are used when they are known, and otherwise filled in, where that is
// cheap; NULL: there is no other count to follow or to be followed.
void graph_count_edges(struct graph *g, const struct profile *p, struct graph_values v,
                       struct graph_edges wanted, struct graph_ways *ways);

void graph_ways_free(struct graph_ways *ways);

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

static inline i64 magnitude(i64 value)
{
    return value < 0 ? -value : value;
}

static inline struct str node_name(const struct graph *g, u32 node)
{
    return g->places.name[g->node[node].place];
}

// order.c

enum graph_order { GRAPH_BY_FLAT, GRAPH_BY_CUM, GRAPH_BY_ENTROPY };
void graph_sort(struct graph *g, enum graph_order order);

// A node's edges, heaviest first; n is their number.
const u32 *graph_in(const struct graph *g, u32 node, u32 *n);
const u32 *graph_out(const struct graph *g, u32 node, u32 *n);

// All edges, heaviest first.
u32 *graph_all_edges(const struct graph *g, u32 *n);

// Fills link with the edges that are left, by node.
void graph_link(struct graph *g);

// Removes edges to shown nodes that are lighter than the cutoff; returns their number.
u32 graph_drop_edges(struct graph *g, i64 cutoff);

// Removes residual edges between nodes that another path joins as well.
void graph_drop_redundant(struct graph *g);

#endif
