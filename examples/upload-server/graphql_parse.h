// Text -> struct graphql_document.
// https://spec.graphql.org/October2021/#sec-Appendix-Grammar-Summary.Document-Syntax
#ifndef UPLOAD_GRAPHQL_PARSE_H
#define UPLOAD_GRAPHQL_PARSE_H

#include "arena.h"
#include "graphql.h"

// The document shares the bytes of source.  False: *problem says what is wrong and where.
bool graphql_parse(struct graphql_document *d, struct str source, struct arena *a,
                   struct graphql_problem *problem);

#endif
