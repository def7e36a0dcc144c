#include <stdlib.h>
#include <string.h>

#include "../../examples/upload-server/graphql_batch.h"
#include "../../examples/upload-server/graphql_parse.h"
#include "../tap.h"

// A schema of its own:
//
//     type Query { echo(text: String, number: Float, flag: Boolean, list: [Int!]): String!
//                  node: Node  nodes: [Node]  strict: Node!  broken: Node }
//     type Node  { id: ID!  label: String  inner: Node }
//     type Mutation { take(file: Upload!): String!  takeAll(files: [Upload!]!): [String!]!
//                     give(parcel: Parcel!): String! }
//     input Parcel { weight: Int  file: Upload! }

static void print_value(char *out, size_t cap, const struct graphql_value *v)
{
    size_t n = strlen(out);
    if (!v)
        snprintf(out + n, cap - n, "absent ");
    else if (v->kind == GRAPHQL_LIST)
        for (const struct graphql_value *item = v->child; item; item = item->next)
            print_value(out, cap, item);
    else if (v->kind == GRAPHQL_BOOLEAN)
        snprintf(out + n, cap - n, "%s ", v->truth ? "true" : "false");
    else if (v->kind == GRAPHQL_NULL)
        snprintf(out + n, cap - n, "null ");
    else if (v->kind == GRAPHQL_UPLOAD)
        snprintf(out + n, cap - n, "%s ", (const char *)(const void *)v->upload);
    else if (v->text.ptr)
        snprintf(out + n, cap - n, "%.*s ", STR_ARG(v->text));
    else
        snprintf(out + n, cap - n, "number ");
}

static json_t *resolve_echo(const struct graphql_call *c)
{
    char text[512] = "";
    for (size_t i = 0; i < 4; i++)
        print_value(text, sizeof(text), c->argument[i]);
    return json_string(text);
}

static json_t *resolve_node(const struct graphql_call *c)
{
    return json_loads(c->context, 0, NULL);
}

static json_t *resolve_nodes(const struct graphql_call *c)
{
    (void)c;
    return json_loads("[{\"id\":\"1\",\"label\":\"a\"},null,{\"label\":\"c\"}]", 0, NULL);
}

static json_t *resolve_broken(const struct graphql_call *c)
{
    err_set(c->error, "it is broken");
    return NULL;
}

static json_t *resolve_take(const struct graphql_call *c)
{
    char text[512] = "";
    print_value(text, sizeof(text), c->argument[0]);
    return json_string(text);
}

static json_t *resolve_take_all(const struct graphql_call *c)
{
    return json_pack("[o]", resolve_take(c));
}

static json_t *resolve_give(const struct graphql_call *c)
{
    char out[512] = "";
    for (const struct graphql_value *v = c->argument[0]->child; v; v = v->next) {
        size_t n = strlen(out);
        if (v->kind == GRAPHQL_INT)
            snprintf(out + n, sizeof(out) - n, "%lld ", (long long)v->integer);
        else
            print_value(out, sizeof(out), v);
    }
    return json_string(out);
}

static const struct graphql_type text = GRAPHQL_NAMED("String"), number = GRAPHQL_NAMED("Float"),
                                 flag = GRAPHQL_NAMED("Boolean"), integer = GRAPHQL_NON_NULL("Int"),
                                 integers = {.item = &integer}, id = GRAPHQL_NON_NULL("ID"),
                                 good_text = GRAPHQL_NON_NULL("String"),
                                 texts = {.item = &good_text, .is_non_null = true},
                                 node = GRAPHQL_NAMED("Node"), nodes = {.item = &node},
                                 parcel = GRAPHQL_NON_NULL("Parcel"),
                                 some_integer = GRAPHQL_NAMED("Int"),
                                 strict = GRAPHQL_NON_NULL("Node"),
                                 upload = GRAPHQL_NON_NULL("Upload"),
                                 uploads = {.item = &upload, .is_non_null = true};

static const struct graphql_field query_field[] = {
    {"echo",
     &good_text,
     resolve_echo,
     {{"text", &text}, {"number", &number}, {"flag", &flag}, {"list", &integers}}},
    {"node", &node, resolve_node, {{0}}},
    {"nodes", &nodes, resolve_nodes, {{0}}},
    {"strict", &strict, resolve_broken, {{0}}},
    {"broken", &node, resolve_broken, {{0}}},
};
static const struct graphql_field node_field[] = {{.name = "id", .type = &id},
                                                  {.name = "label", .type = &text},
                                                  {.name = "inner", .type = &node}};
static const struct graphql_field mutation_field[] = {
    {"take", &good_text, resolve_take, {{"file", &upload}}},
    {"takeAll", &texts, resolve_take_all, {{"files", &uploads}}},
    {"give", &good_text, resolve_give, {{"parcel", &parcel}}}};
static const struct graphql_argument parcel_field[] = {{"weight", &some_integer},
                                                       {"file", &upload}};
static const struct graphql_input input[] = {{"Parcel", parcel_field, 2}};
static const struct graphql_object object[] = {
    {"Query", query_field, ARRAY_LEN(query_field)},
    {"Node", node_field, ARRAY_LEN(node_field)},
    {"Mutation", mutation_field, ARRAY_LEN(mutation_field)},
};
static const struct graphql_schema schema = {.object = object,
                                             .nobject = ARRAY_LEN(object),
                                             .input = input,
                                             .ninput = ARRAY_LEN(input),
                                             .root = {&object[0], &object[2], NULL}};

static const char node_json[] =
    "{\"id\":\"7\",\"label\":\"n\",\"inner\":{\"id\":\"8\",\"inner\":{\"id\":\"9\"}}}";

// "200 {...}" of a request in JSON, with an upload at each path; for free().
static char *answer_to(const char *request, const char *const *path)
{
    static char file[] = "a.txt";
    struct graphql_request r;
    struct err e = {0};
    json_t *json = NULL;
    char *answer = NULL;
    unsigned status = 400;
    bool is_good = graphql_request_decode(&r, str_of(request));
    for (; is_good && path && *path; path++)
        is_good = graphql_request_add_upload(&r, (struct upload *)(void *)file, STR("0"),
                                             str_of(*path), &e);
    if (is_good)
        status = graphql_request_answer(&json, &r, &schema, node_json);
    char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (asprintf(&answer, "%u %s", status, body ? body : e.text) < 0)
        abort();
    json_decref(json);
    free(body);
    graphql_request_free(&r);
    return answer;
}

static void answers(const char *request, const char *wanted, const char *what)
{
    char *answer = answer_to(request, NULL);
    if (!ok(strcmp(answer, wanted) == 0, "%s", what))
        printf("#  got: %s\n# want: %s\n", answer, wanted);
    free(answer);
}

static char *request_of(const char *query, const char *variables)
{
    json_t *json = json_pack("{s:s,s:o*}", "query", query, "variables",
                             variables ? json_loads(variables, JSON_DECODE_ANY, NULL) : NULL);
    char *request = json_dumps(json, 0);
    json_decref(json);
    return request;
}

static void data_is(const char *query, const char *variables, const char *wanted, const char *what)
{
    char *request = request_of(query, variables), line[2048];
    snprintf(line, sizeof(line), "200 {\"data\":%s}", wanted);
    answers(request, line, what);
    free(request);
}

// The first error is refused before anything runs, with a message, a line and a column.
static void refuses(const char *query, const char *message, int line, int column, const char *what)
{
    char *request = request_of(query, NULL), *answer = answer_to(request, NULL);
    json_t *json = json_loads(answer + 4, 0, NULL);
    const char *got = "";
    int got_line = 0, got_column = 0;
    json_unpack(json, "{s:[{s:s,s:[{s:i,s:i}]}]}", "errors", "message", &got, "locations", "line",
                &got_line, "column", &got_column);
    bool holds = memcmp(answer, "422 ", 4) == 0 && strcmp(got, message) == 0 && got_line == line &&
                 got_column == column;
    if (!ok(holds, "%s", what))
        printf("#  got: %s\n# want: %s at %d:%d\n", answer, message, line, column);
    json_decref(json);
    free(answer);
    free(request);
}

static void fails(const char *query, const char *variables, const char *wanted, const char *what)
{
    char *request = request_of(query, variables);
    answers(request, wanted, what);
    free(request);
}

static void echoes(const char *arguments, const char *wanted, const char *what)
{
    char query[1024], json[1024];
    snprintf(query, sizeof(query), "{echo(%s)}", arguments);
    snprintf(json, sizeof(json), "{\"echo\":\"%s\"}", wanted);
    data_is(query, NULL, json, what);
}

static void test_values(void)
{
    echoes("text: \"hello\"", "hello absent absent absent ", "a string");
    echoes("text: \"\"", " absent absent absent ", "an empty string");
    echoes("text: \"\\\"\\\\\\/\\t\"", "\\\"\\\\/\\t absent absent absent ",
           "escapes of one character");
    echoes("text: \"\\u00e9\\u20AC\"", "é€ absent absent absent ", "escapes of code units");
    echoes("text: \"\\uD83D\\uDE00\"", "😀 absent absent absent ", "a surrogate pair");
    echoes("text: \"\"\"\n    a\n      b\n\n    c\n  \"\"\"",
           "a\\n  b\\n\\nc absent absent absent ",
           "a block string loses its common indentation and its blank ends");
    echoes("text: \"\"\"x \\\"\"\" \\n\"\"\"", "x \\\"\\\"\\\" \\\\n absent absent absent ",
           "three quotes are the only escape in it");
    echoes("text: \"\"\"  a\r\n\tb\r  c\"\"\"", "  a\\nb\\n c absent absent absent ",
           "its first line has no indentation");
    echoes("text: \"\"\"\"\"\"", " absent absent absent ", "it may be empty");
    echoes("number: -1.5e+3", "absent -1.5e+3 absent absent ", "a float");
    echoes("number: 0", "absent 0 absent absent ", "an integer is a float too");
    echoes("flag: true", "absent absent true absent ", "a boolean");
    echoes("list: [1, 2 3]", "absent absent absent 1 2 3 ", "a list");
    echoes("list: 5", "absent absent absent 5 ", "one value is a list of one");
    echoes("text: null", "null absent absent absent ", "null is not the same as absent");
    echoes("text: \"\xc3\xa9\" # comment }\n,,,flag:false", "é absent false absent ",
           "comments and commas are ignored");
}

static void test_syntax_errors(void)
{
    refuses("mutation { ", "Expected Name, found <EOF>", 1, 12, "a selection set needs an end");
    refuses("{}", "Expected Name, found }", 1, 2, "and a field");
    refuses("{ a(", "Expected Name, found <EOF>", 1, 5, "arguments need an end");
    refuses("{ a() }", "Expected Name, found )", 1, 5, "and an argument");
    refuses("query ($a) { b }", "Expected :, found )", 1, 10, "a variable needs a type");
    refuses("query () { b }", "Expected $, found )", 1, 8, "variables need a variable");
    refuses("\n\xc3\xa9", "Cannot parse the unexpected character 0xc3", 2, 1, "letters are ASCII");
    refuses("{ echo(text: \"\xc3\xa9\", b: ?) }", "Cannot parse the unexpected character '?'", 1,
            22, "columns count characters");
    refuses("{\r\n  a(x: 01)\r}", "Invalid number", 2, 8, "numbers have no leading zeros");
    refuses("{ a(x: 1.) }", "Invalid number", 1, 10, "a point is followed by digits");
    refuses("{ a(x: 1x) }", "Invalid number", 1, 9, "a number is not followed by a letter");
    refuses("{ a(x: \"b", "Unterminated string", 1, 8, "a string needs an end");
    refuses("{ a(x: \"b\n\") }", "Unterminated string", 1, 8, "on its own line");
    refuses("{ a(x: \"\"\"b\"\" }", "Unterminated string", 1, 8, "as does a block string");
    refuses("{ a(x: \"\\q\") }", "Invalid character escape sequence", 1, 9,
            "escapes are those that there are");
    refuses("{ a(x: \"\\uD83D\") }", "Invalid character escape sequence", 1, 9,
            "half a surrogate pair is none");
    refuses("fragment on on Query { a }", "Unexpected Name \"on\"", 1, 10,
            "no fragment is called on");
    refuses("type A { b: Int }", "Unexpected Name \"type\"", 1, 1, "a schema is no request");
    refuses("query ($a: Int = $b) { c }", "Unexpected $", 1, 18, "a default is constant");
    refuses("{ a .. }", "Cannot parse the unexpected character '.'", 1, 5, "two dots are nothing");
}

static void test_limits(void)
{
    char *deep = malloc(4096), *wide = malloc(GRAPHQL_MOST_BYTES + 2), *aliases = malloc(8192);
    strcpy(deep, "{ echo(list: ");
    for (int i = 0; i < GRAPHQL_MOST_DEPTH; i++)
        strcat(deep, "[");
    refuses(deep, "Document is nested more than 48 levels deep", 1, 61, "depth has a limit");
    memset(wide, '!', GRAPHQL_MOST_BYTES + 1);
    wide[GRAPHQL_MOST_BYTES + 1] = 0;
    refuses(wide, "Document is larger than 65536 bytes", 1, 1, "size has a limit");
    memcpy(wide, "{", 1);
    for (int i = 0; i < GRAPHQL_MOST_TOKENS; i++)
        memcpy(wide + 1 + i * 2, "a ", 2);
    wide[1 + GRAPHQL_MOST_TOKENS * 2] = 0;
    refuses(wide, "Document has more than 10000 tokens", 1, 19998,
            "the number of tokens has a limit");
    strcpy(aliases, "{");
    for (int i = 0; i <= GRAPHQL_MOST_FIELDS; i++)
        sprintf(aliases + strlen(aliases), "a%d:node{id}", i);
    strcat(aliases, "}");
    refuses(aliases, "The answer would have an object of more than 100 fields.", 1, 1,
            "aliases have a limit");
    free(deep);
    free(wide);
    free(aliases);
}

static void test_fields(void)
{
    data_is("{ node { id label } }", NULL, "{\"node\":{\"id\":\"7\",\"label\":\"n\"}}",
            "fields come as they are asked for");
    data_is("{ b: node { y: label x: id } }", NULL, "{\"b\":{\"y\":\"n\",\"x\":\"7\"}}",
            "under their aliases");
    data_is("query Q { __typename node { __typename } }", NULL,
            "{\"__typename\":\"Query\",\"node\":{\"__typename\":\"Node\"}}",
            "objects know their types");
    data_is("mutation { __typename }", NULL, "{\"__typename\":\"Mutation\"}",
            "the mutation does too");
    data_is("{ node { inner { label inner { id inner { id } } } } }", NULL,
            "{\"node\":{\"inner\":{\"label\":null,\"inner\":{\"id\":\"9\",\"inner\":null}}}}",
            "what is not there is null");
    data_is("{ node { id } node { label id } }", NULL, "{\"node\":{\"id\":\"7\",\"label\":\"n\"}}",
            "selections of the same field are merged");
}

static void test_fragments(void)
{
    data_is("{ node { ...A } } fragment A on Node { id ...B } fragment B on Node { label }", NULL,
            "{\"node\":{\"id\":\"7\",\"label\":\"n\"}}", "fragments");
    data_is("{ node { ... on Node { id } ... { label } } }", NULL,
            "{\"node\":{\"id\":\"7\",\"label\":\"n\"}}", "inline fragments");
    data_is("{ a: node { ...A } b: node { ...A } } fragment A on Node { id }", NULL,
            "{\"a\":{\"id\":\"7\"},\"b\":{\"id\":\"7\"}}", "a fragment may be spread twice");
    refuses("{ node { ...A } } fragment A on Node { id ...B } fragment B on Node { ...A }",
            "Cannot spread fragment \"A\" within itself.", 1, 71, "but not in itself");
    refuses("{ ...A } fragment A on Node { id }",
            "Fragment cannot be spread here as objects of type \"Query\" can never be of type "
            "\"Node\".",
            1, 3, "nor in another type");
    refuses("{ ... on X { id } }", "Unknown type \"X\".", 1, 3, "the type has to exist");
    refuses("{ ...A }", "Unknown fragment \"A\".", 1, 3, "so has the fragment");
    refuses("{ __typename } fragment A on Node { id }", "Fragment \"A\" is never used.", 1, 16,
            "and it has to be used");
    refuses("{ node { ...A } } fragment A on Node { id } fragment A on Node { id }",
            "There can be only one fragment named \"A\".", 1, 45, "names of fragments are unique");
}

static void test_directives(void)
{
    const char *query =
        "query ($x: Boolean!) { a: __typename @skip(if: $x) b: __typename @include(if: $x) }";
    data_is(query, "{\"x\":true}", "{\"b\":\"Query\"}", "@skip leaves out");
    data_is(query, "{\"x\":false}", "{\"a\":\"Query\"}", "@include lets in");
    data_is("{ __typename ... @skip(if: true) { node { id } } ...A @include(if: false) } fragment "
            "A on Query { node { id } }",
            NULL, "{\"__typename\":\"Query\"}", "fragments as well");
    refuses("{ __typename @no }", "Unknown directive \"@no\".", 1, 14, "there are no others");
    refuses("{ __typename @skip }",
            "\"@skip\" argument \"if\" of type \"Boolean!\" is required, but it was not provided.",
            1, 14, "they need their argument");
    refuses("query @skip(if: true) { __typename }", "Directive \"@skip\" is not applicable here.",
            1, 7, "they stand at selections");
    refuses("{ __typename @skip(if: true) @skip(if: true) }",
            "The directive \"@skip\" can only be used once at this location.", 1, 30, "once");
}

static void test_introspection(void)
{
    answers(
        "{\"query\":\"{ __type(name: \\\"Node\\\") { kind name fields { name type { kind name "
        "ofType "
        "{ kind name } } } } }\"}",
        "200 {\"data\":{\"__type\":{\"kind\":\"OBJECT\",\"name\":\"Node\",\"fields\":["
        "{\"name\":\"id\",\"type\":{\"kind\":\"NON_NULL\",\"name\":null,\"ofType\":{\"kind\":"
        "\"SCALAR\",\"name\":\"ID\"}}},{\"name\":\"label\",\"type\":{\"kind\":\"SCALAR\",\"name\":"
        "\"String\",\"ofType\":null}},{\"name\":\"inner\",\"type\":{\"kind\":\"OBJECT\",\"name\":"
        "\"Node\",\"ofType\":null}}]}}}",
        "a type tells of its fields");
    answers("{\"query\":\"{ __type(name: \\\"Nope\\\") { name } }\"}",
            "200 {\"data\":{\"__type\":null}}", "there is no such type");
    answers(
        "{\"query\":\"{ __schema { queryType { name } mutationType { fields { name args { name "
        "type { "
        "ofType { kind ofType { ofType { name } } } } } } } } }\"}",
        "200 "
        "{\"data\":{\"__schema\":{\"queryType\":{\"name\":\"Query\"},\"mutationType\":{\"fields\":["
        "{\"name\":\"take\",\"args\":[{\"name\":\"file\",\"type\":{\"ofType\":{\"kind\":\"SCALAR\","
        "\"ofType\":null}}}]},{\"name\":\"takeAll\",\"args\":[{\"name\":\"files\",\"type\":{"
        "\"ofType\":{\"kind\":\"LIST\",\"ofType\":{\"ofType\":{\"name\":\"Upload\"}}}}}]},{"
        "\"name\":"
        "\"give\",\"args\":[{\"name\":\"parcel\",\"type\":{\"ofType\":{\"kind\":\"INPUT_OBJECT\","
        "\"ofType\":null}}}]}]}}}}",
        "the schema tells of its roots, lists and input objects");
    answers("{\"query\":\"{ __type(name: \\\"Parcel\\\") { kind fields { name } inputFields { name "
            "defaultValue } } }\"}",
            "200 "
            "{\"data\":{\"__type\":{\"kind\":\"INPUT_OBJECT\",\"fields\":null,\"inputFields\":[{"
            "\"name\":"
            "\"weight\",\"defaultValue\":null},{\"name\":\"file\",\"defaultValue\":null}]}}}",
            "an input object tells of its fields");
    answers(
        "{\"query\":\"mutation { __schema { types { name } } }\"}",
        "422 {\"errors\":[{\"message\":\"Cannot query field \\\"__schema\\\" on type "
        "\\\"Mutation\\\".\",\"locations\":[{\"line\":1,\"column\":12}],\"extensions\":{\"code\":"
        "\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
        "only a query asks for it");
}

// Types that contain types: the answer would be as large as the client likes.
static void test_introspection_is_bounded(void)
{
    enum { LEVELS = 7, QUERY_TEXT = 4096 };
    char query[QUERY_TEXT];
    int n = snprintf(query, sizeof(query), "{\"query\":\"{ __schema { types { ...F0 } } }");
    for (int i = 0; i < LEVELS; i++)
        n += snprintf(query + n, sizeof(query) - (size_t)n,
                      " fragment F%d on __Type { fields { type { ...F%d ofType { ...F%d ofType"
                      " { ...F%d ofType { ...F%d } } } } } }",
                      i, i + 1, i + 1, i + 1, i + 1);
    snprintf(query + n, sizeof(query) - (size_t)n, " fragment F%d on __Type { name }\"}", LEVELS);
    char *answer = answer_to(query, NULL);
    bool is_refused = strstr(answer, "the answer is too large") && strlen(answer) < 10000000;
    if (!ok(is_refused, "an answer of circles is refused"))
        printf("#  got: %zu %.300s\n", strlen(answer), answer);
    free(answer);
}

static void test_input_objects(void)
{
    static const char *const at[] = {"variables.p.file", NULL};
    static const char query[] = "\"query\":\"mutation ($p: Parcel!) { give(parcel: $p) }\"";
    char request[512];
    static const struct {
        const char *variables, *wanted, *name;
    } test[] = {
        {"{\"file\":null,\"weight\":7}", "200 {\"data\":{\"give\":\"7 a.txt \"}}",
         "its fields come in the order of the schema"},
        {"{\"file\":null}", "200 {\"data\":{\"give\":\"a.txt \"}}", "one may be left out"},
        {"{\"file\":null,\"nope\":1}",
         "422 {\"errors\":[{\"message\":\"unknown field\",\"path\":[\"variable\",\"p\",\"nope\"],"
         "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
         "another one is refused"},
        {"{\"file\":null,\"weight\":\"x\"}",
         "422 {\"errors\":[{\"message\":\"cannot use string as Int\",\"path\":[\"variable\",\"p\","
         "\"weight\"],\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
         "so is a wrong value"},
    };
    for (size_t i = 0; i < ARRAY_LEN(test); i++) {
        snprintf(request, sizeof(request), "{%s,\"variables\":{\"p\":%s}}", query,
                 test[i].variables);
        char *answer = answer_to(request, at);
        if (!ok(strcmp(answer, test[i].wanted) == 0, "%s", test[i].name))
            printf("#  got: %s\n# want: %s\n", answer, test[i].wanted);
        free(answer);
    }
    refuses("mutation { give(parcel: {weight: 1}) }",
            "Field \"Parcel.file\" of required type \"Upload!\" was not provided.", 1, 17,
            "a literal needs its fields");
    refuses("mutation { give(parcel: {file: 1, x: 2}) }",
            "Field \"x\" is not defined by type \"Parcel\".", 1, 35, "and no others");
}

static void test_validation(void)
{
    refuses("mutation ($file: Upload!) { nope(file: $file) { id } }",
            "Cannot query field \"nope\" on type \"Mutation\".", 1, 29, "a field has to exist");
    refuses("{ node }", "Field \"node\" of type \"Node\" must have a selection of subfields.", 1, 3,
            "an object needs a selection");
    refuses("{ echo { a } }",
            "Field \"echo\" must not have a selection since type \"String!\" has no subfields.", 1,
            3, "a scalar has none");
    refuses("{ echo(no: 1) }", "Unknown argument \"no\" on \"Query.echo\".", 1, 8,
            "an argument has to exist");
    refuses("{ echo(text: \"a\", text: \"b\") }", "There can be only one argument named \"text\".",
            1, 8, "once");
    refuses("mutation { take }",
            "\"Mutation.take\" argument \"file\" of type \"Upload!\" is required, but it was not "
            "provided.",
            1, 12, "where it is required");
    refuses("{ echo(text: 5) }", "Expected value of type \"String\".", 1, 8,
            "and have the right type");
    refuses("{ echo(list: [1, \"x\"]) }", "Expected value of type \"Int!\".", 1, 18,
            "in lists as well");
    refuses("{ echo(list: [null]) }", "Expected value of type \"Int!\".", 1, 15,
            "null fits no type with an !");
    refuses("{ echo(flag: maybe) }", "Expected value of type \"Boolean\".", 1, 8,
            "an enum's value fits nothing here");
    refuses("{ a: node { id } a: nodes { id } }",
            "Fields \"a\" conflict because they are different fields or have differing arguments."
            " Use different aliases on the fields to fetch both if this was intentional.",
            1, 18, "one key means one field");
    refuses(
        "{ echo(text: \"a\") echo(text: \"b\") }",
        "Fields \"echo\" conflict because they are different fields or have differing arguments."
        " Use different aliases on the fields to fetch both if this was intentional.",
        1, 19, "with the same arguments");
    data_is("{ echo(text: \"a\", list: [1]) ... { echo(list: [1], text: \"a\") } }", NULL,
            "{\"echo\":\"a absent absent 1 \"}", "in any order");
    refuses("subscription { a }", "Schema is not configured to execute subscription operation.", 1,
            1, "there are no subscriptions");
}

static void test_variables(void)
{
    data_is("query ($a: String, $b: [Int!]) { echo(text: $a, list: $b) }",
            "{\"a\":\"x\",\"b\":[1,2]}", "{\"echo\":\"x absent absent number number \"}",
            "variables stand for values");
    data_is("query ($a: String = \"d\") { echo(text: $a) }", "{}",
            "{\"echo\":\"d absent absent absent \"}", "a default is for those that are not given");
    data_is("query ($a: String = \"d\") { echo(text: $a) }", "{\"a\":null}",
            "{\"echo\":\"null absent absent absent \"}", "null is given");
    data_is("query ($a: String) { echo(text: $a) }", NULL,
            "{\"echo\":\"absent absent absent absent \"}",
            "a variable without a value is an absent argument");
    fails("query ($a: Int = 3) { echo(list: [1, $a]) }", "{\"a\":null}",
          "200 {\"errors\":[{\"message\":\"cannot be "
          "null\",\"path\":[\"echo\",\"list\",1]}],\"data\":null}",
          "null does not fit where the default made a variable fit");
    refuses("{ echo(text: $a) }", "Variable \"$a\" is not defined.", 1, 8,
            "they have to be defined");
    refuses("query ($a: String) { __typename }", "Variable \"$a\" is never used.", 1, 8,
            "and used");
    refuses("query ($a: String, $a: String) { echo(text: $a) }",
            "There can be only one variable named \"$a\".", 1, 20, "once");
    refuses("query ($a: Int) { echo(text: $a) }",
            "Variable \"$a\" of type \"Int\" used in position expecting type \"String\".", 1, 24,
            "where their type fits");
    refuses("query ($a: [Int]) { echo(list: $a) }",
            "Variable \"$a\" of type \"[Int]\" used in position expecting type \"[Int!]\".", 1, 26,
            "inside lists too");
    refuses("query ($a: Nope) { echo(text: $a) }",
            "Variable \"$a\" is of the unknown type \"Nope\".", 1, 8, "the type has to exist");
    refuses("query ($a: Node) { echo(text: $a) }",
            "Variable \"$a\" cannot be of the non-input type \"Node\".", 1, 8,
            "and be one for input");
    refuses("query ($a: Int = \"x\") { echo(list: [$a]) }", "Expected value of type \"Int\".", 1,
            18, "as does the default");
    fails(
        "query ($a: Int!) { echo(list: [$a]) }", "{\"a\":\"x\"}",
        "422 {\"errors\":[{\"message\":\"cannot use string as Int\",\"path\":[\"variable\",\"a\"],"
        "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
        "a value has to fit its variable");
    fails("query ($a: Int!) { echo(list: [$a]) }", "{}",
          "422 {\"errors\":[{\"message\":\"must be defined\",\"path\":[\"variable\",\"a\"],"
          "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
          "and to be there");
    fails("query ($a: [Int!]) { echo(list: $a) }", "{\"a\":[1,null]}",
          "422 {\"errors\":[{\"message\":\"cannot be null\",\"path\":[\"variable\",\"a\",1],"
          "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
          "an item in its place");
}

static void test_operations(void)
{
    const char *two =
        "{\"query\":\"query A { __typename } query B { node { id } }\",\"operationName\":\"%s\"}";
    char request[256];
    snprintf(request, sizeof(request), two, "B");
    answers(request, "200 {\"data\":{\"node\":{\"id\":\"7\"}}}",
            "the operation is chosen by its name");
    snprintf(request, sizeof(request), two, "X");
    answers(request,
            "422 {\"errors\":[{\"message\":\"operation X not found\","
            "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
            "which has to exist");
    answers("{\"query\":\"{ __typename }\",\"operationName\":null}",
            "200 {\"data\":{\"__typename\":\"Query\"}}", "one alone needs none");
    answers("{}",
            "422 {\"errors\":[{\"message\":\"no operation provided\","
            "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
            "there has to be one");
    refuses("{ __typename } { __typename }",
            "This anonymous operation must be the only defined operation.", 1, 1,
            "an anonymous one is alone");
    refuses("query A { __typename } query A { __typename }",
            "There can be only one operation named \"A\".", 1, 24, "names are unique");
    answers("[]", "400 ", "a request is an object");
    answers("{\"query\":5}", "400 ", "its query a text");
    answers("{\"query\":\"{__typename}\",\"variables\":[]}", "400 ", "its variables an object");
    answers("{\"query\":\"{__typename}\"} garbage", "200 {\"data\":{\"__typename\":\"Query\"}}",
            "what follows it is ignored, as by gqlgen");
}

static void test_errors(void)
{
    fails("{ broken { id } node { id } }", NULL,
          "200 {\"errors\":[{\"message\":\"it is broken\",\"path\":[\"broken\"]}],"
          "\"data\":{\"broken\":null,\"node\":{\"id\":\"7\"}}}",
          "a field that fails is null");
    fails("{ a: strict { id } node { id } }", NULL,
          "200 {\"errors\":[{\"message\":\"it is broken\",\"path\":[\"a\"]}],\"data\":null}",
          "what is around it, when it must not be");
    fails("{ nodes { id } }", NULL,
          "200 {\"errors\":[{\"message\":\"must not be null\",\"path\":[\"nodes\",2,\"id\"]}],"
          "\"data\":{\"nodes\":[{\"id\":\"1\"},null,null]}}",
          "an item of a list takes the null when it may");
}

static void takes(const char *query, const char *variables, const char *const *path,
                  const char *wanted, const char *what)
{
    char *request = request_of(query, variables), *answer = answer_to(request, path);
    if (!ok(strcmp(answer, wanted) == 0, "%s", what))
        printf("#  got: %s\n# want: %s\n", answer, wanted);
    free(answer);
    free(request);
}

static void test_uploads(void)
{
    const char *take = "mutation ($f: Upload!) { take(file: $f) }";
    const char *all = "mutation ($f: [Upload!]!) { takeAll(files: $f) }";
    takes(take, "{\"f\":null}", (const char *[]){"variables.f", NULL},
          "200 {\"data\":{\"take\":\"a.txt \"}}", "a path puts an upload to a variable");
    takes(take, "{}", (const char *[]){"variables.f", NULL}, "200 {\"data\":{\"take\":\"a.txt \"}}",
          "even to one that is not there yet");
    takes(all, "{\"f\":[null,null]}", (const char *[]){"variables.f.0", "variables.f.1", NULL},
          "200 {\"data\":{\"takeAll\":[\"a.txt a.txt \"]}}", "to items of a list");
    takes(all, "{\"f\":null}", (const char *[]){"variables.f", NULL},
          "200 {\"data\":{\"takeAll\":[\"a.txt \"]}}", "one upload is a list of one");
    takes("mutation ($a: Upload!) { takeAll(files: [$a, $a]) }", "{\"a\":null}",
          (const char *[]){"variables.a", NULL}, "200 {\"data\":{\"takeAll\":[\"a.txt a.txt \"]}}",
          "a list of variables");
    takes(all, "{\"f\":[null,null]}", (const char *[]){"variables.f.1", NULL},
          "422 {\"errors\":[{\"message\":\"cannot be null\",\"path\":[\"variable\",\"f\",0],"
          "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}",
          "an item that gets none is null");
    takes(take, "{\"f\":\"text\"}", NULL,
          "200 {\"errors\":[{\"message\":\"string is not an "
          "Upload\",\"path\":[\"take\",\"file\"]}],\"data\":null}",
          "a text is no upload");
    takes("mutation { take(file: {a: 1}) }", NULL, NULL,
          "200 {\"errors\":[{\"message\":\"map[string]interface {} is not an "
          "Upload\",\"path\":[\"take\",\"file\"]}],"
          "\"data\":null}",
          "neither is an object in the document");
}

static void test_upload_paths(void)
{
    const char *take = "mutation ($f: Upload!) { take(file: $f) }";
    takes(take, "{\"f\":null}", (const char *[]){"var.f", NULL},
          "400 invalid operations paths for key 0", "a path begins with variables");
    takes(take, "{\"f\":null}", (const char *[]){"variables.f.x", NULL},
          "400 path is missing \"variables.\" prefix, key: 0, path: variables.f.x",
          "it does not go through null");
    takes(take, "{\"f\":null}", (const char *[]){"variables.0", NULL}, "400 internal system error",
          "an object has no index");
    takes(take, "{\"f\":[null]}", (const char *[]){"variables.f.5", NULL},
          "400 internal system error", "a list ends somewhere");
    takes(take, "{\"f\":[null]}", (const char *[]){"variables.f.x", NULL},
          "400 internal system error", "and has no keys");
    takes(take, "{\"f\":\"x\"}", (const char *[]){"variables.f.x", NULL},
          "400 internal system error", "neither has a text");
    takes(take, NULL, (const char *[]){"variables.f", NULL}, "400 internal system error",
          "there have to be variables");
}

// "200 [...]" of a batch with an upload at each path, or what is wrong with a path.
static void batch_is(const char *request, const char *const *path, const char *wanted,
                     const char *what)
{
    static char file[] = "a.txt";
    struct graphql_batch b;
    struct err e = {0};
    json_t *json;
    char answer[2048] = "refused";
    bool is_good = graphql_batch_decode(&b, str_of(request), true);
    for (; is_good && path && *path; path++)
        is_good = graphql_batch_add_upload(&b, (struct upload *)(void *)file, STR("0"),
                                           str_of(*path), &e);
    if (is_good) {
        unsigned status = graphql_batch_answer(&json, &b, &schema, node_json);
        char *dump = json_dumps(json, JSON_COMPACT);
        snprintf(answer, sizeof(answer), "%u %s", status, dump);
        free(dump);
        json_decref(json);
    } else if (e.text[0]) {
        snprintf(answer, sizeof(answer), "%s", e.text);
    }
    graphql_batch_free(&b);
    if (!ok(strcmp(answer, wanted) == 0, "%s", what))
        printf("#  got: %s\n# want: %s\n", answer, wanted);
}

static void test_batches(void)
{
#define TAKE "{\"query\":\"mutation ($f: Upload!) { take(file: $f) }\",\"variables\":{\"f\":null}}"
    batch_is("[" TAKE "," TAKE "]", (const char *[]){"0.variables.f", "1.variables.f", NULL},
             "200 [{\"data\":{\"take\":\"a.txt \"}},{\"data\":{\"take\":\"a.txt \"}}]",
             "each operation of a list is answered");
    batch_is("[" TAKE ",{\"query\":\"{ nope }\"}]", (const char *[]){"0.variables.f", NULL},
             "200 [{\"data\":{\"take\":\"a.txt \"}},{\"errors\":[{\"message\":\"Cannot query field "
             "\\\"nope\\\" on type \\\"Query\\\".\",\"locations\":[{\"line\":1,\"column\":3}],"
             "\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}]",
             "whatever becomes of the others");
    batch_is("[" TAKE "]", (const char *[]){"variables.f", NULL},
             "invalid operations paths for key 0", "a path begins with the operation's index");
    batch_is("[" TAKE "]", (const char *[]){"1.variables.f", NULL},
             "there is no operation for key 0, path: 1.variables.f", "which has to be there");
    batch_is("[]", NULL, "refused", "a list has operations");
    batch_is("[1]", NULL, "refused", "and nothing else");
    batch_is("[{},{},{},{},{},{},{},{},{},{},{}]", NULL, "refused", "at most ten");
    batch_is(TAKE, (const char *[]){"variables.f", NULL}, "200 {\"data\":{\"take\":\"a.txt \"}}",
             "one that is no list is answered alone");
#undef TAKE
}

int main(void)
{
    test_values();
    test_syntax_errors();
    test_limits();
    test_fields();
    test_fragments();
    test_directives();
    test_introspection();
    test_introspection_is_bounded();
    test_input_objects();
    test_validation();
    test_variables();
    test_operations();
    test_errors();
    test_uploads();
    test_upload_paths();
    test_batches();
    return done();
}
