// Preloaded beside the library: allocates when it is loaded, through names that it looks up, as
// other wrappers do.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

__attribute__((constructor)) static void begin(void)
{
    void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    free(allocate ? allocate(100000) : NULL);
    free(calloc(10, 10000));
}
