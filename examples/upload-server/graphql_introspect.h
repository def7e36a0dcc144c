// What a client can ask of the schema itself: __schema and __type.
// https://spec.graphql.org/October2021/#sec-Introspection
#ifndef UPLOAD_GRAPHQL_INTROSPECT_H
#define UPLOAD_GRAPHQL_INTROSPECT_H

#include "graphql_schema.h"

// The types of the introspection system, and their number.
extern const struct graphql_object graphql_introspection[];
extern const uint32_t graphql_nintrospection;

// The fields that introspection adds to the query's root; NULL: it is neither of them.
const struct graphql_field *graphql_introspect_root(struct str name);

// Whether o is one of the introspection system's own.
bool graphql_is_introspection(const struct graphql_object *o);

#endif
