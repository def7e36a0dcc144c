// Whether a document can be executed against a schema.
// https://spec.graphql.org/October2021/#sec-Validation
#ifndef UPLOAD_GRAPHQL_VALIDATE_H
#define UPLOAD_GRAPHQL_VALIDATE_H

#include "arena.h"
#include "graphql_error.h"
#include "graphql_schema.h"

// Appends what is wrong to errors.  The collector and the executor rely on a document that has
// passed: its fragments have no cycles and fit, its fields, arguments and variables exist and have
// the right types.
void graphql_validate(struct graphql_document *d, const struct graphql_schema *schema,
                      struct arena *a, json_t *errors);

#endif
