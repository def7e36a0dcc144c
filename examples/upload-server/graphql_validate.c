#include "graphql_validate.h"

#include <stdarg.h>
#include <stdio.h>

#include "graphql_collect.h"

struct checker {
    struct graphql_document *document;
    const struct graphql_schema *schema;
    const struct graphql_operation *operation; // whose selections are being checked
    struct arena *arena;
    json_t *errors;
    uint32_t depth;
};

__attribute__((format(printf, 3, 4))) static void complain(struct checker *c, uint32_t offset,
                                                           const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    json_t *error = graphql_error(c->errors, "%s", message);
    graphql_error_location(error, c->document->source, offset);
    graphql_error_code(error, GRAPHQL_VALIDATION_FAILED);
}

static bool is_full(const struct checker *c)
{
    return json_array_size(c->errors) >= GRAPHQL_MOST_ERRORS;
}

// Whether a value of type may stand where place is wanted.
static bool type_fits(const struct graphql_type *type, const struct graphql_type *place)
{
    if (place->is_non_null && !type->is_non_null)
        return false;
    if (!type->item || !place->item)
        return !type->item && !place->item && str_equal(type->name, place->name);
    return type_fits(type->item, place->item);
}

// All Variable Usages Are Allowed: a default that is not null makes a nullable variable fit a
// non-null place.
static void check_variable_use(struct checker *c, const struct graphql_type *place,
                               const struct graphql_value *v)
{
    struct graphql_variable *variable = graphql_variable_find(c->operation, v->text);
    if (!variable) {
        complain(c, v->offset, "Variable \"$%.*s\" is not defined.", STR_ARG(v->text));
        return;
    }
    variable->is_used = true;
    struct graphql_type type = *variable->type;
    type.is_non_null |= variable->initial && variable->initial->kind != GRAPHQL_NULL;
    if (type_fits(&type, place))
        return;
    char is[GRAPHQL_TYPE_TEXT], wanted[GRAPHQL_TYPE_TEXT];
    graphql_type_print(is, variable->type);
    graphql_type_print(wanted, place);
    complain(c, v->offset,
             "Variable \"$%.*s\" of type \"%s\" used in position expecting type \"%s\".",
             STR_ARG(v->text), is, wanted);
}

// Counts the variables in values that have no type to check them against.
static void use_variables(struct checker *c, const struct graphql_value *v)
{
    for (; v; v = v->next) {
        struct graphql_variable *variable =
            v->kind == GRAPHQL_VARIABLE ? graphql_variable_find(c->operation, v->text) : NULL;
        if (variable)
            variable->is_used = true;
        use_variables(c, v->child);
    }
}

static const struct graphql_argument *argument_find(const struct graphql_argument *a, size_t n,
                                                    struct str name)
{
    for (size_t i = 0; i < n && a[i].name; i++)
        if (str_equal(str_of(a[i].name), name))
            return &a[i];
    return NULL;
}

static void check_value(struct checker *c, const struct graphql_type *type,
                        const struct graphql_value *v);

static void check_object(struct checker *c, const struct graphql_input *input,
                         const struct graphql_value *v)
{
    for (const struct graphql_value *given = v->child; given; given = given->next) {
        const struct graphql_argument *field =
            argument_find(input->field, input->nfield, given->name);
        if (!field)
            complain(c, given->offset, "Field \"%.*s\" is not defined by type \"%s\".",
                     STR_ARG(given->name), input->name);
        else if (graphql_value_find(given->next, given->name))
            complain(c, given->offset, "There can be only one input field named \"%s\".",
                     field->name);
        else
            check_value(c, field->type, given);
    }
    for (uint32_t i = 0; i < input->nfield; i++) {
        const struct graphql_argument *field = &input->field[i];
        char wanted[GRAPHQL_TYPE_TEXT];
        if (!field->type->is_non_null || graphql_value_find(v->child, str_of(field->name)))
            continue;
        graphql_type_print(wanted, field->type);
        complain(c, v->offset, "Field \"%s.%s\" of required type \"%s\" was not provided.",
                 input->name, field->name, wanted);
    }
}

static void check_value(struct checker *c, const struct graphql_type *type,
                        const struct graphql_value *v)
{
    const struct graphql_input *input = graphql_input_find(c->schema, type->name);
    if (v->kind == GRAPHQL_VARIABLE) {
        check_variable_use(c, type, v);
    } else if (type->item && v->kind == GRAPHQL_LIST) {
        for (const struct graphql_value *item = v->child; item; item = item->next)
            check_value(c, type->item, item);
    } else if (type->item && v->kind != GRAPHQL_NULL) {
        check_value(c, type->item, v);
    } else if (input && v->kind == GRAPHQL_OBJECT) {
        check_object(c, input, v);
    } else if (v->kind == GRAPHQL_NULL ? type->is_non_null
                                       : !graphql_scalar_accepts(type->name, v->kind)) {
        char wanted[GRAPHQL_TYPE_TEXT];
        graphql_type_print(wanted, type);
        complain(c, v->offset, "Expected value of type \"%s\".", wanted);
    } else {
        use_variables(c, v->child);
    }
}

// owner, for messages, is what has the arguments: a field "Mutation.uploadFile" or a directive
// "@skip".
static void check_arguments(struct checker *c, const struct graphql_argument *defined,
                            const char *owner, const struct graphql_value *given, uint32_t offset)
{
    for (const struct graphql_value *v = given; v; v = v->next) {
        const struct graphql_argument *a = argument_find(defined, GRAPHQL_MOST_ARGUMENTS, v->name);
        if (!a)
            complain(c, v->offset, "Unknown argument \"%.*s\" on \"%s\".", STR_ARG(v->name), owner);
        else if (graphql_value_find(v->next, v->name))
            complain(c, v->offset, "There can be only one argument named \"%s\".", a->name);
        else
            check_value(c, a->type, v);
    }
    for (size_t i = 0; i < GRAPHQL_MOST_ARGUMENTS && defined[i].name; i++) {
        char wanted[GRAPHQL_TYPE_TEXT];
        if (!defined[i].type->is_non_null || graphql_value_find(given, str_of(defined[i].name)))
            continue;
        graphql_type_print(wanted, defined[i].type);
        complain(c, offset,
                 "\"%s\" argument \"%s\" of type \"%s\" is required, but it was not provided.",
                 owner, defined[i].name, wanted);
    }
}

// The two directives that there are belong on selections.
static void check_directives(struct checker *c, const struct graphql_directive *d,
                             bool is_selection)
{
    for (; d; d = d->next) {
        const struct graphql_argument *defined = graphql_directive_arguments(d->name);
        char owner[64];
        snprintf(owner, sizeof(owner), "@%.*s", STR_ARG(d->name));
        if (!defined)
            complain(c, d->offset, "Unknown directive \"%s\".", owner);
        else if (!is_selection)
            complain(c, d->offset, "Directive \"%s\" is not applicable here.", owner);
        else
            check_arguments(c, defined, owner, d->argument, d->offset);
        for (const struct graphql_directive *other = d->next; other; other = other->next)
            if (str_equal(other->name, d->name))
                complain(c, other->offset,
                         "The directive \"%s\" can only be used once at this location.", owner);
    }
}

static const struct graphql_object *object_of(const struct checker *c,
                                              const struct graphql_type *type)
{
    while (type->item)
        type = type->item;
    return graphql_object_find(c->schema, type->name);
}

static void check_selections(struct checker *c, const struct graphql_object *object,
                             struct graphql_selection *s);

static void check_field(struct checker *c, const struct graphql_object *object,
                        struct graphql_selection *s)
{
    const struct graphql_field *field = graphql_field_find(c->schema, object, s->name);
    if (!field) {
        complain(c, s->offset, "Cannot query field \"%.*s\" on type \"%s\".", STR_ARG(s->name),
                 object->name);
        use_variables(c, s->argument);
        return;
    }
    char owner[128], type[GRAPHQL_TYPE_TEXT];
    snprintf(owner, sizeof(owner), "%s.%s", object->name, field->name);
    check_arguments(c, field->argument, owner, s->argument, s->offset);
    const struct graphql_object *inner = object_of(c, field->type);
    graphql_type_print(type, field->type);
    if (inner && !s->selection)
        complain(c, s->offset, "Field \"%s\" of type \"%s\" must have a selection of subfields.",
                 field->name, type);
    else if (!inner && s->selection)
        complain(c, s->offset,
                 "Field \"%s\" must not have a selection since type \"%s\" has no subfields.",
                 field->name, type);
    else if (inner)
        check_selections(c, inner, s->selection);
}

// There are only object types, so a fragment fits its own type and no other.
static bool check_condition(struct checker *c, const struct graphql_object *object, struct str on,
                            uint32_t offset)
{
    const struct graphql_object *wanted = graphql_object_find(c->schema, on);
    if (!wanted)
        complain(c, offset,
                 graphql_is_scalar(on) ? "Fragment cannot condition on non composite type \"%.*s\"."
                                       : "Unknown type \"%.*s\".",
                 STR_ARG(on));
    else if (wanted != object)
        complain(
            c, offset,
            "Fragment cannot be spread here as objects of type \"%s\" can never be of type \"%s\".",
            object->name, wanted->name);
    return wanted == object;
}

// A fragment is entered once per operation, since what it holds is the same each time.
static void check_spread(struct checker *c, const struct graphql_object *object,
                         struct graphql_selection *s)
{
    struct graphql_fragment *f =
        s->fragment ? s->fragment : graphql_fragment_find(c->document, s->name);
    s->fragment = f;
    if (!f) {
        complain(c, s->offset, "Unknown fragment \"%.*s\".", STR_ARG(s->name));
    } else if (f->is_open) {
        complain(c, s->offset, "Cannot spread fragment \"%.*s\" within itself.", STR_ARG(f->name));
    } else if (check_condition(c, object, f->on, s->offset) && f->seen_by != c->operation) {
        f->seen_by = c->operation;
        f->is_open = true;
        check_directives(c, f->directive, false);
        check_selections(c, object, f->selection);
        f->is_open = false;
    }
}

// Stops at GRAPHQL_MOST_ERRORS, which bounds the work for a document that is wrong everywhere.
static void check_selections(struct checker *c, const struct graphql_object *object,
                             struct graphql_selection *s)
{
    if (++c->depth > GRAPHQL_MOST_DEPTH)
        complain(c, s->offset, "Fragments are nested more than %d levels deep.",
                 GRAPHQL_MOST_DEPTH);
    for (; s && c->depth <= GRAPHQL_MOST_DEPTH && !is_full(c); s = s->next) {
        check_directives(c, s->directive, true);
        if (s->kind == GRAPHQL_FIELD)
            check_field(c, object, s);
        else if (s->kind == GRAPHQL_SPREAD)
            check_spread(c, object, s);
        else if (!s->on.len || check_condition(c, object, s->on, s->offset))
            check_selections(c, object, s->selection);
    }
    c->depth--;
}

static bool value_equal(const struct graphql_value *a, const struct graphql_value *b);

// Arguments and an object's fields may come in any order; a list's items have no names, so they are
// compared in theirs.
static bool values_equal(const struct graphql_value *a, const struct graphql_value *b,
                         bool is_named)
{
    size_t na = 0, nb = 0;
    for (const struct graphql_value *v = b; v; v = v->next)
        nb++;
    const struct graphql_value *peer = b;
    for (; a; a = a->next, na++) {
        peer = is_named ? graphql_value_find(b, a->name) : peer;
        if (!peer || !value_equal(a, peer))
            return false;
        peer = is_named ? peer : peer->next;
    }
    return na == nb;
}

static bool value_equal(const struct graphql_value *a, const struct graphql_value *b)
{
    return a->kind == b->kind && str_equal(a->text, b->text) &&
           values_equal(a->child, b->child, a->kind == GRAPHQL_OBJECT);
}

// Field Selection Merging: what shares a key is the same field with the same arguments.
static void check_merging(struct checker *c, const struct graphql_merged *merged,
                          const struct graphql_selection *only)
{
    struct graphql_collection collection = {.document = c->document, .arena = c->arena};
    struct graphql_collected *field;
    if (!graphql_collect(&field, &collection, merged, only)) {
        complain(c, 0, "The answer would have an object of more than %d fields.",
                 GRAPHQL_MOST_FIELDS);
        return;
    }
    for (; field; field = field->next) {
        const struct graphql_selection *first = field->merged->selection;
        for (const struct graphql_merged *m = field->merged->next; m; m = m->next) {
            const struct graphql_selection *s = m->selection;
            if (str_equal(s->name, first->name) && values_equal(s->argument, first->argument, true))
                continue;
            complain(c, s->offset,
                     "Fields \"%.*s\" conflict because they are different fields or have differing "
                     "arguments."
                     " Use different aliases on the fields to fetch both if this was intentional.",
                     STR_ARG(s->key));
            return;
        }
        if (first->selection)
            check_merging(c, field->merged, NULL);
    }
}

static void check_variable(struct checker *c, const struct graphql_variable *v)
{
    const struct graphql_type *named = v->type;
    while (named->item)
        named = named->item;
    check_directives(c, v->directive, false);
    if (graphql_variable_find(c->operation, v->name) != v) {
        complain(c, v->offset, "There can be only one variable named \"$%.*s\".", STR_ARG(v->name));
    } else if (!graphql_is_scalar(named->name) && !graphql_input_find(c->schema, named->name)) {
        bool is_known = graphql_object_find(c->schema, named->name);
        complain(c, v->offset,
                 is_known ? "Variable \"$%.*s\" cannot be of the non-input type \"%.*s\"."
                          : "Variable \"$%.*s\" is of the unknown type \"%.*s\".",
                 STR_ARG(v->name), STR_ARG(named->name));
    } else if (v->initial) {
        check_value(c, v->type, v->initial);
    }
}

static void check_operation(struct checker *c, const struct graphql_operation *o)
{
    static const char *const kind[] = {"query", "mutation", "subscription"};
    const struct graphql_object *root = c->schema->root[o->kind];
    c->operation = o;
    if (!root) {
        complain(c, o->offset, "Schema is not configured to execute %s operation.", kind[o->kind]);
        return;
    }
    check_directives(c, o->directive, false);
    for (struct graphql_variable *v = o->variable; v; v = v->next)
        check_variable(c, v);
    check_selections(c, root, o->selection);
    for (struct graphql_variable *v = o->variable; v; v = v->next)
        if (!v->is_used)
            complain(c, v->offset, "Variable \"$%.*s\" is never used.", STR_ARG(v->name));
    if (json_array_size(c->errors) == 0)
        check_merging(c, NULL, o->selection);
}

static void check_operation_names(struct checker *c)
{
    const struct graphql_operation *first = c->document->operation;
    for (const struct graphql_operation *o = first; o; o = o->next) {
        if (!o->name.len && (o != first || o->next))
            complain(c, o->offset, "This anonymous operation must be the only defined operation.");
        for (const struct graphql_operation *other = first; o->name.len && other != o;
             other = other->next)
            if (str_equal(other->name, o->name))
                complain(c, o->offset, "There can be only one operation named \"%.*s\".",
                         STR_ARG(o->name));
    }
}

static void check_fragments(struct checker *c)
{
    for (const struct graphql_fragment *f = c->document->fragment; f; f = f->next) {
        if (graphql_fragment_find(c->document, f->name) != f)
            complain(c, f->offset, "There can be only one fragment named \"%.*s\".",
                     STR_ARG(f->name));
        else if (!f->seen_by)
            complain(c, f->offset, "Fragment \"%.*s\" is never used.", STR_ARG(f->name));
    }
}

void graphql_validate(struct graphql_document *d, const struct graphql_schema *schema,
                      struct arena *a, json_t *errors)
{
    struct checker c = {.document = d, .schema = schema, .arena = a, .errors = errors};
    check_operation_names(&c);
    for (const struct graphql_operation *o = d->operation; o && !is_full(&c); o = o->next)
        check_operation(&c, o);
    check_fragments(&c);
}
