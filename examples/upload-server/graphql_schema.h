// What a server answers, as const tables: object types, their fields, and the functions that give
// the values.
#ifndef UPLOAD_GRAPHQL_SCHEMA_H
#define UPLOAD_GRAPHQL_SCHEMA_H

#include <jansson.h>

#include "err.h"
#include "graphql.h"

struct graphql_schema;

// A call of a field's function.
struct graphql_call {
    const struct graphql_schema *schema;
    const void *context; // the service's own
    const struct graphql_value *const
        *argument; // in the order of the field's arguments; NULL: not given
    json_t *value; // of the object that the field is in; NULL in an operation's root
    struct err *error;
};

// A new value; NULL: *call->error says why there is none.
typedef json_t *graphql_resolver(const struct graphql_call *call);

struct graphql_argument {
    const char *name;
    const struct graphql_type *type;
};

enum { GRAPHQL_MOST_ARGUMENTS = 4 };

struct graphql_field {
    const char *name;
    const struct graphql_type *type;
    graphql_resolver
        *resolve; // NULL: the value is the member of that name of the object that the field is in
    struct graphql_argument argument[GRAPHQL_MOST_ARGUMENTS]; // up to the first without a name
};

struct graphql_object {
    const char *name;
    const struct graphql_field *field;
    uint32_t nfield;
};

// An input object: named values that a client gives together.
struct graphql_input {
    const char *name;
    const struct graphql_argument *field;
    uint32_t nfield;
};

struct graphql_schema {
    const struct graphql_object *object;
    uint32_t nobject;
    const struct graphql_input *input;
    uint32_t ninput;
    const struct graphql_object
        *root[3]; // by enum graphql_operation_kind; NULL: the schema has none
};

// For tables: a type by its name.
#define GRAPHQL_NAMED(type)                                                                        \
    {                                                                                              \
        .name = { type, sizeof(type) - 1 }                                                         \
    }
#define GRAPHQL_NON_NULL(type)                                                                     \
    {                                                                                              \
        .name = {type, sizeof(type) - 1}, .is_non_null = true                                      \
    }

// NULL: there is none of that name.
const struct graphql_object *graphql_object_find(const struct graphql_schema *s, struct str name);
const struct graphql_input *graphql_input_find(const struct graphql_schema *s, struct str name);
const struct graphql_field *graphql_field_find(const struct graphql_schema *s,
                                               const struct graphql_object *o, struct str name);

// @skip and @include; NULL: it is neither.
const struct graphql_argument *graphql_directive_arguments(struct str name);

// Whether a scalar of that name exists: Int, Float, String, Boolean, ID, Upload.
bool graphql_is_scalar(struct str name);

// Their names, in some order; NULL: there are no more than i.
const char *graphql_scalar_name(uint32_t i);

// Whether a scalar may be written so.  An Upload may be anything here: only its resolver's call
// looks closer.
bool graphql_scalar_accepts(struct str name, enum graphql_kind kind);

// "[Upload!]!"; a longer one is cut off.
enum { GRAPHQL_TYPE_TEXT = 128 };
void graphql_type_print(char out[GRAPHQL_TYPE_TEXT], const struct graphql_type *type);

#endif
