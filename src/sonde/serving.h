// The options of the servers that show what running programs hold.
#ifndef SONDE_SERVING_H
#define SONDE_SERVING_H

#include "base/arena.h"
#include "http/server.h"

// At localhost:6060, with the token of SONDE_TOKEN if there is one.
void serving_init(struct http_options *o);

// Whether it is an option of a server: http, token_file, tls_cert, tls_key.
bool serving_has(struct str name);

// Sets an option that it has.  Fails when a token's file cannot be read, or is empty.
bool serving_set(struct http_options *o, struct str name, struct str value, struct arena *a,
                 struct err *e);

#endif
