#include "graphql_coerce.h"

// gqlgen prints the Go type of a value that has no place.
static const char *kind_name(enum graphql_kind kind)
{
    static const char *const name[] = {
        [GRAPHQL_NULL] = "<nil>",          [GRAPHQL_BOOLEAN] = "bool",
        [GRAPHQL_INT] = "int64",           [GRAPHQL_FLOAT] = "float64",
        [GRAPHQL_STRING] = "string",       [GRAPHQL_ENUM] = "string",
        [GRAPHQL_LIST] = "[]interface {}", [GRAPHQL_OBJECT] = "map[string]interface {}",
        [GRAPHQL_VARIABLE] = "variable",   [GRAPHQL_UPLOAD] = "graphql.Upload"};
    return name[kind];
}

static const struct graphql_value *coerce(struct graphql_coercion *c,
                                          const struct graphql_type *type,
                                          const struct graphql_value *v,
                                          const struct graphql_path *path);

static struct graphql_value *make(struct graphql_coercion *c, enum graphql_kind kind,
                                  const struct graphql_value *like)
{
    struct graphql_value *v = arena_new(c->arena, struct graphql_value);
    if (v)
        *v = (struct graphql_value){.kind = kind, .offset = like->offset};
    else
        graphql_error(c->errors, "the variables are too large");
    return v;
}

// A copy of v, coerced, to be linked to others.  NULL: there is an error.
static struct graphql_value *coerce_copy(struct graphql_coercion *c,
                                         const struct graphql_type *type, struct str name,
                                         const struct graphql_value *v,
                                         const struct graphql_path *path)
{
    const struct graphql_value *good = coerce(c, type, v, path);
    struct graphql_value *copy = good ? make(c, good->kind, good) : NULL;
    if (!copy)
        return NULL;
    *copy = *good;
    copy->name = name;
    copy->next = NULL;
    return copy;
}

// A value that is no list stands for a list of one.
static const struct graphql_value *coerce_list(struct graphql_coercion *c,
                                               const struct graphql_type *type,
                                               const struct graphql_value *v,
                                               const struct graphql_path *path)
{
    struct graphql_value *list = make(c, GRAPHQL_LIST, v);
    struct graphql_value **tail = list ? &list->child : NULL;
    const struct graphql_value *item = v->kind == GRAPHQL_LIST ? v->child : v;
    for (uint32_t i = 0; item && list; i++, item = v->kind == GRAPHQL_LIST ? item->next : NULL) {
        struct graphql_path here = {.outer = path, .index = i};
        *tail = coerce_copy(c, type->item, STR(""), item, &here);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    }
    return list;
}

static bool refuse(struct graphql_coercion *c, const char *message, const struct graphql_path *path)
{
    graphql_error_path(graphql_error(c->errors, "%s", message), path);
    return false;
}

// A variable that the client did not give is as good as a field that is not there.
static bool is_given(const struct graphql_coercion *c, const struct graphql_value *v)
{
    return v && (v->kind != GRAPHQL_VARIABLE || !c->operation ||
                 graphql_variable_find(c->operation, v->text)->value);
}

static bool fields_are_known(struct graphql_coercion *c, const struct graphql_input *input,
                             const struct graphql_value *v, const struct graphql_path *path)
{
    for (const struct graphql_value *given = v->child; given; given = given->next) {
        uint32_t i = 0;
        while (i < input->nfield && !str_equal(given->name, str_of(input->field[i].name)))
            i++;
        struct graphql_path here = {.outer = path, .name = given->name};
        if (i == input->nfield)
            return refuse(c, "unknown field", &here);
    }
    return true;
}

// Its fields come out in the order of their definitions.
static const struct graphql_value *coerce_object(struct graphql_coercion *c,
                                                 const struct graphql_input *input,
                                                 const struct graphql_value *v,
                                                 const struct graphql_path *path)
{
    struct graphql_value *object = make(c, GRAPHQL_OBJECT, v);
    struct graphql_value **tail = object ? &object->child : NULL;
    if (v->kind != GRAPHQL_OBJECT) {
        graphql_error_path(graphql_error(c->errors, "must be a %s", input->name), path);
        return NULL;
    }
    if (!object || !fields_are_known(c, input, v, path))
        return NULL;
    for (uint32_t i = 0; i < input->nfield; i++) {
        const struct graphql_argument *field = &input->field[i];
        struct str name = str_of(field->name);
        struct graphql_path here = {.outer = path, .name = name};
        const struct graphql_value *given = graphql_value_find(v->child, name);
        bool is_there = is_given(c, given);
        if (!is_there && field->type->is_non_null)
            refuse(c, "must be defined", &here);
        else if (!is_there)
            continue;
        *tail = is_there ? coerce_copy(c, field->type, name, given, &here) : NULL;
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    }
    return object;
}

static bool scalar_fits(const struct graphql_coercion *c, const struct graphql_type *type,
                        const struct graphql_value *v, const struct graphql_path *path)
{
    bool is_upload = str_equal(type->name, STR("Upload"));
    json_t *error = NULL;
    if (!graphql_scalar_accepts(type->name, v->kind))
        error = graphql_error(c->errors, "cannot use %s as %.*s", kind_name(v->kind),
                              STR_ARG(type->name));
    else if (is_upload && c->operation && v->kind != GRAPHQL_UPLOAD)
        error = graphql_error(c->errors, "%s is not an Upload", kind_name(v->kind));
    else
        return true;
    graphql_error_path(error, path);
    return false;
}

// The value of a variable that the client did not give is null.
static const struct graphql_value *resolve(const struct graphql_coercion *c,
                                           const struct graphql_value *v)
{
    static const struct graphql_value null = {.kind = GRAPHQL_NULL};
    if (v->kind != GRAPHQL_VARIABLE)
        return v;
    const struct graphql_variable *variable = graphql_variable_find(c->operation, v->text);
    return variable && variable->value ? variable->value : &null;
}

// NULL: there is an error.
static const struct graphql_value *coerce(struct graphql_coercion *c,
                                          const struct graphql_type *type,
                                          const struct graphql_value *v,
                                          const struct graphql_path *path)
{
    v = resolve(c, v);
    if (v->kind == GRAPHQL_NULL) {
        if (!type->is_non_null)
            return v;
        graphql_error_path(graphql_error(c->errors, "cannot be null"), path);
        return NULL;
    }
    if (type->item)
        return coerce_list(c, type, v, path);
    const struct graphql_input *input = graphql_input_find(c->schema, type->name);
    if (input)
        return coerce_object(c, input, v, path);
    return scalar_fits(c, type, v, path) ? v : NULL;
}

static bool coerce_variable(struct graphql_coercion *c, struct graphql_variable *v,
                            const struct graphql_value *given)
{
    struct graphql_path all = {.name = STR("variable")}, path = {.outer = &all, .name = v->name};
    const struct graphql_value *value = given ? given : v->initial;
    size_t nerror = json_array_size(c->errors);
    if (value)
        v->value = coerce(c, v->type, value, &path);
    else if (v->type->is_non_null)
        graphql_error_path(graphql_error(c->errors, "must be defined"), &path);
    if (json_array_size(c->errors) == nerror)
        return true;
    graphql_error_code(json_array_get(c->errors, nerror), GRAPHQL_VALIDATION_FAILED);
    return false;
}

bool graphql_coerce_variables(struct graphql_coercion *c, const struct graphql_operation *o,
                              const struct graphql_value *given)
{
    for (struct graphql_variable *v = o->variable; v; v = v->next)
        if (!coerce_variable(c, v, graphql_value_find(given, v->name)))
            return false;
    return true;
}

bool graphql_coerce_arguments(struct graphql_coercion *c,
                              const struct graphql_value *out[GRAPHQL_MOST_ARGUMENTS],
                              const struct graphql_argument *defined,
                              const struct graphql_value *given, const struct graphql_path *path)
{
    for (size_t i = 0; i < GRAPHQL_MOST_ARGUMENTS && defined[i].name; i++) {
        struct graphql_path here = {.outer = path, .name = str_of(defined[i].name)};
        const struct graphql_value *v = graphql_value_find(given, here.name);
        out[i] = NULL;
        if (!is_given(c, v) && !defined[i].type->is_non_null)
            continue;
        out[i] = coerce(c, defined[i].type, v, &here);
        if (!out[i])
            return false;
    }
    return true;
}
