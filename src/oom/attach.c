// The beginning and the end of watching: the record, the files of the group, and the watch's own.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oom/observe.h"
#include "record/folder.h"

void observer_init(struct observer *o, u32 pid)
{
    *o = (struct observer){.pid = pid, .usage_fd = -1, .wake_fd = -1, .fd = -1};
}

// Whether the process has called exec since, and so has another record, or none.
// The watch beside the record, unless somebody else watches already.
static bool make_watch(struct observer *o, const char *record)
{
    if (snprintf(o->path, sizeof(o->path), "%s" FOLDER_WATCH, record) >= (int)sizeof(o->path))
        return false;
    o->fd = open(o->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (o->fd < 0 || flock(o->fd, LOCK_EX | LOCK_NB) != 0 || ftruncate(o->fd, 0) != 0 ||
        ftruncate(o->fd, (off_t)sizeof(struct watch)) != 0 ||
        posix_fallocate(o->fd, 0, (off_t)sizeof(struct watch)) != 0)
        return false;
    void *map = mmap(NULL, sizeof(struct watch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                     o->fd, 0);
    if (map == MAP_FAILED)
        return false;
    mlock(map, sizeof(struct watch));
    o->watch = map;
    watch_init(o->watch, o->pid, o->start_ticks);
    o->watch->watcher = (u32)getpid();
    return true;
}

static bool map_record(struct observer *o, const char *path)
{
    struct stat st;
    struct err ignored;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *map = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (map == MAP_FAILED)
        return false;
    o->map = map;
    o->map_bytes = (size_t)st.st_size;
    o->inode = st.st_ino;
    if (record_open(&o->view, (struct str){map, o->map_bytes}, &ignored))
        return true;
    munmap(map, o->map_bytes);
    o->map = NULL;
    return false;
}

enum {
    BLOCKS_BYTES = OBSERVER_BLOCKS * sizeof(struct observer_block),
    ROOM_BYTES = BLOCKS_BYTES + OBSERVER_RANGES * sizeof(struct areas_range)
};

// Room for live blocks and mapped ranges, there from the beginning.
static bool make_room(struct observer *o)
{
    char *map = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return false;
    o->block = (struct observer_block *)(void *)map;
    o->range = (struct areas_range *)(void *)(map + BLOCKS_BYTES);
    return true;
}

static void arm_v1(struct observer *o)
{
    static const u32 percent[] = {50, 60, 70, 75, 80, 85, 88, 90, 92, 94, 95, 96, 97, 98, 99};
    char path[1024], line[128];
    if (!cgroup_path(path, sizeof(path), &o->limiting, "cgroup.event_control"))
        return;
    int control = open(path, O_WRONLY | O_CLOEXEC);
    int event = control < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool armed = event >= 0;
    for (u32 i = 0; i < ARRAY_LEN(percent) && armed; i++) {
        unsigned long long bytes = o->state.limit_bytes / 100 * percent[i];
        int n = snprintf(line, sizeof(line), "%d %d %llu", event, o->usage_fd, bytes);
        armed = write(control, line, (size_t)n) == n;
    }
    if (control >= 0)
        close(control);
    if (armed)
        o->wake_fd = event;
    else if (event >= 0)
        close(event);
}

static void arm_v2(struct observer *o)
{
    char path[1024];
    if (cgroup_path(path, sizeof(path), &o->limiting, "memory.events"))
        o->wake_fd = open(path, O_RDONLY | O_CLOEXEC);
    o->is_urgent = true;
}

static void find_group(struct observer *o)
{
    char path[1024];
    if (!cgroup_of(&o->group, "/proc", o->pid) || !cgroup_read(&o->state, &o->group))
        return;
    o->limiting = cgroup_limiting(&o->group, &o->state);
    if (cgroup_path(path, sizeof(path), &o->limiting,
                    o->group.is_v2 ? "memory.current" : "memory.usage_in_bytes"))
        o->usage_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (o->usage_fd >= 0 && o->state.limit_bytes)
        (o->group.is_v2 ? arm_v2 : arm_v1)(o);
    struct watch *w = o->watch;
    w->is_v2 = o->group.is_v2;
    w->kills_all = o->state.kills_all;
    w->limit_bytes = o->state.limit_bytes;
    w->at_start = o->state.events;
    memcpy(w->limit_group, o->limiting.group, sizeof(w->limit_group));
}

bool observer_attach(struct observer *o)
{
    struct arena a;
    struct folder_record r;
    struct err ignored;
    arena_init(&a, (size_t)MIB(64));
    bool found = folder_find(&r, o->pid, &a, &ignored) && map_record(o, r.path.ptr);
    if (found) {
        o->start_ticks = r.start_ticks;
        o->start_mono_ns = o->view.header.start_mono_ns;
        if (make_room(o) && make_watch(o, r.path.ptr))
            find_group(o);
    }
    arena_free(&a);
    return found;
}

void observer_end(struct observer *o)
{
    if (o->watch)
        munmap(o->watch, sizeof(*o->watch));
    if (o->map)
        munmap((void *)(uintptr_t)o->map, o->map_bytes);
    if (o->block)
        munmap(o->block, ROOM_BYTES);
    if (o->usage_fd >= 0)
        close(o->usage_fd);
    if (o->wake_fd >= 0)
        close(o->wake_fd);
    size_t n = strlen(o->path);
    if (o->watch && n > sizeof(FOLDER_WATCH)) {
        char record[sizeof(o->path)];
        snprintf(record, sizeof(record), "%.*s", (int)(n + 1 - sizeof(FOLDER_WATCH)), o->path);
        if (access(record, F_OK) != 0)
            unlink(o->path);
    }
    if (o->fd >= 0)
        close(o->fd);
    observer_init(o, o->pid);
}
