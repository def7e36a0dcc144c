#include "record/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

enum {
    DEFAULT_HZ = 100,
    GRACE_NS = 2000000000, // that samples go on if we are gone
    PATIENCE_NS = 3000000000,
    AGAIN_NS = 100000000, // between two signals
    STEP_NS = 50000000,   // between two readings of the ring
    QUICK_NS = 1000000,   // between two looks for an answer
    CHUNK_ROWS = 512
};

struct asking {
    const struct session *s;
    u32 pid;
    int fd;    // of the record
    u32 *word; // request.word, mapped; for nothing but to wake who waits for it
    struct record_header header;
    u64 next;     // row of the ring that is to be read next
    u64 until_ns; // as we asked for
    u64 start_ns; // when samples begin to count
    struct times *times;
    struct arena *arena;
};

static u64 clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static void pause_ns(u64 ns)
{
    const struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    nanosleep(&t, NULL);
}

// Time of the record's clock.
static u64 now_ns(const struct asking *q)
{
    return clock_ns(CLOCK_MONOTONIC) - q->header.start_mono_ns;
}

static bool read_at(const struct asking *q, void *to, size_t n, u64 offset)
{
    return pread(q->fd, to, n, (off_t)offset) == (ssize_t)n;
}

static bool read_header(struct asking *q)
{
    return read_at(q, &q->header, sizeof(q->header), 0);
}

static bool open_record(struct asking *q, const struct folder_record *r, struct err *e)
{
    struct record_view v;
    q->fd = open(r->path.ptr, O_RDWR | O_CLOEXEC);
    if (q->fd < 0)
        return err_errno(e, errno, "%s", r->path.ptr);
    if (!record_read(&v, r->path.ptr, q->arena, e))
        return false;
    q->header = v.header;
    void *page = mmap(NULL, RECORD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, q->fd, 0);
    if (page == MAP_FAILED)
        return err_errno(e, errno, "%s", r->path.ptr);
    q->word = &((struct record_header *)page)->request.word;
    return true;
}

static void close_record(struct asking *q)
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

// Writes the request as change makes it, and has the process look.  Requests by several at once
// follow each other.
static bool request(struct asking *q, void (*change)(struct asking *q, struct record_request *r))
{
    struct record_request r;
    const u64 at = offsetof(struct record_header, request);
    if (flock(q->fd, LOCK_EX) != 0)
        return false;
    bool done = read_at(q, &r, sizeof(r), at);
    if (done) {
        change(q, &r);
        r.word++;
        done = pwrite(q->fd, &r, sizeof(r), (off_t)at) == (ssize_t)sizeof(r);
        q->header.request = r;
    }
    flock(q->fd, LOCK_UN);
    syscall(SYS_futex, q->word, FUTEX_WAKE, 1, NULL, NULL, 0);
    return done;
}

static bool is_answered(const struct asking *q)
{
    return (i32)(q->header.answer.word - q->header.request.word) >= 0;
}

static bool await_answer(struct asking *q, struct err *e)
{
    u64 start_ns = now_ns(q), signalled_ns = 0;
    struct record_request mine = q->header.request;
    for (;;) {
        u64 now = now_ns(q);
        if (kill((pid_t)q->pid, 0) != 0 && errno == ESRCH)
            return err_set(e, ESRCH, "process %u has ended", q->pid);
        if (!read_header(q))
            return err_set(e, EIO, "the record of process %u cannot be read", q->pid);
        q->header.request = mine;
        if (is_answered(q))
            return true;
        if (now - start_ns > PATIENCE_NS)
            return err_set(e, ETIMEDOUT,
                           "process %u does not answer: it may be stopped, or block signal %u in "
                           "all threads; SONDE_CPU and SONDE_WALL take samples from its start on",
                           q->pid, q->header.answer.signal);
        if (q->header.answer.sampler == 0 && (!signalled_ns || now - signalled_ns > AGAIN_NS)) {
            signalled_ns = now;
            send_signal(q);
        }
        pause_ns(QUICK_NS);
    }
}

static void begin(struct asking *q, struct record_request *r)
{
    u32 hz = q->s->hz ? q->s->hz : DEFAULT_HZ;
    bool is_cpu = q->s->kind == RECORD_CPU;
    u64 *until = is_cpu ? &r->cpu_until_ns : &r->wall_until_ns, now = now_ns(q);
    u32 *rate = is_cpu ? &r->cpu_hz : &r->wall_hz;
    *rate = *until > now && *rate > hz ? *rate : hz; // somebody else may want more
    q->until_ns = now + (u64)q->s->duration_ns + GRACE_NS;
    if (*until < q->until_ns)
        *until = q->until_ns;
}

// Only the last one ends it.
static void end(struct asking *q, struct record_request *r)
{
    u64 *until = q->s->kind == RECORD_CPU ? &r->cpu_until_ns : &r->wall_until_ns;
    if (*until == q->until_ns)
        *until = 0;
    r->nflush++;
}

// Appends the rows of the ring that came since the last time.
static void drain(struct asking *q)
{
    const struct record_section section = q->header.section[RECORD_SAMPLE];
    u64 nring, n = section.nrow;
    if (!read_at(q, &nring, sizeof(nring), offsetof(struct record_header, nring)) || n == 0)
        return;
    if (nring - q->next > n) {
        q->times->lost += nring - q->next - n;
        q->next = nring - n;
    }
    while (q->next < nring) {
        struct record_sample row[CHUNK_ROWS];
        u64 at = q->next % n, count = nring - q->next < n - at ? nring - q->next : n - at;
        count = count < CHUNK_ROWS ? count : CHUNK_ROWS;
        if (!read_at(q, row, count * sizeof(*row), section.offset + at * sizeof(*row)))
            return;
        for (u64 i = 0; i < count; i++) {
            bool is_whole = row[i].number == q->next + i + 1;
            q->times->lost += !is_whole && row[i].number != 0;
            if (is_whole && row[i].kind == q->times->kind &&
                times_clip(&row[i], q->start_ns, UINT64_MAX))
                *arena_push(q->arena, q->times->sample, q->times->nsample, q->times->cap) = row[i];
        }
        q->next += count;
    }
}

static bool collect(struct asking *q, struct err *e)
{
    if (!request(q, begin))
        return err_errno(e, errno, "the record of process %u cannot be written", q->pid);
    if (!await_answer(q, e))
        return false;
    read_at(q, &q->next, sizeof(q->next), offsetof(struct record_header, nring));
    u64 now = q->start_ns = now_ns(q);
    q->times->time_ns = (i64)clock_ns(CLOCK_REALTIME);
    while (now - q->start_ns < (u64)q->s->duration_ns && kill((pid_t)q->pid, 0) == 0) {
        u64 left = q->start_ns + (u64)q->s->duration_ns - now;
        pause_ns(left < STEP_NS ? left : STEP_NS);
        drain(q);
        now = now_ns(q);
    }
    struct err ended;
    if (request(q, end))
        await_answer(q, &ended);
    q->times->duration_ns = (i64)(now_ns(q) - q->start_ns);
    drain(q);
    return true;
}

bool session_run(struct times *out, struct record_view *v, const struct session *s,
                 const struct folder_record *r, struct arena *a, struct err *e)
{
    u32 hz = s->hz ? s->hz : DEFAULT_HZ;
    *out = (struct times){.kind = s->kind, .period_ns = 1000000000 / hz};
    struct asking q = {.s = s, .pid = r->pid, .fd = -1, .times = out, .arena = a};
    bool done = open_record(&q, r, e) && collect(&q, e);
    // It may be gone from its folder by now.
    struct str path = arena_printf(a, "/proc/self/fd/%d", q.fd);
    done = done && record_read(v, path.ptr, a, e);
    close_record(&q);
    return done;
}

bool session_recall(struct times *out, struct record_view *v, const struct session *s,
                    const struct folder_record *r, i64 at_ns, struct arena *a, struct err *e)
{
    if (!record_read(v, r->path.ptr, a, e))
        return false;
    u32 hz = s->kind == RECORD_CPU ? v->header.answer.cpu_hz : v->header.answer.wall_hz;
    i64 now = (i64)(clock_ns(CLOCK_MONOTONIC) - v->header.start_mono_ns);
    i64 from = now + at_ns, to = from + s->duration_ns < now ? from + s->duration_ns : now;
    from = from > 0 ? from : 0;
    to = to > from ? to : from;
    *out = (struct times){.kind = s->kind, .period_ns = hz ? 1000000000 / hz : 0};
    out->time_ns = (i64)v->header.start_time_ns + from;
    out->duration_ns = to - from;
    times_collect(out, v, (u64)from, (u64)to, a);
    return out->nsample != 0 ||
           err_set(e, ENOENT,
                   "process %u has no samples of that time: they are taken always with \"sonde run "
                   "-cpu=HZ -wall=HZ\" or the variables SONDE_CPU and SONDE_WALL",
                   r->pid);
}
