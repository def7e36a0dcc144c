// libsonde-http: the debug endpoints inside the program that they show.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/debug.h"
#include "sonde/http.h"

#define EXPORT __attribute__((visibility("default")))

struct sonde_server {
    struct debug debug;
    struct http_server *http;
    struct sonde_server *next;
};

static struct {
    pthread_mutex_t lock; // of all below
    bool is_prepared;
    struct sonde_server *first; // of those that serve
} servers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock_servers(void)
{
    pthread_mutex_lock(&servers.lock);
}

static void unlock_servers(void)
{
    pthread_mutex_unlock(&servers.lock);
}

// A child has none of our threads: the port must be free again when its parent is gone.
static void close_in_child(void)
{
    for (struct sonde_server *s = servers.first; s; s = s->next)
        close(http_descriptor(s->http));
    servers.first = NULL;
    pthread_mutex_unlock(&servers.lock);
}

static void add_server(struct sonde_server *s)
{
    lock_servers();
    if (!servers.is_prepared)
        pthread_atfork(lock_servers, unlock_servers, close_in_child);
    servers.is_prepared = true;
    s->next = servers.first;
    servers.first = s;
    unlock_servers();
}

static void remove_server(struct sonde_server *s)
{
    lock_servers();
    for (struct sonde_server **at = &servers.first; *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    unlock_servers();
}

// The runtime is another library, which the program may have been started without.
static bool is_recorded(struct err *e)
{
    const char *(*path)(void);
    void *address = dlsym(RTLD_DEFAULT, "sonde_record_path");
    memcpy(&path, &address, sizeof(path));
    return (path && path()) ||
           err_set(e, ENOENT,
                   "this process has no record, so there is nothing to serve: link it with "
                   "-lsonde, or start it by \"sonde run\"");
}

// Its threads inherit the mask.
static bool start(struct sonde_server *s, const struct http_options *o, struct err *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool done = is_recorded(e) && http_start(&s->http, o, debug_handle, &s->debug, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

EXPORT struct sonde_server *sonde_serve(const char *address,
                                        const struct sonde_serve_options *options)
{
    struct err e;
    struct http_options o = {.address = str_of(address), .is_guarded = true};
    struct sonde_server *s = calloc(1, sizeof(*s));
    if (options) {
        o.token = str_of(options->token);
        o.tls_cert = str_of(options->tls_cert);
        o.tls_key = str_of(options->tls_key);
    }
    if (!s)
        return NULL;
    debug_init(&s->debug, (u32)getpid());
    if (!start(s, &o, &e)) {
        fprintf(stderr, "sonde: %s\n", e.text);
        debug_free(&s->debug);
        free(s);
        errno = e.code;
        return NULL;
    }
    add_server(s);
    return s;
}

EXPORT const char *sonde_serve_url(const struct sonde_server *s)
{
    return http_url(s->http);
}

EXPORT void sonde_serve_stop(struct sonde_server *s)
{
    if (!s)
        return;
    remove_server(s);
    http_stop(s->http);
    debug_free(&s->debug);
    free(s);
}
