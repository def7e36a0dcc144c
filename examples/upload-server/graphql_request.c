#include "graphql_request.h"

#include <stdlib.h>

#include "graphql_coerce.h"
#include "graphql_execute.h"
#include "graphql_parse.h"
#include "graphql_validate.h"

enum { STATUS_OK = 200, STATUS_UNPROCESSABLE = 422 };

// The place of a value's text, which lives as long as the JSON does.
static struct str text_of(const json_t *json)
{
    return (struct str){json_string_value(json), json_string_length(json)};
}

static enum graphql_kind kind_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return GRAPHQL_OBJECT;
    case JSON_ARRAY:
        return GRAPHQL_LIST;
    case JSON_STRING:
        return GRAPHQL_STRING;
    case JSON_INTEGER:
        return GRAPHQL_INT;
    case JSON_REAL:
        return GRAPHQL_FLOAT;
    case JSON_TRUE:
    case JSON_FALSE:
        return GRAPHQL_BOOLEAN;
    default:
        return GRAPHQL_NULL;
    }
}

static struct graphql_value *convert(struct arena *a, json_t *json, uint32_t *budget);

static bool convert_items(struct graphql_value *v, struct arena *a, json_t *json, uint32_t *budget)
{
    struct graphql_value **tail = &v->child;
    for (size_t i = 0; i < json_array_size(json); i++) {
        *tail = convert(a, json_array_get(json, i), budget);
        if (!*tail)
            return false;
        tail = &(*tail)->next;
    }
    return true;
}

static bool convert_fields(struct graphql_value *v, struct arena *a, json_t *json, uint32_t *budget)
{
    struct graphql_value **tail = &v->child;
    for (void *at = json_object_iter(json); at; at = json_object_iter_next(json, at)) {
        *tail = convert(a, json_object_iter_value(at), budget);
        if (!*tail)
            return false;
        (*tail)->name = (struct str){json_object_iter_key(at), json_object_iter_key_len(at)};
        tail = &(*tail)->next;
    }
    return true;
}

// jansson bounds the depth, JSON_PARSER_MAX_DEPTH.  NULL: there are more than *budget values.
static struct graphql_value *convert(struct arena *a, json_t *json, uint32_t *budget)
{
    struct graphql_value *v = *budget ? arena_new(a, struct graphql_value) : NULL;
    if (!v)
        return NULL;
    --*budget;
    v->kind = kind_of(json);
    v->truth = json_is_true(json);
    v->integer = json_integer_value(json);
    if (v->kind == GRAPHQL_STRING)
        v->text = text_of(json);
    bool fits = convert_items(v, a, json, budget) && convert_fields(v, a, json, budget);
    return fits ? v : NULL;
}

// Of an object or of null, as Go decodes JSON to a struct.
static bool get_text(struct str *out, const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    *out = json_is_string(value) ? text_of(value) : STR("");
    return !value || json_is_null(value) || json_is_string(value);
}

static bool get_variables(struct graphql_request *r)
{
    json_t *value = json_object_get(r->json, "variables"),
           *extensions = json_object_get(r->json, "extensions");
    uint32_t budget = GRAPHQL_MOST_VALUES;
    if (extensions && !json_is_null(extensions) && !json_is_object(extensions))
        return false;
    if (!value || json_is_null(value))
        return true;
    r->variables = json_is_object(value) ? convert(&r->arena, value, &budget) : NULL;
    return r->variables;
}

bool graphql_request_decode_json(struct graphql_request *r, json_t *json)
{
    *r = (struct graphql_request){.json = json_incref(json)};
    arena_init(&r->arena, GRAPHQL_ARENA_BYTES);
    return r->json && (json_is_object(r->json) || json_is_null(r->json)) &&
           get_text(&r->query, r->json, "query") &&
           get_text(&r->operation_name, r->json, "operationName") && get_variables(r);
}

bool graphql_request_decode(struct graphql_request *r, struct str text)
{
    json_t *json = json_loadb(text.ptr, text.len,
                              JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool is_good = graphql_request_decode_json(r, json);
    json_decref(json);
    return is_good;
}

void graphql_request_free(struct graphql_request *r)
{
    arena_free(&r->arena);
    json_decref(r->json);
    *r = (struct graphql_request){0};
}

// The item or field of v that a component of a path names; a new field where an object has none.
// NULL: there is none, which makes gqlgen panic.
static struct graphql_value *step_into(struct graphql_request *r, struct graphql_value *v,
                                       struct str name)
{
    uint64_t index;
    struct graphql_value **at = v ? &v->child : NULL;
    if (!v || v->kind != (str_u64(&index, name) ? GRAPHQL_LIST : GRAPHQL_OBJECT))
        return NULL;
    if (v->kind == GRAPHQL_LIST) {
        while (*at && index-- > 0)
            at = &(*at)->next;
        return *at;
    }
    while (*at && !str_equal((*at)->name, name))
        at = &(*at)->next;
    if (!*at && (*at = arena_new(&r->arena, struct graphql_value)))
        (*at)->name = name;
    return *at;
}

bool graphql_request_add_upload(struct graphql_request *r, struct upload *upload, struct str key,
                                struct str path, struct err *e)
{
    struct str rest = path;
    struct graphql_value *v = r->variables;
    if (!str_starts(path, STR("variables.")))
        return err_set(e, "invalid operations paths for key %.*s", STR_ARG(key));
    str_cut(&rest, '.');
    for (bool is_last = false; !is_last;) {
        struct str name = str_cut(&rest, '.');
        is_last = name.ptr + name.len == path.ptr + path.len;
        if (v && v->kind == GRAPHQL_NULL)
            return err_set(e, "path is missing \"variables.\" prefix, key: %.*s, path: %.*s",
                           STR_ARG(key), STR_ARG(path));
        v = step_into(r, v, name);
        if (!v)
            return err_set(e, "internal system error");
    }
    v->kind = GRAPHQL_UPLOAD;
    v->upload = upload;
    return true;
}

static const struct graphql_operation *choose(const struct graphql_document *d, struct str name)
{
    const struct graphql_operation *o = d->operation;
    if (!name.len && !o->next)
        return o;
    while (o && !str_equal(o->name, name))
        o = o->next;
    return name.len ? o : NULL;
}

// What can be refused before anything runs.  NULL: there is an error.
static const struct graphql_operation *prepare(struct graphql_document *d,
                                               struct graphql_request *r,
                                               const struct graphql_schema *schema, json_t *errors)
{
    struct graphql_problem problem;
    if (!graphql_parse(d, r->query, &r->arena, &problem)) {
        json_t *error = graphql_error(errors, "%s", problem.text);
        graphql_error_location(error, r->query, problem.offset);
        graphql_error_code(error, GRAPHQL_PARSE_FAILED);
        return NULL;
    }
    if (!d->operation) {
        graphql_error_code(graphql_error(errors, "no operation provided"),
                           GRAPHQL_VALIDATION_FAILED);
        return NULL;
    }
    graphql_validate(d, schema, &r->arena, errors);
    if (json_array_size(errors))
        return NULL;
    const struct graphql_operation *o = choose(d, r->operation_name);
    if (!o)
        graphql_error_code(
            graphql_error(errors, "operation %.*s not found", STR_ARG(r->operation_name)),
            GRAPHQL_VALIDATION_FAILED);
    const struct graphql_value *given = r->variables ? r->variables->child : NULL;
    struct graphql_coercion c = {.schema = schema, .arena = &r->arena, .errors = errors};
    return o && graphql_coerce_variables(&c, o, given) ? o : NULL;
}

unsigned graphql_request_answer(json_t **answer, struct graphql_request *r,
                                const struct graphql_schema *schema, const void *context)
{
    struct graphql_document d;
    json_t *errors = json_array();
    const struct graphql_operation *o = prepare(&d, r, schema, errors);
    json_t *data = o ? graphql_execute(&d, o, schema, context, &r->arena, errors) : NULL;
    *answer = json_object();
    if (json_array_size(errors))
        json_object_set(*answer, "errors", errors);
    json_object_set_new(*answer, "data", data ? data : json_null());
    json_decref(errors);
    return o ? STATUS_OK : STATUS_UNPROCESSABLE;
}
