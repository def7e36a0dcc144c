// C++'s operators new and delete.  What the C++ library's own ones do is short: ours do the same,
// and go straight to the sampler.  An allocator that brings operators of its own calls itself: ours
// count, and jump to them.  Where the program replaces some of them, or they are somebody else's,
// ours do nothing but jump, and what they do is seen when they call malloc() and free().
//
// What they are called here begins with cxx_, which the record's reader leaves out of stacks.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// All parameters are words, so one type does for all operators: what one of them does not have is
// never looked at.
typedef void *function(uintptr_t a, uintptr_t b, uintptr_t c);

static function cxx_counted_new, cxx_counted_new_array, cxx_checked_delete,
    cxx_checked_delete_sized;
static function cxx_plain_new, cxx_own_new, cxx_own_new_nothrow, cxx_own_aligned,
    cxx_own_aligned_nothrow, cxx_own_delete;

// Operator, its name by the C++ ABI (Itanium), and what stands for it.
#define OPERATORS(X)                                                                               \
    X(NEW, new, "_Znwm", cxx_own_new)                                                              \
    X(ALIGNED, new_aligned, "_ZnwmSt11align_val_t", cxx_own_aligned)                               \
    X(NEW_ARRAY, new_array, "_Znam", cxx_own_new)                                                  \
    X(3, new_nothrow, "_ZnwmRKSt9nothrow_t", cxx_own_new_nothrow)                                  \
    X(4, new_array_nothrow, "_ZnamRKSt9nothrow_t", cxx_own_new_nothrow)                            \
    X(5, new_array_aligned, "_ZnamSt11align_val_t", cxx_own_aligned)                               \
    X(6, new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t", cxx_own_aligned_nothrow)       \
    X(7, new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t", cxx_own_aligned_nothrow) \
    X(DELETE, delete, "_ZdlPv", cxx_own_delete)                                                    \
    X(9, delete_array, "_ZdaPv", cxx_own_delete)                                                   \
    X(10, delete_nothrow, "_ZdlPvRKSt9nothrow_t", cxx_own_delete)                                  \
    X(11, delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", cxx_own_delete)                            \
    X(DELETE_SIZED, delete_sized, "_ZdlPvm", cxx_own_delete)                                       \
    X(13, delete_array_sized, "_ZdaPvm", cxx_own_delete)                                           \
    X(14, delete_aligned, "_ZdlPvSt11align_val_t", cxx_own_delete)                                 \
    X(15, delete_array_aligned, "_ZdaPvSt11align_val_t", cxx_own_delete)                           \
    X(16, delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t", cxx_own_delete)           \
    X(17, delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t", cxx_own_delete)     \
    X(18, delete_sized_aligned, "_ZdlPvmSt11align_val_t", cxx_own_delete)                          \
    X(19, delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", cxx_own_delete)

enum { NEW, ALIGNED, NEW_ARRAY, DELETE = 8, DELETE_SIZED = 12, NOPERATOR = 20 };

#define BOOT(row, id, symbol, own) static function boot_##id;
OPERATORS(BOOT)

#define NAME(row, id, symbol, own)  [row] = (symbol),
#define OWN(row, id, symbol, own)   [row] = (own),
#define FIRST(row, id, symbol, own) [row] = boot_##id,
static const char *const name_of[NOPERATOR] = {OPERATORS(NAME)};
static function *const own_of[NOPERATOR] = {OPERATORS(OWN)};

static function *does[NOPERATOR] = {OPERATORS(FIRST)}; // what each of them does
static function *next[NOPERATOR];                      // the next ones by their names; may be NULL

// Whose operators are behind ours.
static enum { NOT_KNOWN, LIBRARYS, ALLOCATORS, OTHERS } whose;

// A C++ library that a plug-in brought is not behind us in the order of names.
static function *find(const char *name)
{
    static const char *const library[] = {"libstdc++.so.6", "libc++.so.1", "libc++abi.so.1"};
    function *found;
    void *address = dlsym(RTLD_NEXT, name);
    for (u32 i = 0; !address && i < ARRAY_LEN(library); i++) {
        void *handle = dlopen(library[i], RTLD_LAZY | RTLD_NOLOAD); // looks, and loads nothing
        address = handle ? dlsym(handle, name) : NULL;
    }
    memcpy(&found, &address, sizeof(found));
    return found;
}

// Whether ours are the first of their names, and the next ones the C++ library's.
static bool is_library(void)
{
    static const char *const file[] = {"libstdc++.so", "libc++.so", "libc++abi.so"};
    Dl_info info, first;
    void *ours = dlsym(RTLD_DEFAULT, name_of[NEW]), *drop = dlsym(RTLD_DEFAULT, "_ZdlPv"), *address;
    memcpy(&address, &next[NEW], sizeof(address));
    if (!ours || !drop || !address || !dladdr(address, &info) || !dladdr(&next, &first))
        return false;
    const void *base = first.dli_fbase;
    if (!dladdr(ours, &first) || first.dli_fbase != base || !dladdr(drop, &first) ||
        first.dli_fbase != base)
        return false;
    for (u32 i = 0; i < ARRAY_LEN(file); i++) {
        if (strstr(info.dli_fname, file[i]))
            return true;
    }
    return false;
}

// What is not sampled is not counted either: a countdown would go on to mean something.
void cxx_follow(bool sampling)
{
    switch (__atomic_load_n(&whose, __ATOMIC_SEQ_CST)) {
    case LIBRARYS:
        does[NEW] = does[NEW_ARRAY] = sampling ? cxx_own_new : cxx_plain_new;
        break;
    case ALLOCATORS:
        // The allocator's own are quicker than its malloc() and free(), where they may be called.
        does[NEW] = sampling ? cxx_counted_new : next[NEW];
        does[NEW_ARRAY] = sampling ? cxx_counted_new_array : next[NEW_ARRAY];
        break;
    default:
        break;
    }
}

static SLOW void resolve(void)
{
    start(); // the allocator's functions are called without looking whether they are known
    for (u32 i = 0; i < NOPERATOR; i++)
        next[i] = find(name_of[i]);
    bool is_allocators = next[NEW] && real_is_allocators(&next[NEW]);
    bool is_ours = !next[NEW] || is_allocators || is_library();
    for (u32 i = 0; i < NOPERATOR; i++)
        does[i] = is_ours || !next[i] ? own_of[i] : next[i];
    if (is_allocators) {
        does[DELETE] = cxx_checked_delete;
        does[DELETE_SIZED] = next[DELETE_SIZED] ? cxx_checked_delete_sized : cxx_checked_delete;
    }
    __atomic_store_n(&whose,
                     is_allocators ? ALLOCATORS
                     : is_ours     ? LIBRARYS
                                   : OTHERS,
                     __ATOMIC_SEQ_CST);
    hooks_follow();
}

// The other one tries again, calls the program's handler, and throws.
static void *no_memory(u32 row, uintptr_t size, uintptr_t alignment)
{
    if (!next[row])
        abort();
    return next[row](size, alignment, 0);
}

static SLOW void *cxx_own_sampled(uintptr_t size)
{
    thread.left += size;
    void *block = hook.malloc(size);
    return likely(block) ? block : no_memory(NEW, size, 0);
}

static void *cxx_plain_new(uintptr_t size, uintptr_t b, uintptr_t c)
{
    (void)b;
    (void)c;
    void *block = real.malloc(size);
    return likely(block) ? block : no_memory(NEW, size, 0);
}

static void *cxx_own_new(uintptr_t size, uintptr_t b, uintptr_t c)
{
    (void)b;
    (void)c;
    if (unlikely(heap_count_down(size)))
        return cxx_own_sampled(size);
    void *block = real.malloc(size);
    return likely(block) ? block : no_memory(NEW, size, 0);
}

static void *cxx_own_new_nothrow(uintptr_t size, uintptr_t b, uintptr_t c)
{
    (void)b;
    (void)c;
    return hook.malloc(size);
}

static void *cxx_own_aligned(uintptr_t size, uintptr_t alignment, uintptr_t c)
{
    (void)c;
    void *block = memalign(alignment, size);
    return likely(block) ? block : no_memory(ALIGNED, size, alignment);
}

static void *cxx_own_aligned_nothrow(uintptr_t size, uintptr_t alignment, uintptr_t c)
{
    (void)c;
    return memalign(alignment, size);
}

// Whatever size and alignment are said to be: a sampled block has others.
static void *cxx_own_delete(uintptr_t block, uintptr_t b, uintptr_t c)
{
    (void)b;
    (void)c;
    if (likely(block % SAMPLE_ALIGN))
        real.free((void *)block);
    else
        hook.free((void *)block);
    return NULL;
}

// In front of an allocator's own.

static void *cxx_counted_new(uintptr_t size, uintptr_t b, uintptr_t c)
{
    if (unlikely(heap_count_down(size)))
        return cxx_own_sampled(size);
    return next[NEW](size, b, c);
}

static void *cxx_counted_new_array(uintptr_t size, uintptr_t b, uintptr_t c)
{
    if (unlikely(heap_count_down(size)))
        return cxx_own_sampled(size);
    return next[NEW_ARRAY](size, b, c);
}

static void *cxx_checked_delete(uintptr_t block, uintptr_t b, uintptr_t c)
{
    if (unlikely(block % SAMPLE_ALIGN == 0))
        return cxx_own_delete(block, b, c);
    return next[DELETE](block, b, c);
}

static void *cxx_checked_delete_sized(uintptr_t block, uintptr_t size, uintptr_t c)
{
    if (unlikely(block % SAMPLE_ALIGN == 0))
        return cxx_own_delete(block, size, c);
    return next[DELETE_SIZED](block, size, c);
}

#define BEGIN(row, id, symbol, own)                                                                \
    static void *boot_##id(uintptr_t a, uintptr_t b, uintptr_t c)                                  \
    {                                                                                              \
        resolve();                                                                                 \
        return does[row](a, b, c);                                                                 \
    }
OPERATORS(BEGIN)

#define DEFINE(row, id, symbol, own)                                                               \
    function cxx_##id __asm__(symbol);                                                             \
    EXPORT void *cxx_##id(uintptr_t a, uintptr_t b, uintptr_t c)                                   \
    {                                                                                              \
        return does[row](a, b, c);                                                                 \
    }
OPERATORS(DEFINE)
