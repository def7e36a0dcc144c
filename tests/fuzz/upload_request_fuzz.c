// A request as the HTTP library hands it on, in pieces, to a server that holds files in memory: it
// is answered whatever it is, and nothing is left.  The first byte chooses the way of the body:
// multipart or JSON, chunked or with a length, batches or none.
#include <stdlib.h>
#include <string.h>

#include "../../examples/upload-server/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static json_t *resolve_files(const struct graphql_call *c)
{
    (void)c;
    return json_pack("[{s:s}]", "id", "1");
}

static json_t *resolve_upload(const struct graphql_call *c)
{
    const struct graphql_value *v = c->argument[0];
    return json_pack("{s:s}", "id", v->kind == GRAPHQL_UPLOAD ? "upload" : "none");
}

static const struct graphql_type id = GRAPHQL_NON_NULL("ID"), file = GRAPHQL_NON_NULL("File"),
                                 files = {.item = &file, .is_non_null = true},
                                 upload = GRAPHQL_NON_NULL("Upload");
static const struct graphql_field query_field[] = {{"files", &files, resolve_files, {{0}}}};
static const struct graphql_field file_field[] = {{.name = "id", .type = &id}};
static const struct graphql_field mutation_field[] = {
    {"uploadFile", &file, resolve_upload, {{"file", &upload}}}};
static const struct graphql_object object[] = {
    {"Query", query_field, 1}, {"Mutation", mutation_field, 1}, {"File", file_field, 1}};
static const struct graphql_schema schema = {
    .object = object, .nobject = 3, .root = {&object[0], &object[1], NULL}};

static void serve(const struct service *s, const struct request_head *h, const uint8_t *bytes,
                  size_t n, size_t piece)
{
    struct request *r = request_open(s, h);
    bool is_taken = r;
    for (size_t at = 0; at < n && is_taken; at += piece)
        is_taken = request_feed(r, bytes + at, n - at < piece ? n - at : piece);
    if (is_taken) {
        const struct answer *a = request_finish(r);
        if (a->status < 200 || a->status > 499 || !a->body || !a->mime)
            abort();
    }
    if (r)
        request_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct metrics metrics = {0};
    struct options o = {.max_upload_size = 1 << 20, .max_memory = 1 << 20, .temp = "/nowhere"};
    struct service s = {.options = &o, .metrics = &metrics, .schema = &schema};
    if (n == 0)
        return 0;
    o.batch = bytes[0] & 1;
    struct request_head h = {.method = "POST",
                             .path = "/graphql",
                             .content_type = bytes[0] & 2 ? "application/json"
                                                          : "multipart/form-data; boundary=B",
                             .content_length = bytes[0] & 4 ? -1 : (int64_t)n - 1};
    serve(&s, &h, bytes + 1, n - 1, bytes[0] & 8 ? 1 : 4096);
    if (metrics.buffer_bytes || metrics.uploads_in_flight)
        abort();
    return 0;
}
