// Grows until the OOM killer comes, while other threads load and unload a library, fork, and
// allocate from ever new stacks: "storm FILE LIBRARY".  FILE gets one number, the bytes held.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 20000, MOST_SECONDS = 60, MOST_DEPTH = 12 };

static int64_t *held;

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 8;
}

struct slot {
    void *block;
    size_t size;
};

static void replace(struct slot *s, size_t size)
{
    __atomic_fetch_sub(held, (int64_t)s->size, __ATOMIC_RELAXED);
    free(s->block);
    s->size = size;
    s->block = malloc(size);
    __atomic_fetch_add(held, (int64_t)size, __ATOMIC_RELAXED);
    memset(s->block, 1, size);
}

// A different stack for each path.
static __attribute__((noinline)) void left(struct slot *s, size_t size, unsigned path, int depth);

static __attribute__((noinline)) void right(struct slot *s, size_t size, unsigned path, int depth)
{
    if (depth == 0)
        replace(s, size);
    else
        (path & 1 ? left : right)(s, size, path >> 1, depth - 1);
    __asm__ volatile("");
}

static __attribute__((noinline)) void left(struct slot *s, size_t size, unsigned path, int depth)
{
    if (depth == 0)
        replace(s, size);
    else
        (path & 1 ? right : left)(s, size, path >> 1, depth - 1);
    __asm__ volatile("");
}

static void *churn(void *argument)
{
    static struct slot slots[2][SLOTS];
    unsigned seed = (unsigned)(uintptr_t)argument + (unsigned)getpid();
    for (;;) {
        struct slot *s = &slots[(uintptr_t)argument][next(&seed) % SLOTS];
        left(s, 1 + next(&seed) % 30000, next(&seed), MOST_DEPTH);
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
    int fd = open(argc > 1 ? argv[1] : "/dev/null", O_RDWR | O_CREAT, 0600);
    pthread_t t;
    if (fd < 0 || argc < 3 || ftruncate(fd, 4096) != 0)
        return 1;
    alarm(MOST_SECONDS);
    held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
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
