#include "graphql_introspect.h"

#include <string.h>

// The value of a __Type is its text, "[Upload!]!"; what is within it is looked up when it is asked
// for, since types refer to each other in circles.

static const struct {
    const char *name, *value[20]; // up to the first NULL
} enumeration[] = {
    {"__TypeKind",
     {"SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT", "LIST", "NON_NULL"}},
    {"__DirectiveLocation",
     {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD",
      "INLINE_FRAGMENT", "VARIABLE_DEFINITION", "SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION",
      "ARGUMENT_DEFINITION", "INTERFACE", "UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT",
      "INPUT_FIELD_DEFINITION"}},
};

static struct str text_of(const struct graphql_call *c)
{
    return (struct str){json_string_value(c->value), json_string_length(c->value)};
}

static json_t *type_json(const struct graphql_type *type)
{
    char text[GRAPHQL_TYPE_TEXT];
    graphql_type_print(text, type);
    return json_string(text);
}

static json_t *arguments_json(const struct graphql_argument *a, size_t n)
{
    json_t *all = json_array();
    for (size_t i = 0; i < n && a[i].name; i++)
        json_array_append_new(all, json_pack("{s:s,s:o,s:b}", "name", a[i].name, "type",
                                             type_json(a[i].type), "isDeprecated", 0));
    return all;
}

static bool is_non_null(struct str text)
{
    return text.len && text.ptr[text.len - 1] == '!';
}

static bool is_list(struct str text)
{
    return text.len && text.ptr[0] == '[' && !is_non_null(text);
}

static const char *const *values_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(enumeration); i++)
        if (str_equal(name, str_of(enumeration[i].name)))
            return enumeration[i].value;
    return NULL;
}

static json_t *resolve_kind(const struct graphql_call *c)
{
    struct str text = text_of(c);
    if (is_non_null(text))
        return json_string("NON_NULL");
    if (is_list(text))
        return json_string("LIST");
    if (graphql_object_find(c->schema, text))
        return json_string("OBJECT");
    if (graphql_input_find(c->schema, text))
        return json_string("INPUT_OBJECT");
    return json_string(values_of(text) ? "ENUM" : "SCALAR");
}

static json_t *resolve_name(const struct graphql_call *c)
{
    struct str text = text_of(c);
    return is_non_null(text) || is_list(text) ? json_null() : json_incref(c->value);
}

static json_t *resolve_of_type(const struct graphql_call *c)
{
    struct str text = text_of(c);
    if (is_non_null(text))
        return json_stringn(text.ptr, text.len - 1);
    return is_list(text) ? json_stringn(text.ptr + 1, text.len - 2) : json_null();
}

static json_t *resolve_fields(const struct graphql_call *c)
{
    const struct graphql_object *o = graphql_object_find(c->schema, text_of(c));
    json_t *fields = o ? json_array() : json_null();
    for (uint32_t i = 0; o && i < o->nfield; i++) {
        const struct graphql_field *f = &o->field[i];
        json_array_append_new(fields, json_pack("{s:s,s:o,s:o,s:b}", "name", f->name, "args",
                                                arguments_json(f->argument, GRAPHQL_MOST_ARGUMENTS),
                                                "type", type_json(f->type), "isDeprecated", 0));
    }
    return fields;
}

static json_t *resolve_input_fields(const struct graphql_call *c)
{
    const struct graphql_input *i = graphql_input_find(c->schema, text_of(c));
    return i ? arguments_json(i->field, i->nfield) : json_null();
}

static json_t *resolve_enum_values(const struct graphql_call *c)
{
    const char *const *value = values_of(text_of(c));
    json_t *all = value ? json_array() : json_null();
    for (; value && *value; value++)
        json_array_append_new(all, json_pack("{s:s,s:b}", "name", *value, "isDeprecated", 0));
    return all;
}

static json_t *resolve_interfaces(const struct graphql_call *c)
{
    return graphql_object_find(c->schema, text_of(c)) ? json_array() : json_null();
}

static json_t *resolve_url(const struct graphql_call *c)
{
    static const char url[] = "https://github.com/jaydenseric/graphql-multipart-request-spec";
    return str_equal(text_of(c), STR("Upload")) ? json_string(url) : json_null();
}

static json_t *resolve_nothing(const struct graphql_call *c)
{
    (void)c;
    return json_null();
}

static void add_names(json_t *names, const struct graphql_object *o, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(names, json_string(o[i].name));
}

static json_t *all_types(const struct graphql_schema *s)
{
    json_t *names = json_array();
    add_names(names, s->object, s->nobject);
    for (uint32_t i = 0; i < s->ninput; i++)
        json_array_append_new(names, json_string(s->input[i].name));
    for (uint32_t i = 0; graphql_scalar_name(i); i++)
        json_array_append_new(names, json_string(graphql_scalar_name(i)));
    for (size_t i = 0; i < ARRAY_LEN(enumeration); i++)
        json_array_append_new(names, json_string(enumeration[i].name));
    add_names(names, graphql_introspection, graphql_nintrospection);
    return names;
}

static json_t *directive_json(const char *name)
{
    return json_pack(
        "{s:s,s:[s,s,s],s:o,s:b}", "name", name, "locations", "FIELD", "FRAGMENT_SPREAD",
        "INLINE_FRAGMENT", "args",
        arguments_json(graphql_directive_arguments(str_of(name)), GRAPHQL_MOST_ARGUMENTS),
        "isRepeatable", 0);
}

static json_t *root_json(const struct graphql_schema *s, enum graphql_operation_kind kind)
{
    return s->root[kind] ? json_string(s->root[kind]->name) : json_null();
}

static json_t *resolve_schema(const struct graphql_call *c)
{
    const struct graphql_schema *s = c->schema;
    return json_pack("{s:o,s:o,s:o,s:o,s:[o,o]}", "types", all_types(s), "queryType",
                     root_json(s, GRAPHQL_QUERY), "mutationType", root_json(s, GRAPHQL_MUTATION),
                     "subscriptionType", root_json(s, GRAPHQL_SUBSCRIPTION), "directives",
                     directive_json("include"), directive_json("skip"));
}

static json_t *resolve_type(const struct graphql_call *c)
{
    struct str name = c->argument[0]->text;
    bool is_there = graphql_object_find(c->schema, name) || graphql_input_find(c->schema, name) ||
                    graphql_is_scalar(name) || values_of(name);
    return is_there ? json_stringn(name.ptr, name.len) : json_null();
}

static const struct graphql_type text = GRAPHQL_NAMED("String"),
                                 good_text = GRAPHQL_NON_NULL("String"),
                                 flag = GRAPHQL_NAMED("Boolean"),
                                 good_flag = GRAPHQL_NON_NULL("Boolean"),
                                 type = GRAPHQL_NAMED("__Type"),
                                 good_type = GRAPHQL_NON_NULL("__Type"),
                                 types = {.item = &good_type},
                                 good_types = {.item = &good_type, .is_non_null = true},
                                 field = GRAPHQL_NON_NULL("__Field"), fields = {.item = &field},
                                 input = GRAPHQL_NON_NULL("__InputValue"),
                                 inputs = {.item = &input},
                                 good_inputs = {.item = &input, .is_non_null = true},
                                 value = GRAPHQL_NON_NULL("__EnumValue"), values = {.item = &value},
                                 kind = GRAPHQL_NON_NULL("__TypeKind"),
                                 directive = GRAPHQL_NON_NULL("__Directive"),
                                 directives = {.item = &directive, .is_non_null = true},
                                 location = GRAPHQL_NON_NULL("__DirectiveLocation"),
                                 locations = {.item = &location, .is_non_null = true},
                                 schema = GRAPHQL_NON_NULL("__Schema");

#define DEPRECATED                                                                                 \
    {                                                                                              \
        {                                                                                          \
            "includeDeprecated", &flag                                                             \
        }                                                                                          \
    }

static const struct graphql_field schema_field[] = {
    {.name = "description", .type = &text},      {.name = "types", .type = &good_types},
    {.name = "queryType", .type = &good_type},   {.name = "mutationType", .type = &type},
    {.name = "subscriptionType", .type = &type}, {.name = "directives", .type = &directives},
};
static const struct graphql_field type_field[] = {
    {"kind", &kind, resolve_kind, {{0}}},
    {"name", &text, resolve_name, {{0}}},
    {"description", &text, resolve_nothing, {{0}}},
    {"fields", &fields, resolve_fields, DEPRECATED},
    {"interfaces", &types, resolve_interfaces, {{0}}},
    {"possibleTypes", &types, resolve_nothing, {{0}}},
    {"enumValues", &values, resolve_enum_values, DEPRECATED},
    {"inputFields", &inputs, resolve_input_fields, DEPRECATED},
    {"ofType", &type, resolve_of_type, {{0}}},
    {"specifiedByURL", &text, resolve_url, {{0}}},
};
static const struct graphql_field field_field[] = {
    {.name = "name", .type = &good_text},
    {.name = "description", .type = &text},
    {.name = "args", .type = &good_inputs, .argument = DEPRECATED},
    {.name = "type", .type = &good_type},
    {.name = "isDeprecated", .type = &good_flag},
    {.name = "deprecationReason", .type = &text},
};
static const struct graphql_field input_field[] = {
    {.name = "name", .type = &good_text},         {.name = "description", .type = &text},
    {.name = "type", .type = &good_type},         {.name = "defaultValue", .type = &text},
    {.name = "isDeprecated", .type = &good_flag}, {.name = "deprecationReason", .type = &text},
};
static const struct graphql_field value_field[] = {
    {.name = "name", .type = &good_text},
    {.name = "description", .type = &text},
    {.name = "isDeprecated", .type = &good_flag},
    {.name = "deprecationReason", .type = &text},
};
static const struct graphql_field directive_field[] = {
    {.name = "name", .type = &good_text},
    {.name = "description", .type = &text},
    {.name = "locations", .type = &locations},
    {.name = "args", .type = &good_inputs, .argument = DEPRECATED},
    {.name = "isRepeatable", .type = &good_flag},
};

const struct graphql_object graphql_introspection[] = {
    {"__Schema", schema_field, ARRAY_LEN(schema_field)},
    {"__Type", type_field, ARRAY_LEN(type_field)},
    {"__Field", field_field, ARRAY_LEN(field_field)},
    {"__InputValue", input_field, ARRAY_LEN(input_field)},
    {"__EnumValue", value_field, ARRAY_LEN(value_field)},
    {"__Directive", directive_field, ARRAY_LEN(directive_field)},
};
const uint32_t graphql_nintrospection = ARRAY_LEN(graphql_introspection);

const struct graphql_field *graphql_introspect_root(struct str name)
{
    static const struct graphql_field root[] = {
        {"__schema", &schema, resolve_schema, {{0}}},
        {"__type", &type, resolve_type, {{"name", &good_text}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(root); i++)
        if (str_equal(name, str_of(root[i].name)))
            return &root[i];
    return NULL;
}

bool graphql_is_introspection(const struct graphql_object *o)
{
    return o >= graphql_introspection && o < graphql_introspection + graphql_nintrospection;
}
