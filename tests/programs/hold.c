// Four threads that allocate and free at random and count what they hold in a shared file, until
// somebody kills the process. "hold FILE": the file gets one number, the bytes held.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 2000 };

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

static void *churn(void *argument)
{
    static struct slot slots[4][SLOTS];
    unsigned seed = (unsigned)(uintptr_t)argument;
    for (;;) {
        struct slot *s = &slots[(uintptr_t)argument][next(&seed) % SLOTS];
        __atomic_fetch_sub(held, (int64_t)s->size, __ATOMIC_RELAXED);
        free(s->block);
        s->size = 1 + next(&seed) % 30000;
        s->block = malloc(s->size);
        __atomic_fetch_add(held, (int64_t)s->size, __ATOMIC_RELAXED);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int fd = open(argc > 1 ? argv[1] : "/dev/null", O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return 1;
    held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pthread_t t;
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t, NULL, churn, (void *)i);
    for (;;)
        pause();
}
