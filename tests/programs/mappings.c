// Mappings of every kind, each by a function of its own name; then the process dies, or forks first
// ("mappings fork").
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define MIB      (1 << 20)
#define KEEP(p)  __asm__ volatile("" : "+r"(p) : : "memory")

enum { PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS, WRITE = PROT_READ | PROT_WRITE };

NOINLINE static char *map_private(size_t mib)
{
    char *p = mmap(NULL, mib * MIB, WRITE, PRIVATE, -1, 0);
    KEEP(p);
    return p;
}

NOINLINE static char *map_shared(size_t mib)
{
    char *p = mmap64(NULL, mib * MIB, WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    KEEP(p);
    return p;
}

NOINLINE static char *map_file(int fd, size_t mib)
{
    char *p = mmap(NULL, mib * MIB, PROT_READ, MAP_SHARED, fd, 0);
    KEEP(p);
    return p;
}

NOINLINE static char *map_reserved(size_t mib)
{
    char *p = mmap(NULL, mib * MIB, PROT_NONE, PRIVATE | MAP_NORESERVE, -1, 0);
    KEEP(p);
    return p;
}

NOINLINE static char *map_over(char *at, size_t mib)
{
    char *p = mmap(at, mib * MIB, WRITE, PRIVATE | MAP_FIXED, -1, 0);
    KEEP(p);
    return p;
}

NOINLINE static char *grow(char *p, size_t from, size_t to)
{
    p = mremap(p, from * MIB, to * MIB, MREMAP_MAYMOVE);
    KEEP(p);
    return p;
}

NOINLINE static void raise_break(size_t mib)
{
    char *p = sbrk((intptr_t)(mib * MIB));
    KEEP(p);
}

static void *churn(void *argument)
{
    for (int i = 0; i < 3000; i++) {
        char *p = map_private(2);
        munmap(p + MIB, MIB);
        munmap(p, MIB);
    }
    return argument;
}

int main(int argc, char **argv)
{
    int file = memfd_create("mapped", 0);
    if (ftruncate(file, 8 * MIB) != 0)
        return 1;
    char *p = map_private(16);    // 16
    munmap(p + 4 * MIB, 8 * MIB); // 8: both ends are left
    map_over(p + 2 * MIB, 4);     // 6 and 4: over a part and a hole
    munmap(p + 13 * MIB, 1);      // one page: 8 MiB - 2 MiB - 4 KiB
    map_shared(32);
    map_file(file, 8);
    map_reserved(1024);
    p = grow(map_shared(3), 3, 64); // 3 of map_shared, 61 of grow
    p = grow(p, 64, 2);             // 2 of map_shared
    raise_break(5);
    raise_break(1);
    sbrk(-2 * MIB); // 4
    if (mmap((void *)1, 0, 0, 0, -1, 0) != MAP_FAILED || munmap((void *)1, MIB) == 0)
        puts("broken: nonsense succeeds");
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, churn, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    p = malloc(64 * MIB); // malloc's own mapping
    KEEP(p);
    if (argc > 1 && strcmp(argv[1], "fork") == 0 && fork() == 0) {
        free(p);
        map_private(7);
        kill(getpid(), SIGKILL);
    }
    if (argc > 1)
        wait(NULL);
    else
        kill(getpid(), SIGKILL);
}
