// The two signals of the library, and the program's own view of signals.
//
// Samples of time come by a real-time signal that only our timers send: the kernel takes a timer's
// signals back at exec, so none can meet a program that does not expect it.  The program cannot
// block it, since a thread that did would be charged at the wrong place; it is told that it has.
//
// A process without a sampler is woken from outside by SIGURG, which is ignored by default: sent
// too late, to a program that has taken this one's place, it does nothing.
//
// Either signal still reaches the program's own handler when it comes from somebody else.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { WAKE = SIGURG, FIRST_CHOICE = 61, LAST_CHOICE = 40, NSIGNAL_BYTES = 8 };

int signal_timer;

static struct {
    int (*sigaction)(int signal, const struct sigaction *action, struct sigaction *old);
    sighandler_t (*signal)(int signal, sighandler_t handler);
    int (*mask)(int how, const sigset_t *set, sigset_t *old); // pthread_sigmask()
    int (*wait)(const sigset_t *set, int *signal);
    int (*wait_info)(const sigset_t *set, siginfo_t *info);
    int (*wait_until)(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
} real_signal;

// What the program wants done about WAKE and signal_timer.
static struct sigaction wanted[2];

static void find(void *function, const char *name)
{
    void *address = dlsym(RTLD_NEXT, name);
    memcpy(function, &address, sizeof(address));
}

static void resolve(void)
{
    if (real_signal.sigaction)
        return;
    find(&real_signal.signal, "signal");
    find(&real_signal.mask, "pthread_sigmask");
    find(&real_signal.wait, "sigwait");
    find(&real_signal.wait_info, "sigwaitinfo");
    find(&real_signal.wait_until, "sigtimedwait");
    find(&real_signal.sigaction, "sigaction");
}

static bool is_ours(int signal)
{
    return signal_timer && (signal == WAKE || signal == signal_timer);
}

static struct sigaction *wanted_for(int signal)
{
    return &wanted[signal == WAKE];
}

// What the kernel would have done without us.
static void do_default(int signal)
{
    if (signal == WAKE)
        return;
    struct sigaction action = {.sa_handler = SIG_DFL};
    real_signal.sigaction(signal, &action, NULL);
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal);
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    struct sigaction action = *wanted_for(signal);
    if (action.sa_handler == SIG_IGN)
        return;
    if (action.sa_handler == SIG_DFL) {
        do_default(signal);
        return;
    }
    if (action.sa_flags & (int)SA_RESETHAND)
        wanted_for(signal)->sa_handler = SIG_DFL;
    // Until the handler returns: then the kernel takes the mask of before.
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &action.sa_mask, NULL, NSIGNAL_BYTES);
    if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(signal, info, context);
    else
        action.sa_handler(signal);
}

struct context signal_context(const void *ucontext)
{
    const greg_t *r = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;
    return (struct context){(u64)r[REG_RIP], (u64)r[REG_RSP], (u64)r[REG_RBP]};
}

// Which timer of ours it was: a pointer into watched; NULL: none.
static u32 *timer_of(const siginfo_t *info, u32 *row)
{
    u64 offset = (u64)(uintptr_t)info->si_value.sival_ptr - (u64)(uintptr_t)watched;
    if (info->si_code != SI_TIMER || offset >= sizeof(watched))
        return NULL;
    *row = (u32)(offset / sizeof(*watched));
    return info->si_value.sival_ptr;
}

// It may be gone by now, with another one in its place: what it had to tell is told.
static bool is_current(const u32 *timer, const siginfo_t *info)
{
    return start_is_ours() && (u32)info->si_timerid + 1 == __atomic_load_n(timer, __ATOMIC_ACQUIRE);
}

static void on_timer(int signal, siginfo_t *info, void *context)
{
    int error = errno;
    u32 row;
    const u32 *timer = timer_of(info, &row);
    if (!timer) {
        pass_on(signal, info, context);
        errno = error;
        return;
    }
    bool is_told = is_current(timer, info);
    if (is_told && timer == &watched[row].cpu_timer)
        cpu_sample(row, 1 + (u32)info->si_overrun, context);
    else if (is_told && timer == &watched[row].wall_timer)
        wall_ran(row, context);
    else if (is_told && timer == &watched[row].poke_timer)
        wall_waited(row, context);
    restart_wait(context);
    errno = error;
}

static void on_wake(int signal, siginfo_t *info, void *context)
{
    int error = errno;
    if (info->si_code == SI_QUEUE && info->si_value.sival_int == RECORD_WAKE_VALUE) {
        sampler_wake();
        restart_wait(context);
    } else {
        pass_on(signal, info, context);
    }
    errno = error;
}

// Puts our handler in place, with what of the program's flags can be felt from outside.
static bool install(int signal, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    const struct sigaction *own = wanted_for(signal);
    if (own->sa_handler != SIG_DFL && own->sa_handler != SIG_IGN)
        action.sa_flags = SA_SIGINFO | (own->sa_flags & (SA_RESTART | SA_ONSTACK));
    return real_signal.sigaction(signal, &action, NULL) == 0;
}

static int set_wanted(int signal, const struct sigaction *action, struct sigaction *old)
{
    struct sigaction before = *wanted_for(signal);
    if (action) {
        *wanted_for(signal) = *action;
        sigdelset(&wanted_for(signal)->sa_mask, signal_timer);
        install(signal, signal == WAKE ? on_wake : on_timer);
    }
    if (old)
        *old = before;
    return 0;
}

static int choose(void)
{
    struct sigaction now;
    for (int signal = FIRST_CHOICE; signal >= LAST_CHOICE; signal--) {
        if (real_signal.sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            return signal;
    }
    return 0;
}

void signal_install(void)
{
    resolve();
    int chosen = choose();
    sigset_t set;
    sigemptyset(&set);
    if (!chosen || real_signal.sigaction(WAKE, NULL, wanted_for(WAKE)) != 0 ||
        !install(chosen, on_timer))
        return;
    signal_timer = chosen;
    install(WAKE, on_wake);
    // Whoever started the program may have blocked it.
    sigaddset(&set, chosen);
    real_signal.mask(SIG_UNBLOCK, &set, NULL);
}

// Returns an error's number.
static int change_mask(int how, const sigset_t *set, sigset_t *old)
{
    resolve();
    if (!signal_timer)
        return real_signal.mask(how, set, old);
    bool blocked = thread.blocks_timer, named = set && sigismember(set, signal_timer) == 1;
    sigset_t others;
    if (set) {
        others = *set;
        sigdelset(&others, signal_timer);
    }
    int error = real_signal.mask(how, set ? &others : NULL, old);
    if (error)
        return error;
    if (old && blocked)
        sigaddset(old, signal_timer);
    if (set)
        thread.blocks_timer = how == SIG_BLOCK     ? blocked || named
                              : how == SIG_UNBLOCK ? blocked && !named
                                                   : named;
    return 0;
}

// The public names.

EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    resolve();
    if (is_ours(signal))
        return set_wanted(signal, action, old);
    if (!action || !signal_timer || sigismember(&action->sa_mask, signal_timer) != 1)
        return real_signal.sigaction(signal, action, old);
    struct sigaction unblocked = *action;
    sigdelset(&unblocked.sa_mask, signal_timer);
    return real_signal.sigaction(signal, &unblocked, old);
}

EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
    resolve();
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    if (!is_ours(signal))
        return real_signal.signal(signal, handler);
    set_wanted(signal, &action, &old);
    return old.sa_handler;
}

EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return change_mask(how, set, old);
}

EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    int error = change_mask(how, set, old);
    if (error)
        errno = error;
    return error ? -1 : 0;
}

// A thread that waits for signals gets those that it names even if they are not blocked.
static const sigset_t *without_timer(sigset_t *room, const sigset_t *set)
{
    resolve();
    if (!signal_timer || !set || sigismember(set, signal_timer) != 1)
        return set;
    *room = *set;
    sigdelset(room, signal_timer);
    return room;
}

EXPORT int sigwait(const sigset_t *set, int *signal)
{
    sigset_t room;
    const sigset_t *others = without_timer(&room, set);
    return real_signal.wait(others, signal);
}

EXPORT int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    sigset_t room;
    const sigset_t *others = without_timer(&room, set);
    return real_signal.wait_info(others, info);
}

EXPORT int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    sigset_t room;
    const sigset_t *others = without_timer(&room, set);
    return real_signal.wait_until(others, info, timeout);
}
