// A listening socket at "host:port".
#ifndef UPLOAD_LISTEN_H
#define UPLOAD_LISTEN_H

#include "err.h"

enum { LISTEN_ADDRESS = 320 };

// The socket, or -1.  An empty host means all addresses, port 0 any free one; *found gets the
// address with its port. Of a host with several addresses an IPv4 one comes first, as in Go.
int listen_open(char found[LISTEN_ADDRESS], const char *address, struct err *e);

#endif
