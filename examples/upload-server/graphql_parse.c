#include "graphql_parse.h"

#include <stdarg.h>
#include <stdio.h>

#include "graphql_lex.h"
#include "graphql_string.h"

// After the first problem the token stays GRAPHQL_TOKEN_BAD, which nothing accepts.
struct parser {
    struct graphql_lexer lexer;
    struct graphql_token token; // the next one
    uint32_t ntoken, depth;
    struct arena *arena;
    struct graphql_problem *problem;
};

static bool is_bad(const struct parser *p)
{
    return p->token.kind == GRAPHQL_TOKEN_BAD;
}

__attribute__((format(printf, 2, 3))) static void fail(struct parser *p, const char *format, ...)
{
    if (is_bad(p))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(p->problem->text, sizeof(p->problem->text), format, args);
    va_end(args);
    p->problem->offset = p->token.offset;
    p->token.kind = GRAPHQL_TOKEN_BAD;
}

// NULL: the document failed.
static void *make(struct parser *p, size_t bytes)
{
    void *node = is_bad(p) ? NULL : arena_alloc(p->arena, bytes);
    if (!node)
        fail(p, "Document is too large");
    return node;
}

static void advance(struct parser *p)
{
    if (is_bad(p))
        return;
    if (++p->ntoken > GRAPHQL_MOST_TOKENS)
        fail(p, "Document has more than %d tokens", GRAPHQL_MOST_TOKENS);
    else
        p->token = graphql_lex(&p->lexer);
}

static bool skip(struct parser *p, int kind)
{
    if (p->token.kind != kind)
        return false;
    advance(p);
    return true;
}

static void fail_unexpected(struct parser *p)
{
    char text[2];
    int kind = p->token.kind;
    if (kind == GRAPHQL_TOKEN_NAME || kind == GRAPHQL_TOKEN_INT || kind == GRAPHQL_TOKEN_FLOAT)
        fail(p, "Unexpected %s \"%.*s\"", graphql_token_name(kind, text), STR_ARG(p->token.text));
    else
        fail(p, "Unexpected %s", graphql_token_name(kind, text));
}

// The token, which is consumed.
static struct graphql_token expect(struct parser *p, int kind)
{
    struct graphql_token t = p->token;
    char wanted[2], found[2];
    if (t.kind != kind)
        fail(p, "Expected %s, found %s", graphql_token_name(kind, wanted),
             graphql_token_name(t.kind, found));
    advance(p);
    return t;
}

static struct str expect_name(struct parser *p)
{
    return expect(p, GRAPHQL_TOKEN_NAME).text;
}

static bool is_keyword(const struct parser *p, struct str word)
{
    return p->token.kind == GRAPHQL_TOKEN_NAME && str_equal(p->token.text, word);
}

static bool skip_keyword(struct parser *p, struct str word)
{
    return is_keyword(p, word) && skip(p, GRAPHQL_TOKEN_NAME);
}

static void expect_keyword(struct parser *p, struct str word)
{
    char found[2];
    if (!skip_keyword(p, word))
        fail(p, "Expected \"%.*s\", found %s", STR_ARG(word),
             graphql_token_name(p->token.kind, found));
}

// Whether one more level is allowed; leave() ends it in any case.
static bool enter(struct parser *p)
{
    if (++p->depth > GRAPHQL_MOST_DEPTH)
        fail(p, "Document is nested more than %d levels deep", GRAPHQL_MOST_DEPTH);
    return !is_bad(p);
}

static void leave(struct parser *p)
{
    p->depth--;
}

static struct graphql_value *parse_value(struct parser *p, bool is_const);

// `name: value` pairs up to a closing punctuator: an object's fields, or arguments.
static struct graphql_value *parse_named_values(struct parser *p, int end, bool is_const)
{
    struct graphql_value *first = NULL, **tail = &first;
    while (!is_bad(p) && !skip(p, end)) {
        uint32_t offset = p->token.offset;
        struct str name = expect_name(p);
        expect(p, ':');
        struct graphql_value *v = parse_value(p, is_const);
        if (!v)
            break;
        v->name = name;
        v->offset = offset;
        *tail = v;
        tail = &v->next;
    }
    return first;
}

static struct graphql_value *parse_items(struct parser *p, bool is_const)
{
    struct graphql_value *first = NULL, **tail = &first;
    while (!is_bad(p) && !skip(p, ']')) {
        *tail = parse_value(p, is_const);
        if (*tail)
            tail = &(*tail)->next;
    }
    return first;
}

static void parse_collection(struct parser *p, struct graphql_value *v, bool is_const)
{
    if (!enter(p)) {
        leave(p);
        return;
    }
    v->kind = p->token.kind == '[' ? GRAPHQL_LIST : GRAPHQL_OBJECT;
    advance(p);
    v->child =
        v->kind == GRAPHQL_LIST ? parse_items(p, is_const) : parse_named_values(p, '}', is_const);
    leave(p);
}

static void parse_string(struct parser *p, struct graphql_value *v)
{
    v->kind = GRAPHQL_STRING;
    bool is_block = p->token.kind == GRAPHQL_TOKEN_BLOCK_STRING;
    bool fits = (is_block ? graphql_string_decode_block
                          : graphql_string_decode)(&v->text, p->token.text, p->arena);
    if (!fits)
        fail(p, "Document is too large");
    advance(p);
}

static void parse_word(struct parser *p, struct graphql_value *v)
{
    v->text = expect_name(p);
    v->truth = str_equal(v->text, STR("true"));
    if (v->truth || str_equal(v->text, STR("false")))
        v->kind = GRAPHQL_BOOLEAN;
    else
        v->kind = str_equal(v->text, STR("null")) ? GRAPHQL_NULL : GRAPHQL_ENUM;
}

static int64_t parse_integer(struct str text)
{
    uint64_t magnitude;
    bool is_negative = text.len && text.ptr[0] == '-';
    if (!str_u64(&magnitude, str_skip(text, is_negative)) || magnitude > INT64_MAX)
        return is_negative ? INT64_MIN : INT64_MAX;
    return is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
}

static void parse_number(struct parser *p, struct graphql_value *v)
{
    v->kind = p->token.kind == GRAPHQL_TOKEN_INT ? GRAPHQL_INT : GRAPHQL_FLOAT;
    v->text = p->token.text;
    if (v->kind == GRAPHQL_INT)
        v->integer = parse_integer(v->text);
    advance(p);
}

// NULL: the document failed.
static struct graphql_value *parse_value(struct parser *p, bool is_const)
{
    struct graphql_value *v = make(p, sizeof(*v));
    if (!v)
        return NULL;
    v->offset = p->token.offset;
    switch (p->token.kind) {
    case '[':
    case '{':
        parse_collection(p, v, is_const);
        break;
    case GRAPHQL_TOKEN_STRING:
    case GRAPHQL_TOKEN_BLOCK_STRING:
        parse_string(p, v);
        break;
    case GRAPHQL_TOKEN_INT:
    case GRAPHQL_TOKEN_FLOAT:
        parse_number(p, v);
        break;
    case GRAPHQL_TOKEN_NAME:
        parse_word(p, v);
        break;
    default:
        if (is_const || !skip(p, '$'))
            fail_unexpected(p);
        v->kind = GRAPHQL_VARIABLE;
        v->text = expect_name(p);
    }
    return is_bad(p) ? NULL : v;
}

static struct graphql_value *parse_arguments(struct parser *p, bool is_const)
{
    if (!skip(p, '('))
        return NULL;
    if (p->token.kind == ')')
        expect(p, GRAPHQL_TOKEN_NAME);
    return parse_named_values(p, ')', is_const);
}

static struct graphql_directive *parse_directives(struct parser *p, bool is_const)
{
    struct graphql_directive *first = NULL, **tail = &first;
    while (p->token.kind == '@') {
        struct graphql_directive *d = make(p, sizeof(*d));
        if (!d)
            break;
        d->offset = p->token.offset;
        advance(p);
        d->name = expect_name(p);
        d->argument = parse_arguments(p, is_const);
        *tail = d;
        tail = &d->next;
    }
    return first;
}

static const struct graphql_type *parse_type(struct parser *p)
{
    struct graphql_type *type = enter(p) ? make(p, sizeof(*type)) : NULL;
    if (type) {
        if (skip(p, '[')) {
            type->item = parse_type(p);
            expect(p, ']');
        } else {
            type->name = expect_name(p);
        }
        type->is_non_null = skip(p, '!');
    }
    leave(p);
    return type;
}

static struct graphql_variable *parse_variable(struct parser *p)
{
    struct graphql_variable *v = make(p, sizeof(*v));
    if (!v)
        return NULL;
    v->offset = p->token.offset;
    expect(p, '$');
    v->name = expect_name(p);
    expect(p, ':');
    v->type = parse_type(p);
    if (skip(p, '='))
        v->initial = parse_value(p, true);
    v->directive = parse_directives(p, true);
    return v;
}

static struct graphql_variable *parse_variables(struct parser *p)
{
    struct graphql_variable *first = NULL, **tail = &first;
    if (!skip(p, '('))
        return NULL;
    do {
        *tail = parse_variable(p);
        if (*tail)
            tail = &(*tail)->next;
    } while (!is_bad(p) && !skip(p, ')'));
    return first;
}

static struct graphql_selection *parse_selections(struct parser *p);

static void parse_field(struct parser *p, struct graphql_selection *s)
{
    s->kind = GRAPHQL_FIELD;
    s->key = s->name = expect_name(p);
    if (skip(p, ':'))
        s->name = expect_name(p);
    s->argument = parse_arguments(p, false);
    s->directive = parse_directives(p, false);
    if (p->token.kind == '{')
        s->selection = parse_selections(p);
}

// Behind "...".
static void parse_spread(struct parser *p, struct graphql_selection *s)
{
    s->kind = GRAPHQL_INLINE;
    if (skip_keyword(p, STR("on"))) {
        s->on = expect_name(p);
    } else if (p->token.kind == GRAPHQL_TOKEN_NAME) {
        s->kind = GRAPHQL_SPREAD;
        s->name = expect_name(p);
    }
    s->directive = parse_directives(p, false);
    if (s->kind == GRAPHQL_INLINE)
        s->selection = parse_selections(p);
}

static struct graphql_selection *parse_selection(struct parser *p)
{
    struct graphql_selection *s = make(p, sizeof(*s));
    if (!s)
        return NULL;
    s->offset = p->token.offset;
    if (skip(p, GRAPHQL_TOKEN_SPREAD))
        parse_spread(p, s);
    else
        parse_field(p, s);
    return s;
}

// At least one.
static struct graphql_selection *parse_selections(struct parser *p)
{
    struct graphql_selection *first = NULL, **tail = &first;
    if (enter(p)) {
        expect(p, '{');
        do {
            *tail = parse_selection(p);
            if (*tail)
                tail = &(*tail)->next;
        } while (!is_bad(p) && !skip(p, '}'));
    }
    leave(p);
    return first;
}

static enum graphql_operation_kind parse_operation_kind(struct parser *p)
{
    if (skip_keyword(p, STR("mutation")))
        return GRAPHQL_MUTATION;
    if (skip_keyword(p, STR("subscription")))
        return GRAPHQL_SUBSCRIPTION;
    if (!skip_keyword(p, STR("query")))
        fail_unexpected(p);
    return GRAPHQL_QUERY;
}

static struct graphql_operation *parse_operation(struct parser *p)
{
    struct graphql_operation *o = make(p, sizeof(*o));
    if (!o)
        return NULL;
    o->offset = p->token.offset;
    if (p->token.kind != '{') {
        o->kind = parse_operation_kind(p);
        if (p->token.kind == GRAPHQL_TOKEN_NAME)
            o->name = expect_name(p);
        o->variable = parse_variables(p);
        o->directive = parse_directives(p, false);
    }
    o->selection = parse_selections(p);
    return o;
}

static struct graphql_fragment *parse_fragment(struct parser *p)
{
    struct graphql_fragment *f = make(p, sizeof(*f));
    if (!f)
        return NULL;
    f->offset = p->token.offset;
    expect_keyword(p, STR("fragment"));
    if (is_keyword(p, STR("on")))
        fail_unexpected(p);
    f->name = expect_name(p);
    expect_keyword(p, STR("on"));
    f->on = expect_name(p);
    f->directive = parse_directives(p, false);
    f->selection = parse_selections(p);
    return f;
}

bool graphql_parse(struct graphql_document *d, struct str source, struct arena *a,
                   struct graphql_problem *problem)
{
    *d = (struct graphql_document){.source = source};
    *problem = (struct graphql_problem){0};
    struct parser p = {
        .arena = a, .problem = problem, .lexer = {.source = source, .problem = problem}};
    struct graphql_operation **operation = &d->operation;
    struct graphql_fragment **fragment = &d->fragment;
    if (source.len > GRAPHQL_MOST_BYTES)
        fail(&p, "Document is larger than %d bytes", GRAPHQL_MOST_BYTES);
    advance(&p);
    while (!is_bad(&p) && p.token.kind != GRAPHQL_TOKEN_END) {
        if (is_keyword(&p, STR("fragment"))) {
            *fragment = parse_fragment(&p);
            fragment = *fragment ? &(*fragment)->next : fragment;
        } else {
            *operation = parse_operation(&p);
            operation = *operation ? &(*operation)->next : operation;
        }
    }
    return !is_bad(&p);
}
