// The endpoints for profiles of time, and what they share with the others.
#ifndef HTTP_TIMING_H
#define HTTP_TIMING_H

#include "http/debug.h"
#include "profile/profile.h"
#include "record/timed.h"

// The process that a request is about.
bool debug_choose(struct folder_record *out, const struct debug *d, const struct http_request *q,
                  struct err *e);

void debug_fail(struct http_response *r, const struct err *e);

// The profile with names.
struct profile debug_name(struct debug *d, const struct profile *p, struct arena *a);

// Sends it as an attachment.
void debug_send(struct http_response *r, const struct profile *p, const char *filename);

// Answers a request for a profile that takes time.
void timing_serve(struct debug *d, const struct http_request *q, struct http_response *r,
                  const struct timed_row *row);

#endif
