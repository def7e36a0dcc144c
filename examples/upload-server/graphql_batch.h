// What a client sends as "operations" or as a body in JSON: a request, or an array of several,
// which are answered one after the other.
#ifndef UPLOAD_GRAPHQL_BATCH_H
#define UPLOAD_GRAPHQL_BATCH_H

#include "graphql_request.h"

enum { GRAPHQL_MOST_BATCHED = 10 };

struct graphql_batch {
    bool is_list;
    json_t *json;
    struct graphql_request request[GRAPHQL_MOST_BATCHED];
    uint32_t nrequest;
};

// False: it is no request, or a list that is empty, too long or not allowed.  To be freed in any
// case.
bool graphql_batch_decode(struct graphql_batch *b, struct str text, bool allow_list);
void graphql_batch_free(struct graphql_batch *b);

// As graphql_request_add_upload(); in a list the path begins with the request's index.
bool graphql_batch_add_upload(struct graphql_batch *b, struct upload *upload, struct str key,
                              struct str path, struct err *e);

// As graphql_request_answer(); a list gets a list, with status 200.
unsigned graphql_batch_answer(json_t **answer, struct graphql_batch *b,
                              const struct graphql_schema *schema, const void *context);

#endif
