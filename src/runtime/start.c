// Begin, fork and end.  The first allocation or the constructor, whichever comes first, finds the
// real allocator, makes the record and puts the sampler in place.  A forked child goes on writing
// to nobody's record and makes its own when it takes its first sample.  A clean exit removes the
// record; after any other end it is what remains.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sonde/sonde.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
    DEFAULT_RATE_BYTES = 512 << 10,
    DEFAULT_LOCK_RATE_NS = 1000000,
    PATH_BYTES = 4096,
    PAGE = 4096,
    PATIENCE = 1000 // tenths of a millisecond
};

struct record record;

static char record_path[PATH_BYTES]; // empty: none
static bool keep_exited;
static u64 start_mono_ns;

// What the record's pages are doing; on a page that a forked child gets zeroed.
enum {
    NOT_OURS,  // this is a child: the record is the parent's
    MAKING,    // a thread of the child is making its record
    ADDRESSES, // mapped, but not in memory yet
    RESERVING, // a thread is having the kernel reserve the first pages
    GROWING,   // in use; further pages are being brought in
    READY,
    REFUSED // there is no record or no memory for it
};
static u32 *life;

u64 start_clock_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC_COARSE) - start_mono_ns + 1;
}

static u64 read_start_ticks(void)
{
    char stat[1024];
    if (text_read_file(stat, sizeof(stat), "/proc/self/stat") <= 0)
        return 0;
    const char *at =
        strrchr(stat, ')'); // the command's name may hold anything, blanks and parentheses too
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? text_parse_number(at + 1) : 0;
}

static u32 add_file(const char *path, u32 *bytes)
{
    char text[4096];
    i64 n = text_read_file(text, sizeof(text), path);
    if (bytes)
        *bytes = n > 0 ? (u32)n : 0;
    return n > 0 ? record_text_add(&record, text, (u32)n) : 0;
}

static void describe_process(struct record_header *h, u64 start_ticks, bool forked)
{
    char exe[PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));
    h->pid = (u32)getpid();
    h->parent_pid = (u32)getppid();
    h->start_ticks = start_ticks;
    h->start_time_ns = clock_ns(CLOCK_REALTIME);
    h->start_mono_ns = start_mono_ns = clock_ns(CLOCK_MONOTONIC_COARSE);
    h->exe = n > 0 ? record_text_add(&record, exe, (u32)n) : 0;
    h->cmdline = add_file("/proc/self/cmdline", &h->cmdline_bytes);
    h->cgroup = add_file("/proc/self/cgroup", NULL);
    text_read_file(h->boot_id, sizeof(h->boot_id), "/proc/sys/kernel/random/boot_id");
    h->boot_id[strcspn(h->boot_id, "\n")] = 0;
    h->forked = forked;
    h->heap_rate_bytes = heap_rate_bytes;
    h->lock_rate_ns = lock_rate_ns;
    h->answer.signal = signal_timer ? SIGURG : 0;
    __atomic_store_n(&h->state, RECORD_RUNNING, __ATOMIC_RELEASE);
}

// A folder in /dev/shm must be ours alone, since anybody may put one there; one that was named by
// SONDE_DIR only has to exist.
static bool is_safe(int folder, bool is_default)
{
    struct stat st;
    return !is_default ||
           (fstat(folder, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0);
}

static int open_folder(struct text *path)
{
    const char *named = getenv("SONDE_DIR");
    bool is_default = !named || !*named;
    if (is_default) {
        text_add(path, "/dev/shm/sonde-");
        text_number(path, geteuid());
    } else {
        text_add(path, named);
    }
    mkdir(record_path, 0700);
    int folder = open(record_path, O_DIRECTORY | O_CLOEXEC | (is_default ? O_NOFOLLOW : 0));
    if (folder >= 0 && !is_safe(folder, is_default)) {
        close(folder);
        errno = EPERM;
        return -1;
    }
    return folder;
}

// A file with holes of the record's size: its pages come when they are needed.
static void *create_file(u64 start_ticks)
{
    struct text path = {record_path, record_path + sizeof(record_path)};
    int folder = open_folder(&path);
    if (folder < 0)
        return NULL;
    char name[64];
    struct text t = {name, name + sizeof(name)};
    text_number(&t, (u64)getpid());
    text_add(&t, "-");
    text_number(&t, start_ticks);
    text_add(&path, "/");
    text_add(&path, name);
    unlinkat(folder, name, 0); // left by the program that this process was before it called exec
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    close(folder);
    if (fd < 0)
        return NULL;
    void *base = MAP_FAILED;
    if (ftruncate(fd, (off_t)record_bytes()) == 0)
        base = mmap(NULL, record_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    bool first_page = base != MAP_FAILED && madvise(base, PAGE, MADV_POPULATE_WRITE) == 0;
    if (!first_page && base != MAP_FAILED &&
        errno == EINVAL) // a kernel before 5.14: then all of it now
        first_page = (errno = posix_fallocate(fd, 0, (off_t)record_bytes())) == 0;
    int error = errno;
    close(fd);
    if (first_page)
        return base;
    unlink(record_path);
    errno = error;
    return NULL;
}

static bool make_record(bool forked)
{
    u64 start_ticks = read_start_ticks();
    void *base = create_file(start_ticks);
    if (!base) {
        text_warn("no record, so no profiles of this process: cannot make one in ", record_path);
        text_warn("the reason: ", strerrordesc_np(errno));
        *record_path = 0;
        return false;
    }
    struct record made;
    record_init(&made, base);
    record = made;
    module_reset();
    unwind_forget();
    tick_reset();
    module_find(getauxval(AT_ENTRY)); // so that mapping 1 is the program
    describe_process(record.header, start_ticks, forked);
    return true;
}

static bool reserve(void)
{
    if (!pages_reserve(record_path)) {
        text_warn("no profiles of this process: no room for the record in ", record_path);
        return false;
    }
    sampler_resume();
    return true;
}

static bool replace_record(void)
{
    struct record parents = record;
    record.header = NULL;
    thread.random = 0;
    lock_reset();
    allocator_reset();
    thread_reset();
    unwind_reset();
    sampler_reset();
    pages_reset();
    copy_reset();
    bool is_made = make_record(true);
    if (is_made) {
        record_label_copy(&record, &parents);
        record_own_copy(&record, &parents);
    }
    munmap(parents.header, record_bytes());
    return is_made;
}

// One thread moves life from one state to another by way of a third.
static void advance(u32 from, u32 meanwhile, u32 to, bool (*work)(void))
{
    if (!__atomic_compare_exchange_n(life, &from, meanwhile, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return;
    u32 next = work() ? to : REFUSED;
    __atomic_store_n(life, next, __ATOMIC_RELEASE);
}

// Others wait for it, which takes less than a millisecond once in a process, rather than lose their
// samples; but not for ever, since it may be their own thread that a signal interrupted.
static void wait_for_others(void)
{
    const struct timespec pause = {.tv_nsec = 100000};
    syscall(SYS_nanosleep, &pause, NULL);
}

// Once there is no room for the rest, what is in the record stays as it is.
static bool grow(void)
{
    u32 growing = GROWING;
    enum pages pages = pages_more();
    if (pages == PAGES_TO_COME)
        return true;
    bool is_whole = pages == PAGES_ALL;
    if (__atomic_compare_exchange_n(life, &growing, is_whole ? READY : REFUSED, false,
                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED) &&
        !is_whole)
        text_warn("the profile ends here: no room for the rest of the record in ", record_path);
    return is_whole;
}

bool start_is_ours(void)
{
    u32 now = __atomic_load_n(life, __ATOMIC_ACQUIRE);
    return now == READY || now == GROWING;
}

bool start_is_ready(void)
{
    for (u32 tries = 0; tries < PATIENCE; tries++) {
        switch (__atomic_load_n(life, __ATOMIC_ACQUIRE)) {
        case READY:
            return true;
        case NOT_OURS:
            advance(NOT_OURS, MAKING, ADDRESSES, replace_record);
            break;
        case ADDRESSES:
            advance(ADDRESSES, RESERVING, GROWING, reserve);
            if (start_is_ours())
                return true; // that is enough for one allocation
            break;
        case GROWING:
            return grow();
        case REFUSED:
            return false;
        default:
            wait_for_others();
        }
    }
    return false;
}

bool start_is_whole(void)
{
    while (start_is_ready()) {
        if (__atomic_load_n(life, __ATOMIC_ACQUIRE) == READY)
            return true;
    }
    return false;
}

// A page whose content a fork does not inherit, however the fork is made.
static bool make_life(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, PAGE, MADV_WIPEONFORK) != 0)
        return false;
    life = page;
    *life = REFUSED;
    return true;
}

// Sanitizers have an allocator of their own that must see every call; a setuid program is not to be
// observed.
static bool must_be_inert(void)
{
    static const char *const sanitizer[] = {"__asan_init", "__tsan_init", "__msan_init",
                                            "__hwasan_init"};
    for (u32 i = 0; i < ARRAY_LEN(sanitizer); i++) {
        if (dlsym(RTLD_DEFAULT, sanitizer[i]))
            return true;
    }
    return getauxval(AT_SECURE) != 0;
}

static void configure(void)
{
    const char *keep = getenv("SONDE_KEEP_EXITED");
    keep_exited = keep && strcmp(keep, "1") == 0;
    if (must_be_inert() || !make_life()) {
        mapping_start(false);
        lock_set_rate(0);
        return;
    }
    heap_start(text_parse_bytes(getenv("SONDE_RATE"), DEFAULT_RATE_BYTES));
    allocator_start();
    thread_resolve();
    signal_install();
    bool is_made = make_record(false);
    mapping_start(is_made);
    lock_set_rate(is_made ? text_parse_ns(getenv("SONDE_LOCK_RATE"), DEFAULT_LOCK_RATE_NS) : 0);
    if (!is_made) {
        heap_rate_bytes = 0;
        return;
    }
    sampler_configure();
    copy_configure();
    *life = ADDRESSES;
    hooks_follow();
    sampler_resume();
}

void start(void)
{
    static u32 is_started;
    if (!real_resolve() || __atomic_exchange_n(&is_started, 1, __ATOMIC_ACQUIRE))
        return;
    hooks_follow(); // no rate is known yet
    if (!environ) {
        // So early that there is no environment yet: serve, and come back.
        is_started = 0;
        return;
    }
    int error = errno;
    thread.busy++;
    configure();
    thread.busy--;
    errno = error;
}

static __attribute__((constructor)) void construct(void)
{
    start();
}

// The process ends as it meant to.  Its record goes, unless it is wanted.
static void finish(void)
{
    if (!life || __atomic_load_n(life, __ATOMIC_ACQUIRE) < ADDRESSES || !record.header ||
        record.header->pid != (u32)getpid())
        return; // a child of fork or vfork, whose record this is not
    record.header->state = RECORD_EXITED;
    if (!keep_exited && *record_path)
        unlink(record_path);
    copy_remove();
}

static __attribute__((destructor)) void destruct(void)
{
    finish();
}

__attribute__((visibility("default"), noreturn)) void _exit(int status)
{
    finish();
    for (;;)
        syscall(SYS_exit_group, status);
}

__attribute__((visibility("default"), noreturn)) void _Exit(int status)
{
    _exit(status);
}

// Unloading a file gives its addresses free, so what was learned about them is void.
__attribute__((visibility("default"))) int dlclose(void *handle)
{
    static int (*next)(void *handle);
    if (!next) {
        void *address = dlsym(RTLD_NEXT, "dlclose");
        memcpy(&next, &address, sizeof(address));
    }
    unwind_begin_unloading();
    int status = next(handle);
    unwind_end_unloading();
    return status;
}

__attribute__((visibility("default"))) const char *sonde_version(void)
{
    return SONDE_VERSION;
}

EXPORT int sonde_set_heap_rate(size_t bytes)
{
    if (!start_is_ready() || !heap_set_rate(bytes))
        return -1;
    return 0;
}

EXPORT int sonde_set_lock_rate(uint64_t ns)
{
    if (!start_is_ready())
        return -1;
    lock_set_rate(ns);
    return 0;
}

__attribute__((visibility("default"))) const char *sonde_record_path(void)
{
    return *record_path && start_is_ready() ? record_path : NULL;
}
