// Grows until the OOM killer comes, while other threads load and unload a library, fork, and
// allocate from ever new stacks: "storm FILE LIBRARY".  FILE gets their own count of what they hold
// (truth.h).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>

#include "truth.h"

enum { SLOTS = 20000, MOST_SECONDS = 60, MOST_DEPTH = 12 };

static struct truth *truth;

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 8;
}

static void replace(struct truth *t, struct slot *s, size_t size)
{
    truth_replace(t, s, size);
    memset(s->block, 1, size);
}

// A different stack for each path.
static __attribute__((noinline)) void left(struct truth *t, struct slot *s, size_t size,
                                           unsigned path, int depth);

static __attribute__((noinline)) void right(struct truth *t, struct slot *s, size_t size,
                                            unsigned path, int depth)
{
    if (depth == 0)
        replace(t, s, size);
    else
        (path & 1 ? left : right)(t, s, size, path >> 1, depth - 1);
    __asm__ volatile("");
}

static __attribute__((noinline)) void left(struct truth *t, struct slot *s, size_t size,
                                           unsigned path, int depth)
{
    if (depth == 0)
        replace(t, s, size);
    else
        (path & 1 ? right : left)(t, s, size, path >> 1, depth - 1);
    __asm__ volatile("");
}

static void *churn(void *argument)
{
    static struct slot slots[2][SLOTS];
    uintptr_t i = (uintptr_t)argument;
    unsigned seed = (unsigned)i + (unsigned)getpid();
    for (;;) {
        struct slot *s = &slots[i][next(&seed) % SLOTS];
        left(&truth[i], s, 1 + next(&seed) % 30000, next(&seed), MOST_DEPTH);
        if (next(&seed) % 64 == 0)
            usleep(1000);
    }
    return NULL;
}

static void *load(void *path)
{
    for (;;) {
        void *library = dlopen(path, RTLD_NOW);
        if (library)
            dlclose(library);
        usleep(500);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t t;
    truth = argc < 3 ? NULL : truth_open(argv[1]);
    if (!truth)
        return 1;
    alarm(MOST_SECONDS);
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&t, NULL, churn, (void *)i);
    pthread_create(&t, NULL, load, argv[2]);
    for (;;) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child > 0)
            waitpid(child, NULL, 0);
        usleep(5000);
    }
}
