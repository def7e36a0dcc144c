#include "debug.h"

#include <dlfcn.h>
#include <stdio.h>

struct sonde_server;

// Sonde's library is loaded when it is asked for: the server does not need it.  See
// include/sonde/http.h.
bool debug_serve(const char *address, struct err *e)
{
    void *library = dlopen("libsonde-http.so", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(e, "cannot serve profiles: %s", dlerror());
    struct sonde_server *(*serve)(const char *address, const void *options);
    const char *(*url)(const struct sonde_server *server);
    *(void **)&serve = dlsym(library, "sonde_serve");
    *(void **)&url = dlsym(library, "sonde_serve_url");
    struct sonde_server *server = serve && url ? serve(address, NULL) : NULL; // says why not
    if (!server)
        return err_set(e, "cannot serve profiles at %s", address);
    fprintf(stderr, "profiles at %s/debug/pprof/\n", url(server));
    return true;
}
