// The server's own profiles over HTTP, for go tool pprof and for Sonde.
#ifndef UPLOAD_DEBUG_H
#define UPLOAD_DEBUG_H

#include "err.h"

// Serves /debug/pprof/ at "HOST:PORT", by sonde_serve() of libsonde-http, on threads of its own.
bool debug_serve(const char *address, struct err *e);

#endif
