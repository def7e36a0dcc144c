// Errors of a GraphQL answer.  https://spec.graphql.org/October2021/#sec-Errors; codes and key
// order are gqlgen's.
#ifndef UPLOAD_GRAPHQL_ERROR_H
#define UPLOAD_GRAPHQL_ERROR_H

#include <jansson.h>

#include "graphql.h"

// Where in an answer, in the arguments or in the variables: a name or an index, and what it is
// within.
struct graphql_path {
    const struct graphql_path *outer; // NULL: this is the outermost
    struct str name;                  // empty: index counts
    uint32_t index;
};

// Appends an error to the array errors and returns it, borrowed; NULL, and nothing is appended,
// when there are GRAPHQL_MOST_ERRORS already.  The other functions add to it, in this order, and
// take NULL too.
__attribute__((format(printf, 2, 3))) json_t *graphql_error(json_t *errors, const char *format,
                                                            ...);
void graphql_error_path(json_t *error, const struct graphql_path *path);
void graphql_error_location(json_t *error, struct str source, uint32_t offset);
void graphql_error_code(json_t *error, const char *code);

#define GRAPHQL_PARSE_FAILED      "GRAPHQL_PARSE_FAILED"
#define GRAPHQL_VALIDATION_FAILED "GRAPHQL_VALIDATION_FAILED"

#endif
