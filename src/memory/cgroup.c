#include "memory/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A v1 limit from here on means none: the kernel rounds the largest number down to a page.
#define NO_LIMIT ((u64)1 << 62)

// A file's text, ended by NUL; false when it cannot be read.
static bool read_text(char *text, size_t cap, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t len = 0;
    for (ssize_t n; len < cap - 1 && (n = read(fd, text + len, cap - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = 0;
    close(fd);
    return true;
}

// Whether a comma-separated list has a word.
static bool has_word(struct str list, struct str word)
{
    while (list.len) {
        if (str_equal(str_cut(&list, ','), word))
            return true;
    }
    return false;
}

// The group in a line of /proc/PID/cgroup, "4:memory:/demo" or "0::/demo".
static bool find_group(struct cgroup *g, struct str lines)
{
    bool found = false;
    while (lines.len) {
        struct str line = str_cut(&lines, '\n');
        struct str id = str_cut(&line, ':'), controllers = str_cut(&line, ':');
        bool v1 = has_word(controllers, STR("memory")),
             v2 = str_equal(id, STR("0")) && controllers.len == 0;
        if ((!v1 && !v2) || (found && v2) || line.len >= sizeof(g->group))
            continue;
        memcpy(g->group, line.ptr, line.len);
        g->group[line.len] = 0;
        g->is_v2 = v2;
        found = true;
        if (v1)
            break;
    }
    return found;
}

// Where the hierarchy is mounted, from /proc/PID/mountinfo: "ID PARENT DEV ROOT POINT OPTIONS ... -
// TYPE SOURCE SUPER".
static bool find_mount(struct cgroup *g, struct str lines)
{
    while (lines.len) {
        struct str line = str_cut(&lines, '\n'), head = line;
        i64 dash = str_find(line, STR(" - "));
        if (dash < 0)
            continue;
        struct str tail = str_skip(line, (size_t)dash + 3), type = str_cut(&tail, ' ');
        str_cut(&tail, ' ');
        for (int i = 0; i < 3; i++)
            str_cut(&head, ' ');
        struct str root = str_cut(&head, ' '), point = str_cut(&head, ' ');
        bool is_it = g->is_v2 ? str_equal(type, STR("cgroup2"))
                              : str_equal(type, STR("cgroup")) && has_word(tail, STR("memory"));
        if (!is_it || point.len >= sizeof(g->root))
            continue;
        memcpy(g->root, point.ptr, point.len);
        g->root[point.len] = 0;
        // In a container the mount shows the host's group as its root.
        size_t n = root.len > 1 && str_starts(str_of(g->group), root) ? root.len : 0;
        memmove(g->group, g->group + n, strlen(g->group + n) + 1);
        return true;
    }
    return false;
}

bool cgroup_of(struct cgroup *g, const char *proc, u32 pid)
{
    static const char *const file[] = {"cgroup", "mountinfo"};
    enum { TEXT_BYTES = 1 << 20 };
    *g = (struct cgroup){0};
    char *text = malloc(TEXT_BYTES);
    bool found = text != NULL;
    for (int i = 0; i < 2 && found; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, file[i]);
        found = read_text(text, TEXT_BYTES, path) && (i ? find_mount : find_group)(g, str_of(text));
    }
    free(text);
    return found;
}

static bool group_path(char *path, size_t cap, const struct cgroup *g, const char *group,
                       const char *file)
{
    int n = snprintf(path, cap, "%s%s/%s", g->root, strcmp(group, "/") == 0 ? "" : group, file);
    return n > 0 && (size_t)n < cap;
}

// A file with one number; "max" is NO_LIMIT.  False when it cannot be read.
static bool read_number(u64 *out, const struct cgroup *g, const char *group, const char *file)
{
    char path[1024], text[128];
    if (!group_path(path, sizeof(path), g, group, file) || !read_text(text, sizeof(text), path))
        return false;
    *out = strncmp(text, "max", 3) == 0 ? NO_LIMIT : strtoull(text, NULL, 10);
    return true;
}

// The number behind a word in a file of lines "word number".
static u64 read_keyed(const struct cgroup *g, const char *file, const char *word)
{
    char path[1024], text[4096];
    if (!group_path(path, sizeof(path), g, g->group, file) || !read_text(text, sizeof(text), path))
        return 0;
    struct str lines = str_of(text);
    while (lines.len) {
        struct str line = str_cut(&lines, '\n'), key = str_cut(&line, ' ');
        i64 n;
        if (str_equal(key, str_of(word)) && str_i64(&n, line))
            return (u64)n;
    }
    return 0;
}

static void find_limit(struct cgroup_state *s, const struct cgroup *g)
{
    char group[sizeof(g->group)];
    snprintf(group, sizeof(group), "%s", g->group);
    for (;;) {
        u64 limit;
        const char *shown = *group ? group : "/";
        if (read_number(&limit, g, shown, g->is_v2 ? "memory.max" : "memory.limit_in_bytes") &&
            limit < NO_LIMIT && (s->limit_bytes == 0 || limit < s->limit_bytes)) {
            s->limit_bytes = limit;
            snprintf(s->limit_group, sizeof(s->limit_group), "%s", shown);
        }
        char *slash = strrchr(group, '/');
        if (!slash)
            return;
        *slash = 0;
    }
}

bool cgroup_read(struct cgroup_state *s, const struct cgroup *g)
{
    *s = (struct cgroup_state){0};
    if (!read_number(&s->usage_bytes, g, g->group,
                     g->is_v2 ? "memory.current" : "memory.usage_in_bytes"))
        return false;
    read_number(&s->peak_bytes, g, g->group,
                g->is_v2 ? "memory.peak" : "memory.max_usage_in_bytes");
    s->oom_kills = read_keyed(g, g->is_v2 ? "memory.events" : "memory.oom_control", "oom_kill");
    find_limit(s, g);
    return true;
}
