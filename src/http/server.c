#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "http/listen.h"

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
    struct listening at;
    u32 nrequest; // under way; atomic
    struct arena arena;
    struct str token; // that requests must bring; empty: none
    bool has_tls;
    char url[400];
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
static bool is_own_origin(struct str origin, struct str host, bool has_tls)
{
    struct str scheme = has_tls ? STR("https://") : STR("http://");
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
    if (r->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(m, "WWW-Authenticate", "Basic realm=\"sonde\"");
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

// Takes as long for a wrong one as for the right one.
static bool is_token(struct str token, struct str got)
{
    u8 difference = token.len != got.len;
    for (size_t i = 0; i < token.len; i++)
        difference |= (u8)(token.ptr[i] ^ (got.len ? got.ptr[i % got.len] : 0));
    return !difference;
}

// As a bearer's, or as the password that browsers ask for.
static bool has_token(const struct http_server *s, const struct http_request *q)
{
    struct str scheme = STR("Bearer "), header = http_header(q, "Authorization");
    if (str_starts(header, scheme))
        return is_token(s->token, str_trim(str_skip(header, scheme.len)));
    char *password = NULL;
    char *user = MHD_basic_auth_get_username_password(
        (struct MHD_Connection *)(uintptr_t)q->connection, &password);
    bool has = password && is_token(s->token, str_of(password));
    MHD_free(user);
    MHD_free(password);
    return has;
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
    else if (s->at.is_private && !s->at.is_unix && !is_own_host(host))
        http_fail(r, MHD_HTTP_FORBIDDEN, "this server answers only requests for localhost");
    else if (!is_own_origin(http_header(q, "Origin"), host, s->has_tls))
        http_fail(r, MHD_HTTP_FORBIDDEN, "this server answers no pages of other sites");
    else if (s->token.len && !has_token(s, q))
        http_fail(r, MHD_HTTP_UNAUTHORIZED,
                  "this server wants a token: \"Authorization: Bearer TOKEN\"; sonde sends the one "
                  "in SONDE_TOKEN, a browser that in its password");
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

// What others may reach shows what a program holds: only to whom it was meant for.
static bool check_guarded(const struct http_server *s, const struct http_options *o, struct err *e)
{
    return !o->is_guarded || s->at.is_private || (s->token.len && s->has_tls) ||
           err_set(e, EACCES,
                   "%s can be reached from other machines, and profiles show what a program holds: "
                   "give a token (-token_file=FILE or SONDE_TOKEN) and a certificate "
                   "(-tls_cert=FILE -tls_key=FILE), or listen at localhost or unix:PATH",
                   s->at.address);
}

// A file's text, for as long as the server lives.
static bool read_pem(const char **text, struct http_server *s, struct str path, struct err *e)
{
    struct str bytes;
    enum { MOST_KIB = 1024 };
    if (!file_read(&bytes, arena_str(&s->arena, path).ptr, (size_t)KIB(MOST_KIB), &s->arena, e))
        return false;
    *text = arena_str(&s->arena, bytes).ptr;
    return true;
}

static bool start_daemon(struct http_server *s, const struct http_options *o, struct err *e)
{
    const char *certificate = NULL, *key = NULL;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (s->has_tls) {
        if (!read_pem(&certificate, s, o->tls_cert, e) || !read_pem(&key, s, o->tls_key, e))
            return false;
        flags |= MHD_USE_TLS;
        tls[0] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate};
        tls[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key};
    }
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, s->at.fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned int)MOST_CONNECTIONS, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    return s->daemon || err_set(e, EIO, "cannot serve at %s: %s", s->at.address,
                                s->has_tls ? "the certificate and the key are no pair in PEM form"
                                           : "libmicrohttpd did not start");
}

static void free_server(struct http_server *s)
{
    listen_end(&s->at);
    arena_free(&s->arena);
    free(s);
}

bool http_start(struct http_server **out, const struct http_options *o, http_handler *handler,
                void *context, struct err *e)
{
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s)
        return err_errno(e, ENOMEM, "cannot listen at %.*s", STR_ARG(o->address));
    arena_init(&s->arena, (size_t)MIB(16));
    s->handler = handler;
    s->context = context;
    s->token = arena_str(&s->arena, o->token);
    s->has_tls = o->tls_cert.len || o->tls_key.len;
    if (!listen_start(&s->at, o->address, e) || !check_guarded(s, o, e) || !start_daemon(s, o, e)) {
        if (s->at.fd >= 0)
            close(s->at.fd);
        free_server(s);
        return false;
    }
    const char *scheme = s->at.is_unix ? "" : s->has_tls ? "https://" : "http://";
    snprintf(s->url, sizeof(s->url), "%s%s%s", scheme, s->at.address, s->at.is_unix ? ":" : "");
    *out = s;
    return true;
}

const char *http_url(const struct http_server *s)
{
    return s->url;
}

int http_descriptor(const struct http_server *s)
{
    return s->at.fd;
}

void http_stop(struct http_server *s)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int fd = MHD_quiesce_daemon(s->daemon);
    for (u32 i = 0; i < GRACE_MS && __atomic_load_n(&s->nrequest, __ATOMIC_ACQUIRE); i++)
        nanosleep(&pause, NULL);
    // A child that was just forked may have it open still: it ends for all.
    if (fd >= 0) {
        shutdown(fd, SHUT_RDWR);
        close(fd);
    }
    MHD_stop_daemon(s->daemon);
    free_server(s);
}
