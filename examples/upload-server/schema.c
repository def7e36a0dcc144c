#include "schema.h"

#include "service.h"
#include "upload.h"

static json_t *file_json(const struct store_file *f)
{
    return json_pack("{s:s,s:s,s:I,s:s}", "id", f->id, "name", f->name, "size", (json_int_t)f->size,
                     "contentType", f->content_type);
}

static bool add_file(void *context, const struct store_file *f)
{
    return json_array_append_new(context, file_json(f)) == 0;
}

static json_t *resolve_files(const struct graphql_call *c)
{
    const struct service *s = c->context;
    json_t *files = json_array();
    if (s->store->call->list(s->store, add_file, files, c->error))
        return files;
    json_decref(files);
    return NULL;
}

static json_t *upload(struct upload *u, struct err *e)
{
    struct store_file file;
    return upload_publish(u, &file, e) ? file_json(&file) : NULL;
}

static json_t *resolve_upload_file(const struct graphql_call *c)
{
    return upload(c->argument[0]->upload, c->error);
}

static json_t *resolve_upload_files(const struct graphql_call *c)
{
    json_t *files = json_array();
    for (const struct graphql_value *v = c->argument[0]->child; v; v = v->next) {
        json_t *file = upload(v->upload, c->error);
        if (!file) {
            json_decref(files);
            return NULL;
        }
        json_array_append_new(files, file);
    }
    return files;
}

static const struct graphql_type id = GRAPHQL_NON_NULL("ID"), string = GRAPHQL_NON_NULL("String"),
                                 integer = GRAPHQL_NON_NULL("Int"), file = GRAPHQL_NON_NULL("File"),
                                 files = {.item = &file, .is_non_null = true},
                                 upload_type = GRAPHQL_NON_NULL("Upload"),
                                 uploads = {.item = &upload_type, .is_non_null = true};

static const struct graphql_field query_field[] = {{"files", &files, resolve_files, {{0}}}};

static const struct graphql_field mutation_field[] = {
    {"uploadFile", &file, resolve_upload_file, {{"file", &upload_type}}},
    {"uploadFiles", &files, resolve_upload_files, {{"files", &uploads}}},
};

static const struct graphql_field file_field[] = {
    {.name = "id", .type = &id},
    {.name = "name", .type = &string},
    {.name = "size", .type = &integer},
    {.name = "contentType", .type = &string},
};

static const struct graphql_object object[] = {
    {"Query", query_field, ARRAY_LEN(query_field)},
    {"Mutation", mutation_field, ARRAY_LEN(mutation_field)},
    {"File", file_field, ARRAY_LEN(file_field)},
};

const struct graphql_schema schema_uploads = {
    .object = object,
    .nobject = ARRAY_LEN(object),
    .root = {[GRAPHQL_QUERY] = &object[0], [GRAPHQL_MUTATION] = &object[1]},
};
