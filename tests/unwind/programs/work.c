// Stacks of all kinds, until it is killed: recursion with variable frames, callbacks from the C
// library, string functions of several processors, signal handlers on their own stack and on
// others', threads, functions that realign the stack.
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static volatile unsigned sink;
static double values[4096];

static int by_value(const void *a, const void *b)
{
    double l = *(const double *)a, r = *(const double *)b;
    sink++;
    return (l > r) - (l < r);
}

static void sort(void)
{
    double copy[256];
    for (size_t i = 0; i < 256; i++)
        copy[i] = sin((double)(i * 7919 + sink));
    qsort(copy, 256, sizeof(*copy), by_value);
}

static void texts(void)
{
    char a[3000], b[3000];
    memset(a, 'x', sizeof(a) - 1);
    a[sizeof(a) - 1] = 0;
    strcpy(b, a);
    sink += (unsigned)strlen(b) + (unsigned)(strchr(b, 'y') != NULL);
    sink += (unsigned)snprintf(a, sizeof(a), "%s %d %f", b + 2900, 12, values[sink % 4096]);
    memmove(a + 1, a, sizeof(a) - 1);
    sink += (unsigned)strtod("3.14159", NULL);
}

// Needs its stack on a boundary of 64 bytes, so that its frame is found through a register.
__attribute__((noinline)) static void aligned(unsigned n)
{
    _Alignas(64) volatile char room[64 + 64];
    char *more = __builtin_alloca(16 + n % 512);
    memset(more, 1, 16 + n % 512);
    room[n % 64] = more[3];
    sink += (unsigned)room[n % 64];
    if (n % 3 == 0)
        sort();
}

__attribute__((noinline)) static void deep(unsigned n)
{
    char room[32 + 8];
    memset(room, (int)n, sizeof(room));
    sink += (unsigned)room[n % 32];
    if (n == 0)
        texts();
    else if (n % 2)
        deep(n - 1);
    else {
        aligned(n);
        deep(n - 1);
    }
    sink++;
}

static void on_signal(int number)
{
    (void)number;
    unsigned n = sink;
    deep(5);
    sink = n;
}

static void *work(void *unused)
{
    static char others[1 << 16];
    if (!unused) {
        stack_t own = {.ss_sp = others, .ss_size = sizeof(others)};
        sigaltstack(&own, NULL);
    }
    for (unsigned i = 0;; i++) {
        deep(i % 60);
        sort();
        void *block = malloc(i % 5000);
        free(block);
    }
    return NULL;
}

int main(void)
{
    static char unused;
    pthread_t thread;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct itimerval often = {{0, 2000}, {0, 2000}};
    sigaction(SIGALRM, &action, NULL);
    pthread_create(&thread, NULL, work, &unused);
    setitimer(ITIMER_REAL, &often, NULL);
    work(NULL);
}
