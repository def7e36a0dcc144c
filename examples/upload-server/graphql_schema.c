#include "graphql_schema.h"

#include <stdio.h>

#include "graphql_introspect.h"

const struct graphql_object *graphql_object_find(const struct graphql_schema *s, struct str name)
{
    for (uint32_t i = 0; i < s->nobject; i++)
        if (str_equal(str_of(s->object[i].name), name))
            return &s->object[i];
    for (uint32_t i = 0; i < graphql_nintrospection; i++)
        if (str_equal(str_of(graphql_introspection[i].name), name))
            return &graphql_introspection[i];
    return NULL;
}

const struct graphql_input *graphql_input_find(const struct graphql_schema *s, struct str name)
{
    for (uint32_t i = 0; i < s->ninput; i++)
        if (str_equal(str_of(s->input[i].name), name))
            return &s->input[i];
    return NULL;
}

const struct graphql_field *graphql_field_find(const struct graphql_schema *s,
                                               const struct graphql_object *o, struct str name)
{
    static const struct graphql_type type_name = GRAPHQL_NON_NULL("String");
    static const struct graphql_field typename = {.name = "__typename", .type = &type_name};
    for (uint32_t i = 0; i < o->nfield; i++)
        if (str_equal(str_of(o->field[i].name), name))
            return &o->field[i];
    if (str_equal(name, STR("__typename")))
        return &typename;
    return o == s->root[GRAPHQL_QUERY] ? graphql_introspect_root(name) : NULL;
}

const struct graphql_argument *graphql_directive_arguments(struct str name)
{
    static const struct graphql_type truth = GRAPHQL_NON_NULL("Boolean");
    static const struct graphql_argument argument[GRAPHQL_MOST_ARGUMENTS] = {{"if", &truth}};
    return str_equal(name, STR("skip")) || str_equal(name, STR("include")) ? argument : NULL;
}

#define BIT(kind) (1u << (kind))

// Input coercion: https://spec.graphql.org/October2021/#sec-Scalars
static const struct {
    const char *name;
    unsigned accepts; // bit per enum graphql_kind
} scalar[] = {{"Int", BIT(GRAPHQL_INT)},
              {"Float", BIT(GRAPHQL_INT) | BIT(GRAPHQL_FLOAT)},
              {"String", BIT(GRAPHQL_STRING)},
              {"Boolean", BIT(GRAPHQL_BOOLEAN)},
              {"ID", BIT(GRAPHQL_STRING) | BIT(GRAPHQL_INT)},
              {"Upload", ~0u}};

bool graphql_is_scalar(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(scalar); i++)
        if (str_equal(str_of(scalar[i].name), name))
            return true;
    return false;
}

const char *graphql_scalar_name(uint32_t i)
{
    return i < ARRAY_LEN(scalar) ? scalar[i].name : NULL;
}

bool graphql_scalar_accepts(struct str name, enum graphql_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(scalar); i++)
        if (str_equal(str_of(scalar[i].name), name))
            return scalar[i].accepts & BIT(kind);
    return false;
}

void graphql_type_print(char out[GRAPHQL_TYPE_TEXT], const struct graphql_type *type)
{
    const char *mark = type->is_non_null ? "!" : "";
    char item[GRAPHQL_TYPE_TEXT];
    if (type->name.len) {
        snprintf(out, GRAPHQL_TYPE_TEXT, "%.*s%s", STR_ARG(type->name), mark);
    } else {
        graphql_type_print(item, type->item);
        snprintf(out, GRAPHQL_TYPE_TEXT, "[%.*s]%s", GRAPHQL_TYPE_TEXT - 4, item, mark);
    }
}
