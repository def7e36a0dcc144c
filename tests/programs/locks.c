// Waits of every kind, for which the clock is read here as well: "locks MODE OUT" writes lines
// "KIND ns" to OUT, and dies.  Modes: long (waits of 20 ms), short (of some 100 us, by 4 threads),
// free (locks that nobody waits for: prints ns a pair).
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define BARRIER  __asm__ volatile("" ::: "memory")

enum { ROUNDS = 15, HOLD_US = 20000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static pthread_barrier_t barrier;
static atomic_int word;
static atomic_int round_of;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void rest(int us)
{
    struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};
    while (nanosleep(&t, &t) != 0)
        ;
}

// A mutex of three states, as Rust's.
NOINLINE static void futex_lock(void)
{
    int free_word = 0;
    if (atomic_compare_exchange_strong(&word, &free_word, 1))
        return;
    while (atomic_exchange(&word, 2) != 0)
        syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 2, NULL, NULL, -1);
}

NOINLINE static void futex_unlock(void)
{
    if (atomic_exchange(&word, 0) == 2)
        syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
}

NOINLINE static void hold_mutex(int us)
{
    pthread_mutex_lock(&mutex);
    atomic_fetch_add(&round_of, 1);
    rest(us);
    pthread_mutex_unlock(&mutex);
    BARRIER;
}

NOINLINE static void hold_rwlock(int us)
{
    pthread_rwlock_wrlock(&rwlock);
    atomic_fetch_add(&round_of, 1);
    rest(us);
    pthread_rwlock_unlock(&rwlock);
    BARRIER;
}

NOINLINE static void hold_futex(int us)
{
    futex_lock();
    atomic_fetch_add(&round_of, 1);
    rest(us);
    futex_unlock();
    BARRIER;
}

NOINLINE static void signal_condition(int us)
{
    atomic_fetch_add(&round_of, 1);
    rest(us);
    pthread_mutex_lock(&mutex);
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
}

NOINLINE static void post(int us)
{
    atomic_fetch_add(&round_of, 1);
    rest(us);
    sem_post(&semaphore);
}

NOINLINE static void meet_late(int us)
{
    atomic_fetch_add(&round_of, 1);
    rest(us);
    pthread_barrier_wait(&barrier);
    BARRIER;
}

NOINLINE static void wait_mutex(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    BARRIER;
}

NOINLINE static void wait_timed(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_timedlock(&mutex, &until);
    pthread_mutex_unlock(&mutex);
    BARRIER;
}

NOINLINE static void wait_rwlock(void)
{
    pthread_rwlock_rdlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    BARRIER;
}

NOINLINE static void wait_condition(void)
{
    pthread_mutex_lock(&mutex);
    pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    BARRIER;
}

NOINLINE static void wait_semaphore(void)
{
    sem_wait(&semaphore);
    BARRIER;
}

NOINLINE static void wait_barrier(void)
{
    pthread_barrier_wait(&barrier);
    BARRIER;
}

NOINLINE static void wait_futex(void)
{
    futex_lock();
    futex_unlock();
    BARRIER;
}

struct kind {
    const char *name;
    void (*hold)(int us);
    void (*wait)(void);
};

static const struct kind kinds[] = {
    {"mutex", hold_mutex, wait_mutex},    {"timed", hold_mutex, wait_timed},
    {"rwlock", hold_rwlock, wait_rwlock}, {"condition", signal_condition, wait_condition},
    {"semaphore", post, wait_semaphore},  {"barrier", meet_late, wait_barrier},
    {"futex", hold_futex, wait_futex},
};

static void *hold_often(void *argument)
{
    const struct kind *k = argument;
    for (int i = 0; i < ROUNDS; i++) {
        while (atomic_load(&round_of) != 2 * i)
            rest(100);
        k->hold(HOLD_US);
        while (atomic_load(&round_of) != 2 * i + 2)
            rest(100);
    }
    return argument;
}

NOINLINE static void join(pthread_t t)
{
    pthread_join(t, NULL);
    BARRIER;
}

static void *sleep_long(void *argument)
{
    rest(300000);
    return argument;
}

static void long_waits(FILE *out)
{
    pthread_t t;
    int64_t start;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
        int64_t waited = 0;
        atomic_store(&round_of, 0);
        pthread_create(&t, NULL, hold_often, (void *)(uintptr_t)&kinds[k]);
        for (int i = 0; i < ROUNDS; i++) {
            while (atomic_load(&round_of) != 2 * i + 1)
                rest(100);
            start = now_ns();
            kinds[k].wait();
            waited += now_ns() - start;
            atomic_fetch_add(&round_of, 1);
        }
        pthread_join(t, NULL);
        fprintf(out, "%s %lld\n", kinds[k].name, (long long)waited);
    }
    pthread_create(&t, NULL, sleep_long, NULL);
    start = now_ns();
    join(t);
    fprintf(out, "join %lld\n", (long long)(now_ns() - start));
}

static atomic_llong short_ns;

NOINLINE static void *wait_often(void *argument)
{
    for (int i = 0; i < 1500; i++) {
        int64_t start = now_ns();
        pthread_mutex_lock(&mutex);
        short_ns += now_ns() - start;
        for (start = now_ns(); now_ns() - start < 50000;)
            ;
        pthread_mutex_unlock(&mutex);
        BARRIER;
        rest(50);
    }
    return argument;
}

static void short_waits(FILE *out)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, wait_often, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    fprintf(out, "short %lld\n", (long long)short_ns);
}

static void *nothing(void *argument)
{
    return argument;
}

static int free_locks(int has_thread)
{
    enum { PAIRS = 5000000 };
    pthread_t t;
    if (has_thread) { // the C library then no longer believes that there is one thread
        pthread_create(&t, NULL, nothing, NULL);
        pthread_join(t, NULL);
    }
    int64_t start = now_ns();
    for (int i = 0; i < PAIRS; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
    printf("%.2f\n", (double)(now_ns() - start) / PAIRS);
    return 0;
}

// What locks promise, whether they are timed or not.
static int promises(void)
{
    int broken = 0;
    pthread_mutexattr_t a;
    pthread_mutex_t m;
    struct timespec past = {1, 0};
    pthread_t t;
    mtx_t c11;
    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&m, &a);
    broken += pthread_mutex_lock(&m) != 0 || pthread_mutex_lock(&m) != EDEADLK;
    broken += pthread_mutex_unlock(&m) != 0 || pthread_mutex_unlock(&m) != EPERM;
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m, &a);
    broken += pthread_mutex_lock(&m) != 0 || pthread_mutex_lock(&m) != 0;
    broken += pthread_mutex_unlock(&m) != 0 || pthread_mutex_unlock(&m) != 0;
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_NORMAL);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&m, &a);
    broken += pthread_mutex_lock(&m) != 0 || pthread_mutex_timedlock(&m, &past) != ETIMEDOUT;
    broken += pthread_mutex_unlock(&m) != 0;
    broken += pthread_rwlock_wrlock(&rwlock) != 0 || pthread_rwlock_wrlock(&rwlock) != EDEADLK;
    broken += pthread_rwlock_timedrdlock(&rwlock, &past) != EDEADLK;
    broken += pthread_rwlock_unlock(&rwlock) != 0;
    errno = 77;
    broken += sem_timedwait(&semaphore, &past) != -1 || errno != ETIMEDOUT;
    sem_post(&semaphore);
    errno = 77;
    broken += sem_wait(&semaphore) != 0 || errno != 77;
    pthread_mutex_lock(&mutex);
    broken += pthread_cond_timedwait(&condition, &mutex, &past) != ETIMEDOUT;
    broken += pthread_mutex_trylock(&mutex) != EBUSY;
    pthread_mutex_unlock(&mutex);
    errno = 0;
    broken += syscall(SYS_futex, &word, FUTEX_WAIT, 5, NULL, NULL, 0) != -1 || errno != EAGAIN;
    broken += syscall(SYS_getpid) != getpid() || syscall(-1) != -1 || errno != ENOSYS;
    mtx_init(&c11, mtx_plain);
    broken += mtx_lock(&c11) != thrd_success || mtx_unlock(&c11) != thrd_success;
    printf("%d broken\n", broken);
    return broken != 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    sem_init(&semaphore, 0, 0);
    pthread_barrier_init(&barrier, NULL, 2);
    if (strcmp(mode, "promises") == 0)
        return promises();
    if (strcmp(mode, "free") == 0)
        return free_locks(argc > 2);
    FILE *out = argc > 2 ? fopen(argv[2], "w") : NULL;
    if (!out)
        return 2;
    if (strcmp(mode, "long") == 0)
        long_waits(out);
    else
        short_waits(out);
    fclose(out);
    kill(getpid(), SIGKILL);
}
