#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql_batch.h"
#include "multipart.h"
#include "text.h"
#include "transport.h"

enum {
    STATUS_OK = 200,
    STATUS_BAD_REQUEST = 400,
    STATUS_NOT_FOUND = 404,
    STATUS_METHOD_NOT_ALLOWED = 405,
    STATUS_TOO_LARGE = 413,
    STATUS_UNPROCESSABLE = 422,
    STATUS_INTERNAL_ERROR = 500
};

enum { DRAIN_BYTES = 64 << 20 };

struct request {
    const struct service *service;
    struct transport *transport; // of a multipart request
    struct text text;            // of a request in JSON
    bool is_json;
    uint64_t left_bytes; // that are taken before the connection is cut
    struct answer answer;
};

static void open_healthz(struct request *r, const struct request_head *h)
{
    (void)h;
    answer_text(&r->answer, STATUS_OK, "application/json", strdup("{\"status\":\"ok\"}\n"));
}

static void open_metrics(struct request *r, const struct request_head *h)
{
    (void)h;
    answer_text(&r->answer, STATUS_OK, "text/plain; version=0.0.4; charset=utf-8",
                metrics_print(r->service->metrics));
}

static void open_multipart(struct request *r, const struct request_head *h)
{
    char *type = strdup(h->content_type);
    struct str boundary;
    if (h->content_length > (int64_t)r->service->options->max_upload_size)
        answer_error(&r->answer, STATUS_OK,
                     "failed to parse multipart form, request body too large");
    else if (!type || !multipart_boundary(&boundary, type))
        answer_error(&r->answer, STATUS_UNPROCESSABLE, "failed to parse multipart form");
    else if (!(r->transport = transport_open(r->service, boundary, h->content_length)))
        answer_error(&r->answer, STATUS_INTERNAL_ERROR, "internal system error");
    free(type);
}

static void open_json(struct request *r, const struct request_head *h)
{
    (void)h;
    r->is_json = true;
}

// gqlgen's transports, in the order in which they are asked.
static void open_graphql(struct request *r, const struct request_head *h)
{
    static const struct {
        const char *media_type;
        void (*open)(struct request *r, const struct request_head *h);
    } transport[] = {{"multipart/form-data", open_multipart}, {"application/json", open_json}};
    struct str type = str_of(h->content_type), media_type = str_trim(str_cut(&type, ';'));
    for (size_t i = 0; i < ARRAY_LEN(transport); i++) {
        bool is_right = str_equal_nocase(media_type, str_of(transport[i].media_type));
        if (is_right && !h->is_upgrade && strcmp(h->method, "POST") == 0) {
            transport[i].open(r, h);
            return;
        }
    }
    answer_error(&r->answer, STATUS_BAD_REQUEST, "transport not supported");
    r->answer.mime = "text/plain; charset=utf-8";
}

static void answer_status(struct request *r, unsigned status, const char *sentence,
                          const char *allow)
{
    answer_text(&r->answer, status, "text/plain; charset=utf-8", strdup(sentence));
    r->answer.allow = allow;
}

static void route(struct request *r, const struct request_head *h)
{
    static const struct {
        const char *path;
        bool is_for_reading;
        void (*open)(struct request *r, const struct request_head *h);
    } routes[] = {{"/graphql", false, open_graphql},
                  {"/healthz", true, open_healthz},
                  {"/metrics", true, open_metrics}};
    bool is_reading = strcmp(h->method, "GET") == 0 || strcmp(h->method, "HEAD") == 0;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(h->path, routes[i].path) != 0)
            continue;
        if (routes[i].is_for_reading && !is_reading)
            answer_status(r, STATUS_METHOD_NOT_ALLOWED, "method not allowed\n", "GET, HEAD");
        else
            routes[i].open(r, h);
        return;
    }
    answer_status(r, STATUS_NOT_FOUND, "not found\n", NULL);
}

struct request *request_open(const struct service *s, const struct request_head *h)
{
    struct request *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->service = s;
    // libmicrohttpd answers only behind the body, so the rest of a body that is refused is let in,
    // up to a limit.
    r->left_bytes = s->options->max_upload_size + DRAIN_BYTES;
    text_init(&r->text, TRANSPORT_MOST_TEXT);
    route(r, h);
    return r;
}

void request_close(struct request *r)
{
    if (r->transport)
        transport_close(r->transport);
    text_free(&r->text);
    answer_free(&r->answer);
    free(r);
}

bool request_is_refused(const struct request *r)
{
    return r->answer.status != 0;
}

bool request_feed(struct request *r, const void *bytes, size_t n)
{
    if (n > r->left_bytes)
        return false;
    r->left_bytes -= n;
    if (r->transport)
        transport_feed(r->transport, bytes, n);
    else if (r->is_json && !r->answer.status && !text_add(&r->text, bytes, n))
        answer_error(&r->answer, STATUS_TOO_LARGE, "json request body is too large");
    return true;
}

static void finish_json(struct request *r)
{
    struct graphql_batch b;
    json_t *json;
    if (graphql_batch_decode(&b, text_str(&r->text), r->service->options->batch)) {
        unsigned status = graphql_batch_answer(&json, &b, r->service->schema, r->service);
        answer_json(&r->answer, status, json);
    } else {
        answer_error(&r->answer, STATUS_BAD_REQUEST, "json request body could not be decoded");
    }
    graphql_batch_free(&b);
}

const struct answer *request_finish(struct request *r)
{
    if (r->answer.status)
        return &r->answer;
    if (r->transport)
        transport_finish(r->transport, &r->answer);
    else
        finish_json(r);
    return &r->answer;
}
