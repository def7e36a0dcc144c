// The memory time line.  Ticks are made by the sampler itself, when it takes a sample or sees one
// freed, so that their rate follows the rate of allocation: a process that grows fast is looked at
// often, one that sleeps is left alone.
#include "runtime/runtime.h"

#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, PATH_BYTES = 512, LIMIT_PERIOD_NS = 1000000000 };

// The memory cgroup's files, found once; empty when there are none.
static char usage_path[PATH_BYTES];
static char limit_path[PATH_BYTES];
static bool is_searched;

static bool is_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

// Takes root + group + file as the path, or root + file: in a container the group's path is often
// the host's.
static bool choose(char *path, const char *root, const char *group, size_t group_len,
                   const char *file)
{
    char name[PATH_BYTES] = "";
    if (group_len >= sizeof(name))
        group_len = 0;
    memcpy(name, group, group_len);
    name[group_len] = 0;
    for (int inside = 0; inside < 2; inside++) {
        struct text t = {path, path + PATH_BYTES};
        text_add(&t, root);
        if (!inside)
            text_add(&t, name);
        text_add(&t, "/");
        text_add(&t, file);
        if (is_readable(path))
            return true;
    }
    *path = 0;
    return false;
}

static void search(void)
{
    char lines[4096];
    if (text_read_file(lines, sizeof(lines), "/proc/self/cgroup") < 0)
        return;
    for (const char *line = lines; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *controllers = strchr(line, ':');
        const char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        size_t len = strcspn(group + 1, "\n");
        if (strncmp(controllers, ":memory:", 8) == 0) {
            choose(usage_path, "/sys/fs/cgroup/memory", group + 1, len, "memory.usage_in_bytes");
            choose(limit_path, "/sys/fs/cgroup/memory", group + 1, len, "memory.limit_in_bytes");
        } else if (group == controllers + 1 && !*usage_path) {
            choose(usage_path, "/sys/fs/cgroup", group + 1, len, "memory.current");
            choose(limit_path, "/sys/fs/cgroup", group + 1, len, "memory.max");
        }
    }
}

static u64 read_number(const char *path)
{
    char text[64];
    return *path && text_read_file(text, sizeof(text), path) > 0 ? text_parse_number(text) : 0;
}

static u64 read_rss(void)
{
    char text[128];
    if (text_read_file(text, sizeof(text), "/proc/self/statm") <= 0)
        return 0;
    const char *resident = strchr(text, ' ');
    return resident ? text_parse_number(resident + 1) * PAGE : 0;
}

static struct record_tick last;

static void add(u64 now_ns)
{
    static u64 limit_read_ns, limit_bytes;
    if (!is_searched)
        search();
    is_searched = true;
    if (limit_read_ns == 0 || now_ns - limit_read_ns > LIMIT_PERIOD_NS) {
        limit_read_ns = now_ns;
        limit_bytes = read_number(limit_path);
        if (limit_bytes >= (u64)1 << 62) // cgroup v1's word for "none"
            limit_bytes = 0;
    }
    struct record_tick t = {
        .live_bytes = __atomic_load_n(&record.header->live_bytes, __ATOMIC_RELAXED),
        .alloc_bytes = __atomic_load_n(&record.header->alloc_bytes, __ATOMIC_RELAXED),
        .rss_bytes = read_rss(),
        .cgroup_bytes = read_number(usage_path),
        .limit_bytes = limit_bytes,
    };
    t.time_ns = start_clock_ns(); // this thread may have waited for a processor meanwhile
    record_tick_add(&record, &t);
    last = t;
}

struct record_tick tick_last(void)
{
    return last;
}

static u32 lock;

void tick_reset(void)
{
    lock = 0;
}

void tick(u64 now_ns)
{
    sampler_poll();
    if (now_ns < record_tick_due_ns(&record) || __atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        return;
    add(now_ns);
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}
