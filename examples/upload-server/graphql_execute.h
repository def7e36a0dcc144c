// Runs one operation of a validated document.  https://spec.graphql.org/October2021/#sec-Execution
#ifndef UPLOAD_GRAPHQL_EXECUTE_H
#define UPLOAD_GRAPHQL_EXECUTE_H

#include "arena.h"
#include "graphql_error.h"
#include "graphql_schema.h"

// The answer's data, new; NULL: null, since a field that must not be null is.  Fields run one after
// the other, as a mutation's have to; what fails goes to errors.  context is handed to the fields'
// functions.
json_t *graphql_execute(struct graphql_document *d, const struct graphql_operation *o,
                        const struct graphql_schema *schema, const void *context, struct arena *a,
                        json_t *errors);

#endif
