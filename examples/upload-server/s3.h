// An S3 service: requests that are signed, sent, tried again and answered, by libcurl.  Those that
// the caller waits for run on its thread, the others on threads of their own.
#ifndef UPLOAD_S3_H
#define UPLOAD_S3_H

#include "err.h"
#include "metrics.h"
#include "part.h"
#include "s3_credentials.h"
#include "text.h"

struct s3_options {
    const char *endpoint; // "https://s3.eu-west-1.amazonaws.com"
    const char *bucket;
    const char *region;   // "eu-west-1"
    bool is_virtual_host; // the bucket is a label of the host's name, and not the path's first
    uint64_t timeout_s;   // without a byte in either direction
    struct s3_credentials credentials;
    struct metrics *metrics;
};

enum {
    S3_KEY_TEXT = 1025,    // of an object: 1024 bytes
    S3_HEADER_TEXT = 3072, // of one header
    S3_MOST_HEADERS = 6,   // of a request
    S3_MOST_TRIES = 4,
    S3_MOST_ACTIVE = 32,       // requests at once
    S3_MOST_ANSWER = 256 << 10 // bytes that are kept of an answer's body, and of its headers
};

struct s3_request {
    const char *method; // GET, HEAD, PUT, POST or DELETE
    const char *key;    // of the object, in UTF-8; "": the bucket itself
    const char *query; // escaped, its parameters sorted and each with a '=', as the signature needs
    char header[S3_MOST_HEADERS][S3_HEADER_TEXT]; // up to the first empty one
    char sha256[PART_SHA256_TEXT]; // of the body, which S3 checks; empty: the body is not signed
    struct part *part;             // the body; NULL: it is body, which may be empty
    const char *body;              // NULL: there is none
    bool may_fail_late;            // status 200 and an error in the body (CompleteMultipartUpload)
    bool is_cleanup;               // is sent even after s3_stop()
    bool is_fresh; // on a connection of its own, so that libcurl does not send it twice unseen
};

struct s3_answer {
    unsigned status; // 0: there was none, and error says why
    unsigned tries;
    struct text header, body;
    char code[64];    // S3's error, as "NoSuchUpload"; empty: there is none
    struct err error; // a sentence, when the status is not 2xx
};

struct s3;
struct s3_call;

// Takes no connection yet.
bool s3_open(struct s3 **out, const struct s3_options *o, struct err *e);
void s3_close(struct s3 *s);

// Requests fail from now on, what is under way is cut off; only what tidies up goes on.
void s3_stop(struct s3 *s);

// Starts a request; *r is copied, what it points to has to stay.  done is called on a thread of
// S3's when it has ended, or was cancelled.  NULL: no memory.
struct s3_call *s3_start(struct s3 *s, const struct s3_request *r,
                         void (*done)(void *context, struct s3_call *c), void *context);

// Ends it soon, with a call of done as ever.
void s3_cancel(struct s3_call *c);

// Valid once done was called.
const struct s3_answer *s3_answer_of(const struct s3_call *c);
const struct s3_request *s3_request_of(const struct s3_call *c);
void s3_free(struct s3_call *c);

// Whether an answer is a success.
bool s3_is_good(const struct s3_answer *a);

// Starts a request and waits for it.  The caller frees it; *e is set when it is no success.  NULL:
// no memory.
struct s3_call *s3_ask(struct s3 *s, const struct s3_request *r, struct err *e);

// Adds "name: value" to a request; false: there is no room.
__attribute__((format(printf, 2, 3))) bool s3_add_header(struct s3_request *r, const char *format,
                                                         ...);

// Value of a header of the answer; false: there is none, or it is too long.
bool s3_header(const struct s3_answer *a, const char *name, char *out, size_t cap);

#endif
