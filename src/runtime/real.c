// The allocator behind us.  Which one that is, is the loader's decision: the next one that has the
// names.  dlsym() may itself allocate, and does so before we know where to send that; such calls
// are served from a static arena.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 20, PAGE = 4096 };

struct real real;

static _Alignas(PAGE) u8 arena[ARENA_BYTES]; // pages that are not used cost nothing
static u32 arena_bytes;

// Blocks are pages apart, so that free() can tell them by their low bits like sampled ones, and
// their sizes precede nothing.
void *real_bootstrap(size_t size)
{
    if (size > ARENA_BYTES)
        return NULL;
    u32 bytes = (u32)((size + PAGE - 1) & ~(size_t)(PAGE - 1));
    u32 at = __atomic_fetch_add(&arena_bytes, bytes ? bytes : PAGE, __ATOMIC_RELAXED);
    return at <= ARENA_BYTES - bytes ? arena + at : NULL;
}

bool real_is_bootstrap(const void *block)
{
    return (uintptr_t)block - (uintptr_t)arena < ARENA_BYTES;
}

bool real_bootstrap_was_used(void)
{
    return __atomic_load_n(&arena_bytes, __ATOMIC_RELAXED) != 0;
}

// Stores the address of the next function of this name; NULL when there is none.
static void find(void *function, const char *name)
{
    void *address = dlsym(RTLD_NEXT, name);
    memcpy(function, &address, sizeof(address));
}

// The object file that holds the function whose address lies in *function.
static const void *object_of(const void *function)
{
    void *address;
    Dl_info info;
    memcpy(&address, function, sizeof(address));
    return address && dladdr(address, &info) ? info.dli_fbase : NULL;
}

static void *memalign_by_aligned_alloc(size_t alignment, size_t size)
{
    return real.aligned_alloc(alignment, size);
}

static void *memalign_by_posix(size_t alignment, size_t size)
{
    void *block;
    return real.posix_memalign(&block, alignment, size) == 0 ? block : NULL;
}

static void *valloc_by_memalign(size_t size)
{
    return real.memalign(PAGE, size);
}

static void *pvalloc_by_memalign(size_t size)
{
    return real.memalign(PAGE, (size + PAGE - 1) & ~(size_t)(PAGE - 1));
}

static bool can_align;

bool real_can_align(void)
{
    return can_align;
}

// An allocator need not bring all of the family, and the next name then belongs to another one:
// mixing them would be deadly.
static void choose_memalign(struct real *r, const void *allocator)
{
    can_align = true;
    if (object_of(&r->memalign) == allocator)
        return;
    if (object_of(&r->aligned_alloc) == allocator)
        r->memalign = memalign_by_aligned_alloc;
    else if (object_of(&r->posix_memalign) == allocator)
        r->memalign = memalign_by_posix;
    else
        can_align = false;
}

bool real_is_allocators(const void *function)
{
    return object_of(function) == object_of(&real.malloc);
}

bool real_resolve(void)
{
    static bool resolving;
    if (real.malloc)
        return true;
    if (__atomic_exchange_n(&resolving, true, __ATOMIC_ACQUIRE))
        return false;
    void *(*real_malloc)(size_t);
    struct real r = {0};
    find(&real_malloc, "malloc");
    find(&r.free, "free");
    find(&r.calloc, "calloc");
    find(&r.realloc, "realloc");
    find(&r.memalign, "memalign");
    find(&r.posix_memalign, "posix_memalign");
    find(&r.aligned_alloc, "aligned_alloc");
    find(&r.valloc, "valloc");
    find(&r.pvalloc, "pvalloc");
    find(&r.usable_size, "malloc_usable_size");
    const void *allocator = object_of(&real_malloc);
    void *glibc; // other allocators define names such as __libc_malloc, too
    find(&glibc, "gnu_get_libc_version");
    r.is_glibc = object_of(&glibc) == allocator;
    choose_memalign(&r, allocator);
    if (object_of(&r.usable_size) != allocator)
        r.usable_size = NULL;
    if (object_of(&r.valloc) != allocator)
        r.valloc = valloc_by_memalign;
    if (object_of(&r.pvalloc) != allocator)
        r.pvalloc = pvalloc_by_memalign;
    real = r;
    __atomic_store_n(&real.malloc, real_malloc, __ATOMIC_RELEASE);
    return true;
}
