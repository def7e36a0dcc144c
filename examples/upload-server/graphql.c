#include "graphql.h"

struct graphql_fragment *graphql_fragment_find(const struct graphql_document *d, struct str name)
{
    struct graphql_fragment *f = d->fragment;
    while (f && !str_equal(f->name, name))
        f = f->next;
    return f;
}

struct graphql_variable *graphql_variable_find(const struct graphql_operation *o, struct str name)
{
    struct graphql_variable *v = o->variable;
    while (v && !str_equal(v->name, name))
        v = v->next;
    return v;
}

const struct graphql_value *graphql_value_find(const struct graphql_value *first, struct str name)
{
    while (first && !str_equal(first->name, name))
        first = first->next;
    return first;
}
