// CPU samples.  Each thread has a timer on its own CPU clock, which runs only while the thread does
// and signals that thread: so a sample costs the one who is sampled, and an idle thread nothing.
// The kernel looks at timers when its clock ticks; what ran out between two ticks comes as one
// signal with a count.  A timer's first period is cut at random, so that a thread that lives for
// less than one is sampled as often as its time deserves.
#include "runtime/runtime.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_NS = 1000000000 };

static u64 period_ns; // 0: no samples are taken

u64 cpu_random(u64 n)
{
    static u64 state;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    u64 x = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15, __ATOMIC_RELAXED) ^ (u64)now.tv_nsec;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return (x ^ x >> 31) % n;
}

u32 cpu_make_timer(i32 clock, u32 tid, void *cookie)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal_timer};
    int id = 0;
    event._sigev_un._tid = (pid_t)tid;
    event.sigev_value.sival_ptr = cookie;
    return syscall(SYS_timer_create, clock, &event, &id) == 0 ? (u32)id + 1 : 0;
}

bool cpu_delete_timer(u32 *timer)
{
    u32 known = __atomic_load_n(timer, __ATOMIC_ACQUIRE);
    if (known == 0 || known == UINT32_MAX ||
        !__atomic_compare_exchange_n(timer, &known, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return false;
    syscall(SYS_timer_delete, known - 1);
    return true;
}

i32 cpu_clock(u32 tid)
{
    return (i32)(~tid << 3 | 6);
}

u64 cpu_clock_ns(u32 tid)
{
    struct timespec t;
    if (clock_gettime(cpu_clock(tid), &t) != 0)
        return 0;
    return (u64)t.tv_sec * SECOND_NS + (u64)t.tv_nsec;
}

static void set_timer(u32 row, u32 tid, u32 timer, u64 period)
{
    struct watched *w = &watched[row];
    u64 first = cpu_clock_ns(tid) + 1 + cpu_random(period);
    struct itimerspec when = {
        .it_value = {(time_t)(first / SECOND_NS), (long)(first % SECOND_NS)},
        .it_interval = {(time_t)(period / SECOND_NS), (long)(period % SECOND_NS)},
    };
    w->cpu_period_ns = period;
    w->cpu_first_ns = first;
    w->cpu_told = 0;
    w->cpu_stack = 0;
    syscall(SYS_timer_settime, timer - 1, TIMER_ABSTIME, &when, NULL);
}

static void add_sample(u32 row, u32 tid, u64 count, u32 stack)
{
    struct watched *w = &watched[row];
    struct record_sample s = {
        .time_ns = start_clock_ns(),
        .amount_ns = count * w->cpu_period_ns,
        .count = (u32)count,
        .tid = tid,
        .stack = stack,
        .kind = RECORD_CPU,
        .wait = RECORD_ON_CPU,
    };
    w->cpu_told += count;
    w->cpu_stack = stack;
    record_sample_add(&record, &s);
}

// A stack for a thread that ended before it could be seen anywhere: its function.
static u32 whole_thread(u32 row)
{
    const struct module *m = module_find(watched[row].run);
    u64 frame = record_frame(watched[row].run, m ? m->mapping : 0);
    return record_stack_offset(&record, record_stack_add(&record, RECORD_TIME, 0, &frame, 1));
}

// The kernel's clock did not tick since the timer's last ends, and they would be lost: on average
// half a tick for each thread.
static void settle(u32 row, u32 tid)
{
    struct watched *w = &watched[row];
    u64 now = cpu_clock_ns(tid);
    if (now < w->cpu_first_ns)
        return;
    u64 ends = 1 + (now - w->cpu_first_ns) / w->cpu_period_ns;
    u32 stack = w->cpu_stack || !w->run ? w->cpu_stack : whole_thread(row);
    if (ends > w->cpu_told && stack)
        add_sample(row, tid, ends - w->cpu_told, stack);
}

void cpu_arm(u32 row)
{
    struct watched *w = &watched[row];
    u32 none = 0, tid = __atomic_load_n(&thread_tid[row], __ATOMIC_ACQUIRE);
    u64 period = __atomic_load_n(&period_ns, __ATOMIC_ACQUIRE);
    if (period == 0 || tid == 0 || tid == UINT32_MAX ||
        !__atomic_compare_exchange_n(&w->cpu_timer, &none, UINT32_MAX, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return;
    u32 timer = cpu_make_timer(cpu_clock(tid), tid, &w->cpu_timer);
    if (timer)
        set_timer(row, tid, timer, period);
    // From now on others may take it away; what ran out before is told then.
    __atomic_store_n(&w->cpu_timer, timer, __ATOMIC_RELEASE);
    if (!timer && errno != EINVAL) // that there is no such thread any more
        __atomic_fetch_add(&record.header->answer.refused, 1, __ATOMIC_RELAXED);
    // Whoever ended this meanwhile has left the timer to us.
    if (__atomic_load_n(&period_ns, __ATOMIC_ACQUIRE) != period ||
        __atomic_load_n(&thread_tid[row], __ATOMIC_ACQUIRE) != tid)
        cpu_delete_timer(&w->cpu_timer);
}

void cpu_disarm(u32 row, u32 tid)
{
    if (cpu_delete_timer(&watched[row].cpu_timer))
        settle(row, tid);
}

void cpu_set_rate(u32 hz)
{
    u64 period = hz ? SECOND_NS / hz : 0;
    u32 n = __atomic_load_n(&thread_rows, __ATOMIC_ACQUIRE);
    __atomic_store_n(&period_ns, period, __ATOMIC_RELEASE);
    __atomic_store_n(&record.header->answer.cpu_hz, hz, __ATOMIC_RELEASE);
    for (u32 row = 1; row < n; row++) {
        cpu_disarm(row, __atomic_load_n(&thread_tid[row], __ATOMIC_ACQUIRE));
        cpu_arm(row);
    }
}

void cpu_forget(void)
{
    period_ns = 0;
}

u32 cpu_stack(const void *ucontext)
{
    u64 frame[RECORD_MAX_FRAMES];
    u16 flags;
    u32 n = unwind_interrupted(frame, &flags, ucontext);
    struct record_key key = {.kind = RECORD_TIME, .flags = flags, .labels = thread.labels};
    return record_stack_offset(&record, record_stack_find(&record, key, frame, n));
}

void cpu_sample(u32 row, u32 count, const void *ucontext)
{
    u32 stack = cpu_stack(ucontext);
    add_sample(row, __atomic_load_n(&thread_tid[row], __ATOMIC_RELAXED), count, stack);
    prctl(PR_GET_NAME, record.thread[row].name);
}
