// The debug endpoints under /debug/pprof/, as net/http/pprof has them, answered from records.
#ifndef HTTP_DEBUG_H
#define HTTP_DEBUG_H

#include <pthread.h>

#include "http/server.h"
#include "object/symbolizer.h"

struct debug {
    u32 pid; // the process that is meant when a request names none; 0: the only one that runs
    pthread_mutex_t lock; // of the symbolizer, which all requests share
    struct arena symbols;
    struct symbolizer symbolizer;
};

void debug_init(struct debug *d, u32 pid);
void debug_free(struct debug *d);

// An http_handler; context is a struct debug.
http_handler debug_handle;

#endif
