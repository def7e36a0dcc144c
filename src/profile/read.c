#include "profile/read.h"

#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include "base/compress.h"
#include "profile/decode.h"
#include "profile/folded.h"
#include "profile/legacy.h"
#include "profile/merge.h"
#include "profile/perf.h"
#include "profile/wire.h"

// Functions of allocators, profilers and locks, which older profiles show though nobody asks for
// them; pprof's lists.
#define ALLOCATORS                                                                                 \
    "calloc|cfree|malloc|free|memalign|do_memalign|(__)?posix_memalign|pvalloc|valloc|realloc|"    \
    "tcmalloc::.*|tc_calloc|tc_cfree|tc_malloc|tc_free|tc_memalign|tc_posix_memalign|tc_pvalloc|"  \
    "tc_valloc|tc_realloc|tc_new|tc_delete|tc_newarray|tc_deletearray|tc_new_nothrow|"             \
    "tc_newarray_nothrow|malloc_zone_malloc|malloc_zone_calloc|malloc_zone_valloc|"                \
    "malloc_zone_realloc|malloc_zone_memalign|malloc_zone_free|runtime\\..*|BaseArena::.*|"        \
    "(::)?do_malloc_no_errno|(::)?do_malloc_pages|(::)?do_malloc|DoSampledAllocation|"             \
    "MallocedMemBlock::MallocedMemBlock|_M_allocate|__builtin_(vec_)?delete|"                      \
    "__builtin_(vec_)?new|__gnu_cxx::new_allocator::allocate|__libc_malloc|"                       \
    "__malloc_alloc_template::allocate|allocate|cpp_alloc|operator new(\\[\\])?|"                  \
    "simple_alloc::allocate"
#define KEPT_ALLOCATORS "runtime\\.panic|runtime\\.reflectcall|runtime\\.call[0-9]*"
#define PROFILERS                                                                                  \
    "ProfileData::Add|ProfileData::prof_handler|CpuProfiler::prof_handler|__pthread_sighandler|"   \
    "__restore"
#define LOCKS                                                                                      \
    "RecordLockProfileData|(base::)?RecordLockProfileData.*|(base::)?SubmitMutexProfileData.*|"    \
    "(base::)?SubmitSpinLockProfileData.*|(base::Mutex::)?AwaitCommon.*|(base::Mutex::)?Unlock.*|" \
    "(base::Mutex::)?UnlockSlow.*|(base::Mutex::)?ReaderUnlock.*|(base::MutexLock::)?~MutexLock.*" \
    "|(Mutex::)?AwaitCommon.*|(Mutex::)?Unlock.*|(Mutex::)?UnlockSlow.*|"                          \
    "(Mutex::)?ReaderUnlock.*|(MutexLock::)?~MutexLock.*|(SpinLock::)?Unlock.*|"                   \
    "(SpinLock::)?SlowUnlock.*|(SpinLockHolder::)?~SpinLockHolder.*"

// What is to be dropped from profiles of these sample types, by ','.
static const struct {
    const char *types, *drop, *keep;
} uninteresting[] = {
    {"objects,space", ALLOCATORS, KEPT_ALLOCATORS},
    {"inuse_objects,inuse_space", ALLOCATORS, KEPT_ALLOCATORS},
    {"alloc_objects,alloc_space,inuse_objects,inuse_space", ALLOCATORS, KEPT_ALLOCATORS},
    {"contentions,delay", LOCKS, ""},
};

static void drop_uninteresting(struct legacy *l)
{
    struct buf types;
    const char *drop = PROFILERS, *keep = "";
    buf_init(&types, 4096);
    for (u32 i = 0; i < l->b.p.ntype; i++) {
        buf_text(&types, i ? "," : "");
        buf_add(&types, profile_string(&l->b.p, l->b.p.type[i].type));
    }
    for (size_t i = 0; i < ARRAY_LEN(uninteresting); i++) {
        if (str_equal(buf_str(&types), str_of(uninteresting[i].types))) {
            drop = uninteresting[i].drop;
            keep = uninteresting[i].keep;
        }
    }
    buf_free(&types);
    struct str all = str_of(drop);
    if (l->drop)
        all = arena_printf(l->arena, "%s|%s", drop, l->drop);
    l->b.p.drop_frames = build_string(&l->b, all);
    l->b.p.keep_frames = build_string(&l->b, str_of(keep));
}

static enum format read_legacy(struct profile *out, struct str bytes, struct arena *a,
                               struct err *e)
{
    static legacy_decoder *const decoders[] = {
        legacy_cpu,     legacy_heap,       legacy_jemalloc, legacy_go_count,
        legacy_threads, legacy_contention, legacy_java,
    };
    for (size_t i = 0; i < ARRAY_LEN(decoders); i++) {
        struct legacy l;
        legacy_init(&l, a);
        enum format f = decoders[i](&l, bytes, e);
        if (f == FORMAT_DECODED) {
            drop_uninteresting(&l);
            *out = l.b.p;
        }
        if (f != FORMAT_OTHER)
            return f;
    }
    return FORMAT_OTHER;
}

// Where the next profile begins, when several follow each other: writers put fields in the order of
// their numbers, so it is where the first comes again after the last ones.
static struct str cut_profile(struct str *rest)
{
    enum { SAMPLE_TYPE = 1, TIME_NANOS = 9 };
    struct reader r = reader_of(*rest);
    const u8 *at = r.at;
    bool is_late = false;
    for (struct field f; read_field(&r, &f); at = r.at) {
        is_late |= f.number >= TIME_NANOS;
        if (is_late && f.number == SAMPLE_TYPE)
            break;
    }
    size_t n = (size_t)((const char *)at - rest->ptr);
    struct str one = {rest->ptr, n ? n : rest->len};
    *rest = str_skip(*rest, one.len);
    return one;
}

// How much memory a profile of so many bytes may take.  Writers' own profiles take three to ten
// times their size; what takes more than the worst that was found (labels and far ids of a few
// bytes each, some fifty times) is none.
enum { MOST_TIMES = 64, LEAST_MIB = 64 };

// What is held while bytes are read, to be let go of where it becomes too much.
struct reading {
    struct arena arena;   // of the profile
    struct arena pending; // of profiles that are not added to it yet
    struct arena sum;     // of the two together
    jmp_buf full;
};

static void leave(struct arena *a)
{
    struct reading *r = a->context;
    longjmp(r->full, 1);
}

static void reading_init(struct reading *r, size_t most, const struct arena *a)
{
    arena_part(&r->arena, a);
    if (r->arena.limit_bytes > most)
        r->arena.limit_bytes = most;
    r->arena.full = leave;
    r->arena.context = r;
    arena_part(&r->pending, &r->arena);
    arena_part(&r->sum, &r->arena);
}

// Makes the n profiles the total; pending is empty again.
static bool add_up(struct profile *total, const struct profile *p, u32 n, struct reading *r,
                   struct err *e)
{
    if (!profile_merge(total, p, n, &r->sum, e))
        return false;
    arena_free(&r->arena);
    arena_free(&r->pending);
    arena_join(&r->arena, &r->sum);
    return true;
}

// Several profiles are added up whenever they take as much memory as their total: then each is
// looked at a few times only, however many there are.
static bool read_several(struct profile *out, struct str bytes, struct reading *r, struct err *e)
{
    enum { LEAST_PENDING = 64 };
    struct profile *p = NULL;
    u32 n = 0, cap = 0;
    while (bytes.len) {
        if (n == 0 && r->arena.mapped_bytes)
            *arena_push(&r->pending, p, n, cap) = *out;
        struct profile *next = arena_push(&r->pending, p, n, cap);
        if (!profile_decode(next, cut_profile(&bytes), &r->pending, e))
            return false;
        bool is_much = n > LEAST_PENDING && r->pending.mapped_bytes >= r->arena.mapped_bytes;
        if (bytes.len && !is_much)
            continue;
        if (!add_up(out, p, n, r, e))
            return false;
        p = NULL;
        n = cap = 0;
    }
    return true;
}

static bool unpack(struct str *bytes, size_t limit, struct arena *a, struct err *e)
{
    if (gzip_is(*bytes))
        return gzip_decode(bytes, *bytes, limit, a, e);
    if (zstd_is(*bytes))
        return zstd_decode(bytes, *bytes, limit, a, e);
    return true;
}

static bool read_unpacked(struct profile *out, struct str bytes, size_t limit, struct reading *r,
                          struct err *e)
{
    struct err why = {0};
    if (perf_is(bytes))
        return perf_decode(out, bytes, limit, &r->arena, e);
    if (profile_decode(out, bytes, &r->arena, e))
        return true;
    if (e->code == ENOTUNIQ) {
        arena_free(&r->arena);
        return read_several(out, bytes, r, e);
    }
    if (bytes.len == 0)
        return false;
    arena_free(&r->arena);
    enum format f = read_legacy(out, bytes, &r->arena, &why);
    if (f == FORMAT_OTHER)
        f = folded_decode(out, bytes, &r->arena, &why);
    if (f == FORMAT_BAD)
        return err_set(e, EBADMSG, "parsing profile: %s", why.text);
    return f == FORMAT_DECODED;
}

bool profile_read(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                  struct err *e)
{
    struct reading r;
    if (!unpack(&bytes, limit, a, e))
        return false;
    if (bytes.len >= UINT32_MAX)
        return err_set(e, EFBIG, "parsing profile: larger than 4095 MiB");
    // perf.data may unpack to more, and knows its own limit then.
    reading_init(&r, perf_is(bytes) ? SIZE_MAX : bytes.len * MOST_TIMES + MIB(LEAST_MIB), a);
    arena_take_released(&r.arena, a);
    if (setjmp(r.full)) {
        arena_free(&r.arena);
        arena_free(&r.pending);
        arena_free(&r.sum);
        return err_set(
            e, ENOMEM,
            "parsing profile: the tables of its %zu bytes need more than %zu MiB of memory",
            bytes.len, r.arena.limit_bytes >> 20);
    }
    bool done = read_unpacked(out, bytes, limit, &r, e);
    arena_free(&r.pending);
    arena_join(a, &r.arena);
    return done;
}

// p with strings of its own.
static struct profile own_strings(const struct profile *p, struct arena *a)
{
    struct profile out = *p;
    size_t total = 0;
    for (u32 i = 0; i < p->nstring; i++)
        total += p->string[i].len;
    char *text = arena_alloc(a, total, 1);
    out.string = arena_new(a, struct str, p->nstring);
    for (u32 i = 0; i < p->nstring; i++) {
        struct str s = p->string[i];
        if (s.len)
            memcpy(text, s.ptr, s.len);
        out.string[i] = (struct str){text, s.len};
        text += s.len;
    }
    return out;
}

bool profile_take(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                  struct err *e)
{
    struct str packed = bytes;
    if (!unpack(&bytes, limit, a, e))
        return false;
    if (bytes.ptr != packed.ptr)
        arena_release(a, packed);
    if (!profile_read(out, bytes, limit, a, e))
        return false;
    *out = own_strings(out, a);
    arena_release(a, bytes);
    return true;
}
