// What the program maps by itself: mmap, mremap, munmap, brk and sbrk by their public names.  The C
// library's and the loader's own mappings do not pass here: blocks and arenas of malloc(), thread
// stacks, files of code.  Each call is kept, none is sampled; in the record is what is mapped now,
// whole or in part, with the stack that mapped it.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum { PAGE = 4096 };

static struct {
    void *(*mmap)(void *address, size_t length, int protection, int flags, int fd, off_t offset);
    int (*munmap)(void *address, size_t length);
    void *(*mremap)(void *old, size_t old_length, size_t length, int flags, ...);
    int (*brk)(void *address);
    void *(*sbrk)(intptr_t increment);
} next;

static bool is_on;
static u64 allocator_file; // where the file of the allocator is mapped; 0: it is the C library

static void find(void *function, const char *name)
{
    void *address = dlsym(RTLD_NEXT, name);
    memcpy(function, &address, sizeof(address));
}

void mapping_start(bool records)
{
    find(&next.munmap, "munmap");
    find(&next.mremap, "mremap");
    find(&next.brk, "brk");
    find(&next.sbrk, "sbrk");
    find(&next.mmap, "mmap");
    if (!records)
        return;
    void *(*allocate)(size_t) = real.malloc;
    u64 address;
    memcpy(&address, &allocate, sizeof(address));
    const struct module *m = real.is_glibc ? NULL : module_find(address);
    allocator_file = m ? m->file_start : 0;
    is_on = true;
}

static struct record_range range_of(const void *start, size_t length)
{
    u64 from = (u64)(uintptr_t)start;
    return (struct record_range){from, (length + PAGE - 1) & ~(u64)(PAGE - 1)};
}

static enum record_map type_of(int protection, int flags)
{
    if (protection == PROT_NONE)
        return RECORD_MAP_RESERVED;
    if (!(flags & MAP_ANONYMOUS))
        return RECORD_MAP_FILE;
    return flags & MAP_SHARED ? RECORD_MAP_SHARED : RECORD_MAP_PRIVATE;
}

// An allocator that calls us from its own file; one inside the program cannot be told from it.
bool mapping_is_allocator(u64 pc)
{
    const struct module *m = allocator_file ? module_find(pc - 1) : NULL;
    return m && m->file_start == allocator_file && m->mapping != 1;
}

static void enter(struct record_range range, u32 type, struct context caller)
{
    u64 frame[RECORD_MAX_FRAMES];
    struct record_key key = {.kind = RECORD_MAP, .detail = type, .labels = label_current()};
    u32 nframe = unwind(frame, &key.flags, caller);
    key.flags |= mapping_is_allocator(caller.pc) ? RECORD_ALLOCATOR : 0;
    struct record_stack *s = record_stack_find(&record, key, frame, nframe);
    __atomic_fetch_add(&s->count, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&s->amount, range.length, __ATOMIC_RELAXED);
    record_region_add(&record, range, record_stack_offset(&record, s),
                      (u32)(start_clock_ns() / 1000000000));
}

// Whether a mapping is to be recorded; then leave() has to follow.
static bool begin(int *error)
{
    *error = errno;
    if (!is_on || thread.busy)
        return false;
    thread.busy++;
    if (start_is_ready())
        return true;
    thread.busy--;
    return false;
}

static void leave(int error)
{
    thread.busy--;
    errno = error;
}

static void add(struct record_range range, u32 type, struct context caller)
{
    int error;
    if (!begin(&error))
        return;
    enter(range, type, caller);
    leave(error);
}

// What is mapped is forgotten before it is unmapped: afterwards it may be somebody else's already.
static void forget(struct record_range range)
{
    if (is_on && start_is_ours())
        record_region_remove(&record, range);
}

EXPORT SLOW void *mmap(void *address, size_t length, int protection, int flags, int fd,
                       off_t offset)
{
    void *start;
    if (likely(next.mmap))
        start = next.mmap(address, length, protection, flags, fd, offset);
    else
        start =
            (void *)(uintptr_t)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
    if (start != MAP_FAILED)
        add(range_of(start, length), type_of(protection, flags), CALLER());
    return start;
}

EXPORT __attribute__((alias("mmap"))) void *mmap64(void *address, size_t length, int protection,
                                                   int flags, int fd, off64_t offset);

EXPORT int munmap(void *address, size_t length)
{
    forget(range_of(address, length));
    return likely(next.munmap) ? next.munmap(address, length)
                               : (int)syscall(SYS_munmap, address, length);
}

// A range that moves keeps the stacks that mapped it; what it grows by is its caller's.
static void moved(u32 chain, struct record_range old, struct record_range now,
                  struct context caller)
{
    int error;
    if (!begin(&error))
        return;
    u32 type = RECORD_MAP_PRIVATE;
    if (chain)
        type = record_stack_at(&record, record.region[chain - 1].stack)->detail;
    record_region_remove(&record, now);
    record_region_attach(&record, chain, old.start, now);
    if (now.length > old.length)
        enter((struct record_range){now.start + old.length, now.length - old.length}, type, caller);
    leave(error);
}

EXPORT SLOW void *mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    void *fixed = flags & MREMAP_FIXED || flags & MREMAP_DONTUNMAP ? va_arg(args, void *) : NULL;
    va_end(args);
    struct record_range from = range_of(old, old_length);
    bool leaves_old = old_length == 0 || flags & MREMAP_DONTUNMAP;
    bool is_ours = is_on && start_is_ours();
    u32 chain = is_ours && !leaves_old ? record_region_detach(&record, from) : 0;
    void *start = likely(next.mremap) ? next.mremap(old, old_length, length, flags, fixed)
                                      : (void *)(uintptr_t)syscall(SYS_mremap, old, old_length,
                                                                   length, flags, fixed);
    if (start == MAP_FAILED && chain)
        record_region_attach(&record, chain, from.start, from);
    if (start == MAP_FAILED)
        return start;
    if (leaves_old)
        add(range_of(start, length), old_length ? RECORD_MAP_PRIVATE : RECORD_MAP_SHARED, CALLER());
    else
        moved(chain, from, range_of(start, length), CALLER());
    return start;
}

// The end of the data segment went from one address to another.
static void broke(u64 before, u64 after, struct context caller)
{
    if (after > before)
        add((struct record_range){before, after - before}, RECORD_MAP_BREAK, caller);
    else if (after < before)
        forget((struct record_range){after, before - after});
}

EXPORT SLOW void *sbrk(intptr_t increment)
{
    if (unlikely(!next.sbrk))
        mapping_start(false);
    void *before = next.sbrk(increment);
    u64 start = (u64)(uintptr_t)before;
    if (before != (void *)-1 && increment)
        broke(start, start + (u64)increment, CALLER());
    return before;
}

EXPORT SLOW int brk(void *address)
{
    if (unlikely(!next.sbrk))
        mapping_start(false);
    u64 before = (u64)(uintptr_t)next.sbrk(0);
    int status = next.brk(address);
    if (status == 0)
        broke(before, (u64)(uintptr_t)address, CALLER());
    return status;
}
