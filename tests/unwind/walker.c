// For LD_PRELOAD: a thread that interrupts the others of its process at random instants, by a
// signal.  The handler walks up the interrupted stack twice: as the runtime does, of which this
// library has a copy, and with libgcc's _Unwind_Backtrace.
//
// After WALKER_STACKS stacks it writes to the file WALKER_OUT a line of numbers: stacks; frames of
// libgcc; how many of them are the same; stacks that Sonde follows further; and those on which
// libgcc's walk ended with SIGSEGV, since its rules do not hold while it leaves its own frames
// (uw_install_context).  Then one for each of the first stacks that part, with what was walked from
// and what each says is above; and ends the process.
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "runtime/runtime.h"

enum { MOST_FRAMES = 512, MOST_TASKS = 256, MOST_PARTINGS = 40 };

struct walked {
    u64 pc[MOST_FRAMES];
    u32 n, skipped;
    u64 start;     // the interrupted pc: what is below it is the handler's
    bool is_begun; // it was reached
};

struct parting {
    u64 from, ours, theirs;
};

static struct {
    u32 nstack;
    u64 nframe, nequal;
    struct parting parting[MOST_PARTINGS];
    u32 nparting, nfurther, ncrash;
    u32 busy;
    sigjmp_buf out; // of a walk that crashed
} seen;

static void on_crash(int number)
{
    (void)number;
    siglongjmp(seen.out, 1);
}

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *c, void *context)
{
    struct walked *w = context;
    u64 pc = _Unwind_GetIP(c);
    w->is_begun |= pc == w->start;
    if (!w->is_begun)
        return ++w->skipped < MOST_FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
    if (pc == 0 || w->n == MOST_FRAMES)
        return _URC_END_OF_STACK;
    w->pc[w->n++] = pc;
    return _URC_NO_REASON;
}

// A frame's address is that of an instruction: of callers, one byte before what they return to.
static bool is_same(u64 frame, u64 pc)
{
    return record_frame_address(frame) == pc || record_frame_address(frame) == pc - 1;
}

static void compare(const u64 *frame, u32 n, const struct walked *w)
{
    u32 same = 0;
    while (same < n && same < w->n && is_same(frame[same], w->pc[same]))
        same++;
    seen.nstack++;
    seen.nframe += w->n;
    seen.nequal += same;
    seen.nfurther += same == w->n && same < n;
    if (same < w->n && seen.nparting < MOST_PARTINGS)
        seen.parting[seen.nparting++] =
            (struct parting){same ? w->pc[same - 1] : 0,
                             same < n ? record_frame_address(frame[same]) : 0, w->pc[same]};
}

// False when it crashed.
__attribute__((noinline)) static bool walk_theirs(struct walked *w)
{
    struct sigaction crash = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK}, before;
    sigaction(SIGSEGV, &crash, &before);
    bool done = sigsetjmp(seen.out, 1) == 0;
    if (done)
        _Unwind_Backtrace(add_frame, w);
    sigaction(SIGSEGV, &before, NULL);
    return done;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    static u64 frame[RECORD_MAX_FRAMES];
    static struct walked w;
    const greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    u16 flags;
    if (__atomic_exchange_n(&seen.busy, 1, __ATOMIC_ACQUIRE))
        return;
    w = (struct walked){.start = (u64)r[REG_RIP]};
    u32 n = unwind_interrupted(frame, &flags, context);
    if (walk_theirs(&w))
        compare(frame, n, &w);
    else
        seen.ncrash++;
    __atomic_store_n(&seen.busy, 0, __ATOMIC_RELEASE);
}

static pid_t choose_task(pid_t self)
{
    pid_t task[MOST_TASKS];
    u32 n = 0;
    DIR *folder = opendir("/proc/self/task");
    for (struct dirent *d; folder && n < MOST_TASKS && (d = readdir(folder));) {
        task[n] = (pid_t)strtol(d->d_name, NULL, 10);
        n += task[n] > 0 && task[n] != self;
    }
    closedir(folder);
    return n ? task[(u32)rand() % n] : 0;
}

static const char *file_of(u64 pc)
{
    Dl_info info;
    if (pc == 0)
        return "the end";
    if (!dladdr((void *)(uintptr_t)pc, &info) || !info.dli_fname)
        return "code in no file";
    const char *slash = strrchr(info.dli_fname, '/');
    return info.dli_sname ? info.dli_sname : slash ? slash + 1 : info.dli_fname;
}

static void report(void)
{
    FILE *out = fopen(getenv("WALKER_OUT"), "we");
    if (!out)
        _exit(2);
    fprintf(out, "%u %llu %llu %u %u\n", seen.nstack, (unsigned long long)seen.nframe,
            (unsigned long long)seen.nequal, seen.nfurther, seen.ncrash);
    for (u32 i = 0; i < seen.nparting; i++) {
        const struct parting *p = &seen.parting[i];
        fprintf(out, "from %s: sonde %s, libgcc %s\n", file_of(p->from), file_of(p->ours),
                file_of(p->theirs));
    }
    fclose(out);
    _exit(0);
}

static void *disturb(void *unused)
{
    (void)unused;
    const u32 most = (u32)strtoul(getenv("WALKER_STACKS"), NULL, 10);
    const int number = SIGRTMIN + 7;
    pid_t self = (pid_t)syscall(SYS_gettid);
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    usleep(500000);
    srand((unsigned)self);
    while (seen.nstack < most) {
        usleep((useconds_t)(rand() % 3000));
        sigaction(number, &action, NULL); // Go takes all signals when it starts, late perhaps
        pid_t task = choose_task(self);
        if (task)
            syscall(SYS_tgkill, getpid(), task, number);
    }
    report();
    return unused;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t other;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    start();
    if (getenv("WALKER_OUT") && start_is_ready())
        pthread_create(&other, NULL, disturb, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
