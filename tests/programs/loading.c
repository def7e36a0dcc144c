// "loading PLUGIN OTHER": loads and unloads both in turn, allocating from each while a thread
// allocates too, and dies holding the blocks that the second one allocated.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *allocate_for_ever(void *argument)
{
    for (;;)
        free(malloc(10000));
    return argument;
}

static void *allocate_from(const char *path, const char *name, size_t n, void **handle)
{
    *handle = dlopen(path, RTLD_NOW);
    if (!*handle) {
        puts(dlerror());
        exit(1);
    }
    void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(*handle, name);
    return allocate(n);
}

int main(int argc, char **argv)
{
    pthread_t t;
    void *handle;
    if (argc < 3)
        return 1;
    pthread_create(&t, NULL, allocate_for_ever, NULL);
    for (int i = 0; i < 300; i++) {
        free(allocate_from(argv[1], "plugin_allocate", 1 << 20, &handle));
        dlclose(handle);
        allocate_from(argv[2], "others_allocate", 1 << 16, &handle);
        dlclose(handle);
    }
    allocate_from(argv[1], "plugin_allocate", 3 << 20, &handle);
    kill(getpid(), SIGKILL);
}
