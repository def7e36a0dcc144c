// Locks that are made of futexes: Rust's, parking_lot's, abseil's call the kernel through the C
// library's syscall(), since it has no function of its own for it.
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "runtime/runtime.h"

// With fixed parameters instead of "...", so that it can be jumped to; they lie in the same places.
// That is why unistd.h is not included.
long syscall(long number, long a, long b, long c, long d, long e, long f);

#if defined(__x86_64__)
static long call_kernel(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    if (unlikely((unsigned long)result > -4096UL)) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

// A mutex of three states, as in Drepper's "Futexes Are Tricky", is waited for without end while it
// has the third; its holder is who wakes one.  Others (condition variables, parked threads) wait
// for whatever it is.
enum { CONTENDED = 2 };

static SLOW long futex_wait(long number, long address, long operation, long value, long timeout,
                            long e, long f)
{
    u64 since_ns = lock_clock_ns();
    const void *lock = (const void *)address;
    bool is_mutex = value == CONTENDED && timeout == 0;
    bool is_counted = is_mutex && lock_begin_wait(lock, since_ns);
    long result = call_kernel(number, address, operation, value, timeout, e, f);
    if (is_counted)
        lock_end_wait(lock, since_ns);
    lock_waited(since_ns, RECORD_LOCK_FUTEX, CALLER());
    return result;
}

static SLOW long futex_wake(long number, long address, long operation, long value, long d, long e,
                            long f)
{
    u64 delay_ns = lock_charge((const void *)address);
    long result = call_kernel(number, address, operation, value, d, e, f);
    lock_charged(delay_ns, RECORD_LOCK_FUTEX, CALLER());
    return result;
}

static SLOW long futex(long number, long a, long b, long c, long d, long e, long f)
{
    if (!lock_rate_ns || thread.busy)
        return call_kernel(number, a, b, c, d, e, f);
    switch (b & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait(number, a, b, c, d, e, f);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
    case FUTEX_UNLOCK_PI:
        if (lock_is_waited_for())
            return futex_wake(number, a, b, c, d, e, f);
    }
    return call_kernel(number, a, b, c, d, e, f);
}

EXPORT long syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (unlikely(number == SYS_futex))
        return futex(number, a, b, c, d, e, f);
    return call_kernel(number, a, b, c, d, e, f);
}
#endif
