// What the strings of a GraphQL document say.
// https://spec.graphql.org/October2021/#sec-String-Value
#ifndef UPLOAD_GRAPHQL_STRING_H
#define UPLOAD_GRAPHQL_STRING_H

#include "arena.h"
#include "str.h"

// The characters of a string that graphql_lex() took; false: the arena is full.
bool graphql_string_decode(struct str *out, struct str raw, struct arena *a);

// The same for a block string: without the indentation that its lines have in common, and without
// blank lines at its ends.
bool graphql_string_decode_block(struct str *out, struct str raw, struct arena *a);

#endif
