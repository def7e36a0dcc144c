#include "graphql_coerce.h"

// What values are coerced with.
struct coercion {
    const struct graphql_operation
        *operation; // whose variables arguments name; NULL: variables themselves
    struct arena *arena;
    json_t *errors;
};

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

static const struct graphql_value *coerce(struct coercion *c, const struct graphql_type *type,
                                          const struct graphql_value *v,
                                          const struct graphql_path *path);

static struct graphql_value *make_list(struct coercion *c, const struct graphql_value *like)
{
    struct graphql_value *list = arena_new(c->arena, struct graphql_value);
    if (list)
        *list = (struct graphql_value){.kind = GRAPHQL_LIST, .offset = like->offset};
    else
        graphql_error(c->errors, "the variables are too large");
    return list;
}

// A value that is no list stands for a list of one.
static const struct graphql_value *coerce_list(struct coercion *c, const struct graphql_type *type,
                                               const struct graphql_value *v,
                                               const struct graphql_path *path)
{
    struct graphql_value *list = make_list(c, v);
    struct graphql_value **tail = list ? &list->child : NULL;
    const struct graphql_value *item = v->kind == GRAPHQL_LIST ? v->child : v;
    for (uint32_t i = 0; item && list; i++, item = v->kind == GRAPHQL_LIST ? item->next : NULL) {
        struct graphql_path here = {.outer = path, .index = i};
        const struct graphql_value *good = coerce(c, type->item, item, &here);
        struct graphql_value *copy = good ? make_list(c, item) : NULL;
        if (!copy)
            return NULL;
        *copy = *good;
        copy->next = NULL;
        *tail = copy;
        tail = &copy->next;
    }
    return list;
}

static bool scalar_fits(const struct coercion *c, const struct graphql_type *type,
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
static const struct graphql_value *resolve(const struct coercion *c, const struct graphql_value *v)
{
    static const struct graphql_value null = {.kind = GRAPHQL_NULL};
    if (v->kind != GRAPHQL_VARIABLE)
        return v;
    const struct graphql_variable *variable = graphql_variable_find(c->operation, v->text);
    return variable && variable->value ? variable->value : &null;
}

// NULL: there is an error.
static const struct graphql_value *coerce(struct coercion *c, const struct graphql_type *type,
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
    return scalar_fits(c, type, v, path) ? v : NULL;
}

static bool coerce_variable(struct coercion *c, struct graphql_variable *v,
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

bool graphql_coerce_variables(const struct graphql_operation *o, const struct graphql_value *given,
                              struct arena *a, json_t *errors)
{
    struct coercion c = {.arena = a, .errors = errors};
    for (struct graphql_variable *v = o->variable; v; v = v->next)
        if (!coerce_variable(&c, v, graphql_value_find(given, v->name)))
            return false;
    return true;
}

// Whether an argument was left out, or is a variable that was.
static bool is_absent(const struct graphql_operation *o, const struct graphql_value *v)
{
    return !v || (v->kind == GRAPHQL_VARIABLE && !graphql_variable_find(o, v->text)->value);
}

bool graphql_coerce_arguments(const struct graphql_value *out[GRAPHQL_MOST_ARGUMENTS],
                              const struct graphql_argument *defined,
                              const struct graphql_value *given, const struct graphql_operation *o,
                              const struct graphql_path *path, struct arena *a, json_t *errors)
{
    struct coercion c = {.operation = o, .arena = a, .errors = errors};
    for (size_t i = 0; i < GRAPHQL_MOST_ARGUMENTS && defined[i].name; i++) {
        struct graphql_path here = {.outer = path, .name = str_of(defined[i].name)};
        const struct graphql_value *v = graphql_value_find(given, here.name);
        out[i] = NULL;
        if (is_absent(o, v) && !defined[i].type->is_non_null)
            continue;
        out[i] = coerce(&c, defined[i].type, v, &here);
        if (!out[i])
            return false;
    }
    return true;
}
