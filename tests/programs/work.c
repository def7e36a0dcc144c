// A fixed amount of work of one thread, some SECONDS of it; prints the CPU time that it took, in
// milliseconds.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sink;

__attribute__((noinline)) static void step(unsigned long n)
{
    for (unsigned long i = 0; i < n; i++)
        sink += i * i;
    sink++;
}

int main(int argc, char **argv)
{
    long rounds = (argc > 1 ? atol(argv[1]) : 1) * 2000;
    struct timespec t;
    for (long i = 0; i < rounds; i++)
        step(400000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    printf("%.3f\n", (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6);
    return 0;
}
