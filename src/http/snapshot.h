// The endpoints for profiles of what a process has done up to now.
#ifndef HTTP_SNAPSHOT_H
#define HTTP_SNAPSHOT_H

#include "http/debug.h"

// Answers a request for the profile of this name: as it is; with debug as text; with seconds what
// is added in so long; with gc after the allocator has given back what it does not use.
void snapshot_serve(struct debug *d, const struct http_request *q, struct http_response *r,
                    struct str name);

#endif
