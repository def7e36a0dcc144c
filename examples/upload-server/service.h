// What the whole server shares: all requests get it, none changes it but for the metrics and the
// store.
#ifndef UPLOAD_SERVICE_H
#define UPLOAD_SERVICE_H

#include "graphql_schema.h"
#include "metrics.h"
#include "options.h"
#include "store.h"

struct service {
    const struct options *options;
    struct metrics *metrics;
    struct store *store;
    const struct graphql_schema *schema; // its resolvers' context is this struct
};

#endif
