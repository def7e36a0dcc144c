// A request to S3 on its way; for s3.c and s3_transfer.c alone.
#ifndef UPLOAD_S3_CALL_H
#define UPLOAD_S3_CALL_H

#include <curl/curl.h>

#include "s3.h"
#include "s3_url.h"

struct s3_call {
    struct s3_request request;
    struct s3_answer answer;
    void (*done)(void *context, struct s3_call *c);
    void *context;
    atomic_bool is_cancelled;
    int64_t due_ms; // CLOCK_MONOTONIC; not to be sent before
    CURL *easy;     // NULL: it is not being sent
    struct curl_slist *header;
    size_t sent; // bytes of the body in this try
    char url[S3_URL_TEXT];
    char trouble[CURL_ERROR_SIZE];
    struct s3_call *next;
};

// Makes the transfer, ready for curl_multi_add_handle().  False: the answer's error says why.
bool s3_transfer_begin(struct s3_call *c, const struct s3_options *o);

// Takes what came of it into the answer, and frees the transfer.  Returns whether another try may
// help.
bool s3_transfer_end(struct s3_call *c, const struct s3_options *o, CURLcode result);

#endif
