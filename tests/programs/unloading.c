// Threads that wait in a file of their own each, which they unload right after, again and again:
// "unloading SECONDS FILE...".
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 16, REST_NS = 20000 };

static volatile int is_over;

static void *rest_and_unload(void *path)
{
    while (!is_over) {
        void *file = dlopen(path, RTLD_NOW), *address = file ? dlsym(file, "plugin_rest") : NULL;
        void (*rest)(long ns);
        memcpy(&rest, &address, sizeof(rest));
        if (!rest)
            return path;
        rest(REST_NS);
        dlclose(file);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[MOST];
    int n = argc - 2 < MOST ? argc - 2 : MOST, failed = 0;
    struct timespec pause = {.tv_sec = argc > 1 ? atoi(argv[1]) : 1};
    for (int i = 0; i < n; i++)
        pthread_create(&thread[i], NULL, rest_and_unload, argv[2 + i]);
    nanosleep(&pause, NULL);
    is_over = 1;
    for (int i = 0; i < n; i++) {
        void *result;
        pthread_join(thread[i], &result);
        failed += result != NULL;
    }
    printf("%d failed\n", failed);
    return 0;
}
