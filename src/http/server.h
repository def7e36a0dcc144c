// A small HTTP server on libmicrohttpd: a thread for each connection, GET and POST, loopback unless
// told otherwise.
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

// What a client asks.
struct http_request {
    struct str path;  // "/debug/pprof/heap"
    struct str query; // all behind '?', as it came
    struct str body;  // of a POST
    bool is_post;
    struct arena *arena;    // lives as long as the request
    const void *connection; // libmicrohttpd's
};

// What it gets.
struct http_response {
    u32 status;
    const char *mime;
    const char *filename; // sent as an attachment of that name; NULL: not.  Of the request's arena,
                          // or for ever
    const char *location; // of a redirect; NULL: it is none
    const char *policy;   // Content-Security-Policy of a page; NULL: none
    const char *allow;    // of a 405: the methods that there are; NULL: the usual ones
    const char *tag;      // ETag: the client may keep the body, and asks whether it still is so
    bool is_error;        // marked as pprof's own, so that the client shows the text
    bool is_gzip;         // so the body is encoded
    struct buf body;
};

// The value of a query parameter; empty when it is absent.
struct str http_parameter(const struct http_request *q, const char *name);

// The value of a header of the request; empty when it is absent.
struct str http_header(const struct http_request *q, const char *name);

// Answers a request.  Called by several threads at once.
typedef void http_handler(void *context, const struct http_request *q, struct http_response *r);

// Makes the response an error: a status and a sentence.
void http_fail(struct http_response *r, u32 status, const char *sentence);

struct http_server;

struct http_options {
    struct str address;           // see http/listen.h
    struct str token;             // that each request must bring; empty: none
    struct str tls_cert, tls_key; // PEM files; empty: no TLS
    bool is_guarded;              // refuses to be reached from other machines without both
};

// Fails with the reason, naming the address or the file.
bool http_start(struct http_server **out, const struct http_options *o, http_handler *handler,
                void *context, struct err *e);

// "http://localhost:6060", or "unix:PATH:", what a path follows.
const char *http_url(const struct http_server *s);

// Of the socket that it listens at.
int http_descriptor(const struct http_server *s);

// Ends after the requests that are under way.
void http_stop(struct http_server *s);

#endif
