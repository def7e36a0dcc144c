// The fields of an object in the answer: selections and fragments flattened and merged by key, in
// the order of their first appearance.  https://spec.graphql.org/October2021/#sec-Field-Collection
#ifndef UPLOAD_GRAPHQL_COLLECT_H
#define UPLOAD_GRAPHQL_COLLECT_H

#include "arena.h"
#include "graphql.h"

// A selection among those that share a key.
struct graphql_merged {
    const struct graphql_selection *selection;
    struct graphql_merged *next;
};

struct graphql_collected {
    struct str key;
    struct graphql_merged *merged; // at least one; the first decides
    struct graphql_merged **tail;
    struct graphql_collected *next;
};

struct graphql_collection {
    struct graphql_document *document; // validated, so that each spread knows its fragment
    struct arena *arena;
    // Whether @skip and @include leave a selection in; NULL: every one stays.
    bool (*is_included)(void *context, const struct graphql_selection *s);
    void *context;
};

// The fields within all selections of a merged list; NULL list: of one selection set, the one that
// begins with only. False: they are more than GRAPHQL_MOST_FIELDS, or the arena is full.
bool graphql_collect(struct graphql_collected **out, const struct graphql_collection *c,
                     const struct graphql_merged *merged, const struct graphql_selection *only);

#endif
