// "pairs COUNT SIZE DEPTH": so many malloc/free pairs of one size, from a stack so deep; prints ns
// a pair.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__attribute__((noinline)) static void *allocate(int depth, size_t n)
{
    void *p = depth ? allocate(depth - 1, n) : malloc(n);
    __asm__ volatile("" : "+r"(p));
    return p;
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 64;
    int depth = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long i = 0; i < count; i++)
        free(allocate(depth, n));
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.2f\n",
           ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
               (double)count);
}
