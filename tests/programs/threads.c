// Threads that come and go, hand blocks to each other and free them when they end; contents are
// checked.  "threads SECONDS" with a second argument also cancels, forks and interrupts them.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SHELF = 512 };

static _Atomic(unsigned char *)
    shelf[SHELF]; // blocks that anybody may take; the first 8 bytes are the size
static atomic_long broken;
static pthread_key_t last_words;

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 8;
}

static unsigned char *make(unsigned *seed)
{
    size_t n = 16 + next(seed) % (next(seed) % 50 ? 2000 : 200000);
    unsigned char *p = next(seed) % 4 ? malloc(n) : calloc(1, n);
    memcpy(p, &n, sizeof(n));
    memset(p + sizeof(n), (int)n & 0xff, n - sizeof(n));
    return p;
}

static int is_whole(const unsigned char *p, size_t n)
{
    return p[sizeof(n)] == (n & 0xff) && p[n - 1] == (n & 0xff) && p[n / 2 + 4] == (n & 0xff);
}

static void check(unsigned char *p)
{
    size_t n;
    memcpy(&n, p, sizeof(n));
    if (n < 16 || n > 400000 || !is_whole(p, n))
        atomic_fetch_add(&broken, 1);
}

static unsigned char *grow(unsigned char *p)
{
    size_t n, m;
    memcpy(&n, p, sizeof(n));
    m = n < 200000 ? n + n / 2 : 16;
    p = realloc(p, m);
    if (m > n && !is_whole(p, n))
        atomic_fetch_add(&broken, 1);
    memcpy(p, &m, sizeof(m));
    memset(p + sizeof(m), (int)m & 0xff, m - sizeof(m));
    return p;
}

static void on_thread_end(void *p)
{
    check(p);
    free(p);
    free(malloc(100000)); // after the library's own thread state, if it had a destructor
}

static void *work(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    pthread_setspecific(last_words, make(&seed));
    for (int i = 0; i < 3000; i++) {
        unsigned char *p = atomic_exchange(&shelf[next(&seed) % SHELF], NULL);
        if (!p)
            p = make(&seed);
        check(p);
        if (next(&seed) % 4 == 0)
            p = grow(p);
        p = atomic_exchange(&shelf[next(&seed) % SHELF], p);
        free(p);
    }
    return NULL;
}

static void *allocate_for_ever(void *argument)
{
    for (;;)
        free(malloc(10000));
    return argument;
}

// malloc() is no cancellation point: such a thread can only be ended where it asks for it.
static void *cancel_point(void *argument)
{
    for (int i = 0; i < 2000; i++)
        free(malloc(10000));
    *(atomic_int *)argument = 1;
    for (;;)
        pthread_testcancel();
    return NULL;
}

static void cancel_one(void)
{
    pthread_t t;
    atomic_int reached = 0;
    void *result;
    pthread_create(&t, NULL, cancel_point, &reached);
    pthread_cancel(t);
    pthread_join(t, &result);
    if (!reached)
        atomic_fetch_add(&broken, 1);
}

static void fork_one(unsigned seed)
{
    pid_t pid = fork();
    if (pid == 0) {
        work((void *)(uintptr_t)seed);
        _exit(broken != 0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0)
        atomic_fetch_add(&broken, 1);
}

static void on_signal(int signal)
{
    (void)signal;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    struct timespec begin, now;
    pthread_t background;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pthread_key_create(&last_words, on_thread_end);
    if (argc > 2) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        sigaction(SIGUSR1, &action, NULL);
        pthread_create(&background, NULL, allocate_for_ever, NULL);
    }
    unsigned round = 0;
    do {
        pthread_t t[8];
        for (unsigned i = 0; i < 8; i++)
            pthread_create(&t[i], NULL, work, (void *)(uintptr_t)(round * 8 + i + 1));
        if (argc > 2) {
            cancel_one();
            fork_one(round);
            for (unsigned i = 0; i < 200; i++)
                pthread_kill(background, SIGUSR1);
        }
        for (unsigned i = 0; i < 8; i++)
            pthread_join(t[i], NULL);
        round++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9 <
             seconds);
    printf("%ld broken\n", (long)broken);
    return broken != 0;
}
