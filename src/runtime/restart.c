// Waits that a signal of ours has interrupted.  The kernel makes most system calls again by itself
// after a handler, but not those that wait for a time or for several things; they would fail with
// EINTR, which no program expects that uses no signals.  Where the arguments still say all, the
// call is made again, as if nothing had happened.  The others come here when the program has a
// handler of its own for a signal of ours, and wants calls to end for that.
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

enum {
    PAGE = 4096,
    CALL_BYTES = 7, // mov $number, %eax; syscall
    ZERO_BYTES = 4, // xor %eax, %eax; syscall
    NONE = -1
};

// Number of the system call that ended right before pc, as the C library makes them.
static i32 number_before(u64 pc)
{
    const u8 *code = (const u8 *)(uintptr_t)(pc - CALL_BYTES);
    i32 number;
    if (pc % PAGE < CALL_BYTES || code[5] != 0x0f || code[6] != 0x05)
        return NONE;
    if (memcmp(code + CALL_BYTES - ZERO_BYTES, "\x31\xc0", 2) == 0)
        return 0;
    if (code[0] != 0xb8)
        return NONE;
    memcpy(&number, code + 1, sizeof(number));
    return number;
}

// A wait until a point in time, or without end.
static bool is_whole_wait(const greg_t *r)
{
    i32 operation = (i32)r[REG_RSI] & FUTEX_CMD_MASK;
    return operation == FUTEX_WAIT_BITSET || (operation == FUTEX_WAIT && r[REG_R10] == 0);
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
    case SYS_futex:
        return is_whole_wait(r);
    case SYS_fcntl:
        return r[REG_RSI] == F_SETLKW || r[REG_RSI] == F_OFD_SETLKW;
    case SYS_read:
    case SYS_write:
    case SYS_readv:
    case SYS_writev:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_flock:
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
