// Inside the profiled process.  This header is the map: what each file of the room does, and the
// little state that they share.
//
//     hooks.c    the malloc family, by its public names: ten lines each, then off to the real
//                functions or to heap.c
//     real.c     the functions that we stand in front of, and what serves an allocation before
//                they are known
//     heap.c     decides which allocations are sampled, and keeps the record's live table true
//     unwind.c   registers -> stack; stack.c what memory may be read for that; module.c which file
//                an address is in
//     tick.c     the memory time line; copy.c copies of the record on a volume
//     cxx.c      C++'s new and delete; allocator.c what the allocator tells of itself
//     mapping.c  mmap, munmap, mremap, brk: what is mapped now, by stack
//     lock.c     mutexes and read-write locks; wait.c what else threads wait for each other by;
//                futex.c locks made of system calls; contention.c what all that costs whom
//     label.c    the labels that a thread's samples get; own.c profiles that the program makes
//     start.c    begin, fork, end: makes the record; pages.c brings its pages in
//     thread.c   the threads that there are; sampler.c a thread of our own that takes requests;
//     cpu.c
//                timers and what they find; signal.c the signals for that, and the program's view
//                of signals
//     text.c     the few string and number functions that we may not take from libc
//
// Rules of the room: no malloc, no lock that can be waited for, no loader call and no stdio from a
// hook; errno survives; what a thread needs is in one small initial-exec TLS block; libc alone.
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "record/write.h"

// Functions that the process's allocator, whichever it is, provides.
struct real {
    void *(*malloc)(size_t size);
    void (*free)(void *block);
    void *(*calloc)(size_t n, size_t size);
    void *(*realloc)(void *block, size_t size);
    void *(*memalign)(size_t alignment, size_t size);
    int (*posix_memalign)(void **out, size_t alignment, size_t size);
    void *(*aligned_alloc)(size_t alignment, size_t size);
    void *(*valloc)(size_t size);
    void *(*pvalloc)(size_t size);
    size_t (*usable_size)(void *block);
    bool is_glibc; // its chunk headers may be read
};

// What the public names do at the moment: the bootstrap, the sampler, or the real functions
// themselves.
struct hook {
    void *(*malloc)(size_t size);
    void (*free)(void *block);
    void *(*calloc)(size_t n, size_t size);
    void *(*realloc)(void *block, size_t size);
};

// Waiting time until the next sample.
struct lock_countdown {
    u64 left;
    u64 rate_ns; // that it was drawn with; 0: not drawn yet
};

struct thread {
    u64 left;        // bytes to allocate until the next sample, or until there are looked for it
    u64 beyond;      // bytes from there to the next sample
    u64 rate;        // mean distance that they were drawn with; 0: not drawn yet
    u64 sample_rate; // that the allocation at hand was sampled with
    u64 random;      // xorshift state; 0: this thread has not drawn yet
    u64 stack_low; // [stack_low, stack_high): memory of this thread's own stack that is known to be
                   // readable
    u64 stack_high;
    struct lock_countdown block, mutex;
    u32 busy;          // inside the sampler: allocations made now are not sampled
    u32 labels;        // this thread's label set; see label_current()
    u32 row;           // in the table of threads; 0: none
    bool blocks_timer; // the program believes that it has blocked the timers' signal
};

// Registers of the function that called a hook, after the call.
struct context {
    u64 pc; // the return address
    u64 sp;
    u64 bp;
};

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))
#define SLOW   __attribute__((noinline))

// Registers of the caller of the function that this stands in, which makes the compiler keep a
// frame pointer there.
#define CALLER()                                                                                   \
    ((struct context){(u64)(uintptr_t)__builtin_return_address(0),                                 \
                      (u64)(uintptr_t)__builtin_frame_address(0) + 16,                             \
                      *(const u64 *)__builtin_frame_address(0)})

extern HIDDEN struct real real;
extern HIDDEN struct hook hook;
extern HIDDEN __thread struct thread thread __attribute__((tls_model("initial-exec")));

// The record of this process; record.header is NULL until there is one.
extern HIDDEN struct record record;

// real.c

// Finds the real functions; false while that is under way already (this very call comes from the
// search).
HIDDEN bool real_resolve(void);

// A block from the small static arena that serves until then.  Page-aligned, so that free() looks
// twice; never freed.
HIDDEN void *real_bootstrap(size_t size);
HIDDEN bool real_is_bootstrap(const void *block);
HIDDEN bool real_bootstrap_was_used(void);

// Whether the function whose address lies at *function is in the same file as the allocator.
HIDDEN bool real_is_allocators(const void *function);

// Whether blocks can be had at a page and freed like others, as sampling needs it.
HIDDEN bool real_can_align(void);

// hooks.c

// Whether the public names lead here: another malloc() may come before ours.
HIDDEN bool hooks_are_reached(void);

// Puts the sampler behind the public names, or the real functions themselves, as heap_rate_bytes
// says.  Several threads may do so at once: the last rate is what remains.
HIDDEN void hooks_follow(void);

// cxx.c

// The same for operators.
HIDDEN void cxx_follow(bool sampling);

// heap.c

// Mean distance of samples; 0: none are taken.
extern HIDDEN u64 heap_rate_bytes;

// Sampled blocks begin at multiples of this: not the page size, since a page of 64 KiB would make
// each sample as large.
enum { SAMPLE_ALIGN = 4096 };

// Takes size from the thread's countdown; true when it ran out.
static inline bool heap_count_down(size_t size)
{
#if defined(__x86_64__)
    bool ran_out;
    __asm__("sub %2, %0" : "+m"(thread.left), "=@ccc"(ran_out) : "r"(size));
    return ran_out;
#else
    return __builtin_sub_overflow(thread.left, size, &thread.left);
#endif
}

// Whether an allocation of size bytes is to be sampled.  To be asked once an allocation, when
// thread.left has run out or is not counted down elsewhere; has_counted tells that size was already
// taken from thread.left.
HIDDEN bool heap_due(size_t size, bool has_counted);

// Enters a block that real_memalign(4096 ...) gave, allocated by the function with these registers.
// Keeps errno.
HIDDEN void heap_track(void *block, size_t size, struct context caller);

// Notes an allocation that is about to be tried, when it is so large that it may be the last one.
// Keeps errno.
HIDDEN void heap_attempt(size_t size, struct context caller);

// Takes a block that is about to be freed out of the live table.  False when it was never sampled.
HIDDEN bool heap_untrack(void *block, struct record_live *known);

// Tells that a sampled block was freed, after that, by the function with these registers.
HIDDEN void heap_freed(struct context caller);

// Puts a block back that heap_untrack() took out, when freeing it failed.
HIDDEN void heap_retrack(void *block, const struct record_live *known);

// label.c

// The label set of what this thread does now, for record_key.labels; 0: none.  Async-signal-safe.
static inline u32 label_current(void)
{
    return thread.labels;
}

// Finds out whether this allocator can be sampled, and says so if it is to be.  For start().
HIDDEN void heap_start(u64 rate_bytes);

// Changes the rate; 0: no samples from now on.  What was sampled before stays followed.  False when
// this allocator cannot be sampled.
HIDDEN bool heap_set_rate(u64 rate_bytes);

// The thread's random state, seeded.
HIDDEN u64 *heap_random(void);

// contention.c

// Mean waiting time between samples; 0: none are taken.
extern HIDDEN u64 lock_rate_ns;

// How many threads wait for locks that are followed.
extern HIDDEN u32 lock_nwaiting;

static inline bool lock_is_waited_for(void)
{
    return __atomic_load_n(&lock_nwaiting, __ATOMIC_RELAXED) != 0;
}

// CLOCK_MONOTONIC.
HIDDEN u64 lock_clock_ns(void);

// Tells of a wait that has just ended, by the function with these registers.  Keeps errno.
HIDDEN void lock_waited(u64 since_ns, enum record_lock_kind what, struct context caller);

// A thread begins to wait for a lock; true when it is followed, and lock_end_wait() has to follow.
HIDDEN bool lock_begin_wait(const void *lock, u64 now_ns);
HIDDEN void lock_end_wait(const void *lock, u64 since_ns);

// Time that was waited for a lock since it was charged last: to be asked before it is given free,
// and told of afterwards.
HIDDEN u64 lock_charge(const void *lock);
HIDDEN void lock_charged(u64 delay_ns, enum record_lock_kind what, struct context caller);

// Forgets who waits: for a forked child.
HIDDEN void lock_reset(void);

// Locks are followed from now on: waits that are under way count from here.
HIDDEN void lock_resume(void);

// lock.c

// Changes the rate; 0: locks are not followed.
HIDDEN void lock_set_rate(u64 rate_ns);

// Tells that there are threads from now on: before that, no lock is followed.
HIDDEN void lock_begin(void);

// Stores the address of the C library's function of this name.
HIDDEN void lock_find(void *function, const char *name);

// allocator.c

// Finds out which allocator it is.
HIDDEN void allocator_start(void);

// Whether it is to be asked again: at this time since the record's start, or because the heap has
// changed.
HIDDEN bool allocator_is_due(u64 now_ns);
HIDDEN bool allocator_has_changed(void);

// Puts what the allocator tells of itself in the record.  Not to be called inside the allocator,
// nor in a signal handler.
HIDDEN void allocator_ask(void);

// Frees its lock: for a forked child.
HIDDEN void allocator_reset(void);

// mapping.c

// Whether an address is in the file of an allocator that is not the C library's, nor the program's.
HIDDEN bool mapping_is_allocator(u64 pc);

// Finds the real functions; from then on mappings are recorded, or never.
HIDDEN void mapping_start(bool records);

// draw.c

// A draw from the exponential distribution with this mean, rounded down.
HIDDEN u64 draw_distance(u64 *random, u64 mean_bytes);

// Chance that an allocation is sampled: 1 - e^(-size / mean).
HIDDEN double draw_chance(size_t size, u64 mean_bytes);

// unwind.c

// The stack that begins at the function with these registers: record frames, leaf first.  Returns
// their number, at most RECORD_MAX_FRAMES; *flags gets RECORD_COMPLETE or RECORD_TRUNCATED.
HIDDEN u32 unwind(u64 *frame, u16 *flags, struct context c);

// The same for what a signal interrupted: the first pc is no return address.
HIDDEN u32 unwind_interrupted(u64 *frame, u16 *flags, const void *ucontext);

// The same for another thread, which does not run now.  For the sampler's thread alone.
HIDDEN u32 unwind_remote(u64 *frame, u16 *flags, struct context c);

// Forgets all rules: a file was unloaded, its addresses may come to mean something else.
HIDDEN void unwind_forget(void);

// Around the unloading of files, which other threads' stacks may go through while they are looked
// at: it waits for that.
HIDDEN void unwind_begin_unloading(void);
HIDDEN void unwind_end_unloading(void);

// In a forked child.
HIDDEN void unwind_reset(void);

// stack.c

// Window of memory that may be read while unwinding one stack, upwards from sp.
struct window {
    u64 low, high;  // readable now
    bool is_remote; // of another thread's stack, which may go away: copied before it is read
    u64 shift;      // from an address to the place where its copy is
};
HIDDEN struct window stack_window(u64 sp);

// Whether the 8 bytes at address, outside of the window, may be read; moves the window there.
HIDDEN bool stack_look(struct window *w, u64 address);

// Whether the 8 bytes at address may be read.
static inline bool stack_readable(struct window *w, u64 address)
{
    u64 bytes = w->high - w->low;
    return (likely(bytes >= 8 && address - w->low <= bytes - 8)) || stack_look(w, address);
}

// Copies from the process's own memory, which may not be there any more.
HIDDEN bool stack_copy(void *to, u64 address, size_t n);

// module.c

struct module {
    u64 start, limit; // the executable segment
    u64 file_start;   // where the loader says that it begins, or the segment where there are gaps
    const void
        *loader; // the loader's own object for it: differs when another file takes the same place
    const u8 *eh_header;
    const u8 *eh_low, *eh_high; // readable memory around eh_header
    const u8 *build_id;         // in the file's notes; NULL: it has none
    u32 mapping;                // row in the record
};

// The module that an address is in, entered in the record when it is new; NULL when it is in no
// file.
HIDDEN const struct module *module_find(u64 address);

// Forgets all modules: for a forked child, whose record is a new one.
HIDDEN void module_reset(void);

// tick.c

// Adds a tick to the time line when one is due at this time since the record's start.
HIDDEN void tick(u64 now_ns);

// The last one.
HIDDEN struct record_tick tick_last(void);

// Frees the lock that another thread may have held when this process was forked.
HIDDEN void tick_reset(void);

// copy.c

// Reads the setting; warns when the folder cannot be written to.
HIDDEN void copy_configure(void);

// Whether copies are made; when the next look is due, since the record's start.
HIDDEN bool copy_is_on(void);
HIDDEN u64 copy_due_ns(void);

// Looks, and copies when that is wanted.  For the sampler's thread, which has no descriptors.
HIDDEN void copy_step(void);

// Tells, once, of a copy that could not be made.  For threads of the program.
HIDDEN void copy_tell(void);

// The process ends as it meant to: there is nothing to tell.
HIDDEN void copy_remove(void);

// A forked child has its own.
HIDDEN void copy_reset(void);

// thread.c

// Timers of one thread, and what the sampler knows of it.
struct watched {
    u32 cpu_timer;     // timer's id and 1; 0: none, UINT32_MAX: being made
    u32 wall_timer;    // tells where the thread runs
    u32 poke_timer;    // tells where it waits
    u64 cpu_period_ns; // that cpu_timer has
    u64 cpu_first_ns;  // CPU clock of its first end
    u64 cpu_told;      // ends that it told of
    u32 cpu_stack;     // where it did last; word offset, 0: nowhere yet
    u64 run;           // the thread's function; 0: not known
    u64 own;           // address of its struct thread; 0: not known

    // Between the sampler and the thread's own handler.
    u64 ran_ns;           // time that the thread ran, or could have run: it is to tell where
    u64 ready_ns;         // the latter
    u64 waited_ns;        // likewise, that it waited
    u32 waited_for;       // row of what
    u32 ran_stack;        // where it ran last; 0: not known
    u64 told_pc, told_bp; // the registers that it told
    u64 told_sp;          // likewise; visible word

    // The sampler's own.
    u32 known_tid;             // that the rest is about; 0: none
    u64 still_ns;              // its CPU clock when it was seen blocked; 0: it was not
    u64 named_ns;              // when its name was read
    u64 asked_sp;              // its sp when it was asked while blocked
    u64 open_ns;               // time not written out yet, which all went to
    u32 open_stack, open_wait; // this stack and row
};

extern HIDDEN struct watched watched[RECORD_THREADS];

// By row of watched; 0: free.
extern HIDDEN u32 thread_tid[RECORD_THREADS];

// Rows of watched that were ever used are below this.
extern HIDDEN u32 thread_rows;

// Row of a thread, new or not; 0 when there is no room.  Async-signal-safe.
HIDDEN u32 thread_add(u32 tid);

// Whether it has a row.
HIDDEN bool thread_is_known(u32 tid);

// Reads its name anew.
HIDDEN void thread_name(u32 row, u32 tid);

// Frees the row of a thread that has ended.
HIDDEN void thread_remove(u32 row, u32 tid);

// Adds all threads that the process has; returns their number.  For the sampler's thread.
HIDDEN u32 thread_scan(void);

// Forgets all threads: for a forked child.
HIDDEN void thread_reset(void);

// Finds the functions that we stand in front of.
HIDDEN void thread_resolve(void);

// signal.c

// The signal that timers send; 0: none, there are to be no samples of time.
extern HIDDEN int signal_timer;

// Whether the program's own handlers and masks are to be respected from now on.
HIDDEN void signal_install(void);

// The registers that a signal interrupted.
HIDDEN struct context signal_context(const void *ucontext);

// restart.c

// Has a wait that a signal of ours interrupted go on.  In its handler, at the end.
HIDDEN void restart_wait(void *ucontext);

// cpu.c

// Takes samples at this rate from all threads, and from those to come; 0: none.
HIDDEN void cpu_set_rate(u32 hz);

// Gives a thread its timer, when samples are taken.
HIDDEN void cpu_arm(u32 row);

// A thread's timer ran out, so often.  In its handler.
HIDDEN void cpu_sample(u32 row, u32 count, const void *ucontext);

// A timer for a thread that sends signal_timer to it; its id and 1, or 0.
HIDDEN u32 cpu_make_timer(i32 clock, u32 tid, void *cookie);

// Deletes it; false when there was none.
HIDDEN bool cpu_delete_timer(u32 *timer);

// The clock of a thread's CPU time.
HIDDEN i32 cpu_clock(u32 tid);

// What it says; 0: the thread is gone.
HIDDEN u64 cpu_clock_ns(u32 tid);

// Takes a thread's timer away, and enters what it had not told of yet.
HIDDEN void cpu_disarm(u32 row, u32 tid);

// Word offset of the stack in the record of what a signal interrupted.
HIDDEN u32 cpu_stack(const void *ucontext);

// For a forked child, which has no timers.
HIDDEN void cpu_forget(void);

// A random number below n.
HIDDEN u64 cpu_random(u64 n);

// wall.c

// Looks at all threads at this rate from now on; 0: not any more.
HIDDEN void wall_set_rate(u32 hz, u64 now_ns);

// When the next look is due; UINT64_MAX: never.
HIDDEN u64 wall_due_ns(void);

HIDDEN void wall_look(u64 now_ns);

// Writes out what was not written yet.
HIDDEN void wall_flush(u64 now_ns);

// A thread that was asked where it runs, or waits.  In its handler.
HIDDEN void wall_ran(u32 row, const void *ucontext);
HIDDEN void wall_waited(u32 row, const void *ucontext);

// A thread ends: what it was to tell is told for it.
HIDDEN void wall_end(u32 row, u32 tid);

// For a forked child, in which nobody looks.
HIDDEN void wall_forget(void);

// blocked.c

// Where a blocked thread is, as /proc says.
struct blocked_call {
    i32 number; // of the system call; -1: a page that has to come
    u64 argument[6];
    u64 sp, pc;
};

// False when the thread is running, or gone.
HIDDEN bool blocked_read(struct blocked_call *call, u32 tid);

// Whether the call can be interrupted by a signal: those that transfer data may then end early.
HIDDEN bool blocked_may_poke(const struct blocked_call *call);

// Row of what it waits for.
HIDDEN u32 blocked_describe(const struct blocked_call *call, u32 tid);

// For a new thread of the sampler.
HIDDEN void blocked_begin(void);

// sampler.c

// Time of CLOCK_MONOTONIC since the record's start.
HIDDEN u64 sampler_now_ns(void);

// Starts the sampler's thread if there is none.  Async-signal-safe.
HIDDEN void sampler_wake(void);

// Looks whether somebody asks for something.
HIDDEN void sampler_poll(void);

// Reads the settings for samples that are always taken.
HIDDEN void sampler_configure(void);

// Begins with those.
HIDDEN void sampler_resume(void);

// For a forked child, which has no sampler.
HIDDEN void sampler_reset(void);

// start.c

// Sets everything up, once; called by whichever comes first, the constructor or an allocation.
HIDDEN void start(void);

// Makes sure that the record is this process's own and that its tables are in memory, for a sample.
// False: there is to be none.
HIDDEN bool start_is_ready(void);

// The same, with all pages: for who writes much at once, and can wait.
HIDDEN bool start_is_whole(void);

// Whether the record is this process's own and in use: nothing is made.
HIDDEN bool start_is_ours(void);

// Time since the record's start.
HIDDEN u64 start_clock_ns(void);

// pages.c

enum pages { PAGES_TO_COME, PAGES_ALL, PAGES_REFUSED };

// Reserves what the first samples need of the record, whose file this is.  False: there is no room.
HIDDEN bool pages_reserve(const char *path);

// Brings in some more pages, for at most some 0.4 ms.
HIDDEN enum pages pages_more(void);

// A new record has none yet.
HIDDEN void pages_reset(void);

// text.c

struct text {
    char *at, *end; // free part of a buffer; what does not fit is left out
};

HIDDEN void text_add(struct text *t, const char *s);
HIDDEN void text_number(struct text *t, u64 n);

// Whole content of a small file, ended by NUL; its length, or -1.
HIDDEN i64 text_read_file(char *out, size_t cap, const char *path);

// The number at the start of s.
HIDDEN u64 text_parse_number(const char *s);

// A number of bytes as in SONDE_RATE: "0", "4096", "512KiB", "1MB"; otherwise if s is anything
// else.
HIDDEN u64 text_parse_bytes(const char *s, u64 otherwise);

// A time as in SONDE_LOCK_RATE: "0", "500us", "1ms", nanoseconds without a unit; otherwise if s is
// anything else.
HIDDEN u64 text_parse_ns(const char *s, u64 otherwise);

// What follows prefix in the first line of text that has it, or NULL.
HIDDEN const char *text_find_line(const char *text, const char *prefix);

// One line on stderr, "sonde: a b".
HIDDEN void text_warn(const char *a, const char *b);

#endif
