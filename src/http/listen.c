#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct str unix_scheme = {"unix:", 5};

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

static void name_address(struct listening *l, const char *host, const struct sockaddr_storage *at)
{
    char text[INET6_ADDRSTRLEN] = "", port[8] = "";
    getnameinfo((const struct sockaddr *)at, sizeof(*at), text, sizeof(text), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    if (l->is_private)
        snprintf(text, sizeof(text), "localhost");
    snprintf(l->address, sizeof(l->address), "%s:%s", l->is_private || !*host ? text : host, port);
}

static bool listen_tcp(struct listening *l, struct str address, struct err *e)
{
    char host[256], port[256];
    struct sockaddr_storage at = {0};
    if (!split_address(host, port, sizeof(host), address, e))
        return false;
    l->fd = listen_at(host, port, &at);
    if (l->fd < 0)
        return err_errno(e, errno, "cannot listen at %.*s", STR_ARG(address));
    l->is_private = is_loopback((struct sockaddr *)&at);
    name_address(l, host, &at);
    return true;
}

// A socket's file that nobody listens at any more.
static bool is_left_behind(const struct sockaddr_un *at)
{
    struct stat st;
    if (lstat(at->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_refused = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 &&
                      errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return is_refused;
}

static bool bind_unix(int fd, const struct sockaddr_un *at)
{
    // Nobody may connect in between.
    mode_t before = umask(0177);
    bool done = bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
    int error = errno;
    if (!done && error == EADDRINUSE && is_left_behind(at) && unlink(at->sun_path) == 0) {
        done = bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
        error = errno;
    }
    umask(before);
    errno = error;
    return done && listen(fd, SOMAXCONN) == 0;
}

static bool listen_unix(struct listening *l, struct str path, struct err *e)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (path.len == 0 || path.len >= sizeof(at.sun_path))
        return err_set(e, EINVAL, "unix:%.*s: a socket's path has 1 to %zu bytes", STR_ARG(path),
                       sizeof(at.sun_path) - 1);
    snprintf(at.sun_path, sizeof(at.sun_path), "%.*s", STR_ARG(path));
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || !bind_unix(l->fd, &at)) {
        int error = errno;
        if (l->fd >= 0)
            close(l->fd);
        l->fd = -1;
        return err_errno(e, error, "cannot listen at unix:%s", at.sun_path);
    }
    l->is_private = l->is_unix = true;
    memcpy(l->path, at.sun_path, sizeof(l->path));
    snprintf(l->address, sizeof(l->address), "unix:%s", l->path);
    return true;
}

bool listen_start(struct listening *out, struct str address, struct err *e)
{
    *out = (struct listening){.fd = -1};
    return str_starts(address, unix_scheme)
               ? listen_unix(out, str_skip(address, unix_scheme.len), e)
               : listen_tcp(out, address, e);
}

void listen_end(const struct listening *l)
{
    if (l->is_unix)
        unlink(l->path);
}
