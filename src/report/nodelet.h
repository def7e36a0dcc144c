// Nodelets: the small boxes beside a box of the call graph, which say how much of it carries which
// labels.  Samples with the same text labels share one; the sizes of blocks ("bytes") are counted
// beside these.
#ifndef REPORT_NODELET_H
#define REPORT_NODELET_H

#include "profile/label.h"
#include "report/stacks.h"

struct nodelet {
    u32 text;        // row of nodelets.text; of a size: the text labels that it is beside, 0: none
    bool is_size;    // value in unit
    struct str name; // of a size: as it is printed
    i64 value;       // of a size: the first one that is printed like this
    i64 flat, flat_div, cum, cum_div;
};

struct nodelets {
    struct nodelet *row; // by node, in no order
    u32 *first;          // by node: its run, first[i] .. first[i + 1]
    struct str *text;    // "key:value\nkey:value", the line's end as two letters; row 0: no labels
    struct str unit;     // of sizes
};

struct nodelet_options {
    struct graph_values values;
    struct str size_unit;   // of the profile's sizes; empty: it has none
    struct str output_unit; // that they are printed in, also "minimum" or "auto"
    i64 least;              // lighter ones are left out
};

// Of each node of the graph that kept has.
struct nodelets nodelets_of_graph(const struct graph *g, const struct profile *p, const bool *kept,
                                  const struct nodelet_options *o);

// Of each node of a call tree; serial is calltree.serial.
struct nodelets nodelets_of_tree(const struct graph *g, const u32 *serial, const struct stacks *s,
                                 const struct nodelet_options *o);

// How many of a node have a flat value.
u32 nodelets_flat(const struct nodelets *n, u32 node);

#endif
