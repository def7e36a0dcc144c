// Does known work under a name for each line that it reads, so that a test can switch profilers
// between two of them:
//
//     asleep, first, second, third, again   allocates, computes, waits for a lock and sleeps in a
//                                           function of that name; prints "NAME allocated kept cpu
//                                           wait all", in bytes and milliseconds
//     more NAME    allocates once more, and does nothing else
//     drop NAME    frees what was kept then, half of it by way of realloc()
//     wait         begins to wait for a lock, in another thread
//     release      lets it have the lock
//     end          prints how many signals and interrupted waits it saw
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

enum { BLOCKS = 65536, KEPT = BLOCKS / 4, PHASES = 5, ROUNDS = 10 };

static volatile unsigned long sink;
static volatile sig_atomic_t handled;
static int interrupted, is_brief;
static char *kept[PHASES][KEPT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, long_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t turn;

static double clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0)
        interrupted++;
}

static void *hold(void *argument)
{
    for (;;) {
        pthread_mutex_lock(&lock);
        pthread_barrier_wait(&turn);
        pause_ms(20);
        pthread_mutex_unlock(&lock);
        pthread_barrier_wait(&turn);
    }
    return argument;
}

// Returns how many bytes; *still those that are kept.
static size_t allocate(char **keep, size_t *still)
{
    static unsigned random = 1;
    size_t sum = 0;
    *still = 0;
    for (int i = 0; i < BLOCKS; i++) {
        random = random * 1103515245 + 12345;
        size_t size = 1000 + (random >> 8) % 6000;
        char *block = malloc(size);
        __asm__ volatile("" : "+r"(block) : : "memory"); // or both would be left out
        sum += size;
        if (i % 4 == 0) {
            free(keep[i / 4]);
            keep[i / 4] = block;
            *still += size;
        } else {
            free(block);
        }
    }
    return sum;
}

static void compute(void)
{
    for (double end = clock_ms(CLOCK_THREAD_CPUTIME_ID) + 300;
         clock_ms(CLOCK_THREAD_CPUTIME_ID) < end;) {
        for (int i = 0; i < 20000; i++)
            sink += (unsigned long)i;
    }
}

static double take_lock(void)
{
    double sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&turn);
        double start = clock_ms(CLOCK_MONOTONIC);
        pthread_mutex_lock(&lock);
        sum += clock_ms(CLOCK_MONOTONIC) - start;
        pthread_mutex_unlock(&lock);
        pthread_barrier_wait(&turn);
    }
    return sum;
}

static void work(const char *name, char **keep)
{
    size_t still;
    double start = clock_ms(CLOCK_MONOTONIC), cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    size_t allocated = allocate(keep, &still);
    if (is_brief) {
        printf("%s %zu %zu 0 0 0\n", name, allocated, still);
        return;
    }
    compute();
    double wait = take_lock();
    pause_ms(200);
    printf("%s %zu %zu %.0f %.0f %.0f\n", name, allocated, still,
           clock_ms(CLOCK_THREAD_CPUTIME_ID) - cpu, wait, clock_ms(CLOCK_MONOTONIC) - start);
}

#define PHASE(name, row)                                                                           \
    NOINLINE static void name(void)                                                                \
    {                                                                                              \
        work(#name, kept[row]);                                                                    \
        sink++;                                                                                    \
    }
PHASE(asleep, 0)
PHASE(first, 1)
PHASE(second, 2)
PHASE(third, 3)
PHASE(again, 4)

static const struct {
    const char *name;
    void (*run)(void);
} phase[PHASES] = {
    {"asleep", asleep}, {"first", first}, {"second", second}, {"third", third}, {"again", again}};

NOINLINE static void *wait_long(void *argument)
{
    pthread_mutex_lock(&long_lock);
    pthread_mutex_unlock(&long_lock);
    sink++;
    return argument;
}

static void drop(char **keep)
{
    for (int i = 0; i < KEPT; i++) {
        if (i % 2 == 0)
            keep[i] = realloc(keep[i], 9000);
        free(keep[i]);
        keep[i] = NULL;
    }
}

static void on_signal(int signal)
{
    (void)signal;
    handled++;
}

static void handle_all(void)
{
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        struct sigaction action = {.sa_handler = on_signal};
        if (signal != SIGTERM && signal != SIGPIPE)
            sigaction(signal, &action, NULL);
    }
}

// A line without stdio: its read() would be hidden.
static int read_line(char *line, size_t cap)
{
    size_t n = 0;
    while (n + 1 < cap) {
        ssize_t got = read(0, line + n, 1);
        if (got < 0 && errno == EINTR)
            interrupted++;
        else if (got != 1)
            return 0;
        else if (line[n++] == '\n')
            break;
    }
    line[n ? n - 1 : 0] = 0;
    return 1;
}

static void obey(const char *line)
{
    static pthread_t waiting;
    is_brief = strncmp(line, "more ", 5) == 0;
    for (int i = 0; i < PHASES; i++) {
        if (strcmp(is_brief ? line + 5 : line, phase[i].name) == 0)
            phase[i].run();
        if (strncmp(line, "drop ", 5) == 0 && strcmp(line + 5, phase[i].name) == 0)
            drop(kept[i]);
    }
    if (strcmp(line, "wait") == 0) {
        pthread_mutex_lock(&long_lock);
        pthread_create(&waiting, NULL, wait_long, NULL);
    } else if (strcmp(line, "release") == 0) {
        pthread_mutex_unlock(&long_lock);
        pthread_join(waiting, NULL);
    }
}

int main(void)
{
    char line[64];
    pthread_t holder;
    handle_all();
    pthread_barrier_init(&turn, NULL, 2);
    pthread_create(&holder, NULL, hold, NULL);
    while (read_line(line, sizeof(line)) && strcmp(line, "end") != 0) {
        obey(line);
        printf("done %s\n", line);
        fflush(stdout);
    }
    printf("signals %d, interrupted %d\n", handled, interrupted);
    return 0;
}
