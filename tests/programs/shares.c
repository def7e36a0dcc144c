// Spends CPU time in known shares: "shares THREADS SECONDS [how...]".  Each thread goes through
// rounds of 70 % in seventy(), 20 % in twenty(), 10 % in ten(), measured by its own CPU clock,
// until it has used so many seconds.  Then prints the CPU time of the process and of each thread,
// as the kernel accounts it.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile unsigned long sink;
static double seconds;
static int blocks_signals;

static double cpu(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void spin_for(double part)
{
    double end = cpu(CLOCK_THREAD_CPUTIME_ID) + part;
    while (cpu(CLOCK_THREAD_CPUTIME_ID) < end) {
        for (int i = 0; i < 20000; i++)
            sink += (unsigned long)i;
    }
}

NOINLINE static void seventy(void)
{
    spin_for(0.0070);
    sink++;
}

NOINLINE static void twenty(void)
{
    spin_for(0.0020);
    sink++;
}

NOINLINE static void ten(void)
{
    spin_for(0.0010);
    sink++;
}

static void *work(void *argument)
{
    sigset_t all;
    sigfillset(&all);
    if (blocks_signals)
        pthread_sigmask(SIG_SETMASK, &all, NULL);
    double start = cpu(CLOCK_THREAD_CPUTIME_ID);
    while (cpu(CLOCK_THREAD_CPUTIME_ID) - start < seconds) {
        seventy();
        twenty();
        ten();
    }
    *(double *)argument = cpu(CLOCK_THREAD_CPUTIME_ID);
    return argument;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 1;
    pthread_t thread[256];
    double used[256];
    seconds = argc > 2 ? atof(argv[2]) : 1;
    blocks_signals = argc > 3 && strcmp(argv[3], "blocked") == 0;
    getchar();
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof(name), "worker %d", i);
        pthread_create(&thread[i], NULL, work, &used[i]);
        pthread_setname_np(thread[i], name);
    }
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    printf("%.3f process\n", cpu(CLOCK_PROCESS_CPUTIME_ID));
    for (int i = 0; i < n; i++)
        printf("%.3f worker %d\n", used[i], i);
    fflush(stdout);
    getchar();
    return 0;
}
