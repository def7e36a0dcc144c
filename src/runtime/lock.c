// Locks by their public names: mutexes and read-write locks.  A lock that is free costs a call of
// its "try", which is what the C library does first, too; the clock is read only when there is to
// be waiting.  Before a process has a second thread, nobody can wait, and even that is left out.
//
// Functions that may sample are reached by jumps from the public names, as in hooks.c.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/single_threaded.h>

static struct {
    int (*mutex_lock)(pthread_mutex_t *m);
    int (*mutex_trylock)(pthread_mutex_t *m);
    int (*mutex_timedlock)(pthread_mutex_t *m, const struct timespec *until);
    int (*mutex_clocklock)(pthread_mutex_t *m, clockid_t clock, const struct timespec *until);
    int (*mutex_unlock)(pthread_mutex_t *m);
    int (*rdlock)(pthread_rwlock_t *l);
    int (*wrlock)(pthread_rwlock_t *l);
    int (*tryrdlock)(pthread_rwlock_t *l);
    int (*trywrlock)(pthread_rwlock_t *l);
    int (*timedrdlock)(pthread_rwlock_t *l, const struct timespec *until);
    int (*timedwrlock)(pthread_rwlock_t *l, const struct timespec *until);
    int (*rwlock_unlock)(pthread_rwlock_t *l);
} next;

static int boot_lock(pthread_mutex_t *m);
static int boot_unlock(pthread_mutex_t *m);

// What the two that matter do at the moment.
static struct {
    int (*lock)(pthread_mutex_t *m);
    int (*unlock)(pthread_mutex_t *m);
} mutex = {boot_lock, boot_unlock};

void lock_find(void *function, const char *name)
{
    void *address = NULL;
    // Condition variables of old have the same names, at another version.
    if (strcmp(name, "pthread_cond_wait") == 0 || strcmp(name, "pthread_cond_timedwait") == 0)
        address = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    if (!address)
        address = dlsym(RTLD_NEXT, name);
    memcpy(function, &address, sizeof(address));
}

static void resolve(void)
{
    if (next.mutex_lock)
        return;
    lock_find(&next.mutex_trylock, "pthread_mutex_trylock");
    lock_find(&next.mutex_timedlock, "pthread_mutex_timedlock");
    lock_find(&next.mutex_clocklock, "pthread_mutex_clocklock");
    lock_find(&next.mutex_unlock, "pthread_mutex_unlock");
    lock_find(&next.rdlock, "pthread_rwlock_rdlock");
    lock_find(&next.wrlock, "pthread_rwlock_wrlock");
    lock_find(&next.tryrdlock, "pthread_rwlock_tryrdlock");
    lock_find(&next.trywrlock, "pthread_rwlock_trywrlock");
    lock_find(&next.timedrdlock, "pthread_rwlock_timedrdlock");
    lock_find(&next.timedwrlock, "pthread_rwlock_timedwrlock");
    lock_find(&next.rwlock_unlock, "pthread_rwlock_unlock");
    lock_find(&next.mutex_lock, "pthread_mutex_lock");
}

// A wait that is over: for both profiles, if the lock was had in the end.
static void end_wait(const void *lock, bool is_counted, u64 since_ns, enum record_lock_kind what,
                     struct context caller)
{
    if (is_counted)
        lock_end_wait(lock, since_ns);
    lock_waited(since_ns, what, caller);
}

static SLOW int contended_lock(pthread_mutex_t *m)
{
    u64 since_ns = lock_clock_ns();
    bool is_counted = lock_begin_wait(m, since_ns);
    int status = next.mutex_lock(m);
    end_wait(m, is_counted, since_ns, RECORD_LOCK_MUTEX, CALLER());
    return status;
}

static int measured_lock(pthread_mutex_t *m)
{
    int status = next.mutex_trylock(m);
    if (likely(status != EBUSY))
        return status;
    return contended_lock(m);
}

static SLOW int contended_unlock(pthread_mutex_t *m)
{
    u64 delay_ns = lock_charge(m);
    int status = next.mutex_unlock(m);
    lock_charged(delay_ns, RECORD_LOCK_MUTEX, CALLER());
    return status;
}

static int measured_unlock(pthread_mutex_t *m)
{
    if (unlikely(lock_is_waited_for()))
        return contended_unlock(m);
    return next.mutex_unlock(m);
}

static int boot_lock(pthread_mutex_t *m)
{
    resolve();
    return next.mutex_lock(m);
}

static int boot_unlock(pthread_mutex_t *m)
{
    resolve();
    return next.mutex_unlock(m);
}

static bool has_threads;

// Several threads may do so at once: the last rate is what remains.
static void install(void)
{
    u64 rate_ns;
    do {
        rate_ns = __atomic_load_n(&lock_rate_ns, __ATOMIC_SEQ_CST);
        bool measures = rate_ns && has_threads;
        __atomic_store_n(&mutex.lock, measures ? measured_lock : next.mutex_lock, __ATOMIC_SEQ_CST);
        __atomic_store_n(&mutex.unlock, measures ? measured_unlock : next.mutex_unlock,
                         __ATOMIC_SEQ_CST);
    } while (rate_ns != __atomic_load_n(&lock_rate_ns, __ATOMIC_SEQ_CST));
}

void lock_begin(void)
{
    resolve();
    has_threads = true;
    install();
}

void lock_set_rate(u64 rate_ns)
{
    resolve();
    if (rate_ns && !lock_rate_ns)
        lock_resume();
    __atomic_store_n(&lock_rate_ns, rate_ns, __ATOMIC_SEQ_CST);
    if (record.header)
        record.header->lock_rate_ns = rate_ns;
    has_threads |= !__libc_single_threaded;
    install();
}

// The public names.

EXPORT int pthread_mutex_lock(pthread_mutex_t *m)
{
    return mutex.lock(m);
}

EXPORT int pthread_mutex_unlock(pthread_mutex_t *m)
{
    return mutex.unlock(m);
}

EXPORT SLOW int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
    resolve();
    int status = lock_rate_ns ? next.mutex_trylock(m) : EBUSY;
    if (status != EBUSY)
        return status;
    u64 since_ns = lock_clock_ns();
    bool is_counted = lock_begin_wait(m, since_ns);
    status = next.mutex_timedlock(m, until);
    end_wait(m, is_counted, since_ns, RECORD_LOCK_MUTEX, CALLER());
    return status;
}

EXPORT SLOW int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock,
                                        const struct timespec *until)
{
    resolve();
    int status = lock_rate_ns ? next.mutex_trylock(m) : EBUSY;
    if (status != EBUSY)
        return status;
    u64 since_ns = lock_clock_ns();
    bool is_counted = lock_begin_wait(m, since_ns);
    status = next.mutex_clocklock(m, clock, until);
    end_wait(m, is_counted, since_ns, RECORD_LOCK_MUTEX, CALLER());
    return status;
}

EXPORT SLOW int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    resolve();
    int status = lock_rate_ns ? next.tryrdlock(l) : EBUSY;
    if (status != EBUSY)
        return status;
    u64 since_ns = lock_clock_ns();
    bool is_counted = lock_begin_wait(l, since_ns);
    status = next.rdlock(l);
    end_wait(l, is_counted, since_ns, RECORD_LOCK_RWLOCK, CALLER());
    return status;
}

EXPORT SLOW int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    resolve();
    int status = lock_rate_ns ? next.trywrlock(l) : EBUSY;
    if (status != EBUSY)
        return status;
    u64 since_ns = lock_clock_ns();
    bool is_counted = lock_begin_wait(l, since_ns);
    status = next.wrlock(l);
    end_wait(l, is_counted, since_ns, RECORD_LOCK_RWLOCK, CALLER());
    return status;
}

EXPORT SLOW int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until)
{
    resolve();
    u64 since_ns = lock_clock_ns();
    bool is_counted = lock_begin_wait(l, since_ns);
    int status = next.timedrdlock(l, until);
    end_wait(l, is_counted, since_ns, RECORD_LOCK_RWLOCK, CALLER());
    return status;
}

EXPORT SLOW int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until)
{
    resolve();
    u64 since_ns = lock_clock_ns();
    bool is_counted = lock_begin_wait(l, since_ns);
    int status = next.timedwrlock(l, until);
    end_wait(l, is_counted, since_ns, RECORD_LOCK_RWLOCK, CALLER());
    return status;
}

EXPORT SLOW int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
    resolve();
    u64 delay_ns = lock_is_waited_for() ? lock_charge(l) : 0;
    int status = next.rwlock_unlock(l);
    lock_charged(delay_ns, RECORD_LOCK_RWLOCK, CALLER());
    return status;
}
