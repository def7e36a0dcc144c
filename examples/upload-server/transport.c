#include "transport.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql_batch.h"
#include "io.h"
#include "text.h"
#include "upload.h"

enum stage { STAGE_OPERATIONS, STAGE_MAP, STAGE_FILES };

struct transport {
    const struct service *service;
    struct multipart multipart;
    enum upload_kind kind; // of all uploads of the request
    uint64_t left_bytes;   // that the body may still have
    enum stage stage;
    bool is_in_part;
    bool is_ended;    // nothing more is taken: the body was whole, or the request failed
    struct text text; // of the part "operations" or "map"
    struct graphql_batch batch;
    json_t *map;   // part name -> paths, without the parts that came
    json_t *paths; // of the file that is arriving
    struct upload *first, **tail, *current;
    uint32_t nupload;
    struct answer failure;
};

enum { STATUS_UNPROCESSABLE = 422 };

static void close_uploads(struct transport *t)
{
    while (t->first) {
        struct upload *next = t->first->next;
        upload_close(t->first);
        t->first = next;
    }
    t->tail = &t->first;
    t->current = NULL;
}

// Returns false.
__attribute__((format(printf, 2, 3))) static bool fail(struct transport *t, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    answer_error(&t->failure, STATUS_UNPROCESSABLE, message);
    t->is_ended = true;
    close_uploads(t);
    return false;
}

// The two parts before the files.
static const struct {
    const char *name, *missing, *undecodable;
} head[] = {
    [STAGE_OPERATIONS] = {"operations", "first part must be operations",
                          "operations form field could not be decoded"},
    [STAGE_MAP] = {"map", "second part must be map", "map form field could not be decoded"},
};

// Paths may be null, which is an empty list.
static bool is_paths(const json_t *paths)
{
    for (size_t i = 0; i < json_array_size(paths); i++)
        if (!json_is_string(json_array_get(paths, i)))
            return false;
    return json_is_array(paths) || json_is_null(paths);
}

// {"0": ["variables.file"], ...}; null is an empty one.
static bool decode_map(struct transport *t)
{
    struct str text = text_str(&t->text);
    t->map = json_loadb(text.ptr, text.len, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, NULL);
    void *at = json_object_iter(t->map);
    while (at && is_paths(json_object_iter_value(at)))
        at = json_object_iter_next(t->map, at);
    return !at && (json_is_object(t->map) || json_is_null(t->map));
}

static bool end_head(struct transport *t)
{
    bool is_good = t->stage == STAGE_MAP ? decode_map(t)
                                         : graphql_batch_decode(&t->batch, text_str(&t->text),
                                                                t->service->options->batch);
    if (!is_good)
        return fail(t, "%s", head[t->stage].undecodable);
    text_free(&t->text);
    t->stage++;
    return true;
}

static bool begin_file(struct transport *t, const struct multipart_part *part)
{
    json_decref(t->paths);
    t->paths = json_incref(json_object_getn(t->map, part->name.ptr, part->name.len));
    if (json_array_size(t->paths) == 0)
        return fail(t, "invalid empty operations paths list for key %.*s", STR_ARG(part->name));
    json_object_deln(t->map, part->name.ptr, part->name.len);
    if (++t->nupload > TRANSPORT_MOST_FILES)
        return fail(t, "a request may have at most %d files", TRANSPORT_MOST_FILES);
    struct upload *u = upload_open(t->kind, part, t->service);
    if (!u)
        return fail(t, "internal system error");
    *t->tail = t->current = u;
    t->tail = &u->next;
    if (t->kind == UPLOAD_IN_TEMP_FILE && u->fd < 0)
        return fail(t, "failed to create temp file for key %s", u->key);
    return true;
}

static bool begin_part(void *context, const struct multipart_part *part)
{
    struct transport *t = context;
    t->is_in_part = true;
    if (t->stage == STAGE_FILES)
        return begin_file(t, part);
    return str_equal(part->name, str_of(head[t->stage].name)) ||
           fail(t, "%s", head[t->stage].missing);
}

// The bytes of a part that are at hand, as a source to read from.
struct piece {
    const uint8_t *bytes;
    size_t n;
};

static ssize_t read_piece(void *source, void *out, size_t n)
{
    struct piece *p = source;
    size_t done = n < p->n ? n : p->n;
    memcpy(out, p->bytes, done);
    p->bytes += done;
    p->n -= done;
    return (ssize_t)done;
}

// What the store refuses is the operation's error, not the request's, so it is kept until the
// operation runs.
static void store_piece(struct upload *u, const struct piece *p)
{
    const struct store_class *store = u->service->store->call;
    if (!u->put || store->write(u->put, p->bytes, p->n, &u->error))
        return;
    store->abort(u->put);
    u->put = NULL;
}

static bool fail_file(struct transport *t)
{
    const char *verb = t->kind == UPLOAD_IN_TEMP_FILE ? "copy to temp file" : "read file";
    return fail(t, "failed to %s for key %s", verb, t->current->key);
}

// Takes bytes of the part that is arriving.  A heap profile shows it as the caller of read_all.
__attribute__((noinline)) static bool multipart_handle_part(void *context, const uint8_t *bytes,
                                                            size_t n)
{
    struct transport *t = context;
    struct upload *u = t->current;
    struct piece piece = {bytes, n};
    bool is_kept = true;
    if (t->stage != STAGE_FILES)
        return text_add(&t->text, bytes, n) || fail(t, "%s", head[t->stage].undecodable);
    if (t->kind == UPLOAD_IN_MEMORY)
        is_kept = read_all(&u->memory, read_piece, &piece);
    else if (t->kind == UPLOAD_IN_TEMP_FILE)
        is_kept = io_write(u->fd, bytes, n);
    else
        store_piece(u, &piece);
    u->size += n;
    atomic_fetch_add(&t->service->metrics->upload_bytes, n);
    return is_kept || fail_file(t);
}

static void finish_put(struct upload *u)
{
    const struct store_class *store = u->put ? u->service->store->call : NULL;
    if (store && !store->finish(u->put, &u->error)) {
        store->abort(u->put);
        u->put = NULL;
    }
}

// Puts the file to each of the places that the map names.
static bool end_file(struct transport *t)
{
    struct upload *u = t->current;
    struct err e;
    finish_put(u);
    for (size_t i = 0; i < json_array_size(t->paths); i++) {
        const json_t *path = json_array_get(t->paths, i);
        struct str at = {json_string_value(path), json_string_length(path)};
        if (!graphql_batch_add_upload(&t->batch, u, str_of(u->key), at, &e))
            return fail(t, "%s", e.text);
    }
    return true;
}

static bool end_part(void *context)
{
    struct transport *t = context;
    t->is_in_part = false;
    return t->stage == STAGE_FILES ? end_file(t) : end_head(t);
}

// The body ended, or went wrong, where it should have gone on.  gqlgen decodes the JSON of a part
// before it sees that the part has no end.
static void fail_cut(struct transport *t)
{
    if (t->is_in_part && t->stage != STAGE_FILES && !end_part(t))
        return;
    if (t->is_in_part)
        fail_file(t);
    else if (t->stage == STAGE_FILES)
        fail(t, "failed to parse part");
    else
        fail(t, "%s", head[t->stage].missing);
}

static enum upload_kind kind_of(const struct service *s, int64_t content_length)
{
    if (s->options->stream)
        return UPLOAD_STORED;
    return content_length < (int64_t)s->options->max_memory ? UPLOAD_IN_MEMORY
                                                            : UPLOAD_IN_TEMP_FILE;
}

struct transport *transport_open(const struct service *s, struct str boundary,
                                 int64_t content_length)
{
    static const struct multipart_events events = {begin_part, multipart_handle_part, end_part};
    struct transport *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->service = s;
    t->kind = kind_of(s, content_length);
    t->left_bytes = s->options->max_upload_size;
    t->tail = &t->first;
    text_init(&t->text, TRANSPORT_MOST_TEXT);
    multipart_init(&t->multipart, boundary, &events, t);
    atomic_fetch_add(&s->metrics->uploads_in_flight, 1);
    return t;
}

void transport_close(struct transport *t)
{
    close_uploads(t);
    atomic_fetch_sub(&t->service->metrics->uploads_in_flight, 1);
    graphql_batch_free(&t->batch);
    answer_free(&t->failure);
    json_decref(t->map);
    json_decref(t->paths);
    text_free(&t->text);
    free(t);
}

void transport_feed(struct transport *t, const void *bytes, size_t n)
{
    bool is_too_long = n > t->left_bytes;
    if (is_too_long)
        n = (size_t)t->left_bytes;
    t->left_bytes -= n;
    if (t->is_ended)
        return;
    bool is_good = multipart_feed(&t->multipart, bytes, n);
    if (multipart_is_whole(&t->multipart) && t->stage == STAGE_FILES)
        t->is_ended = true;
    else if ((!is_good || is_too_long) && !t->is_ended)
        fail_cut(t);
}

void transport_finish(struct transport *t, struct answer *a)
{
    if (!t->is_ended)
        fail_cut(t);
    if (!t->failure.status && json_object_size(t->map))
        fail(t, "failed to get key %s from form", json_object_iter_key(json_object_iter(t->map)));
    if (t->failure.status) {
        answer_free(a);
        *a = t->failure;
        t->failure = (struct answer){0};
        return;
    }
    json_t *json;
    unsigned status = graphql_batch_answer(&json, &t->batch, t->service->schema, t->service);
    answer_json(a, status, json);
}
