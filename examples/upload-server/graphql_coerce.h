// Values as the types of variables and arguments want them.
// https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values; messages, paths and codes are
// gqlgen's.
#ifndef UPLOAD_GRAPHQL_COERCE_H
#define UPLOAD_GRAPHQL_COERCE_H

#include "arena.h"
#include "graphql_error.h"
#include "graphql_schema.h"

// What values are coerced with.
struct graphql_coercion {
    const struct graphql_schema *schema;
    const struct graphql_operation
        *operation; // whose variables arguments name; NULL: variables themselves
    struct arena *arena;
    json_t *errors;
};

// Sets the value of each of the operation's variables from those that the client gave (first of
// them; NULL: none). False: there is an error at the path variable.NAME.
bool graphql_coerce_variables(struct graphql_coercion *c, const struct graphql_operation *o,
                              const struct graphql_value *given);

// Sets *out to the arguments in the order of their definitions, with the values of variables in
// their places. False: there is an error at path and the argument's name.
bool graphql_coerce_arguments(struct graphql_coercion *c,
                              const struct graphql_value *out[GRAPHQL_MOST_ARGUMENTS],
                              const struct graphql_argument *defined,
                              const struct graphql_value *given, const struct graphql_path *path);

#endif
