// Wall samples: where all threads are, running or not.  The sampler looks before it signals:
//
//   - a thread whose CPU clock stands still since it was seen blocked is where it was;
//   - one that is blocked somewhere else does not run now, so its stack is read from here;
//   - one that runs is asked by a timer on its own CPU clock, which ends while it runs;
//   - one whose stack cannot be read without its frame pointer is asked by a signal, once for each
//     place, unless it is sending data.
//
// So threads that wait see no signals, but for the last, and cost one reading of a clock a look.
//
// Time is cut into periods; the look of each is at a random moment in it and stands for all of it.
#include "runtime/runtime.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_NS = 1000000000, FLUSH_NS = 1000000000, NAME_NS = 500000000 };

static u64 period_ns;  // 0: nobody looks
static u64 next_ns;    // start of the period that no look stands for yet
static u64 due_ns;     // of the next look
static u64 flushed_ns; // when all was written out last

u64 wall_due_ns(void)
{
    return period_ns ? due_ns : UINT64_MAX;
}

static void add_sample(u32 tid, u64 amount_ns, u32 stack, u32 wait, u64 now_ns)
{
    u64 period = period_ns ? period_ns : amount_ns;
    struct record_sample s = {
        .time_ns = now_ns,
        .amount_ns = amount_ns,
        .count = (u32)((amount_ns + period / 2) / period),
        .tid = tid,
        .stack = stack,
        .kind = RECORD_WALL,
        .wait = (u16)wait,
    };
    record_sample_add(&record, &s);
}

static void write_out(struct watched *w, u64 now_ns)
{
    if (w->open_ns)
        add_sample(w->known_tid, w->open_ns, w->open_stack, w->open_wait, now_ns);
    w->open_ns = 0;
}

// Tells the thread's row where it is.
static void show(u32 row, u32 stack, u32 wait, u64 now_ns)
{
    struct record_thread *t = &record.thread[row];
    if (t->stack == stack && t->wait == wait)
        return;
    t->stack = stack;
    t->wait = wait;
    t->since_ns = now_ns;
}

static void charge(u32 row, u64 amount_ns, u32 stack, u32 wait, u64 now_ns)
{
    struct watched *w = &watched[row];
    if (w->open_stack != stack || w->open_wait != wait) {
        write_out(w, now_ns);
        w->open_stack = stack;
        w->open_wait = wait;
        show(row, stack, wait, now_ns);
    }
    w->open_ns += amount_ns;
}

// Makes the timer if there is none, and has it end as soon as its clock goes on.
static void start_timer(u32 *timer, i32 clock, u32 tid)
{
    static const struct itimerspec at_once = {.it_value = {0, 1}};
    if (*timer == 0)
        *timer = cpu_make_timer(clock, tid, timer);
    if (*timer)
        syscall(SYS_timer_settime, *timer - 1, 0, &at_once, NULL);
}

// Has a thread that runs tell where, when the kernel's clock ticks while it does.  What it tells
// then is true of all its running.  Only its own clock's timer can be used: that one interrupts
// nothing, should the thread have begun to wait by now.
static void ask_running(u32 row, u32 tid, u64 amount_ns, bool is_ready, u64 now_ns)
{
    struct watched *w = &watched[row];
    write_out(w, now_ns);
    w->open_stack = 0;
    if (is_ready)
        __atomic_fetch_add(&w->ready_ns, amount_ns, __ATOMIC_RELAXED);
    if (__atomic_fetch_add(&w->ran_ns, amount_ns, __ATOMIC_RELEASE) == 0)
        start_timer(&w->wall_timer, cpu_clock(tid), tid);
}

// Has a thread that waits tell where, which interrupts the wait.  The kernel takes a timer's signal
// back at exec, as it would not one that was sent.
static void poke(u32 row, u32 tid, u64 amount_ns, u32 wait, u64 now_ns)
{
    struct watched *w = &watched[row];
    write_out(w, now_ns);
    w->open_stack = 0;
    w->waited_for = wait;
    if (__atomic_fetch_add(&w->waited_ns, amount_ns, __ATOMIC_RELEASE) == 0)
        start_timer(&w->poke_timer, CLOCK_MONOTONIC, tid);
}

static void tell_running(u32 row, u32 tid, u32 stack, u64 now_ns)
{
    struct watched *w = &watched[row];
    u64 ran = __atomic_exchange_n(&w->ran_ns, 0, __ATOMIC_ACQUIRE);
    u64 ready = __atomic_exchange_n(&w->ready_ns, 0, __ATOMIC_RELAXED);
    ready = ready < ran ? ready : ran;
    if (ran > ready)
        add_sample(tid, ran - ready, stack, RECORD_ON_CPU, now_ns);
    if (ready)
        add_sample(tid, ready, stack, RECORD_RUNNABLE, now_ns);
}

void wall_ran(u32 row, const void *ucontext)
{
    u32 stack = cpu_stack(ucontext);
    u64 now = sampler_now_ns();
    tell_running(row, __atomic_load_n(&thread_tid[row], __ATOMIC_RELAXED), stack, now);
    watched[row].ran_stack = stack;
    show(row, stack, RECORD_ON_CPU, now);
    prctl(PR_GET_NAME, record.thread[row].name);
}

void wall_waited(u32 row, const void *ucontext)
{
    struct context c = signal_context(ucontext);
    struct watched *w = &watched[row];
    u64 amount_ns = __atomic_exchange_n(&w->waited_ns, 0, __ATOMIC_ACQUIRE), now = sampler_now_ns();
    if (amount_ns == 0)
        return;
    u32 stack = cpu_stack(ucontext);
    w->told_pc = c.pc;
    w->told_bp = c.bp;
    __atomic_store_n(&w->told_sp, c.sp, __ATOMIC_RELEASE);
    add_sample(__atomic_load_n(&thread_tid[row], __ATOMIC_RELAXED), amount_ns, stack, w->waited_for,
               now);
    show(row, stack, w->waited_for, now);
}

// Whether the thread was asked at this very place, and told.  The kernel goes back to the system
// call's instruction, of two bytes, when it is to be made again after the signal.
static bool was_told(const struct watched *w, const struct blocked_call *call)
{
    return __atomic_load_n(&w->told_sp, __ATOMIC_ACQUIRE) == call->sp &&
           (w->told_pc == call->pc || w->told_pc + 2 == call->pc);
}

// Label set of a thread that does not run.
static u32 labels_of(const struct watched *w)
{
    u32 labels = 0;
    if (w->own)
        stack_copy(&labels, w->own + offsetof(struct thread, labels), sizeof(labels));
    return labels;
}

// The stack of a thread that is blocked; 0: it has to be asked.
static u32 blocked_stack(struct watched *w, const struct blocked_call *call)
{
    u64 frame[RECORD_MAX_FRAMES];
    u16 flags;
    bool is_known = was_told(w, call);
    struct context c = {call->pc, call->sp, is_known ? w->told_bp : 0};
    u32 n = unwind_remote(frame, &flags, c);
    // A program may block all signals while it waits: what can be seen has to do.
    bool may_poke = w->asked_sp != call->sp && blocked_may_poke(call);
    if (!(flags & (RECORD_COMPLETE | RECORD_TRUNCATED)) && !is_known && may_poke)
        return 0;
    struct record_key key = {.kind = RECORD_TIME, .flags = flags, .labels = labels_of(w)};
    return record_stack_offset(&record, record_stack_find(&record, key, frame, n));
}

static void look_at_blocked(u32 row, u32 tid, const struct blocked_call *call, u64 clock,
                            u64 amount, u64 now_ns)
{
    struct watched *w = &watched[row];
    u32 wait = blocked_describe(call, tid), stack = blocked_stack(w, call);
    if (w->named_ns == 0 || now_ns - w->named_ns > NAME_NS) {
        thread_name(row, tid);
        w->named_ns = now_ns;
    }
    if (stack == 0) {
        w->asked_sp = call->sp;
        poke(row, tid, amount, wait, now_ns);
        return;
    }
    if (cpu_clock_ns(tid) != clock) { // it went on while we read its stack
        ask_running(row, tid, amount, false, now_ns);
        return;
    }
    w->still_ns = clock;
    amount += __atomic_exchange_n(&w->waited_ns, 0, __ATOMIC_ACQUIRE);
    charge(row, amount, stack, wait, now_ns);
}

// A look that comes late stands for the missed ones, too.  It is late when the CPUs are busy, and
// comes when the thread may have gone to sleep for that very reason: so half of the missed time
// went to where the thread was before.  Returns how much.
static u64 charge_missed(u32 row, u32 tid, u64 amount_ns, u64 now_ns)
{
    const struct record_thread *t = &record.thread[row];
    u64 before_ns = (amount_ns - period_ns) / 2;
    if (before_ns == 0 || t->stack == 0)
        return 0;
    add_sample(tid, before_ns, t->stack, t->wait, now_ns - (amount_ns - before_ns));
    return before_ns;
}

static void look_at(u32 row, u32 tid, u64 amount, u64 now_ns)
{
    struct watched *w = &watched[row];
    struct blocked_call call;
    u64 clock = cpu_clock_ns(tid);
    if (clock == 0) {
        thread_remove(row, tid);
        return;
    }
    if (clock == w->still_ns) {
        charge(row, amount, w->open_stack, w->open_wait, now_ns);
        return;
    }
    w->still_ns = 0;
    amount -= charge_missed(row, tid, amount, now_ns);
    if (blocked_read(&call, tid)) {
        look_at_blocked(row, tid, &call, clock, amount, now_ns);
        return;
    }
    // The clock of a thread that is on a CPU goes on while we look.
    bool is_running = cpu_clock_ns(tid) != clock;
    w->asked_sp = 0;
    ask_running(row, tid, amount, !is_running, now_ns);
}

// The row may be another thread's by now.
static void meet(u32 row, u32 tid, u64 now_ns)
{
    struct watched *w = &watched[row];
    if (w->known_tid == tid)
        return;
    write_out(w, now_ns);
    w->known_tid = tid;
    w->still_ns = w->asked_sp = w->named_ns = 0;
    w->open_stack = 0;
}

void wall_look(u64 now_ns)
{
    u32 n = __atomic_load_n(&thread_rows, __ATOMIC_ACQUIRE);
    u64 periods = (now_ns - next_ns) / period_ns + 1;
    next_ns += periods * period_ns;
    due_ns = next_ns + cpu_random(period_ns);
    for (u32 row = 1; row < n; row++) {
        u32 tid = __atomic_load_n(&thread_tid[row], __ATOMIC_ACQUIRE);
        if (tid == UINT32_MAX)
            tid = 0;
        meet(row, tid, now_ns);
        if (tid)
            look_at(row, tid, periods * period_ns, now_ns);
    }
    if (now_ns - flushed_ns >= FLUSH_NS)
        wall_flush(now_ns);
}

void wall_flush(u64 now_ns)
{
    u32 n = __atomic_load_n(&thread_rows, __ATOMIC_ACQUIRE);
    for (u32 row = 1; row < n; row++)
        write_out(&watched[row], now_ns);
    flushed_ns = now_ns;
}

void wall_end(u32 row, u32 tid)
{
    struct watched *w = &watched[row];
    bool was_looked_at = cpu_delete_timer(&w->wall_timer);
    cpu_delete_timer(&w->poke_timer);
    __atomic_store_n(&w->waited_ns, 0, __ATOMIC_RELAXED);
    u32 stack = w->ran_stack ? w->ran_stack : record.thread[row].stack;
    if (was_looked_at && stack)
        tell_running(row, tid, stack, sampler_now_ns());
    w->ran_ns = w->ready_ns = 0;
    w->ran_stack = 0;
}

void wall_set_rate(u32 hz, u64 now_ns)
{
    u32 n = __atomic_load_n(&thread_rows, __ATOMIC_ACQUIRE);
    for (u32 row = 1; row < n && hz == 0; row++)
        wall_end(row, __atomic_load_n(&thread_tid[row], __ATOMIC_ACQUIRE));
    wall_flush(now_ns);
    period_ns = hz ? SECOND_NS / hz : 0;
    next_ns = now_ns;
    due_ns = now_ns + (hz ? cpu_random(period_ns) : 0);
}

void wall_forget(void)
{
    period_ns = 0;
}
