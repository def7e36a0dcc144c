// Waits that a signal of ours has interrupted.  The kernel makes most system calls again by itself
// after a handler, but not those that wait for a time or for several things; they would fail with
// EINTR, which no program expects that uses no signals.  Where the arguments still say all, the
// call is made again, as if nothing had happened.
#include "runtime/runtime.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

enum {
    PAGE = 4096,
    CALL_BYTES = 7, // mov $number, %eax; syscall
    NONE = -1
};

// Number of the system call that ended right before pc, as the C library makes them.
static i32 number_before(u64 pc)
{
    const u8 *code = (const u8 *)(uintptr_t)(pc - CALL_BYTES);
    i32 number;
    if (pc % PAGE < CALL_BYTES || code[0] != 0xb8 || code[5] != 0x0f || code[6] != 0x05)
        return NONE;
    memcpy(&number, code + 1, sizeof(number));
    return number;
}

// Whether the call may be made again with these registers, which it did not change.  A sleep goes
// on with what is left of it, if the program asked for that to be told.
static bool may_restart(greg_t *r, i32 number)
{
    switch (number) {
    case SYS_poll:
        return (i32)r[REG_RDX] < 0;
    case SYS_epoll_wait:
        return (i32)r[REG_R10] < 0;
    case SYS_select:
        return r[REG_R8] == 0;
    case SYS_clock_nanosleep:
        if (r[REG_RSI] & TIMER_ABSTIME)
            return true;
        if (r[REG_R10] == 0)
            return false;
        r[REG_RDX] = r[REG_R10];
        return true;
    case SYS_semop:
        return true;
    default:
        return false;
    }
}

void restart_wait(void *ucontext)
{
    greg_t *r = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    if (r[REG_RAX] != -EINTR)
        return;
    i32 number = number_before((u64)r[REG_RIP]);
    if (number == NONE || !may_restart(r, number))
        return;
    r[REG_RAX] = number;
    r[REG_RIP] -= 2; // the syscall instruction
}
