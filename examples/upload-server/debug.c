#include "debug.h"

#include <dlfcn.h>
#include <stdio.h>

// Sonde's library is loaded when it is asked for: the server does not need it.  See
// include/sonde/sonde.h.
bool debug_serve(const char *address, struct err *e)
{
    void *library = dlopen("libsonde-http.so", RTLD_NOW | RTLD_LOCAL);
    const char *(*serve)(const char *address);
    if (!library)
        return err_set(e, "cannot serve profiles: %s", dlerror());
    *(void **)&serve = dlsym(library, "sonde_serve");
    const char *served = serve ? serve(address) : NULL; // says itself why not
    if (!served)
        return err_set(e, "cannot serve profiles at %s", address);
    fprintf(stderr, "profiles at http://%s/debug/pprof/\n", served);
    return true;
}
