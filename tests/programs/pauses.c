// The worst time that a malloc() takes, in microseconds: "pauses COUNT SIZE [HELD SWING]".  Those
// during which the thread lost its processor to another do not count.  Prints the first 1,000
// calls' and the others' worst.  So many MiB are held beside, and so many more come and go.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum { FIRST = 1000, KEPT = 4096, SWINGS = 1000 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static long preempted(void)
{
    struct rusage u;
    getrusage(RUSAGE_THREAD, &u);
    return u.ru_nivcsw;
}

static void *touched(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : memset(at, 1, bytes);
}

int main(int argc, char **argv)
{
    static void *kept[KEPT];
    long count = argc > 1 ? atol(argv[1]) : 100000;
    size_t size = argc > 2 ? (size_t)atol(argv[2]) : 2048;
    size_t held = argc > 3 ? (size_t)atol(argv[3]) << 20 : 0;
    size_t swing = argc > 4 ? (size_t)atol(argv[4]) << 20 : 0;
    void *more = NULL;
    double worst[2] = {0, 0};
    if (held && !touched(held))
        return 1;
    for (long i = 0; i < count; i++) {
        if (swing && i % SWINGS == 0 && more)
            munmap(more, swing), more = NULL;
        else if (swing && i % SWINGS == 0)
            more = touched(swing);
        free(kept[i % KEPT]);
        long before = preempted();
        double start = now_us();
        kept[i % KEPT] = malloc(size);
        double passed = now_us() - start, *most = &worst[i >= FIRST];
        if (passed > *most && preempted() == before)
            *most = passed;
    }
    printf("%.0f %.0f\n", worst[0], worst[1]);
}
