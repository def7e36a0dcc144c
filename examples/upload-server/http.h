// HTTP by libmicrohttpd, a thread for each connection: one that waits for the store makes its
// client wait, by TCP.
#ifndef UPLOAD_HTTP_H
#define UPLOAD_HTTP_H

#include "service.h"

struct http_server;

// Listens at the service's -listen; requests are logged to the descriptor log.
bool http_start(struct http_server **out, const struct service *s, int log, struct err *e);

// "localhost:8080", as clients can reach it.
const char *http_address(const struct http_server *s);

// Takes no more connections; those that there are go on.
void http_quiesce(struct http_server *s);

// Whether no request is under way.
bool http_is_idle(const struct http_server *s);

// Breaks off what is under way and ends all threads.
void http_stop(struct http_server *s);

#endif
