// The sampler's thread, and how requests reach the process.  A request is words in the record's
// header; the thread waits for the first of them to change.  It runs only while it has something to
// do, and a while longer.  When there is none, a signal starts it.
//
// The thread is made by clone() itself, from a signal handler or anywhere else, and the C library
// does not know of it: a program with one thread stays one for its allocator and its locks.  It has
// a block of thread-local memory for errno and the like, no signals, and a table of descriptors of
// its own, in which nothing is open: so what it opens takes no number that the program counts on,
// and it keeps nothing open that the program closes.
#include "runtime/runtime.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sonde/sonde.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif

enum {
    PAGE = 4096,
    STACK_BYTES = 128 << 10,
    TLS_SPARE_BYTES = 16 << 10, // below the lowest variable that we know of, and above the block
    LINGER_NS = 2000000000,     // that it waits for the next request
    SCAN_PERIOD_NS = 1000000000,
    MOST_HZ = 10000,
    NICE = -10,
    SIGNALS_BYTES = 8
};

// What glibc and the compiler find at the thread pointer (x86-64).
struct control_block {
    void *self;
    u64 dtv;
    void *again;
    u64 spare[2], guard, pointer_guard;
};

static _Alignas(PAGE) u8 stack[STACK_BYTES]; // pages that are not used cost nothing
static u8 *tls;
static size_t tls_bytes;
static u32 is_started;                    // by whoever starts it
static u32 is_there;                      // the kernel sets it to 0 when the thread is gone
static u32 always_cpu_hz, always_wall_hz; // taken without being asked for

u64 sampler_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC) - record.header->start_mono_ns;
}

static u32 wanted_hz(u32 hz, u64 until_ns, u32 always_hz, u64 now)
{
    hz = now < until_ns ? hz : 0;
    if (hz < always_hz)
        hz = always_hz;
    return hz < MOST_HZ ? hz : MOST_HZ;
}

static bool switch_cpu(u64 hz)
{
    __atomic_store_n(&always_cpu_hz, (u32)hz, __ATOMIC_RELAXED);
    return true;
}

static bool switch_wall(u64 hz)
{
    __atomic_store_n(&always_wall_hz, (u32)hz, __ATOMIC_RELAXED);
    return true;
}

static bool switch_locks(u64 rate_ns)
{
    lock_set_rate(rate_ns);
    return true;
}

// Switches on and off what was asked for since the last time; what the API does is the same.
static void follow_switches(void)
{
    static bool (*const set[RECORD_NSWITCH])(u64 rate) = {
        [RECORD_SWITCH_HEAP] = heap_set_rate,
        [RECORD_SWITCH_CPU] = switch_cpu,
        [RECORD_SWITCH_WALL] = switch_wall,
        [RECORD_SWITCH_LOCKS] = switch_locks,
    };
    const struct record_request *q = &record.header->request;
    struct record_switched *done = record.header->answer.switched;
    for (u32 i = 0; i < RECORD_NSWITCH; i++) {
        u32 word = __atomic_load_n(&q->wanted[i].word, __ATOMIC_ACQUIRE);
        if (word == done[i].word)
            continue;
        bool is_set = set[i](__atomic_load_n(&q->wanted[i].rate, __ATOMIC_RELAXED));
        done[i] = (struct record_switched){word, is_set ? 0 : ENOTSUP};
    }
}

static void follow_cpu(u64 now)
{
    const struct record_request *q = &record.header->request;
    u64 until = __atomic_load_n(&q->cpu_until_ns, __ATOMIC_RELAXED);
    u32 hz = wanted_hz(__atomic_load_n(&q->cpu_hz, __ATOMIC_RELAXED), until, always_cpu_hz, now);
    if (hz == record.header->answer.cpu_hz)
        return;
    thread_scan();
    cpu_set_rate(hz);
}

static void follow_wall(u64 now)
{
    const struct record_request *q = &record.header->request;
    struct record_answer *a = &record.header->answer;
    u64 until = __atomic_load_n(&q->wall_until_ns, __ATOMIC_RELAXED);
    u32 hz = wanted_hz(__atomic_load_n(&q->wall_hz, __ATOMIC_RELAXED), until, always_wall_hz, now);
    u32 nflush = __atomic_load_n(&q->nflush, __ATOMIC_RELAXED);
    if (nflush != a->nflush) {
        wall_flush(now);
        a->nflush = nflush;
    }
    if (hz == a->wall_hz)
        return;
    thread_scan();
    wall_set_rate(hz, now);
    __atomic_store_n(&a->wall_hz, hz, __ATOMIC_RELAXED);
}

// Does what the request says.  False when that is nothing.
static bool follow(u64 now)
{
    struct record_header *h = record.header;
    u32 word = __atomic_load_n(&h->request.word, __ATOMIC_ACQUIRE);
    if (word != h->answer.word)
        follow_switches();
    follow_cpu(now);
    follow_wall(now);
    __atomic_store_n(&h->answer.word, word, __ATOMIC_RELEASE);
    return h->answer.cpu_hz || h->answer.wall_hz;
}

// When a request or a look is next due; at the latest after the period of scans.
static u64 next_due_ns(u64 now)
{
    const struct record_request *q = &record.header->request;
    u64 until[] = {q->cpu_until_ns, q->wall_until_ns};
    u64 next = now + SCAN_PERIOD_NS, look = wall_due_ns(), copy = copy_due_ns();
    look = copy < look ? copy : look;
    for (u32 i = 0; i < ARRAY_LEN(until); i++) {
        if (until[i] > now && until[i] < next)
            next = until[i];
    }
    return look < next ? look : next;
}

// Threads that ended or began without telling.
static bool scan(void)
{
    u32 n = __atomic_load_n(&thread_rows, __ATOMIC_ACQUIRE);
    bool is_alone = thread_scan() <= 1;
    for (u32 row = 1; row < n; row++) {
        u32 tid = __atomic_load_n(&thread_tid[row], __ATOMIC_ACQUIRE);
        if (tid == 0 || tid == UINT32_MAX)
            continue;
        if (syscall(SYS_tgkill, getpid(), tid, 0) != 0 && errno == ESRCH)
            thread_remove(row, tid);
        else
            cpu_arm(row);
    }
    return !is_alone;
}

// Until then, or until a request comes.
static void sleep_until(u64 due_ns)
{
    u64 now = sampler_now_ns(), left = due_ns > now ? due_ns - now : 1;
    struct record_header *h = record.header;
    struct timespec t = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
    if (h->request.word == h->answer.word)
        syscall(SYS_futex, &h->request.word, FUTEX_WAIT, h->answer.word, &t, NULL, 0);
}

static void work(void)
{
    u64 scanned_ns = 0, idle_since_ns = sampler_now_ns();
    for (;;) {
        u64 now = sampler_now_ns();
        if (follow(now) || copy_is_on())
            idle_since_ns = now;
        else if (now - idle_since_ns > LINGER_NS)
            return;
        if (wall_due_ns() <= now)
            wall_look(now);
        if (copy_due_ns() <= now)
            copy_step();
        if (now - scanned_ns >= SCAN_PERIOD_NS) {
            scanned_ns = now;
            if (!scan())
                return;
        }
        sleep_until(next_due_ns(sampler_now_ns()));
    }
}

static int run(void *unused)
{
    (void)unused;
    syscall(SYS_close_range, 0, UINT32_MAX, CLOSE_RANGE_UNSHARE);
    prctl(PR_SET_NAME, "sonde");
    blocked_begin();
    // To be late is to look when others have stopped.  Where this is allowed, it halves the delay
    // beside three times as many busy threads as CPUs.
    setpriority(PRIO_PROCESS, 0, NICE);
    if (start_is_whole()) {
        struct record_header *h = record.header;
        __atomic_store_n(&h->answer.sampler, (u32)syscall(SYS_gettid), __ATOMIC_RELEASE);
        work();
        __atomic_store_n(&h->answer.sampler, 0, __ATOMIC_SEQ_CST);
    }
    __atomic_store_n(&is_started, 0, __ATOMIC_SEQ_CST);
    return 0;
}

// A block for variables of all files that we use, each as far from the thread pointer as in this
// thread.
static bool make_tls(void)
{
    uintptr_t self = (uintptr_t)__builtin_thread_pointer(), lowest = (uintptr_t)&errno;
    if ((uintptr_t)&thread < lowest)
        lowest = (uintptr_t)&thread;
    size_t below = (self - lowest + TLS_SPARE_BYTES + PAGE - 1) & ~(size_t)(PAGE - 1);
    if (!tls) {
        void *block = mmap(NULL, below + TLS_SPARE_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED)
            return false;
        tls = block;
        tls_bytes = below;
    }
    struct control_block *own = (void *)(tls + tls_bytes);
    const struct control_block *model = (const void *)self;
    memset(tls, 0, tls_bytes);
    *own = (struct control_block){
        .self = own, .again = own, .guard = model->guard, .pointer_guard = model->pointer_guard};
    return true;
}

// The thread that was there before may still be on its way out.
static bool is_gone(void)
{
    for (u32 tries = 0; tries < 1000; tries++) {
        if (__atomic_load_n(&is_there, __ATOMIC_ACQUIRE) == 0)
            return true;
        syscall(SYS_sched_yield);
    }
    return false;
}

void sampler_wake(void)
{
    u64 all = UINT64_MAX, before;
    if (!signal_timer || __atomic_exchange_n(&is_started, 1, __ATOMIC_SEQ_CST))
        return;
    // The new thread inherits the mask.
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGNALS_BYTES);
    bool is_running = false;
    if (is_gone() && make_tls()) {
        const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                          CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
        is_running =
            clone(run, stack + STACK_BYTES, flags, NULL, &is_there, tls + tls_bytes, &is_there) > 0;
    }
    if (!is_running)
        __atomic_store_n(&is_started, 0, __ATOMIC_RELEASE);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNALS_BYTES);
}

void sampler_poll(void)
{
    const struct record_header *h = record.header;
    if (unlikely(__atomic_load_n(&h->request.word, __ATOMIC_RELAXED) !=
                 __atomic_load_n(&h->answer.word, __ATOMIC_RELAXED)))
        sampler_wake();
}

void sampler_configure(void)
{
    const char *cpu = getenv("SONDE_CPU"), *wall = getenv("SONDE_WALL");
    always_cpu_hz = cpu ? (u32)text_parse_number(cpu) : 0;
    always_wall_hz = wall ? (u32)text_parse_number(wall) : 0;
}

void sampler_resume(void)
{
    if (always_cpu_hz || always_wall_hz || copy_is_on())
        sampler_wake();
}

// Has the sampler take notice.
static int set_always(u32 *always_hz, unsigned hz)
{
    if (!signal_timer || !start_is_ready())
        return -1;
    u32 *word = &record.header->request.word;
    __atomic_store_n(always_hz, hz, __ATOMIC_RELAXED);
    __atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
    sampler_wake();
    return 0;
}

EXPORT int sonde_set_cpu_rate(unsigned hz)
{
    return set_always(&always_cpu_hz, hz);
}

EXPORT int sonde_set_wall_rate(unsigned hz)
{
    return set_always(&always_wall_hz, hz);
}

void sampler_reset(void)
{
    is_started = 0;
    is_there = 0;
    cpu_forget();
    wall_forget();
}
