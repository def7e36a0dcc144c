// Address spaces: which mapping is at an address.  Each is a balanced tree of ranges that do not
// overlap.  A forked process shares its parent's nodes until one of them changes, so that neither a
// process with very many mappings nor very many processes cost more than their records.
//
// For the reader of perf.data only.
#ifndef PROFILE_PERF_SPACE_H
#define PROFILE_PERF_SPACE_H

#include "base/arena.h"

struct perf_node {
    u64 start, limit; // [start, limit)
    u32 mapping;      // not 0
    u32 left, right;  // nodes; 0: none
    u32 owner;        // the space that may change it
    u32 height;       // 1: no children
};

// The nodes of all spaces.
struct perf_nodes {
    struct arena *arena;
    struct perf_node *node; // row 0 is none
    u32 n, cap;
    u32 nowner;
};

struct perf_space {
    u32 root;
    u32 owner;
};

void perf_nodes_init(struct perf_nodes *all, struct arena *a);

// An empty space.
struct perf_space perf_space_new(struct perf_nodes *all);

// Another space with the same mappings; both may change afterwards.
struct perf_space perf_space_fork(struct perf_nodes *all, struct perf_space *parent);

// Puts a mapping at [start, limit), instead of whatever was there.
void perf_space_map(struct perf_nodes *all, struct perf_space *s, u64 start, u64 limit,
                    u32 mapping);

// The mapping at address, or 0.
u32 perf_space_find(const struct perf_nodes *all, const struct perf_space *s, u64 address);

#endif
