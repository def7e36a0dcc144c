// An executable GraphQL document: trees in an arena, linked by next in the order of the text.
// https://spec.graphql.org/October2021/#sec-Language
#ifndef UPLOAD_GRAPHQL_H
#define UPLOAD_GRAPHQL_H

#include "str.h"

enum {
    GRAPHQL_MOST_BYTES = 64 << 10, // of a document
    GRAPHQL_MOST_TOKENS = 10000,   // of a document
    GRAPHQL_MOST_DEPTH = 48,       // of selections, values, types and fragments within one another
    GRAPHQL_MOST_FIELDS = 100,     // of one object in the answer; bounds what aliases can ask for
    GRAPHQL_MOST_INTROSPECTED = 10000, // fields of introspection in an answer
    GRAPHQL_MOST_ERRORS = 16,          // in an answer
    GRAPHQL_MOST_VALUES = 4096,        // in the variables
    GRAPHQL_ARENA_BYTES = 4 << 20      // trees of one request
};

struct upload;

enum graphql_kind {
    GRAPHQL_NULL,
    GRAPHQL_BOOLEAN,
    GRAPHQL_INT,
    GRAPHQL_FLOAT,
    GRAPHQL_STRING,
    GRAPHQL_ENUM,
    GRAPHQL_LIST,
    GRAPHQL_OBJECT,
    GRAPHQL_VARIABLE, // only in a document
    GRAPHQL_UPLOAD    // only in variables, put there by the map of a multipart request
};

// A value of a document or of the variables; an argument is one with a name.
struct graphql_value {
    enum graphql_kind kind;
    uint32_t offset;       // in the document; 0 in the variables
    struct str name;       // of the argument or of the object's field that it is
    struct str text;       // a string's characters; the name of an enum's value or of a variable
    bool truth;            // of a Boolean
    int64_t integer;       // of an Int; one that does not fit is the nearest that does
    struct upload *upload; // of an Upload
    struct graphql_value *child; // a list's or an object's first
    struct graphql_value *next;
};

struct graphql_type {
    struct str name;                 // empty: a list
    const struct graphql_type *item; // of a list
    bool is_non_null;
};

struct graphql_directive {
    struct str name;
    uint32_t offset;
    struct graphql_value *argument;
    struct graphql_directive *next;
};

enum graphql_selection_kind { GRAPHQL_FIELD, GRAPHQL_SPREAD, GRAPHQL_INLINE };

struct graphql_selection {
    enum graphql_selection_kind kind;
    uint32_t offset;
    struct str key;  // of a field: what the answer calls it, the alias or the name
    struct str name; // of the field or of the fragment
    struct str on;   // type condition of an inline fragment; empty: none
    struct graphql_fragment *fragment; // that a spread names; set by graphql_validate()
    struct graphql_value *argument;
    struct graphql_directive *directive;
    struct graphql_selection *selection; // the first within
    struct graphql_selection *next;
};

struct graphql_variable {
    struct str name;
    uint32_t offset;
    const struct graphql_type *type;
    const struct graphql_value *initial; // "= 5"; NULL: none
    struct graphql_directive *directive;
    const struct graphql_value
        *value;   // set by graphql_coerce_variables(); NULL: the client gave none
    bool is_used; // set by graphql_validate()
    struct graphql_variable *next;
};

enum graphql_operation_kind { GRAPHQL_QUERY, GRAPHQL_MUTATION, GRAPHQL_SUBSCRIPTION };

struct graphql_operation {
    enum graphql_operation_kind kind;
    struct str name; // empty: anonymous
    uint32_t offset;
    struct graphql_variable *variable;
    struct graphql_directive *directive;
    struct graphql_selection *selection;
    struct graphql_operation *next;
};

struct graphql_fragment {
    struct str name;
    struct str on;
    uint32_t offset;
    struct graphql_directive *directive;
    struct graphql_selection *selection;
    const struct graphql_operation *seen_by; // the last operation that graphql_validate() met it in
    bool is_open;                            // graphql_validate() is within it
    uint32_t stamp;                          // the last collection that took its fields
    struct graphql_fragment *next;
};

struct graphql_document {
    struct str source;
    struct graphql_operation *operation;
    struct graphql_fragment *fragment;
    uint32_t stamp; // of the latest collection
};

// What is wrong with a document, and where.
struct graphql_problem {
    char text[160];
    uint32_t offset;
};

// NULL: there is none of that name.
struct graphql_fragment *graphql_fragment_find(const struct graphql_document *d, struct str name);
struct graphql_variable *graphql_variable_find(const struct graphql_operation *o, struct str name);
const struct graphql_value *graphql_value_find(const struct graphql_value *first, struct str name);

#endif
