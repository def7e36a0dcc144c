#include "graphql_batch.h"

#include <string.h>

enum { STATUS_OK = 200 };

static bool decode_list(struct graphql_batch *b)
{
    size_t n = json_array_size(b->json);
    if (n == 0 || n > GRAPHQL_MOST_BATCHED)
        return false;
    for (size_t i = 0; i < n; i++, b->nrequest++)
        if (!graphql_request_decode_json(&b->request[i], json_array_get(b->json, i))) {
            graphql_request_free(&b->request[i]);
            return false;
        }
    return true;
}

bool graphql_batch_decode(struct graphql_batch *b, struct str text, bool allow_list)
{
    memset(b, 0, sizeof(*b));
    b->json = json_loadb(text.ptr, text.len,
                         JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    b->is_list = json_is_array(b->json);
    if (b->is_list)
        return allow_list && decode_list(b);
    b->nrequest = 1;
    return graphql_request_decode_json(&b->request[0], b->json);
}

void graphql_batch_free(struct graphql_batch *b)
{
    for (uint32_t i = 0; i < b->nrequest; i++)
        graphql_request_free(&b->request[i]);
    json_decref(b->json);
    memset(b, 0, sizeof(*b));
}

bool graphql_batch_add_upload(struct graphql_batch *b, struct upload *upload, struct str key,
                              struct str path, struct err *e)
{
    uint64_t index = 0;
    struct str rest = path;
    if (b->is_list && !str_u64(&index, str_cut(&rest, '.')))
        return err_set(e, "invalid operations paths for key %.*s", STR_ARG(key));
    if (index >= b->nrequest)
        return err_set(e, "there is no operation for key %.*s, path: %.*s", STR_ARG(key),
                       STR_ARG(path));
    return graphql_request_add_upload(&b->request[index], upload, key, rest, e);
}

unsigned graphql_batch_answer(json_t **answer, struct graphql_batch *b,
                              const struct graphql_schema *schema, const void *context)
{
    if (!b->is_list)
        return graphql_request_answer(answer, &b->request[0], schema, context);
    *answer = json_array();
    for (uint32_t i = 0; i < b->nrequest; i++) {
        json_t *one;
        graphql_request_answer(&one, &b->request[i], schema, context);
        json_array_append_new(*answer, one);
    }
    return STATUS_OK;
}
