#include "record/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { MOST_KEPT = 32, MOST_KEPT_MIB = 256, MOST_BYTES_MIB = 1024 };

static struct str folder_of(const char *variable, const char *standard, struct arena *a)
{
    const char *named = getenv(variable);
    if (named && *named)
        return arena_str(a, str_of(named));
    return arena_printf(a, "%s/sonde-%u", standard, geteuid());
}

struct str folder_live(struct arena *a)
{
    return folder_of("SONDE_DIR", "/dev/shm", a);
}

struct str folder_kept(struct arena *a)
{
    return folder_of("SONDE_KEEP", "/var/tmp", a);
}

static int by_time(const void *a, const void *b)
{
    const struct folder_record *l = a, *r = b;
    if (l->time_ns != r->time_ns)
        return l->time_ns < r->time_ns ? -1 : 1;
    return str_compare(l->path, r->path);
}

// Names are PID-STARTTICKS, for kept ones with the program's name and a dash in front.
static bool parse_name(struct folder_record *r, const char *name)
{
    const char *ticks = strrchr(name, '-'), *pid = ticks;
    while (pid && pid > name && pid[-1] != '-')
        pid--;
    i64 n;
    struct str start = ticks ? str_of(ticks + 1) : STR("");
    if (!ticks || !str_i64(&n, start) || n < 0)
        return false;
    r->start_ticks = (u64)n;
    if (!str_i64(&n, (struct str){pid, (size_t)(ticks - pid)}) || n <= 0 || n > INT32_MAX)
        return false;
    r->pid = (u32)n;
    return true;
}

u32 folder_list(struct folder_record **out, struct str folder, struct arena *a)
{
    struct folder_record *list = NULL;
    u32 n = 0, cap = 0;
    DIR *d = opendir(folder.ptr);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct folder_record r = {0};
        struct stat st;
        if (!parse_name(&r, entry->d_name))
            continue;
        r.path = arena_printf(a, "%.*s/%s", STR_ARG(folder), entry->d_name);
        if (lstat(r.path.ptr, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        r.time_ns = (i64)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        *arena_push(a, list, n, cap) = r;
    }
    if (d)
        closedir(d);
    if (n)
        qsort(list, n, sizeof(*list), by_time);
    *out = list;
    return n;
}

// A process's state letter and start time from /proc/PID/stat; false when there is no such process.
static bool read_stat(u32 pid, char *state, u64 *start_ticks)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *at = strrchr(text, ')');
    if (!at || at[1] == 0)
        return false;
    *state = at[2];
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    *start_ticks = at ? strtoull(at + 1, NULL, 10) : 0;
    return true;
}

// Whether a process has a file of this name mapped; otherwise when that cannot be told.
static bool has_mapped(u32 pid, struct str name, bool otherwise)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/maps", pid);
    struct arena a;
    struct err e;
    struct str maps;
    arena_init(&a, (size_t)MIB(1024));
    bool mapped =
        file_read(&maps, path, (size_t)MIB(512), &a, &e) ? str_find(maps, name) >= 0 : otherwise;
    arena_free(&a);
    return mapped;
}

enum folder_life folder_life(const struct folder_record *r)
{
    char state;
    u64 start_ticks;
    if (!read_stat(r->pid, &state, &start_ticks) || start_ticks != r->start_ticks || state == 'Z' ||
        state == 'X')
        return FOLDER_DEAD;
    return has_mapped(r->pid, str_basename(r->path), true) ? FOLDER_ALIVE : FOLDER_REPLACED;
}

static bool no_library(u32 pid, struct err *e)
{
    if (has_mapped(pid, STR("/libsonde.so"), false))
        return err_set(e, ENOENT,
                       "process %u has the library, but no record here: a forked child makes one "
                       "with its first sample, and SONDE_DIR says where; what the program printed "
                       "at its start tells more",
                       pid);
    char path[64], name[256] = "";
    snprintf(path, sizeof(path), "/proc/%u/comm", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);
    if (fd >= 0)
        close(fd);
    name[n > 0 ? n : 0] = 0;
    name[strcspn(name, "\n")] = 0;
    return err_set(
        e, ENOENT,
        "process %u (%s) does not have the library: start it by \"sonde run -- PROGRAM\" or with "
        "LD_PRELOAD=libsonde.so, or link it with -lsonde",
        pid, name);
}

bool folder_find(struct folder_record *out, u32 pid, struct arena *a, struct err *e)
{
    struct folder_record *list;
    u32 n = folder_list(&list, folder_live(a), a);
    for (u32 i = n; i > 0; i--) {
        if (list[i - 1].pid == pid && folder_life(&list[i - 1]) == FOLDER_ALIVE) {
            *out = list[i - 1];
            return true;
        }
    }
    char state;
    u64 ticks;
    if (!read_stat(pid, &state, &ticks))
        return err_set(e, ESRCH, "there is no process %u", pid);
    return no_library(pid, e);
}

// The name that a kept record gets: "upload-server-4711-22335".
static struct str kept_path(const struct folder_record *r, struct str folder, struct str bytes,
                            struct arena *a)
{
    struct record_view v;
    struct err ignored;
    struct str program = record_open(&v, bytes, &ignored) ? record_program(&v) : STR("");
    return arena_printf(a, "%.*s/%.*s%s%.*s", STR_ARG(folder), STR_ARG(program),
                        program.len ? "-" : "", STR_ARG(str_basename(r->path)));
}

static void remove_oldest(struct str folder, struct arena *a)
{
    struct folder_record *list;
    u32 n = folder_list(&list, folder, a);
    u64 bytes = 0;
    for (u32 i = n; i > 0; i--) {
        struct stat st;
        bytes += stat(list[i - 1].path.ptr, &st) == 0 ? (u64)st.st_blocks * 512 : 0;
        if (n - i >= MOST_KEPT || bytes > MIB(MOST_KEPT_MIB))
            unlink(list[i - 1].path.ptr);
    }
}

// Leaves pages of zeroes out of the file.
static bool write_sparse(const char *path, struct str bytes, struct err *e)
{
    static const char zero[RECORD_PAGE];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, errno, "%s", path);
    bool done = ftruncate(fd, (off_t)bytes.len) == 0;
    for (size_t at = 0; done && at < bytes.len; at += RECORD_PAGE) {
        size_t n = bytes.len - at < RECORD_PAGE ? bytes.len - at : RECORD_PAGE;
        if (memcmp(bytes.ptr + at, zero, n) != 0)
            done = pwrite(fd, bytes.ptr + at, n, (off_t)at) == (ssize_t)n;
    }
    if (!done)
        err_write_errno(e, errno, "%s", path);
    close(fd);
    return done;
}

// The record, and behind it what a watcher saw of the process from outside (oom/watch.h).
static bool read_with_watch(struct str *bytes, const char *path, struct arena *a, struct err *e)
{
    struct str record, watch;
    struct err ignored;
    if (!file_read(&record, path, (size_t)MIB(MOST_BYTES_MIB), a, e))
        return false;
    if (!file_read(&watch, arena_printf(a, "%s" FOLDER_WATCH, path).ptr,
                   (size_t)MIB(MOST_BYTES_MIB), a, &ignored))
        watch = STR("");
    char *both = arena_alloc(a, record.len + watch.len, 1);
    memcpy(both, record.ptr, record.len);
    memcpy(both + record.len, watch.ptr, watch.len);
    *bytes = (struct str){both, record.len + watch.len};
    return true;
}

static void remove_record(const char *path, struct arena *a)
{
    unlink(path);
    unlink(arena_printf(a, "%s" FOLDER_WATCH, path).ptr);
}

bool folder_keep(struct str *kept, const struct folder_record *r, const struct record_death *death,
                 struct arena *a, struct err *e)
{
    struct str folder = folder_kept(a), bytes;
    if (!read_with_watch(&bytes, r->path.ptr, a, e))
        return false;
    if (death && bytes.len >= sizeof(struct record_header))
        memcpy((char *)(uintptr_t)bytes.ptr + offsetof(struct record_header, death), death,
               sizeof(*death));
    mkdir(folder.ptr, 0700);
    *kept = kept_path(r, folder, bytes, a);
    if (!write_sparse(kept->ptr, bytes, e)) {
        unlink(kept->ptr);
        return false;
    }
    remove_record(r->path.ptr, a);
    remove_oldest(folder, a);
    return true;
}

bool folder_is_watched(const struct folder_record *r)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s" FOLDER_WATCH, r->path.ptr);
    int fd = n > 0 && (size_t)n < sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool is_locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return is_locked;
}

u32 folder_sweep(struct arena *a)
{
    struct folder_record *list;
    u32 n = folder_list(&list, folder_live(a), a), kept = 0;
    for (u32 i = 0; i < n; i++) {
        struct str path;
        struct err ignored;
        enum folder_life life = folder_life(&list[i]);
        if (life == FOLDER_DEAD && !folder_is_watched(&list[i]))
            kept += folder_keep(&path, &list[i], NULL, a, &ignored);
        else if (life == FOLDER_REPLACED)
            remove_record(list[i].path.ptr, a);
    }
    return kept;
}
