#include "http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "access_log.h"
#include "label.h"
#include "listen.h"
#include "request.h"
#include "slots.h"
#include "str.h"

enum {
    CONNECTION_MEMORY_BYTES = 128 << 10,
    EARLY_ANSWER_BYTES = 1 << 20,
    FIRST_MS = 10000, // a client may be slow
    PAUSE_MS = 500    // for the store, behind which the timeout starts anew
};

struct http_server {
    struct MHD_Daemon *daemon;
    const struct service *service;
    int log;
    atomic_bool is_quiesced;
    atomic_uint nexchange; // requests that are under way
    struct slots slots;    // of their numbers
    char address[LISTEN_ADDRESS];
};

// A request and the way to its client.
struct exchange {
    struct request *request;
    uint32_t number;
    char *method, *path;
    unsigned status;
    uint64_t bytes_in, bytes_out;
    struct timespec start;
    int64_t waited_ms; // for the store, which is not the client's fault
};

static const char *header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

// -1: chunked.  libmicrohttpd refuses a length that is no number.
static int64_t content_length(struct MHD_Connection *c)
{
    uint64_t n = 0;
    if (header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        return -1;
    if (!str_u64(&n, str_of(header(c, MHD_HTTP_HEADER_CONTENT_LENGTH))))
        return 0;
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

// The body is copied to a buffer that libmicrohttpd frees, since it is sent after the exchange has
// ended.
static enum MHD_Result send_answer(struct http_server *s, struct MHD_Connection *c,
                                   struct exchange *x, const struct answer *a)
{
    size_t n = a->body ? strlen(a->body) : 0;
    struct MHD_Response *m = MHD_create_response_from_buffer(n, a->body, MHD_RESPMEM_MUST_COPY);
    if (!m)
        return MHD_NO;
    MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, a->mime);
    MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
    if (a->allow)
        MHD_add_response_header(m, MHD_HTTP_HEADER_ALLOW, a->allow);
    if (atomic_load(&s->is_quiesced))
        MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(c, a->status, m);
    MHD_destroy_response(m);
    if (result == MHD_YES) {
        x->status = a->status;
        x->bytes_out = n;
    }
    return result;
}

static struct exchange *open_exchange(struct http_server *s, struct MHD_Connection *c,
                                      const char *method, const char *path)
{
    struct request_head head = {.method = method,
                                .path = path,
                                .content_type = header(c, MHD_HTTP_HEADER_CONTENT_TYPE),
                                .is_upgrade = header(c, MHD_HTTP_HEADER_UPGRADE),
                                .content_length = content_length(c)};
    struct exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return NULL;
    clock_gettime(CLOCK_MONOTONIC, &x->start);
    x->number = slots_take(&s->slots);
    label_begin(x->number);
    x->method = strdup(method);
    x->path = strdup(path);
    x->request = request_open(s->service, &head);
    if (!x->request || !x->method || !x->path) {
        if (x->request)
            request_close(x->request);
        slots_give(&s->slots, x->number);
        free(x->method);
        free(x->path);
        free(x);
        return NULL;
    }
    atomic_fetch_add(&s->nexchange, 1);
    return x;
}

// An answer that is known before the body comes goes out at once to a client that waits for "100
// Continue", and to one that would send a lot for nothing.  Others may miss an answer that arrives
// while they write, so they are heard out.
static bool is_early(struct MHD_Connection *c, const struct exchange *x)
{
    const char *expect = header(c, MHD_HTTP_HEADER_EXPECT);
    bool is_waiting = expect && strcasecmp(expect, "100-continue") == 0;
    return request_is_refused(x->request) && (is_waiting || content_length(c) > EARLY_ANSWER_BYTES);
}

static int64_t ms_since(struct timespec start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
}

// libmicrohttpd counts the time that a call took as silence of the client; a new timeout starts
// anew.
static void restart_timeout(struct http_server *s, struct MHD_Connection *c)
{
    MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
    MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT,
                              (unsigned)s->service->options->timeout_s);
}

// A client that sends a byte now and then would hold its place, and its part's memory, for ever.
static bool is_too_slow(const struct http_server *s, const struct exchange *x)
{
    int64_t ms = ms_since(x->start) - x->waited_ms;
    return ms > FIRST_MS &&
           x->bytes_in < s->service->options->min_rate * (uint64_t)(ms - FIRST_MS) / 1000;
}

static enum MHD_Result take(struct http_server *s, struct MHD_Connection *c, struct exchange *x,
                            const char *data, size_t n)
{
    struct timespec before;
    clock_gettime(CLOCK_MONOTONIC, &before);
    x->bytes_in += n;
    bool is_taken = !is_too_slow(s, x) && request_feed(x->request, data, n);
    int64_t ms = ms_since(before);
    x->waited_ms += ms;
    if (ms > PAUSE_MS)
        restart_timeout(s, c);
    return is_taken ? MHD_YES : MHD_NO;
}

// libmicrohttpd calls it once with the headers, once for each piece of the body, and once more.
static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *n, void **state)
{
    struct http_server *s = context;
    struct exchange *x = *state;
    (void)version;
    if (!x) {
        *state = x = open_exchange(s, c, method, path);
        if (!x)
            return MHD_NO;
        return is_early(c, x) ? send_answer(s, c, x, request_finish(x->request)) : MHD_YES;
    }
    if (*n) {
        size_t taken = *n;
        *n = 0;
        return take(s, c, x, data, taken);
    }
    if (x->status)
        return MHD_YES;
    const struct answer *answer = request_finish(x->request);
    restart_timeout(s, c);
    return send_answer(s, c, x, answer);
}

static void print_remote(char out[INET6_ADDRSTRLEN], struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    out[0] = 0;
    if (a && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, out,
                  INET6_ADDRSTRLEN);
    else if (a && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, out,
                  INET6_ADDRSTRLEN);
}

static void on_done(void *context, struct MHD_Connection *c, void **state,
                    enum MHD_RequestTerminationCode code)
{
    struct http_server *s = context;
    struct exchange *x = *state;
    struct metrics *m = s->service->metrics;
    char remote[INET6_ADDRSTRLEN];
    if (!x)
        return;
    print_remote(remote, c);
    unsigned status = code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? x->status : 0;
    request_close(x->request);
    slots_give(&s->slots, x->number);
    atomic_fetch_add(&m->requests, 1);
    atomic_fetch_add(&m->failed_requests, status == 0 || status >= 400);
    access_log_write(s->log, &(struct access_log_entry){.remote = remote,
                                                        .method = x->method,
                                                        .path = x->path,
                                                        .status = status,
                                                        .bytes_in = x->bytes_in,
                                                        .bytes_out = x->bytes_out,
                                                        .start = x->start});
    free(x->method);
    free(x->path);
    free(x);
    *state = NULL;
    atomic_fetch_sub(&s->nexchange, 1);
    label_end();
}

static struct MHD_Daemon *start(struct http_server *s, int fd)
{
    const struct options *o = s->service->options;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC;
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_NOTIFY_COMPLETED, on_done, s,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->max_connections,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->timeout_s, MHD_OPTION_END);
}

bool http_start(struct http_server **out, const struct service *service, int log, struct err *e)
{
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(e, "cannot serve: there is no memory");
    s->service = service;
    s->log = log;
    int fd = listen_open(s->address, service->options->listen, e);
    if (fd < 0) {
        free(s);
        return false;
    }
    s->daemon = start(s, fd);
    if (!s->daemon) {
        err_set(e, "cannot serve at %s: libmicrohttpd did not start", s->address);
        close(fd);
        free(s);
        return false;
    }
    *out = s;
    return true;
}

const char *http_address(const struct http_server *s)
{
    return s->address;
}

void http_quiesce(struct http_server *s)
{
    atomic_store(&s->is_quiesced, true);
    MHD_socket fd = MHD_quiesce_daemon(s->daemon);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
}

bool http_is_idle(const struct http_server *s)
{
    return atomic_load(&s->nexchange) == 0;
}

void http_stop(struct http_server *s)
{
    MHD_stop_daemon(s->daemon);
    free(s);
}
