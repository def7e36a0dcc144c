// "pairs COUNT SIZE DEPTH [LIVE]": so many malloc/free pairs, from a stack so deep; prints ns a
// pair.  With LIVE, so many blocks are alive, a pair replaces any of them, and sizes are random,
// SIZE on average.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_LIVE = 1 << 20 };

static void *live[MOST_LIVE];

__attribute__((noinline)) static void *allocate(int depth, size_t n)
{
    void *p = depth ? allocate(depth - 1, n) : malloc(n);
    __asm__ volatile("" : "+r"(p));
    return p;
}

static void replace_some(long count, size_t size, int depth, size_t nlive)
{
    unsigned long random = 88172645463325252;
    for (long i = 0; i < count; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        void **block = &live[(random >> 40) % nlive];
        free(*block);
        *block = allocate(depth, 1 + (random >> 8) % (2 * size - 1));
    }
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 64;
    int depth = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
    size_t nlive = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    struct timespec begin, end;
    if (nlive > MOST_LIVE || n == 0)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (nlive)
        replace_some(count, n, depth, nlive);
    for (long i = 0; i < count && !nlive; i++)
        free(allocate(depth, n));
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.2f\n",
           ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
               (double)count);
}
