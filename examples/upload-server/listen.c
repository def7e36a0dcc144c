#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HOST_TEXT = 256,
    PORT_TEXT = 8,
    WINDOW_BYTES = 512 << 10 // that a client that waits has sent; by itself it would become 6 MB
};

// "host:port", "[v6]:port" or ":port".
static bool split(char host[HOST_TEXT], char port[PORT_TEXT], const char *address)
{
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : 0;
    if (!colon || n >= HOST_TEXT || !colon[1] || strlen(colon + 1) >= PORT_TEXT)
        return false;
    bool is_bracketed = n >= 2 && address[0] == '[' && address[n - 1] == ']';
    snprintf(host, HOST_TEXT, "%.*s", (int)(is_bracketed ? n - 2 : n), address + is_bracketed);
    snprintf(port, PORT_TEXT, "%s", colon + 1);
    return is_bracketed || !strchr(host, ':');
}

static int listen_at(const struct addrinfo *a)
{
    int one = 1, window = WINDOW_BYTES,
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &window, sizeof(window));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

// -1: errno says why.
static int listen_family(const char *host, const char *port, int family)
{
    struct addrinfo hints = {.ai_family = family,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE},
                    *list;
    if (getaddrinfo(*host ? host : NULL, port, &hints, &list) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = listen_at(a);
    freeaddrinfo(list);
    return fd;
}

static void name(char found[LISTEN_ADDRESS], const char *host, int fd)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof(at);
    char text[HOST_TEXT] = "", port[PORT_TEXT] = "";
    getsockname(fd, (struct sockaddr *)&at, &n);
    getnameinfo((struct sockaddr *)&at, n, text, sizeof(text), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    if (*host)
        snprintf(text, sizeof(text), "%s", host);
    snprintf(found, LISTEN_ADDRESS, strchr(text, ':') ? "[%s]:%s" : "%s:%s", text, port);
}

int listen_open(char found[LISTEN_ADDRESS], const char *address, struct err *e)
{
    char host[HOST_TEXT], port[PORT_TEXT];
    if (!split(host, port, address)) {
        err_set(e, "cannot listen at %s: it is not HOST:PORT, as localhost:8080 or [::1]:0",
                address);
        return -1;
    }
    int fd = listen_family(host, port, AF_INET);
    if (fd < 0 && errno == EADDRNOTAVAIL)
        fd = listen_family(host, port, AF_INET6);
    if (fd < 0)
        err_errno(e, errno, "cannot listen at %s", address);
    else
        name(found, host, fd);
    return fd;
}
