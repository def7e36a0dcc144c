// Copies of the record on a volume, for where nothing of memory survives and nobody watches:
// SONDE_COPY names the folder.  The sampler's thread looks at the group's charge, the more often
// the nearer the limit is, which makes ticks of the time line as well; it copies once a minute,
// when a threshold is passed, and above the first one whenever the charge has moved.
#include "runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/copying.h"

enum {
    PATH_BYTES = 4096,
    FIRST_NS = 1000000000, // short lives are not copied
    REST_NS = 1000000000,
    LIMITED_REST_NS = 50000000,
    LEAST_WAIT_NS = 10000000,
    PARTS_OF_ETA = 16,
    PERIOD_S = 60,
    NEAR_PARTS = 50,       // of the limit: so far the charge may move, above the first threshold
    FAR_PARTS = 10,        // and below
    NEAR_COST_FACTOR = 10, // copies take at most this part of the time
    FAR_COST_FACTOR = 200
};

static const char *folder; // NULL: no copies
static char path[PATH_BYTES], unfinished[PATH_BYTES];
static bool is_over;
static u32 failure; // errno of a copy that could not be made; to be told by a thread that can
static bool has_told;

static u64 due_ns, looked_ns, looked_bytes; // since the record's start
static u64 copied_ns, copied_bytes, cost_ns;
static u32 passed; // thresholds, a bit each

void copy_configure(void)
{
    const char *named = getenv("SONDE_COPY");
    if (!named || !*named)
        return;
    mkdir(named, 0700);
    if (access(named, W_OK) != 0)
        text_warn("no copies of the record: cannot write to ", named);
    else
        folder = named;
}

bool copy_is_on(void)
{
    return folder && !is_over;
}

void copy_reset(void)
{
    due_ns = looked_ns = looked_bytes = copied_ns = copied_bytes = cost_ns = 0;
    passed = 0;
    *path = 0;
}

u64 copy_due_ns(void)
{
    return copy_is_on() ? due_ns : UINT64_MAX;
}

static void set_path(char *out, const char *end)
{
    struct text t = {out, out + PATH_BYTES};
    text_add(&t, folder);
    text_add(&t, "/");
    text_number(&t, record.header->pid);
    text_add(&t, "-");
    text_number(&t, record.header->start_ticks);
    text_add(&t, end);
}

// A copy that is not whole does not take the place of one that is.
static bool copy(void)
{
    set_path(path, "");
    set_path(unfinished, ".new");
    int fd = copying_open(unfinished);
    if (fd < 0)
        return false;
    bool done = copying_write(fd, record.header, record_bytes(), 0);
    int error = errno;
    close(fd);
    done = done && syscall(SYS_rename, unfinished, path) == 0;
    if (!done)
        unlink(unfinished);
    if (__atomic_load_n(&is_over, __ATOMIC_SEQ_CST))
        unlink(path);
    errno = error;
    return done;
}

// Whether the charge has moved so far that the last copy is no longer the truth, and copies are
// cheap enough for that.
static bool has_moved(u64 now, u64 usage, u64 limit)
{
    u64 moved = usage > copied_bytes ? usage - copied_bytes : copied_bytes - usage;
    return limit && moved > limit / (passed ? NEAR_PARTS : FAR_PARTS) &&
           now - copied_ns > (passed ? NEAR_COST_FACTOR : FAR_COST_FACTOR) * cost_ns;
}

static bool is_wanted(u64 now, u64 usage, u64 limit)
{
    bool is_new = copying_pass(&passed, usage, limit) != 0, is_first = copied_ns == 0;
    if (is_first)
        return is_new || now > FIRST_NS;
    return is_new || has_moved(now, usage, limit) || now - copied_ns >= (u64)PERIOD_S * 1000000000;
}

// The time until the next look: a part of that to the limit, at the present rate.
static u64 wait_ns(u64 now, u64 usage, u64 limit)
{
    u64 grown = usage > looked_bytes && looked_ns ? usage - looked_bytes : 0;
    u64 left = limit > usage ? limit - usage : 0;
    if (limit == 0)
        return REST_NS;
    if (grown == 0)
        return LIMITED_REST_NS;
    double wait = (double)left / (double)grown * (double)(now - looked_ns) / PARTS_OF_ETA;
    return wait < LEAST_WAIT_NS     ? LEAST_WAIT_NS
           : wait < LIMITED_REST_NS ? (u64)wait
                                    : LIMITED_REST_NS;
}

void copy_step(void)
{
    u64 now = sampler_now_ns();
    tick(start_clock_ns());
    struct record_tick t = tick_last();
    if (is_wanted(now, t.cgroup_bytes, t.limit_bytes)) {
        if (!copy())
            __atomic_store_n(&failure, (u32)errno, __ATOMIC_RELAXED);
        copied_bytes = t.cgroup_bytes;
        copied_ns = sampler_now_ns();
        cost_ns = copied_ns - now;
    }
    due_ns = now + wait_ns(now, t.cgroup_bytes, t.limit_bytes);
    looked_ns = now;
    looked_bytes = t.cgroup_bytes;
}

void copy_tell(void)
{
    u32 error = __atomic_load_n(&failure, __ATOMIC_RELAXED);
    if (likely(error == 0) || has_told)
        return;
    has_told = true;
    text_warn("no copy of the record: what it holds is lost with this container's memory: ",
              strerrordesc_np((int)error));
}

void copy_remove(void)
{
    if (!folder)
        return;
    __atomic_store_n(&is_over, true, __ATOMIC_SEQ_CST);
    if (*path) {
        unlink(unfinished);
        unlink(path);
    }
}
