// Tokens of a GraphQL document.
// https://spec.graphql.org/October2021/#sec-Appendix-Grammar-Summary.Lexical-Tokens
#ifndef UPLOAD_GRAPHQL_LEX_H
#define UPLOAD_GRAPHQL_LEX_H

#include "graphql.h"

// A punctuator of one character is its own kind.
enum {
    GRAPHQL_TOKEN_END = 256,
    GRAPHQL_TOKEN_BAD,
    GRAPHQL_TOKEN_SPREAD,
    GRAPHQL_TOKEN_NAME,
    GRAPHQL_TOKEN_INT,
    GRAPHQL_TOKEN_FLOAT,
    GRAPHQL_TOKEN_STRING,
    GRAPHQL_TOKEN_BLOCK_STRING
};

struct graphql_token {
    int kind;
    uint32_t offset;
    struct str text; // as written; of strings what stands between the quotes
};

struct graphql_lexer {
    struct str source; // at most GRAPHQL_MOST_BYTES
    size_t at;
    struct graphql_problem *problem;
};

// The next token; GRAPHQL_TOKEN_BAD: *problem says what is wrong.
struct graphql_token graphql_lex(struct graphql_lexer *l);

// "Name", "<EOF>", "{": what messages call a kind; of a punctuator text holds it.
const char *graphql_token_name(int kind, char text[2]);

#endif
