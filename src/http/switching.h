// The endpoints that switch profilers on and off.
#ifndef HTTP_SWITCHING_H
#define HTTP_SWITCHING_H

#include "http/debug.h"
#include "record/layout.h"

// POST start?profile=cpu&rate=100 and POST stop?profile=cpu, as routes of debug.c.
void switching_start(struct debug *d, const struct http_request *q, struct http_response *r);
void switching_stop(struct debug *d, const struct http_request *q, struct http_response *r);

// A process's row of the index: what is on, and buttons.
void switching_write(struct buf *out, const struct record_header *h);

#endif
