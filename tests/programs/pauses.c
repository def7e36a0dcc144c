// The worst time that a malloc() takes, in microseconds: "pauses COUNT SIZE".  Those during which
// the thread lost its processor to another do not count.  Prints the first 1,000 calls' and the
// others' worst.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { FIRST = 1000, KEPT = 4096 };

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

int main(int argc, char **argv)
{
    static void *kept[KEPT];
    long count = argc > 1 ? atol(argv[1]) : 100000, lost = preempted();
    size_t size = argc > 2 ? (size_t)atol(argv[2]) : 2048;
    double worst[2] = {0, 0};
    for (long i = 0; i < count; i++) {
        free(kept[i % KEPT]);
        double start = now_us();
        kept[i % KEPT] = malloc(size);
        double passed = now_us() - start, *most = &worst[i >= FIRST];
        if (passed <= *most)
            continue;
        long before = lost;
        lost = preempted();
        if (lost == before)
            *most = passed;
    }
    printf("%.0f %.0f\n", worst[0], worst[1]);
}
