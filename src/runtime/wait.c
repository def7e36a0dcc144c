// Waiting for others by the public names: condition variables, semaphores, the ends of threads,
// barriers.  Each is timed, for the profile "block"; all but barriers are cancellation points, so
// nothing may have to be put in order behind them.
#include "runtime/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

static struct {
    int (*cond_wait)(pthread_cond_t *c, pthread_mutex_t *m);
    int (*cond_timedwait)(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until);
    int (*cond_clockwait)(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                          const struct timespec *until);
    int (*sem_wait)(sem_t *s);
    int (*sem_timedwait)(sem_t *s, const struct timespec *until);
    int (*sem_clockwait)(sem_t *s, clockid_t clock, const struct timespec *until);
    int (*sem_getvalue)(sem_t *s, int *value);
    int (*join)(pthread_t thread, void **result);
    int (*timedjoin)(pthread_t thread, void **result, const struct timespec *until);
    int (*barrier_wait)(pthread_barrier_t *b);
} next;

static void resolve(void)
{
    if (next.cond_wait)
        return;
    lock_find(&next.cond_timedwait, "pthread_cond_timedwait");
    lock_find(&next.cond_clockwait, "pthread_cond_clockwait");
    lock_find(&next.sem_wait, "sem_wait");
    lock_find(&next.sem_timedwait, "sem_timedwait");
    lock_find(&next.sem_clockwait, "sem_clockwait");
    lock_find(&next.sem_getvalue, "sem_getvalue");
    lock_find(&next.join, "pthread_join");
    lock_find(&next.timedjoin, "pthread_timedjoin_np");
    lock_find(&next.barrier_wait, "pthread_barrier_wait");
    lock_find(&next.cond_wait, "pthread_cond_wait");
}

// Waiting for a condition gives the mutex free, as unlocking does.
static void let_go(const pthread_mutex_t *m, struct context caller)
{
    if (unlikely(lock_is_waited_for()))
        lock_charged(lock_charge(m), RECORD_LOCK_MUTEX, caller);
}

EXPORT SLOW int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    resolve();
    let_go(m, CALLER());
    u64 since_ns = lock_clock_ns();
    int status = next.cond_wait(c, m);
    lock_waited(since_ns, RECORD_LOCK_CONDITION, CALLER());
    return status;
}

EXPORT SLOW int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                       const struct timespec *until)
{
    resolve();
    let_go(m, CALLER());
    u64 since_ns = lock_clock_ns();
    int status = next.cond_timedwait(c, m, until);
    lock_waited(since_ns, RECORD_LOCK_CONDITION, CALLER());
    return status;
}

EXPORT SLOW int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                                       const struct timespec *until)
{
    resolve();
    let_go(m, CALLER());
    u64 since_ns = lock_clock_ns();
    int status = next.cond_clockwait(c, m, clock, until);
    lock_waited(since_ns, RECORD_LOCK_CONDITION, CALLER());
    return status;
}

// A semaphore that can be had at once is not timed.
static bool is_zero(sem_t *s)
{
    int value = 0;
    return lock_rate_ns && next.sem_getvalue(s, &value) == 0 && value <= 0;
}

EXPORT SLOW int sem_wait(sem_t *s)
{
    resolve();
    if (!is_zero(s))
        return next.sem_wait(s);
    u64 since_ns = lock_clock_ns();
    int status = next.sem_wait(s);
    lock_waited(since_ns, RECORD_LOCK_SEMAPHORE, CALLER());
    return status;
}

EXPORT SLOW int sem_timedwait(sem_t *s, const struct timespec *until)
{
    resolve();
    if (!is_zero(s))
        return next.sem_timedwait(s, until);
    u64 since_ns = lock_clock_ns();
    int status = next.sem_timedwait(s, until);
    lock_waited(since_ns, RECORD_LOCK_SEMAPHORE, CALLER());
    return status;
}

EXPORT SLOW int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
    resolve();
    if (!is_zero(s))
        return next.sem_clockwait(s, clock, until);
    u64 since_ns = lock_clock_ns();
    int status = next.sem_clockwait(s, clock, until);
    lock_waited(since_ns, RECORD_LOCK_SEMAPHORE, CALLER());
    return status;
}

EXPORT SLOW int pthread_join(pthread_t other, void **result)
{
    resolve();
    u64 since_ns = lock_clock_ns();
    int status = next.join(other, result);
    lock_waited(since_ns, RECORD_LOCK_JOIN, CALLER());
    return status;
}

EXPORT SLOW int pthread_timedjoin_np(pthread_t other, void **result, const struct timespec *until)
{
    resolve();
    u64 since_ns = lock_clock_ns();
    int status = next.timedjoin(other, result, until);
    lock_waited(since_ns, RECORD_LOCK_JOIN, CALLER());
    return status;
}

EXPORT SLOW int pthread_barrier_wait(pthread_barrier_t *b)
{
    resolve();
    u64 since_ns = lock_clock_ns();
    int status = next.barrier_wait(b);
    lock_waited(since_ns, RECORD_LOCK_BARRIER, CALLER());
    return status;
}
