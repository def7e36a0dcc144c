#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_LIMIT_MIB = 8192, // memory that one request may use
    BODY_LIMIT_MIB = 1,       // of a POST
    TIMEOUT_S = 120,
    MOST_CONNECTIONS = 256,
    GRACE_MS = 10000 // that requests get which are under way at the end
};

struct http_server {
    struct MHD_Daemon *daemon;
    http_handler *handler;
    void *context;
    bool is_loopback;
    u32 nrequest; // under way; atomic
    char address[300];
};

// A request while it arrives.
struct arriving {
    bool has_headers;
    struct http_server *answers; // once it is handled
    char *query;                 // behind '?'; NULL: none
    struct buf body;
};

struct str http_parameter(const struct http_request *q, const char *name)
{
    struct MHD_Connection *c = (struct MHD_Connection *)(uintptr_t)q->connection;
    return str_of(MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name));
}

struct str http_header(const struct http_request *q, const char *name)
{
    struct MHD_Connection *c = (struct MHD_Connection *)(uintptr_t)q->connection;
    return str_of(MHD_lookup_connection_value(c, MHD_HEADER_KIND, name));
}

void http_fail(struct http_response *r, u32 status, const char *sentence)
{
    r->status = status;
    r->policy = r->tag = r->location = NULL;
    r->is_gzip = false;
    r->mime = "text/plain; charset=utf-8";
    r->filename = NULL;
    r->is_error = true;
    r->body.len = 0;
    buf_printf(&r->body, "%s\n", sentence);
}

// "127.0.0.1", but not "127.example.org", whose owner may let it be any address.
static bool is_loopback_number(struct str name)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr at;
    snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
    return name.len < sizeof(text) && inet_pton(AF_INET, text, &at) == 1 &&
           ntohl(at.s_addr) >> 24 == 127;
}

// A page of another site may have its name point to this machine; its requests then carry that
// name.
static bool is_own_host(struct str host)
{
    if (host.len == 0) // HTTP/1.0
        return true;
    if (str_starts(host, STR("[::1]")))
        return true;
    struct str name = str_cut(&host, ':');
    return str_equal(name, STR("localhost")) || is_loopback_number(name);
}

// Browsers say which page a request comes from, unless a person typed it: another site's gets no
// answer, whatever it asks.
static bool is_own_origin(struct str origin, struct str host)
{
    struct str scheme = STR("http://");
    return origin.len == 0 ||
           (str_starts(origin, scheme) && str_equal(str_skip(origin, scheme.len), host));
}

static enum MHD_Result respond(struct MHD_Connection *c, struct http_response *r)
{
    // MHD frees the body with free(), which is what buf allocates it with.
    struct MHD_Response *m =
        MHD_create_response_from_buffer(r->body.len, r->body.data, MHD_RESPMEM_MUST_FREE);
    if (!m) {
        buf_free(&r->body);
        return MHD_NO;
    }
    MHD_add_response_header(m, "Content-Type", r->mime);
    MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(m, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(m, "Cache-Control", r->tag ? "no-cache" : "no-store");
    if (r->is_error)
        MHD_add_response_header(m, "X-Go-Pprof", "1");
    if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(m, "Allow", r->allow ? r->allow : "GET, HEAD, POST");
    if (r->location)
        MHD_add_response_header(m, "Location", r->location);
    if (r->policy)
        MHD_add_response_header(m, "Content-Security-Policy", r->policy);
    if (r->tag)
        MHD_add_response_header(m, "ETag", r->tag);
    if (r->is_gzip)
        MHD_add_response_header(m, "Content-Encoding", "gzip");
    if (r->filename) {
        char value[256];
        snprintf(value, sizeof(value), "attachment; filename=\"%s\"", r->filename);
        MHD_add_response_header(m, "Content-Disposition", value);
    }
    enum MHD_Result result = MHD_queue_response(c, r->status, m);
    MHD_destroy_response(m);
    return result;
}

static void leave_request(struct arena *a)
{
    longjmp(*(jmp_buf *)a->context, 1);
}

// What needs more memory than a request may have fails alone: the server goes on.
static void handle(const struct http_server *s, const struct http_request *q,
                   struct http_response *r, jmp_buf *full)
{
    struct str host = http_header(q, "Host");
    q->arena->full = leave_request;
    q->arena->context = full;
    if (setjmp(*full))
        http_fail(r, MHD_HTTP_SERVICE_UNAVAILABLE, "this request needs too much memory");
    else if (s->is_loopback && !is_own_host(host))
        http_fail(r, MHD_HTTP_FORBIDDEN, "this server answers only requests for localhost");
    else if (!is_own_origin(http_header(q, "Origin"), host))
        http_fail(r, MHD_HTTP_FORBIDDEN, "this server answers no pages of other sites");
    else
        s->handler(s->context, q, r);
}

static enum MHD_Result answer(struct http_server *s, struct MHD_Connection *c, const char *url,
                              const struct arriving *arrived, bool is_post)
{
    struct arena arena;
    jmp_buf full;
    arena_init(&arena, (size_t)MIB(REQUEST_LIMIT_MIB));
    struct http_request q = {.path = str_of(url),
                             .query = str_of(arrived->query),
                             .body = buf_str(&arrived->body),
                             .is_post = is_post,
                             .arena = &arena,
                             .connection = c};
    struct http_response r = {.status = MHD_HTTP_OK, .mime = "text/plain; charset=utf-8"};
    buf_init(&r.body, (size_t)MIB(REQUEST_LIMIT_MIB));
    handle(s, &q, &r, &full);
    enum MHD_Result result = respond(c, &r);
    arena_free(&arena); // what the answer's headers may be in
    return result;
}

// Fails a request before anybody handled it.
static enum MHD_Result reject(struct MHD_Connection *c, u32 status, const char *sentence)
{
    struct http_response r = {0};
    buf_init(&r.body, 4096);
    http_fail(&r, status, sentence);
    return respond(c, &r);
}

// What libmicrohttpd calls first: only here it gives the query as the client wrote it.
static void *on_uri(void *context, const char *uri, struct MHD_Connection *c)
{
    (void)context, (void)c;
    struct arriving *r = calloc(1, sizeof(*r));
    const char *mark = strchr(uri, '?');
    if (!r)
        return NULL;
    buf_init(&r->body, (size_t)MIB(BODY_LIMIT_MIB));
    r->query = mark ? strdup(mark + 1) : NULL;
    return r;
}

// Then: once with the headers, with each part of the body, and once more.
static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *n, void **state)
{
    struct http_server *s = context;
    (void)version;
    struct arriving *r = *state;
    if (!r)
        return MHD_NO;
    if (!r->has_headers) {
        r->has_headers = true;
        return MHD_YES;
    }
    if (*n) {
        buf_add(&r->body, (struct str){data, *n});
        *n = 0;
        return MHD_YES;
    }
    bool is_post = strcmp(method, "POST") == 0;
    if (!is_post && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return reject(c, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed");
    if (r->body.full)
        return reject(c, MHD_HTTP_CONTENT_TOO_LARGE, "request body too large");
    r->answers = s;
    __atomic_fetch_add(&s->nrequest, 1, __ATOMIC_RELAXED);
    return answer(s, c, url, r, is_post);
}

static void on_done(void *context, struct MHD_Connection *c, void **state,
                    enum MHD_RequestTerminationCode code)
{
    (void)context, (void)c, (void)code;
    struct arriving *r = *state;
    if (!r)
        return;
    buf_free(&r->body);
    free(r->query);
    if (r->answers)
        __atomic_fetch_sub(&r->answers->nrequest, 1, __ATOMIC_RELEASE);
    free(r);
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24) == 127;
    return a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

// "host:port", "[v6]:port", ":port" or "host".
static bool split_address(char *host, char *port, size_t cap, struct str address, struct err *e)
{
    const char *colon = address.len ? memrchr(address.ptr, ':', address.len) : NULL;
    if (!colon)
        return err_set(e, EINVAL,
                       "could not split http address: address %.*s: missing port in address",
                       STR_ARG(address));
    struct str h = {address.ptr, (size_t)(colon - address.ptr)}, p = str_skip(address, h.len + 1);
    if (h.len >= 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']')
        h = (struct str){h.ptr + 1, h.len - 2};
    if (h.len >= cap || p.len >= cap)
        return err_set(e, EINVAL, "the http address %.*s is too long", STR_ARG(address));
    snprintf(host, cap, "%.*s", STR_ARG(h));
    snprintf(port, cap, "%.*s", STR_ARG(p));
    return true;
}

// A listening socket; *found is what it is bound to.
static int listen_at(const char *host, const char *port, struct sockaddr_storage *found)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE},
                    *list;
    int error = getaddrinfo(*host ? host : "127.0.0.1", *port ? port : "0", &hints, &list);
    if (error) {
        errno = error == EAI_SERVICE ? EINVAL : EADDRNOTAVAIL;
        return -1;
    }
    int fd = -1, one = 1, saved = EADDRNOTAVAIL;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
            if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
                break;
            saved = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    socklen_t n = sizeof(*found);
    if (fd >= 0)
        getsockname(fd, (struct sockaddr *)found, &n);
    errno = saved;
    return fd;
}

static void name_address(struct http_server *s, const char *host, const struct sockaddr_storage *at)
{
    char text[INET6_ADDRSTRLEN] = "", port[8] = "";
    getnameinfo((const struct sockaddr *)at, sizeof(*at), text, sizeof(text), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    if (s->is_loopback)
        snprintf(text, sizeof(text), "localhost");
    snprintf(s->address, sizeof(s->address), "%s:%s", s->is_loopback || !*host ? text : host, port);
}

bool http_start(struct http_server **out, struct str address, http_handler *handler, void *context,
                struct err *e)
{
    char host[256], port[256];
    struct sockaddr_storage at = {0};
    if (!split_address(host, port, sizeof(host), address, e))
        return false;
    int fd = listen_at(host, port, &at);
    if (fd < 0)
        return err_errno(e, errno, "cannot listen at %.*s", STR_ARG(address));
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s) {
        close(fd);
        return err_errno(e, ENOMEM, "cannot listen at %.*s", STR_ARG(address));
    }
    s->handler = handler;
    s->context = context;
    s->is_loopback = is_loopback((struct sockaddr *)&at);
    name_address(s, host, &at);
    s->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned int)TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MOST_CONNECTIONS,
        MHD_OPTION_END);
    if (!s->daemon) {
        close(fd);
        free(s);
        return err_set(e, EIO, "cannot serve at %.*s: libmicrohttpd did not start",
                       STR_ARG(address));
    }
    *out = s;
    return true;
}

const char *http_address(const struct http_server *s)
{
    return s->address;
}

void http_stop(struct http_server *s)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int fd = MHD_quiesce_daemon(s->daemon);
    for (u32 i = 0; i < GRACE_MS && __atomic_load_n(&s->nrequest, __ATOMIC_ACQUIRE); i++)
        nanosleep(&pause, NULL);
    if (fd >= 0)
        close(fd);
    MHD_stop_daemon(s->daemon);
    free(s);
}
