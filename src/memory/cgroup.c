#include "memory/cgroup.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/lines.h"

// A v1 limit from here on means none: the kernel rounds the largest number down to a page.
#define NO_LIMIT ((u64)1 << 62)

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
        found =
            lines_read(text, TEXT_BYTES, path) && (i ? find_mount : find_group)(g, str_of(text));
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

bool cgroup_path(char *path, size_t cap, const struct cgroup *g, const char *file)
{
    return group_path(path, cap, g, g->group, file);
}

// A file with one number; "max" is NO_LIMIT.  False when it cannot be read.
static bool read_number(u64 *out, const struct cgroup *g, const char *group, const char *file)
{
    char path[1024], text[128];
    if (!group_path(path, sizeof(path), g, group, file) || !lines_read(text, sizeof(text), path))
        return false;
    *out = strncmp(text, "max", 3) == 0 ? NO_LIMIT : strtoull(text, NULL, 10);
    return true;
}

// A file of lines; empty when it cannot be read.
static struct str read_lines(char *text, size_t cap, const struct cgroup *g, const char *file)
{
    char path[1024];
    *text = 0;
    return cgroup_path(path, sizeof(path), g, file) && lines_read(text, cap, path) ? str_of(text)
                                                                                   : STR("");
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

static void read_events_v1(struct cgroup_state *s, const struct cgroup *g)
{
    char text[4096];
    struct str control = read_lines(text, sizeof(text), g, "memory.oom_control");
    s->events.oom_kills = lines_number(control, "oom_kill");
    s->kill_disabled = lines_number(control, "oom_kill_disable") != 0;
    read_number(&s->events.max, g, g->group, "memory.failcnt");
}

static void read_events_v2(struct cgroup_state *s, const struct cgroup *g)
{
    char text[4096];
    u64 together = 0, high = 0;
    struct str events = read_lines(text, sizeof(text), g, "memory.events");
    s->events = (struct cgroup_events){
        .high = lines_number(events, "high"),
        .max = lines_number(events, "max"),
        .oom = lines_number(events, "oom"),
        .oom_kills = lines_number(events, "oom_kill"),
        .group_kills = lines_number(events, "oom_group_kill"),
    };
    if (read_number(&high, g, g->group, "memory.high") && high < NO_LIMIT)
        s->high_bytes = high;
    s->kills_all = read_number(&together, g, g->group, "memory.oom.group") && together == 1;
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234".
static u64 read_stall(const struct cgroup *g)
{
    char text[512];
    struct str line = read_lines(text, sizeof(text), g, "memory.pressure");
    i64 at = str_find(line, STR("total="));
    return at < 0 ? 0 : strtoull(line.ptr + at + 6, NULL, 10);
}

bool cgroup_usage(u64 *bytes, const struct cgroup *g)
{
    return read_number(bytes, g, g->group, g->is_v2 ? "memory.current" : "memory.usage_in_bytes");
}

bool cgroup_read(struct cgroup_state *s, const struct cgroup *g)
{
    *s = (struct cgroup_state){0};
    if (!cgroup_usage(&s->usage_bytes, g))
        return false;
    read_number(&s->peak_bytes, g, g->group,
                g->is_v2 ? "memory.peak" : "memory.max_usage_in_bytes");
    (g->is_v2 ? read_events_v2 : read_events_v1)(s, g);
    s->oom_kills = s->events.oom_kills;
    s->stall_us = g->is_v2 ? read_stall(g) : 0;
    find_limit(s, g);
    return true;
}

struct cgroup cgroup_limiting(const struct cgroup *g, const struct cgroup_state *s)
{
    struct cgroup limiting = *g;
    if (s->limit_bytes)
        snprintf(limiting.group, sizeof(limiting.group), "%s", s->limit_group);
    return limiting;
}

// What is looked for, and how far.
struct search {
    u32 *pid;
    u32 cap, n;
    u32 folders; // that may still be opened
};

static void add_processes(struct search *s, const char *folder)
{
    char path[1024], line[32];
    snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (s->n < s->cap)
            s->pid[s->n] = (u32)strtoul(line, NULL, 10);
        s->n++;
    }
    if (f)
        fclose(f);
}

static void search_groups(struct search *s, const char *folder)
{
    char path[1024];
    add_processes(s, folder);
    DIR *d = s->folders ? opendir(folder) : NULL;
    for (struct dirent *entry; d && s->folders && (entry = readdir(d));) {
        if (entry->d_type != DT_DIR || *entry->d_name == '.' ||
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= (int)sizeof(path))
            continue;
        s->folders--;
        search_groups(s, path);
    }
    if (d)
        closedir(d);
}

u32 cgroup_processes(u32 *pid, u32 cap, const struct cgroup *g)
{
    enum { MOST_GROUPS = 256 };
    char path[1024];
    struct search s = {.pid = pid, .cap = cap, .folders = MOST_GROUPS};
    if (cgroup_path(path, sizeof(path), g, ""))
        search_groups(&s, path);
    return s.n;
}
