// The upload server with the schema of gqlgen's example "fileupload", to be asked what a real
// gqlgen server was asked.  It stores nothing: "content" says the size, a hash, and what held the
// file.
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "../../examples/upload-server/http.h"
#include "../../examples/upload-server/upload.h"

enum { HASH_SHOWN = 4, CONTENT_TEXT = 128, PIECE_BYTES = 2 };

static const struct graphql_type integer = GRAPHQL_NON_NULL("Int"),
                                 string = GRAPHQL_NON_NULL("String"),
                                 file = GRAPHQL_NON_NULL("File"),
                                 // gqlgen leaves null in the place of a root field whose arguments
                                 // are wrong, whatever its type
    maybe_file = GRAPHQL_NAMED("File"), files = {.item = &file, .is_non_null = true},
                                 upload_type = GRAPHQL_NON_NULL("Upload"),
                                 uploads = {.item = &upload_type, .is_non_null = true},
                                 payload = GRAPHQL_NON_NULL("UploadFile"),
                                 payloads = {.item = &payload, .is_non_null = true};

// Two bytes at a time, as gqlgen's test reads a file that is used twice.
static void describe(char out[CONTENT_TEXT], const struct upload *u)
{
    struct upload_reader reader = {.upload = u};
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint8_t digest[EVP_MAX_MD_SIZE], piece[PIECE_BYTES];
    ssize_t n;
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    while ((n = upload_read(&reader, piece, sizeof(piece))) > 0)
        EVP_DigestUpdate(hash, piece, (size_t)n);
    EVP_DigestFinal_ex(hash, digest, NULL);
    EVP_MD_CTX_free(hash);
    snprintf(out, CONTENT_TEXT, "%llu %02x%02x%02x%02x %s", (unsigned long long)u->size, digest[0],
             digest[1], digest[2], digest[3],
             u->kind == UPLOAD_IN_MEMORY ? "*transport.bytesReader" : "*os.File");
}

static json_t *file_json(int64_t id, const struct upload *u)
{
    char content[CONTENT_TEXT];
    describe(content, u);
    return json_pack("{s:I,s:s,s:s,s:s}", "id", (json_int_t)id, "name", u->filename, "content",
                     content, "contentType", u->content_type);
}

static json_t *resolve_empty(const struct graphql_call *c)
{
    (void)c;
    return json_string("e");
}

static json_t *resolve_single(const struct graphql_call *c)
{
    return file_json(1, c->argument[0]->upload);
}

// The fields of UploadFile come in the order of the schema.
static json_t *payload_json(const struct graphql_value *v)
{
    return file_json(v->child->integer, v->child->next->upload);
}

static json_t *resolve_single_payload(const struct graphql_call *c)
{
    return payload_json(c->argument[0]);
}

static json_t *resolve_multiple(const struct graphql_call *c)
{
    json_t *all = json_array();
    int64_t id = 0;
    for (const struct graphql_value *v = c->argument[0]->child; v; v = v->next)
        json_array_append_new(all, file_json(++id, v->upload));
    return all;
}

static json_t *resolve_multiple_payload(const struct graphql_call *c)
{
    json_t *all = json_array();
    for (const struct graphql_value *v = c->argument[0]->child; v; v = v->next)
        json_array_append_new(all, payload_json(v));
    return all;
}

static const struct graphql_field query_field[] = {{"empty", &string, resolve_empty, {{0}}}};
static const struct graphql_field mutation_field[] = {
    {"singleUpload", &maybe_file, resolve_single, {{"file", &upload_type}}},
    {"singleUploadWithPayload", &file, resolve_single_payload, {{"req", &payload}}},
    {"multipleUpload", &files, resolve_multiple, {{"files", &uploads}}},
    {"multipleUploadWithPayload", &files, resolve_multiple_payload, {{"req", &payloads}}},
};
static const struct graphql_field file_field[] = {
    {.name = "id", .type = &integer},
    {.name = "name", .type = &string},
    {.name = "content", .type = &string},
    {.name = "contentType", .type = &string},
};
static const struct graphql_argument payload_field[] = {{"id", &integer}, {"file", &upload_type}};
static const struct graphql_input input[] = {{"UploadFile", payload_field, 2}};
static const struct graphql_object object[] = {
    {"Query", query_field, ARRAY_LEN(query_field)},
    {"Mutation", mutation_field, ARRAY_LEN(mutation_field)},
    {"File", file_field, ARRAY_LEN(file_field)},
};
static const struct graphql_schema schema = {.object = object,
                                             .nobject = ARRAY_LEN(object),
                                             .input = input,
                                             .ninput = ARRAY_LEN(input),
                                             .root = {&object[0], &object[1], NULL}};

int main(int argc, char **argv)
{
    struct options options;
    struct metrics metrics = {0};
    struct service service = {.options = &options, .metrics = &metrics, .schema = &schema};
    struct http_server *server;
    struct err e;
    sigset_t stop;
    int signal_number;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    if (!options_parse(&options, argc, argv, &e) ||
        !http_start(&server, &service, STDOUT_FILENO, &e)) {
        fprintf(stderr, "gqlgen_server: %s.\n", e.text);
        return 1;
    }
    fprintf(stderr, "listening at http://%s\n", http_address(server));
    sigwait(&stop, &signal_number);
    http_stop(server);
    return 0;
}
