// Which memory may be read while a stack is unwound.  A load from a wrong address would kill the
// program, so each load is inside a window that is known to be readable.  A thread's own stack is
// probed once, page by page, as far as it was used; on any other stack (coroutines, sigaltstack)
// each page is probed again for each walk, since such a stack may be gone tomorrow.
#include "runtime/runtime.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    MOST_PAGES = 2048 // a thread's own stack between the sampled function and its top: 8 MiB
};

// Whether the page at address can be read: the kernel looks at the new signal mask before it sees
// that "how" makes no sense.
static bool probe(u64 address)
{
    return syscall(SYS_rt_sigprocmask, -1, (address | (PAGE - 1)) - 7, NULL, 8) < 0 &&
           errno == EINVAL;
}

// An address at the top of this thread's stack, above all of its frames: the auxiliary vector's
// random bytes on the initial thread, the thread's control block on others, whose stack ends with
// it.
static u64 stack_top(void)
{
    bool is_initial = getpid() == (pid_t)syscall(SYS_gettid);
    u64 top = is_initial ? getauxval(AT_RANDOM) : (u64)(uintptr_t)__builtin_thread_pointer();
    return top & ~(u64)7;
}

// Widens the known part of the thread's own stack down to sp.  False when sp is not on it.
static bool own_stack(struct thread *t, u64 sp)
{
    if (t->stack_high == 0)
        t->stack_low = t->stack_high = stack_top();
    if (sp >= t->stack_high || t->stack_high - sp > (u64)MOST_PAGES * PAGE)
        return false;
    for (u64 page = sp & ~(u64)(PAGE - 1); page < t->stack_low; page += PAGE) {
        if (!probe(page))
            return false;
    }
    t->stack_low = sp & ~(u64)(PAGE - 1);
    return true;
}

struct window stack_window(u64 sp)
{
    struct thread *t = &thread;
    if ((sp >= t->stack_low && sp < t->stack_high) || own_stack(t, sp))
        return (struct window){.low = sp, .high = t->stack_high};
    return (struct window){0};
}

bool stack_copy(void *to, u64 address, size_t n)
{
    struct iovec here = {to, n}, there = {(void *)(uintptr_t)address, n};
    return syscall(SYS_process_vm_readv, getpid(), &here, 1, &there, 1, 0) == (long)n;
}

// A page of another thread's stack.  Only the sampler's thread has such windows.
static bool copy_page(struct window *w, u64 page)
{
    static _Alignas(8) u8 copy[PAGE];
    w->low = w->high = 0;
    if (!stack_copy(copy, page, PAGE))
        return false;
    *w = (struct window){page, page + PAGE, true, (u64)(uintptr_t)copy - page};
    return true;
}

bool stack_look(struct window *w, u64 address)
{
    u64 page = address & ~(u64)(PAGE - 1);
    if (address % 8 || address == 0)
        return false;
    if (w->is_remote)
        return copy_page(w, page);
    if (!probe(page))
        return false;
    *w = (struct window){.low = page, .high = page + PAGE};
    return true;
}
