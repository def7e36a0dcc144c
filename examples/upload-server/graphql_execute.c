#include "graphql_execute.h"

#include "graphql_coerce.h"
#include "graphql_collect.h"
#include "graphql_introspect.h"

// NULL stands for a null that the type forbids: an error is there, and what is around it becomes
// null.
struct execution {
    struct graphql_collection collection;
    const struct graphql_operation *operation;
    const struct graphql_schema *schema;
    const void *context;
    json_t *errors;
    uint32_t nintrospected; // fields of the schema's description in the answer
};

static bool directive_says(struct execution *x, const struct graphql_selection *s, struct str name,
                           bool otherwise)
{
    const struct graphql_value *argument[GRAPHQL_MOST_ARGUMENTS];
    for (const struct graphql_directive *d = s->directive; d; d = d->next) {
        if (!str_equal(d->name, name))
            continue;
        struct graphql_coercion c = {x->schema, x->operation, x->collection.arena, x->errors};
        bool is_good = graphql_coerce_arguments(&c, argument, graphql_directive_arguments(name),
                                                d->argument, NULL);
        return is_good ? argument[0]->truth : otherwise;
    }
    return otherwise;
}

static bool is_included(void *context, const struct graphql_selection *s)
{
    return !directive_says(context, s, STR("skip"), false) &&
           directive_says(context, s, STR("include"), true);
}

static json_t *null_unless(bool is_non_null)
{
    return is_non_null ? NULL : json_null();
}

static json_t *execute_fields(struct execution *x, const struct graphql_object *object,
                              json_t *value, const struct graphql_collected *field,
                              const struct graphql_path *path);

static json_t *complete(struct execution *x, const struct graphql_type *type, json_t *value,
                        const struct graphql_collected *fields, const struct graphql_path *path);

static json_t *complete_list(struct execution *x, const struct graphql_type *type, json_t *value,
                             const struct graphql_collected *fields,
                             const struct graphql_path *path)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct graphql_path here = {.outer = path, .index = (uint32_t)i};
        json_t *done = complete(x, type->item, json_array_get(value, i), fields, &here);
        if (!done) {
            json_decref(list);
            return null_unless(type->is_non_null);
        }
        json_array_append_new(list, done);
    }
    return list;
}

// The value as the client gets it, new.
static json_t *complete(struct execution *x, const struct graphql_type *type, json_t *value,
                        const struct graphql_collected *fields, const struct graphql_path *path)
{
    if (!value || json_is_null(value)) {
        if (type->is_non_null)
            graphql_error_path(graphql_error(x->errors, "must not be null"), path);
        return null_unless(type->is_non_null);
    }
    if (type->item)
        return complete_list(x, type, value, fields, path);
    const struct graphql_object *object = graphql_object_find(x->schema, type->name);
    if (!object)
        return json_incref(value);
    json_t *done = execute_fields(x, object, value, fields, path);
    return done ? done : null_unless(type->is_non_null);
}

// Calls the field's function.  NULL: there is an error.
static json_t *call(struct execution *x, const struct graphql_field *field, json_t *object,
                    const struct graphql_selection *s, const struct graphql_path *path)
{
    const struct graphql_value *argument[GRAPHQL_MOST_ARGUMENTS] = {0};
    struct err e = {0};
    struct graphql_call c = {.schema = x->schema,
                             .context = x->context,
                             .argument = argument,
                             .value = object,
                             .error = &e};
    struct graphql_coercion coercion = {x->schema, x->operation, x->collection.arena, x->errors};
    if (!graphql_coerce_arguments(&coercion, argument, field->argument, s->argument, path))
        return NULL;
    json_t *value = field->resolve(&c);
    if (!value)
        graphql_error_path(graphql_error(x->errors, "%s", e.text), path);
    return value;
}

static json_t *execute_field(struct execution *x, const struct graphql_object *object,
                             json_t *value, const struct graphql_collected *collected,
                             const struct graphql_path *path)
{
    const struct graphql_selection *s = collected->merged->selection;
    const struct graphql_field *field = graphql_field_find(x->schema, object, s->name);
    struct graphql_collected *within = NULL;
    if (str_equal(s->name, STR("__typename")))
        return json_string(object->name);
    x->nintrospected += graphql_is_introspection(object);
    if (x->nintrospected > GRAPHQL_MOST_INTROSPECTED ||
        (s->selection && !graphql_collect(&within, &x->collection, collected->merged, NULL))) {
        graphql_error_path(graphql_error(x->errors, "the answer is too large"), path);
        return null_unless(field->type->is_non_null);
    }
    if (!field->resolve)
        return complete(x, field->type, json_object_get(value, field->name), within, path);
    json_t *result = call(x, field, value, s, path);
    if (!result)
        return null_unless(field->type->is_non_null);
    json_t *done = complete(x, field->type, result, within, path);
    json_decref(result);
    return done;
}

static json_t *execute_fields(struct execution *x, const struct graphql_object *object,
                              json_t *value, const struct graphql_collected *field,
                              const struct graphql_path *path)
{
    json_t *answer = json_object();
    for (; field; field = field->next) {
        struct graphql_path here = {.outer = path, .name = field->key};
        json_t *done = execute_field(x, object, value, field, &here);
        if (!done) {
            json_decref(answer);
            return NULL;
        }
        json_object_setn_new(answer, field->key.ptr, field->key.len, done);
    }
    return answer;
}

json_t *graphql_execute(struct graphql_document *d, const struct graphql_operation *o,
                        const struct graphql_schema *schema, const void *context, struct arena *a,
                        json_t *errors)
{
    struct execution x = {.operation = o, .schema = schema, .context = context, .errors = errors};
    x.collection = (struct graphql_collection){d, a, is_included, &x};
    struct graphql_collected *fields;
    if (!graphql_collect(&fields, &x.collection, NULL, o->selection)) {
        graphql_error(errors, "the answer is too large");
        return NULL;
    }
    return execute_fields(&x, schema->root[o->kind], NULL, fields, NULL);
}
