// What the allocator tells of itself: how much it has from the kernel, and how much of that it
// keeps.  Asking takes its locks, so it is asked only by who can be told not to hold them: a thread
// that is not inside it, and not in a signal handler that may have interrupted it.  It is asked
// when the heap has changed or time has passed, seldom in proportion to what it takes, and no more
// when it takes long, since others may wait for its locks meanwhile.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <malloc.h>
#include <string.h>

#include "base/clock.h"

enum {
    PERIOD_NS = 1000000000, // when little changes
    CHANGE_BYTES = 1 << 20, // of the live heap, which is asked about before that
    CHANGE_SHARE = 16,      // or this part of it, when that is more
    MOST_SHARE = 500,       // of the time at most 1/500 is spent on asking
    LEAST_PAUSE_NS = 1000000,
    TOO_LONG_NS = 5000000 // then it is not asked any more
};

// The functions of the allocators that there are.
static struct {
    struct mallinfo2 (*mallinfo2)(void);
    int (*mallctl)(const char *name, void *old, size_t *old_size, void *new, size_t new_size);
    int (*number)(const char *name, size_t *value); // tcmalloc's MallocExtension
    void (*mi_info)(size_t *elapsed_ms, size_t *user_ms, size_t *system_ms, size_t *rss,
                    size_t *peak_rss, size_t *commit, size_t *peak_commit, size_t *faults);

    // What gives memory back to the kernel; NULL: there is none.
    int (*malloc_trim)(size_t pad);
    void (*release)(void); // tcmalloc's
    void (*mi_collect)(bool force);
} next;

static enum record_allocator_kind kind;
static u64 due_ns;             // since the record's start: when it is to be asked in any case
static u64 asked_ns, pause_ns; // when it was asked last, and how long at least it is left alone
static u64 asked_bytes;        // the live heap then
static u32 lock;

// Whether there is such a function, of the allocator itself.
static bool find(void *function, const char *name)
{
    void *address = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &address, sizeof(address));
    return address && real_is_allocators(function);
}

void allocator_start(void)
{
    if (real.is_glibc && find(&next.mallinfo2, "mallinfo2"))
        kind = RECORD_ALLOCATOR_GLIBC;
    else if (find(&next.mallctl, "mallctl"))
        kind = RECORD_ALLOCATOR_JEMALLOC;
    else if (find(&next.number, "MallocExtension_GetNumericProperty"))
        kind = RECORD_ALLOCATOR_TCMALLOC;
    else if (find(&next.mi_info, "mi_process_info"))
        kind = RECORD_ALLOCATOR_MIMALLOC;
    if (kind == RECORD_ALLOCATOR_GLIBC)
        find(&next.malloc_trim, "malloc_trim");
    else if (kind == RECORD_ALLOCATOR_TCMALLOC)
        find(&next.release, "MallocExtension_ReleaseFreeMemory");
    else if (kind == RECORD_ALLOCATOR_MIMALLOC)
        find(&next.mi_collect, "mi_collect");
}

static bool is_trim_asked(void)
{
    const struct record_header *h = record.header;
    return __atomic_load_n(&h->request.ntrim, __ATOMIC_RELAXED) != h->answer.ntrim;
}

static void trim(void)
{
    u32 asked = __atomic_load_n(&record.header->request.ntrim, __ATOMIC_ACQUIRE);
    if (next.malloc_trim)
        next.malloc_trim(0);
    else if (next.release)
        next.release();
    else if (next.mi_collect)
        next.mi_collect(true);
    else if (next.mallctl)
        next.mallctl("arena.4096.purge", NULL, NULL, NULL, 0); // 4096: all arenas
    __atomic_store_n(&record.header->answer.ntrim, asked, __ATOMIC_RELEASE);
}

static void ask_glibc(struct record_allocator *a)
{
    struct mallinfo2 m = next.mallinfo2();
    a->system_bytes = m.arena + m.hblkhd;
    a->used_bytes = m.uordblks + m.hblkhd;
    a->free_bytes = m.fordblks;
    a->mapped_bytes = m.hblkhd;
}

static u64 jemalloc_number(const char *name)
{
    size_t value = 0, size = sizeof(value);
    return next.mallctl(name, &value, &size, NULL, 0) == 0 ? value : 0;
}

// Its numbers are those of the last epoch, which is whenever one asks for a new one.
static void ask_jemalloc(struct record_allocator *a)
{
    u64 epoch = 1;
    size_t size = sizeof(epoch);
    next.mallctl("epoch", &epoch, &size, &epoch, size);
    a->system_bytes = jemalloc_number("stats.mapped");
    a->used_bytes = jemalloc_number("stats.allocated");
    u64 resident = jemalloc_number("stats.resident");
    a->free_bytes = resident > a->used_bytes ? resident - a->used_bytes : 0;
}

static u64 tcmalloc_number(const char *name)
{
    size_t value = 0;
    return next.number(name, &value) ? value : 0;
}

static void ask_tcmalloc(struct record_allocator *a)
{
    u64 given_back = tcmalloc_number("tcmalloc.pageheap_unmapped_bytes");
    a->system_bytes = tcmalloc_number("generic.heap_size") - given_back;
    a->used_bytes = tcmalloc_number("generic.current_allocated_bytes");
    a->free_bytes = a->system_bytes > a->used_bytes ? a->system_bytes - a->used_bytes : 0;
}

// It does not count what is in use.
static void ask_mimalloc(struct record_allocator *a)
{
    size_t unused, commit = 0;
    next.mi_info(&unused, &unused, &unused, &unused, &unused, &commit, &unused, &unused);
    a->system_bytes = commit;
}

static u64 ask(struct record_allocator *a)
{
    static void (*const ask_kind[])(struct record_allocator * a) = {
        [RECORD_ALLOCATOR_GLIBC] = ask_glibc,
        [RECORD_ALLOCATOR_JEMALLOC] = ask_jemalloc,
        [RECORD_ALLOCATOR_TCMALLOC] = ask_tcmalloc,
        [RECORD_ALLOCATOR_MIMALLOC] = ask_mimalloc,
    };
    // Who is preempted meanwhile spends nothing.
    u64 start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    a->kind = kind;
    ask_kind[kind](a);
    u64 cost_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
    a->cost_us = (u32)(cost_ns / 1000);
    return cost_ns;
}

bool allocator_has_changed(void)
{
    u64 now = record.header->live_bytes, then = asked_bytes;
    u64 change = now > then ? now - then : then - now;
    return kind && change >= CHANGE_BYTES && change > then / CHANGE_SHARE &&
           lock_clock_ns() - asked_ns > pause_ns;
}

bool allocator_is_due(u64 now_ns)
{
    return kind && (now_ns > due_ns || allocator_has_changed() || is_trim_asked());
}

void allocator_ask(void)
{
    if (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        return;
    struct record_allocator a = {.time_ns = start_clock_ns()};
    if (is_trim_asked())
        trim();
    u64 cost_ns = ask(&a);
    record.header->allocator = a;
    asked_bytes = record.header->live_bytes;
    pause_ns = cost_ns * MOST_SHARE > LEAST_PAUSE_NS ? cost_ns * MOST_SHARE : LEAST_PAUSE_NS;
    asked_ns = lock_clock_ns();
    due_ns = a.time_ns + PERIOD_NS + pause_ns;
    if (cost_ns > TOO_LONG_NS)
        kind = RECORD_ALLOCATOR_UNKNOWN;
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

void allocator_reset(void)
{
    lock = 0;
    due_ns = 0;
}
