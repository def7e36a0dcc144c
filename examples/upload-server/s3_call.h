// A request to S3 on its way; for s3*.c alone.
#ifndef UPLOAD_S3_CALL_H
#define UPLOAD_S3_CALL_H

#include <curl/curl.h>

#include "s3.h"
#include "s3_url.h"

enum { S3_TRIES_WHEN_STOPPED = 2 };

struct s3_engine;

struct s3_call {
    struct s3_request request;
    struct s3_answer answer;
    void (*done)(void *context, struct s3_call *c);
    void *context;
    struct s3_engine *engine; // NULL: it runs on the thread of who asked
    atomic_bool is_cancelled;
    int64_t due_ms; // CLOCK_MONOTONIC; not to be sent before
    CURL *easy;     // NULL: it is not being sent
    struct curl_slist *header;
    size_t sent; // bytes of the body in this try
    char url[S3_URL_TEXT];
    char trouble[CURL_ERROR_SIZE];
    struct s3_call *next;
};

// Makes the handle ready to send the request.  False: the answer's error says why.
bool s3_transfer_begin(struct s3_call *c, const struct s3_options *o, CURL *easy);

// Takes what came of it into the answer; the handle is not the call's any more.  Returns whether
// another try may help.
bool s3_transfer_end(struct s3_call *c, const struct s3_options *o, CURLcode result);

#endif
