// A program that does what profilers stumble over, for so many seconds: "turmoil SECONDS PLUGIN".
// Prints how many of its expectations were broken.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static volatile unsigned long sink;
static volatile int is_over;
static __thread volatile sig_atomic_t handled;
static int broken; // atomic
static const char *program, *plugin;

static void expect(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s (%s)\n", what, strerror(errno));
    __atomic_fetch_add(&broken, 1, __ATOMIC_RELAXED);
}

static void spin(long n)
{
    for (long i = 0; i < n; i++)
        sink += (unsigned long)i;
}

static void *brief(void *argument)
{
    spin(20000);
    return argument;
}

// Threads that live for some microseconds.
static void *come_and_go(void *argument)
{
    while (!is_over) {
        pthread_t t[4];
        int value[4];
        for (int i = 0; i < 4; i++)
            expect(pthread_create(&t[i], NULL, brief, &value[i]) == 0, "a thread");
        for (int i = 0; i < 4; i++) {
            void *result;
            expect(pthread_join(t[i], &result) == 0 && result == &value[i], "its result");
        }
    }
    return argument;
}

static int ended_well(pid_t pid)
{
    int status;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    return got == pid && status == 0;
}

// Until it calls exec, such a child has its parent's memory.
__attribute__((noinline)) static pid_t start_by_vfork(char *const *words)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execve(program, words, environ);
        _exit(1);
    }
    return pid;
}

// Children that go on as copies, and those that become another program.
static void *have_children(void *argument)
{
    char *const words[] = {(char *)program, "child", NULL};
    while (!is_over) {
        pid_t pid = fork();
        if (pid == 0) {
            spin(100000);
            _exit(0);
        }
        expect(ended_well(pid), "a forked child");
        pid = fork();
        if (pid == 0) {
            execve(program, words, environ);
            _exit(1);
        }
        expect(ended_well(pid), "a child that calls exec");
        expect(posix_spawn(&pid, program, NULL, NULL, words, environ) == 0 && ended_well(pid),
               "posix_spawn()");
        expect(ended_well(start_by_vfork(words)), "a child of vfork()");
    }
    return argument;
}

// A block that knows what is in it.
struct block {
    size_t size; // of bytes
    unsigned seed;
    unsigned char bytes[];
};

enum { SLOTS = 2048, EDGE = 64 };

static struct block *slot[SLOTS]; // atomic

static unsigned draw(unsigned *random)
{
    *random = *random * 1103515245 + 12345;
    return *random >> 8;
}

// The bytes near the ends: the sizes matter, not the time.
static int each_edge(struct block *b, size_t size, int is_check)
{
    int good = 1;
    for (size_t i = 0; i < size; i++) {
        if (i == EDGE && size > 2 * EDGE)
            i = size - EDGE;
        if (!is_check)
            b->bytes[i] = (unsigned char)(b->seed + i);
        else
            good &= b->bytes[i] == (unsigned char)(b->seed + i);
    }
    return good;
}

static int is_zero(const struct block *b, size_t size)
{
    const unsigned char *p = (const unsigned char *)b;
    return p[0] == 0 && memcmp(p, p + 1, sizeof(*b) + size - 1) == 0;
}

static struct block *make_block(unsigned *random)
{
    static const size_t most[] = {32, 300, 300, 5000, 5000, 40000, 300000};
    size_t size = draw(random) % most[draw(random) % 7], all = sizeof(struct block) + size;
    struct block *b = NULL;
    void *aligned = NULL;
    switch (draw(random) % 4) {
    case 0:
        b = calloc(1, all);
        expect(b && is_zero(b, size), "calloc() gives zeroes");
        break;
    case 1:
        if (posix_memalign(&aligned, 256, all) == 0)
            b = aligned;
        expect(b && (uintptr_t)b % 256 == 0, "posix_memalign() aligns");
        break;
    default:
        b = malloc(all);
        expect(b != NULL && (uintptr_t)b % 16 == 0, "malloc()");
    }
    b->size = size;
    b->seed = draw(random);
    each_edge(b, size, 0);
    return b;
}

static struct block *resize(struct block *b, unsigned *random)
{
    size_t before = b->size, size = before / 2 + draw(random) % (before + 100);
    b = realloc(b, sizeof(*b) + size);
    expect(b != NULL && b->size == before, "realloc() keeps what is there");
    size_t both = size < before ? size : before, whole = both < EDGE ? both : EDGE;
    expect(each_edge(b, whole, 1), "also what follows");
    b->size = size;
    each_edge(b, size, 0);
    return b;
}

// Blocks of all sizes, most of which another thread frees.
static void *use_heap(void *argument)
{
    unsigned random = (unsigned)time(NULL) + (unsigned)(uintptr_t)&random;
    while (!is_over) {
        struct block *b = make_block(&random);
        if (draw(&random) % 4 == 0)
            b = resize(b, &random);
        b = __atomic_exchange_n(&slot[draw(&random) % SLOTS], b, __ATOMIC_ACQ_REL);
        expect(!b || each_edge(b, b->size, 1), "a block keeps what is in it");
        free(b);
    }
    return argument;
}

// What two locks and a condition protect.
static struct {
    pthread_mutex_t lock;
    pthread_rwlock_t often_read;
    pthread_cond_t changed;
    long a, b, c, d;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .often_read = PTHREAD_RWLOCK_INITIALIZER,
            .changed = PTHREAD_COND_INITIALIZER};

static void *contend(void *argument)
{
    const long mine = 1 + (long)argument;
    long before = 0;
    while (!is_over) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec = (until.tv_nsec + 200000) % 1000000000;
        expect(pthread_mutex_lock(&shared.lock) == 0, "pthread_mutex_lock()");
        expect(shared.a == shared.b && shared.a >= before, "a lock excludes");
        before = shared.a += mine;
        spin(3000);
        shared.b += mine;
        if (shared.a % 7 == 0)
            pthread_cond_broadcast(&shared.changed);
        else if (shared.a % 11 == 0)
            pthread_cond_timedwait(&shared.changed, &shared.lock, &until);
        expect(shared.a == shared.b, "so does a condition's");
        expect(pthread_mutex_unlock(&shared.lock) == 0, "pthread_mutex_unlock()");
        pthread_rwlock_wrlock(&shared.often_read);
        shared.c++;
        spin(300);
        shared.d++;
        pthread_rwlock_unlock(&shared.often_read);
        pthread_rwlock_rdlock(&shared.often_read);
        expect(shared.c == shared.d, "a read-write lock excludes");
        pthread_rwlock_unlock(&shared.often_read);
    }
    return argument;
}

static void *load_and_unload(void *argument)
{
    while (!is_over) {
        void *library = dlopen(plugin, RTLD_NOW);
        void *(*allocate)(size_t);
        void *function = library ? dlsym(library, "plugin_allocate") : NULL;
        expect(function != NULL, "dlopen()");
        if (!function)
            break;
        memcpy(&allocate, &function, sizeof(allocate));
        free(allocate(100));
        spin(20000);
        dlclose(library);
    }
    return argument;
}

static void on_signal(int signal)
{
    (void)signal;
    handled++;
}

// Each signal that can be handled reaches its handler, whoever else uses it.
static void *use_signals(void *argument)
{
    while (!is_over) {
        for (int signal = 1; signal <= SIGRTMAX; signal++) {
            struct sigaction action = {.sa_handler = on_signal}, old, now;
            if (signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD || signal == SIGALRM ||
                (signal >= 32 && signal < SIGRTMIN))
                continue;
            int before = handled;
            expect(sigaction(signal, &action, &old) == 0, "sigaction()");
            expect(sigaction(signal, NULL, &now) == 0 && now.sa_handler == on_signal, "its result");
            raise(signal);
            expect(handled > before, "a signal reaches its handler");
            expect(sigaction(signal, &old, NULL) == 0, "sigaction() back");
        }
    }
    return argument;
}

// A mask is what it was set to; what is waited for is nothing of others'.
static void *block_signals(void *argument)
{
    sigset_t all, now;
    const struct timespec little = {.tv_nsec = 1000000};
    sigfillset(&all);
    expect(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0, "pthread_sigmask()");
    while (!is_over) {
        expect(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0, "pthread_sigmask()");
        for (int signal = 1; signal <= SIGRTMAX; signal++) {
            if (signal != SIGKILL && signal != SIGSTOP && (signal < 32 || signal >= SIGRTMIN))
                expect(sigismember(&now, signal) == 1, "a signal is blocked");
        }
        siginfo_t info;
        spin(20000);
        expect(sigtimedwait(&all, &info, &little) < 0 || info.si_code != SI_TIMER,
               "no signal is of a timer");
    }
    return argument;
}

static void *interrupt(void *argument)
{
    const struct timespec little = {.tv_nsec = 1000000};
    while (!is_over) {
        kill(getpid(), SIGALRM);
        nanosleep(&little, NULL);
    }
    return argument;
}

int main(int argc, char **argv)
{
    static void *(*const role[])(void *) = {
        come_and_go, have_children, load_and_unload, block_signals, interrupt, use_signals,
        use_heap,    use_heap,      use_heap,        contend,       contend,   contend};
    enum { ROLES = sizeof(role) / sizeof(*role) };
    pthread_t thread[ROLES];
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        spin(100000);
        return 0;
    }
    program = argv[0];
    plugin = argc > 2 ? argv[2] : "";
    signal(SIGALRM, on_signal);
    for (long i = 0; i < ROLES; i++)
        pthread_create(&thread[i], NULL, role[i], (void *)i);
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
    while (time(NULL) < end)
        spin(1000000);
    is_over = 1;
    for (int i = 0; i < ROLES; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < SLOTS; i++)
        free(slot[i]);
    printf("%d broken\n", broken);
    return 0;
}
