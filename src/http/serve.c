// sonde_serve(): the debug endpoints inside the process that they are of.
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "http/debug.h"
#include "sonde/sonde.h"

// The runtime is another library, which the program may have been started without.
static bool is_recorded(struct err *e)
{
    const char *(*path)(void);
    *(void **)&path = dlsym(RTLD_DEFAULT, "sonde_record_path");
    return (path && path()) ||
           err_set(e, ENOENT,
                   "this process has no record: start it by \"sonde run\", or with "
                   "LD_PRELOAD=libsonde.so");
}

__attribute__((visibility("default"))) const char *sonde_serve(const char *address)
{
    static struct debug debug;
    static struct http_server *server;
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct err e;
    pthread_mutex_lock(&mutex);
    bool is_first = !server;
    if (is_first)
        debug_init(&debug, (u32)getpid());
    bool is_served =
        (is_first ||
         err_set(&e, EBUSY, "profiles are served at %s already", http_address(server))) &&
        is_recorded(&e) && http_start(&server, str_of(address), debug_handle, &debug, &e);
    pthread_mutex_unlock(&mutex);
    if (!is_served)
        fprintf(stderr, "sonde: %s\n", e.text);
    return is_served ? http_address(server) : NULL;
}
