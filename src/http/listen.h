// The socket that a server listens at: "host:port" of TCP, or "unix:PATH".
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "base/err.h"
#include "base/str.h"

struct listening {
    int fd;
    bool is_private; // only this machine's programs reach it
    bool is_unix;
    char path[108];    // of a Unix socket
    char address[300]; // "localhost:6060" or "unix:PATH", as clients can reach it
};

// An empty host is localhost, port 0 or none any free port.  A Unix socket is its owner's alone;
// one that a dead server left behind is replaced.  Fails with the reason, naming the address; fd is
// then -1.
bool listen_start(struct listening *out, struct str address, struct err *e);

// Removes a Unix socket's file; the descriptor is closed by who took it.
void listen_end(const struct listening *l);

#endif
