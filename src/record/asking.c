#include "record/asking.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum {
    PATIENCE_NS = 10000000000, // where others have the processors it takes seconds
    AGAIN_NS = 100000000,      // between two signals
    QUICK_NS = 1000000         // between two looks for an answer
};

void asking_pause_ns(u64 ns)
{
    const struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    nanosleep(&t, NULL);
}

u64 asking_now_ns(const struct asking *q)
{
    return clock_ns(CLOCK_MONOTONIC) - q->header.start_mono_ns;
}

bool asking_read(const struct asking *q, void *to, size_t n, u64 offset)
{
    return pread(q->fd, to, n, (off_t)offset) == (ssize_t)n;
}

bool asking_open(struct asking *q, const struct folder_record *r, struct arena *a, struct err *e)
{
    struct record_view v;
    *q = (struct asking){.pid = r->pid, .arena = a};
    q->fd = open(r->path.ptr, O_RDWR | O_CLOEXEC);
    if (q->fd < 0)
        return err_errno(e, errno, "%s", r->path.ptr);
    if (!record_read(&v, r->path.ptr, a, e))
        return false;
    q->header = v.header;
    void *page = mmap(NULL, RECORD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, q->fd, 0);
    if (page == MAP_FAILED)
        return err_errno(e, errno, "%s", r->path.ptr);
    q->word = &((struct record_header *)page)->request.word;
    return true;
}

void asking_close(struct asking *q)
{
    if (q->word)
        munmap((u8 *)q->word - offsetof(struct record_header, request.word), RECORD_PAGE);
    if (q->fd >= 0)
        close(q->fd);
}

// Whether a line of /proc/PID/task/TID/status, a mask, has the signal.
static bool mask_has(const char *status, const char *name, u32 signal)
{
    const char *line = strstr(status, name);
    return line && (strtoull(line + strlen(name), NULL, 16) >> (signal - 1) & 1);
}

// The best thread for a signal: one that runs, since no wait of its is interrupted, or any that
// does not block it.  0: none.
static u32 choose_thread(const struct asking *q, u32 signal)
{
    u32 best = 0;
    struct str folder = arena_printf(q->arena, "/proc/%u/task", q->pid);
    DIR *d = opendir(folder.ptr);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct str path = arena_printf(q->arena, "%s/%s/status", folder.ptr, entry->d_name), text;
        struct err e;
        i64 tid;
        if (!str_i64(&tid, str_of(entry->d_name)) ||
            !file_read(&text, path.ptr, (size_t)KIB(64), q->arena, &e))
            continue;
        const char *status = arena_str(q->arena, text).ptr;
        if (mask_has(status, "\nSigBlk:", signal) || !mask_has(status, "\nSigCgt:", signal))
            continue;
        if (!best || strstr(status, "\nState:\tR"))
            best = (u32)tid;
    }
    if (d)
        closedir(d);
    return best;
}

// Starts the sampler of a process that has none.
static void send_signal(const struct asking *q)
{
    u32 signal = q->header.answer.signal, tid = signal ? choose_thread(q, signal) : 0;
    siginfo_t info = {.si_signo = (int)signal, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = RECORD_WAKE_VALUE;
    if (tid)
        syscall(SYS_rt_tgsigqueueinfo, q->pid, tid, signal, &info);
}

// All but the word, which says that the rest is there.  The process counts it up, too.
static bool write_request(struct asking *q, struct record_request *r)
{
    const size_t behind = sizeof(r->word);
    const u64 at = offsetof(struct record_header, request) + behind;
    const ssize_t n = (ssize_t)(sizeof(*r) - behind);
    if (pwrite(q->fd, (const u8 *)r + behind, (size_t)n, (off_t)at) != n)
        return false;
    r->word = __atomic_add_fetch(q->word, 1, __ATOMIC_SEQ_CST);
    return true;
}

bool asking_request(struct asking *q, void (*change)(void *context, struct record_request *r),
                    void *context, struct err *e)
{
    struct record_request r;
    bool done = flock(q->fd, LOCK_EX) == 0;
    if (done) {
        done = asking_read(q, &r, sizeof(r), offsetof(struct record_header, request));
        if (done) {
            change(context, &r);
            done = write_request(q, &r);
            q->header.request = r;
        }
        flock(q->fd, LOCK_UN);
    }
    syscall(SYS_futex, q->word, FUTEX_WAKE, 1, NULL, NULL, 0);
    return done || err_errno(e, errno, "the record of process %u cannot be written", q->pid);
}

static bool is_answered(const struct asking *q)
{
    return (i32)(q->header.answer.word - q->header.request.word) >= 0;
}

bool asking_await(struct asking *q, struct err *e)
{
    u64 start_ns = asking_now_ns(q), signalled_ns = 0;
    struct record_request mine = q->header.request;
    for (;;) {
        u64 now = asking_now_ns(q);
        if (kill((pid_t)q->pid, 0) != 0 && errno == ESRCH)
            return err_set(e, ESRCH, "process %u has ended", q->pid);
        if (!asking_read(q, &q->header, sizeof(q->header), 0))
            return err_set(e, EIO, "the record of process %u cannot be read", q->pid);
        q->header.request = mine;
        if (is_answered(q))
            return true;
        if (now - start_ns > PATIENCE_NS)
            return err_set(e, ETIMEDOUT,
                           "process %u does not answer: it may be stopped, or block signal %u in "
                           "all threads; what SONDE_RATE, SONDE_LOCK_RATE, SONDE_CPU and "
                           "SONDE_WALL say holds from its start on",
                           q->pid, q->header.answer.signal);
        if (q->header.answer.sampler == 0 && (!signalled_ns || now - signalled_ns > AGAIN_NS)) {
            signalled_ns = now;
            send_signal(q);
        }
        asking_pause_ns(QUICK_NS);
    }
}
