// Documents and requests: whatever a client sends is answered or refused.  The first byte chooses:
// a document alone, which may be no UTF-8; a document with variables and uploads; or a request in
// JSON.
#include <stdlib.h>
#include <string.h>

#include "../../examples/upload-server/graphql_parse.h"
#include "../../examples/upload-server/graphql_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static json_t *resolve_files(const struct graphql_call *c)
{
    (void)c;
    return json_loads("[{\"id\":\"1\",\"name\":\"a\",\"inner\":{\"id\":\"2\"}},{\"id\":\"3\"}]", 0,
                      NULL);
}

static json_t *resolve_upload(const struct graphql_call *c)
{
    const struct graphql_value *v = c->argument[0];
    if (!v || (v->kind != GRAPHQL_UPLOAD && v->kind != GRAPHQL_LIST))
        abort();
    for (const struct graphql_value *item = v->child; item; item = item->next)
        if (item->kind != GRAPHQL_UPLOAD)
            abort();
    return json_pack("{s:s,s:s}", "id", "9", "name", "b");
}

static json_t *resolve_uploads(const struct graphql_call *c)
{
    return json_pack("[o]", resolve_upload(c));
}

static const struct graphql_type id = GRAPHQL_NON_NULL("ID"), text = GRAPHQL_NAMED("String"),
                                 file = GRAPHQL_NON_NULL("File"),
                                 maybe_file = GRAPHQL_NAMED("File"),
                                 files = {.item = &file, .is_non_null = true},
                                 upload = GRAPHQL_NON_NULL("Upload"),
                                 uploads = {.item = &upload, .is_non_null = true};
static const struct graphql_field query_field[] = {{"files", &files, resolve_files, {{0}}}};
static const struct graphql_field file_field[] = {{.name = "id", .type = &id},
                                                  {.name = "name", .type = &text},
                                                  {.name = "inner", .type = &maybe_file}};
static const struct graphql_field mutation_field[] = {
    {"uploadFile", &file, resolve_upload, {{"file", &upload}}},
    {"uploadFiles", &files, resolve_uploads, {{"files", &uploads}}}};
static const struct graphql_object object[] = {
    {"Query", query_field, ARRAY_LEN(query_field)},
    {"Mutation", mutation_field, ARRAY_LEN(mutation_field)},
    {"File", file_field, ARRAY_LEN(file_field)},
};
static const struct graphql_schema schema = {
    .object = object, .nobject = ARRAY_LEN(object), .root = {&object[0], &object[1], NULL}};

// Every answer is an object with a key data, and says something when that is null.
static void answer(struct graphql_request *r)
{
    json_t *json;
    unsigned status = graphql_request_answer(&json, r, &schema, NULL);
    char *out = json_dumps(json, JSON_COMPACT);
    const json_t *data = json_object_get(json, "data"), *errors = json_object_get(json, "errors");
    if (!out || !data || (status != 200 && status != 422) ||
        (json_is_null(data) && json_array_size(errors) == 0))
        abort();
    free(out);
    json_decref(json);
}

static void parse_alone(struct str source)
{
    struct graphql_document d;
    struct graphql_problem problem;
    struct arena arena;
    arena_init(&arena, GRAPHQL_ARENA_BYTES);
    bool is_good = graphql_parse(&d, source, &arena, &problem);
    if (is_good == (problem.text[0] != 0))
        abort();
    arena_free(&arena);
}

// Two paths and the document, each behind a NUL.
static void answer_uploads(struct str input)
{
    static char upload_text[] = "upload";
    struct graphql_request r;
    struct err e;
    struct str first = str_cut(&input, 0), second = str_cut(&input, 0);
    char *query = str_utf8(input);
    if (graphql_request_decode(
            &r, STR("{\"variables\":{\"f\":null,\"l\":[null,null],\"o\":{\"t\":true}}}"))) {
        r.query = str_of(query);
        graphql_request_add_upload(&r, (struct upload *)(void *)upload_text, STR("0"), first, &e);
        graphql_request_add_upload(&r, (struct upload *)(void *)upload_text, STR("1"), second, &e);
        answer(&r);
    }
    graphql_request_free(&r);
    free(query);
}

static void answer_json(struct str input)
{
    struct graphql_request r;
    if (graphql_request_decode(&r, input))
        answer(&r);
    graphql_request_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static void (*const way[])(struct str input) = {parse_alone, answer_uploads, answer_json};
    if (n > 0)
        way[bytes[0] % 3]((struct str){(const char *)bytes + 1, n - 1});
    return 0;
}
