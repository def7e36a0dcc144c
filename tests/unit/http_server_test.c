#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../tap.h"
#include "http/server.h"

static struct http_server *server;
static char got[4096];

// "/large" asks for more memory than a request may have; all else is answered with its path.
static void handle(void *context, const struct http_request *q, struct http_response *r)
{
    (void)context;
    for (u32 i = 0; i < 20 && str_equal(q->path, STR("/large")); i++)
        arena_alloc(q->arena, 1, (size_t)MIB(1024));
    r->policy = "default-src 'none'";
    r->tag = "\"1\"";
    r->location = str_equal(q->path, STR("/moved")) ? "/there" : NULL;
    buf_add(&r->body, q->path);
}

static int connect_to(void)
{
    struct str port = str_of(http_url(server));
    i64 number = 0;
    str_cut(&port, ':');
    str_cut(&port, ':');
    str_i64(&number, port);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((u16)number),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ? fd : -1;
}

// What the server answers to a GET with these headers, each ended by "\r\n"; and its status.
static int ask(const char *path, const char *headers)
{
    char request[1024];
    size_t n = 0;
    int fd = connect_to(), len = snprintf(request, sizeof(request),
                                          "GET %s HTTP/1.1\r\n%s"
                                          "Connection: close\r\n\r\n",
                                          path, headers);
    if (fd < 0 || write(fd, request, (size_t)len) != len)
        return -1;
    for (ssize_t more; n < sizeof(got) - 1 && (more = read(fd, got + n, sizeof(got) - 1 - n)) > 0;)
        n += (size_t)more;
    got[n] = 0;
    close(fd);
    return n > 12 ? (got[9] - '0') * 100 + (got[10] - '0') * 10 + got[11] - '0' : -1;
}

static void test_hosts(void)
{
    static const struct {
        const char *headers;
        int status;
    } cases[] = {
        {"Host: localhost\r\n", 200},
        {"Host: localhost:1234\r\n", 200},
        {"Host: 127.0.0.1:80\r\n", 200},
        {"Host: 127.1.2.3\r\n", 200},
        {"Host: [::1]:80\r\n", 200},
        {"Host: example.org\r\n", 403},
        {"Host: localhost.example.org\r\n", 403},
        {"Host: 127.example.org\r\n", 403},
        {"Host: 127.0.0.1.example.org\r\n", 403},
        {"Host: 128.0.0.1\r\n", 403},
        {"Host: localhost\r\nOrigin: http://localhost\r\n", 200},
        {"Host: localhost:80\r\nOrigin: http://localhost\r\n", 403},
        {"Host: localhost\r\nOrigin: http://example.org\r\n", 403},
        {"Host: localhost\r\nOrigin: https://localhost\r\n", 403},
        {"Host: localhost\r\nOrigin: null\r\n", 403},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = ask("/", cases[i].headers);
        ok(status == cases[i].status, "%d for %.*s", cases[i].status,
           (int)strcspn(cases[i].headers, "\r"), cases[i].headers);
    }
}

static void test_headers(void)
{
    ask("/a%20b", "Host: localhost\r\n");
    ok(strstr(got, "\r\n\r\n/a b") != NULL, "a path is decoded");
    ok(strstr(got, "\r\nContent-Security-Policy: default-src 'none'\r\n") != NULL, "a policy");
    ok(strstr(got, "\r\nETag: \"1\"\r\n") && strstr(got, "\r\nCache-Control: no-cache\r\n"),
       "what has a tag may be kept, and is asked for again");
    ok(strstr(got, "\r\nCross-Origin-Resource-Policy: same-origin\r\n") != NULL,
       "others may not load it");
    ask("/moved", "Host: localhost\r\n");
    ok(strstr(got, "\r\nLocation: /there\r\n") != NULL, "a redirect");
}

int main(void)
{
    struct err e;
    if (!http_start(&server, &(struct http_options){.address = STR("localhost:")}, handle, NULL,
                    &e)) {
        ok(false, "it starts: %s", e.text);
        return done();
    }
    test_hosts();
    test_headers();
    for (int i = 0; i < 3; i++)
        ok(ask("/large", "Host: localhost\r\n") == 503 && !strstr(got, "\r\nETag:"),
           "a request that needs too much memory fails");
    ok(ask("/", "Host: localhost\r\n") == 200, "and the server goes on");
    http_stop(server);
    return done();
}
