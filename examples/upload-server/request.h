// A request, whatever the HTTP library: from its headers over the pieces of its body to its answer.
#ifndef UPLOAD_REQUEST_H
#define UPLOAD_REQUEST_H

#include "answer.h"
#include "service.h"

struct request_head {
    const char *method, *path;
    const char *content_type; // NULL: none
    bool is_upgrade;          // has a header Upgrade
    int64_t content_length;   // -1: chunked
};

struct request;

// NULL: no memory.
struct request *request_open(const struct service *s, const struct request_head *h);
void request_close(struct request *r);

// Whether the answer is known already, so that the body need not come.
bool request_is_refused(const struct request *r);

// Takes the next bytes of the body.  False: there were so many after a failure that the connection
// is to be cut.
bool request_feed(struct request *r, const void *bytes, size_t n);

// The body has ended.  The answer is r's.
const struct answer *request_finish(struct request *r);

#endif
