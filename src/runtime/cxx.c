// C++'s operators new and delete.  The C++ library's own ones call malloc() and free(), where they
// are seen; then ours do nothing but jump to them.  An allocator that brings operators of its own
// calls itself, so for it ours call malloc() and free() instead.  What they are called here begins
// with cxx_, which the record's reader leaves out of stacks.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// All parameters are words, so one type does for all operators: what one of them does not have is
// never looked at.
typedef void *function(uintptr_t a, uintptr_t b, uintptr_t c);

static function cxx_own_new, cxx_own_new_nothrow, cxx_own_aligned, cxx_own_aligned_nothrow,
    cxx_own_delete;

// Operator, its name by the C++ ABI (Itanium), and what stands for it.
#define OPERATORS(X)                                                                               \
    X(NEW, new, "_Znwm", cxx_own_new)                                                              \
    X(ALIGNED, new_aligned, "_ZnwmSt11align_val_t", cxx_own_aligned)                               \
    X(2, new_array, "_Znam", cxx_own_new)                                                          \
    X(3, new_nothrow, "_ZnwmRKSt9nothrow_t", cxx_own_new_nothrow)                                  \
    X(4, new_array_nothrow, "_ZnamRKSt9nothrow_t", cxx_own_new_nothrow)                            \
    X(5, new_array_aligned, "_ZnamSt11align_val_t", cxx_own_aligned)                               \
    X(6, new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t", cxx_own_aligned_nothrow)       \
    X(7, new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t", cxx_own_aligned_nothrow) \
    X(8, delete, "_ZdlPv", cxx_own_delete)                                                         \
    X(9, delete_array, "_ZdaPv", cxx_own_delete)                                                   \
    X(10, delete_nothrow, "_ZdlPvRKSt9nothrow_t", cxx_own_delete)                                  \
    X(11, delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", cxx_own_delete)                            \
    X(12, delete_sized, "_ZdlPvm", cxx_own_delete)                                                 \
    X(13, delete_array_sized, "_ZdaPvm", cxx_own_delete)                                           \
    X(14, delete_aligned, "_ZdlPvSt11align_val_t", cxx_own_delete)                                 \
    X(15, delete_array_aligned, "_ZdaPvSt11align_val_t", cxx_own_delete)                           \
    X(16, delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t", cxx_own_delete)           \
    X(17, delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t", cxx_own_delete)     \
    X(18, delete_sized_aligned, "_ZdlPvmSt11align_val_t", cxx_own_delete)                          \
    X(19, delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", cxx_own_delete)

enum { NEW, ALIGNED, NOPERATOR = 20 };

#define NAME(row, id, symbol, own) [row] = symbol,
#define OWN(row, id, symbol, own)  [row] = own,
static const char *const name_of[NOPERATOR] = {OPERATORS(NAME)};
static function *const own_of[NOPERATOR] = {OPERATORS(OWN)};

static function *does[NOPERATOR]; // what each of them does
static bool is_resolved;
static function *throws[2]; // NEW and ALIGNED of others, which throw when there is no memory

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

static SLOW void resolve(void)
{
    throws[NEW] = find(name_of[NEW]);
    throws[ALIGNED] = find(name_of[ALIGNED]);
    bool calls_itself = !throws[NEW] || real_is_allocators(&throws[NEW]);
    for (u32 i = 0; i < NOPERATOR; i++) {
        function *next = calls_itself ? NULL : find(name_of[i]);
        does[i] = next ? next : own_of[i];
    }
    __atomic_store_n(&is_resolved, true, __ATOMIC_RELEASE);
}

// The other one tries again, calls the program's handler, and throws.
static void *no_memory(u32 row, uintptr_t size, uintptr_t alignment)
{
    if (!throws[row])
        abort();
    return throws[row](size, alignment, 0);
}

static void *cxx_own_new(uintptr_t size, uintptr_t b, uintptr_t c)
{
    (void)b;
    (void)c;
    void *block = hook.malloc(size);
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
    hook.free((void *)block);
    return NULL;
}

#define DEFINE(row, id, symbol, own)                                                               \
    function cxx_##id __asm__(symbol);                                                             \
    EXPORT void *cxx_##id(uintptr_t a, uintptr_t b, uintptr_t c)                                   \
    {                                                                                              \
        if (unlikely(!is_resolved))                                                                \
            resolve();                                                                             \
        return does[row](a, b, c);                                                                 \
    }
OPERATORS(DEFINE)
