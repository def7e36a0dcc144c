// Spends CPU time in known shares: "shares THREADS SECONDS [blocked]".  Each thread goes through
// rounds of 70 % in seventy(), 20 % in twenty() and 10 % in ten(), by its own CPU clock, until it
// has used so many seconds, with all signals blocked if that is asked for.  Then it prints the
// shares as they came out, and the CPU time of the process and of each thread, as the kernel
// accounts it.  Begins and ends when it reads a line.
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
static double spent[3]; // in seventy(), twenty() and ten(), by all threads
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
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

NOINLINE static void seventy(double round)
{
    spin_for(0.7 * round);
    sink++;
}

NOINLINE static void twenty(double round)
{
    spin_for(0.2 * round);
    sink++;
}

NOINLINE static void ten(double round)
{
    spin_for(0.1 * round);
    sink++;
}

static void *work(void *argument)
{
    sigset_t all;
    sigfillset(&all);
    if (blocks_signals)
        pthread_sigmask(SIG_SETMASK, &all, NULL);
    void (*const part[])(double) = {seventy, twenty, ten};
    double start = cpu(CLOCK_THREAD_CPUTIME_ID), now = start, mine[3] = {0};
    unsigned random = 1;
    while (now - start < seconds) {
        // Rounds differ in length, so that no sampler's period can keep step with them.
        random = random * 1103515245 + 12345;
        double round = 0.005 + 0.01 * (double)(random >> 16 & 0xff) / 256;
        for (int i = 0; i < 3; i++) {
            double before = now;
            part[i](round);
            now = cpu(CLOCK_THREAD_CPUTIME_ID);
            mine[i] += now - before;
        }
    }
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 3; i++)
        spent[i] += mine[i];
    pthread_mutex_unlock(&lock);
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
    double all = spent[0] + spent[1] + spent[2];
    printf("%.2f seventy\n%.2f twenty\n%.2f ten\n", 100 * spent[0] / all, 100 * spent[1] / all,
           100 * spent[2] / all);
    printf("%.3f process\n", cpu(CLOCK_PROCESS_CPUTIME_ID));
    for (int i = 0; i < n; i++)
        printf("%.3f worker %d\n", used[i], i);
    fflush(stdout);
    getchar();
    return 0;
}
