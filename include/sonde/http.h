/*
 * Sonde: the profiles of a program over HTTP, served by the program itself: libsonde-http.
 *
 * Link with -lsonde-http -lsonde.  "sonde run" and "sonde serve" do the same from outside, without
 * a line of code; this is for a program that wants its own address for it.
 *
 *     struct sonde_server *server = sonde_serve("localhost:6060", NULL);
 *     ...
 *     sonde_serve_stop(server);
 */
#ifndef SONDE_HTTP_H
#define SONDE_HTTP_H

#ifdef __cplusplus
extern "C" {
#endif

/* What is NULL is not used. */
struct sonde_serve_options {
    const char *token; /* that each request must bring: "Authorization: Bearer TOKEN" */
    const char *tls_cert, *tls_key; /* PEM files */
};

struct sonde_server;

/*
 * Serves /debug/pprof/ of this process at "host:port" or "unix:PATH", in threads of its own that
 * take none of the program's signals; port 0 is any free one.  An address that other machines can
 * reach is refused without a token and TLS.  NULL when it cannot, with the reason on stderr and in
 * errno.  The options may be NULL.
 *
 * Names and lines are looked up by these threads, in the memory of this process; where every
 * megabyte counts, "sonde serve" in a process of its own is the better place.
 */
struct sonde_server *sonde_serve(const char *address, const struct sonde_serve_options *options);

/* "http://localhost:6060", what a path follows; "unix:PATH:" for a socket. */
const char *sonde_serve_url(const struct sonde_server *server);

/* Ends after the requests that are under way.  NULL is none. */
void sonde_serve_stop(struct sonde_server *server);

#ifdef __cplusplus
}
#endif
#endif
