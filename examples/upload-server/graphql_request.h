// A request as clients send it: {"query": ..., "operationName": ..., "variables": ...}, and its
// answer.
#ifndef UPLOAD_GRAPHQL_REQUEST_H
#define UPLOAD_GRAPHQL_REQUEST_H

#include "arena.h"
#include "graphql_schema.h"

struct graphql_request {
    json_t *json; // holds the bytes of all strings
    struct str query, operation_name;
    struct graphql_value *variables; // an object; NULL: the client sent none
    struct arena arena;
};

// False: the text is no such request.  Bytes behind it are ignored, as gqlgen ignores them.
bool graphql_request_decode(struct graphql_request *r, struct str text);

// The same of JSON that was read already; NULL is no request.
bool graphql_request_decode_json(struct graphql_request *r, json_t *json);
void graphql_request_free(struct graphql_request *r);

// Puts an upload where path ("variables.files.0") says; key is the name of its part.  Fails with
// gqlgen's messages.
bool graphql_request_add_upload(struct graphql_request *r, struct upload *upload, struct str key,
                                struct str path, struct err *e);

// Sets *answer to a new object with the keys errors (if there are any) and data; returns the HTTP
// status.
unsigned graphql_request_answer(json_t **answer, struct graphql_request *r,
                                const struct graphql_schema *schema, const void *context);

#endif
