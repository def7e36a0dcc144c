// Inside the profiled process.  This header is the map: what each file of the room does, and the
// little state that they share.
//
//     hooks.c   the malloc family, by its public names: ten lines each, then off to real functions
//     or to heap.c real.c    the functions that we stand in front of, and what serves an allocation
//     before they are known heap.c    decides which allocations are sampled, and keeps the record's
//     live table true unwind.c  registers -> stack; stack.c what memory may be read for that;
//     module.c which file an address is in tick.c    the memory time line start.c   begin, fork,
//     end: makes the record text.c    the few string and number functions that we may not take from
//     libc
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

struct thread {
    u64 left;      // bytes to allocate until the next sample
    u64 random;    // xorshift state; 0: this thread has not drawn yet
    u64 stack_low; // [stack_low, stack_high): memory of this thread's own stack that is known to be
                   // readable
    u64 stack_high;
    u32 busy; // inside the sampler: allocations made now are not sampled
};

// Registers of the function that called a hook, after the call.
struct context {
    u64 pc; // the return address
    u64 sp;
    u64 bp;
};

#define HIDDEN __attribute__((visibility("hidden")))

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

// Whether blocks can be had at a page and freed like others, as sampling needs it.
HIDDEN bool real_can_align(void);

// hooks.c

// Puts the sampler behind the public names, or the real functions themselves.
HIDDEN void hooks_install(bool sampling);

// heap.c

// Mean distance of samples; 0: none are taken.
extern HIDDEN u64 heap_rate_bytes;

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

// Puts a block back that heap_untrack() took out, when freeing it failed.
HIDDEN void heap_retrack(void *block, const struct record_live *known);

// draw.c

// A draw from the exponential distribution with this mean, rounded down.
HIDDEN u64 draw_distance(u64 *random, u64 mean_bytes);

// Chance that an allocation is sampled: 1 - e^(-size / mean).
HIDDEN double draw_chance(size_t size, u64 mean_bytes);

// unwind.c

// The stack that begins at the function with these registers: record frames, leaf first.  Returns
// their number, at most RECORD_MAX_FRAMES; *flags gets RECORD_COMPLETE or RECORD_TRUNCATED.
HIDDEN u32 unwind(u64 *frame, u16 *flags, struct context c);

// Forgets all rules: a file was unloaded, its addresses may come to mean something else.
HIDDEN void unwind_forget(void);

// stack.c

// Window of memory that may be read while unwinding one stack, upwards from sp.
struct window {
    u64 low, high; // readable now
};
HIDDEN struct window stack_window(u64 sp);

// Whether the 8 bytes at address may be read; widens or moves the window.
HIDDEN bool stack_readable(struct window *w, u64 address);

// module.c

struct module {
    u64 start, limit; // the executable segment
    u64 file_start;   // where the file's first byte is mapped
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

// Adds a tick to the time line when one is due.
HIDDEN void tick(void);

// Frees the lock that another thread may have held when this process was forked.
HIDDEN void tick_reset(void);

// start.c

// Sets everything up, once; called by whichever comes first, the constructor or an allocation.
HIDDEN void start(void);

// Makes sure that the record is this process's own and that its tables are in memory, for a sample.
// False: there is to be none.
HIDDEN bool start_is_ready(void);

// Whether the record is this process's own and in use: nothing is made.
HIDDEN bool start_is_ours(void);

// Time since the record's start.
HIDDEN u64 start_clock_ns(void);

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

// What follows prefix in the first line of text that has it, or NULL.
HIDDEN const char *text_find_line(const char *text, const char *prefix);

// One line on stderr, "sonde: a b".
HIDDEN void text_warn(const char *a, const char *b);

#endif
