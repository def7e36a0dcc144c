// The GraphQL multipart request (https://github.com/jaydenseric/graphql-multipart-request-spec,
// version 2) as gqlgen takes it: a part "operations", a part "map", then the files in any order;
// with gqlgen's order of checks, messages and statuses. What differs is -stream, with which the
// store has a file's bytes before the operation runs.
#ifndef UPLOAD_TRANSPORT_H
#define UPLOAD_TRANSPORT_H

#include "answer.h"
#include "service.h"

enum {
    TRANSPORT_MOST_TEXT = 256 << 10, // bytes of "operations", of "map", and of a request in JSON
    TRANSPORT_MOST_FILES = 100       // of a request
};

struct transport;

// content_length is the request's, -1 when it is chunked.  As in gqlgen it alone decides between
// memory and temporary files, so that what is chunked is held in memory.  NULL: no memory.
struct transport *transport_open(const struct service *s, struct str boundary,
                                 int64_t content_length);
void transport_close(struct transport *t);

// Takes the next bytes of the body.  After a failure they are ignored, and what was received is
// freed.
void transport_feed(struct transport *t, const void *bytes, size_t n);

// The body has ended: runs the operation.  Sets *a in any case.
void transport_finish(struct transport *t, struct answer *a);

#endif
