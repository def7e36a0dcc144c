#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "memory/cgroup.h"

// Trees of files under tests/fixtures stand for what the kernel shows.
static char folder[4096];

static void write_file(const char *name, const char *text)
{
    char path[8192];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    fputs(text, f);
    fclose(f);
}

static void write_mountinfo(const char *name, const char *format)
{
    char text[8192];
    snprintf(text, sizeof(text), format, folder);
    write_file(name, text);
}

static void test_v1(void)
{
    struct cgroup g;
    struct cgroup_state s;
    write_file("proc/7/cgroup", "9:name=systemd:/\n4:cpu,memory:/a/b\n0::/\n");
    write_mountinfo("proc/7/mountinfo",
                    "25 1 0:22 / /sys rw - sysfs sysfs rw\n"
                    "31 25 0:27 / %s/v1 rw,relatime - cgroup cgroup rw,memory\n");
    write_file("v1/memory.limit_in_bytes", "9223372036854771712\n");
    write_file("v1/a/memory.limit_in_bytes", "67108864\n");
    write_file("v1/a/b/memory.limit_in_bytes", "268435456\n");
    write_file("v1/a/b/memory.usage_in_bytes", "1048576\n");
    write_file("v1/a/b/memory.max_usage_in_bytes", "2097152\n");
    write_file("v1/a/b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    char proc[8192];
    snprintf(proc, sizeof(proc), "%s/proc", folder);
    ok(cgroup_of(&g, proc, 7) && !g.is_v2 && strcmp(g.group, "/a/b") == 0,
       "a process's group is found under version 1");
    ok(cgroup_read(&s, &g) && s.usage_bytes == 1 << 20 && s.peak_bytes == 2 << 20 &&
           s.oom_kills == 3,
       "with its numbers");
    ok(s.limit_bytes == 64 << 20 && strcmp(s.limit_group, "/a") == 0,
       "the tightest limit is an ancestor's");
}

static void test_v2(void)
{
    struct cgroup g;
    struct cgroup_state s;
    char proc[8192];
    write_file("proc/8/cgroup", "0::/pod/box\n");
    write_mountinfo("proc/8/mountinfo", "30 25 0:26 /pod %s/v2 rw,nosuid - cgroup2 cgroup2 rw\n");
    write_file("v2/memory.max", "max\n");
    write_file("v2/box/memory.max", "268435456\n");
    write_file("v2/box/memory.current", "5000\n");
    write_file("v2/box/memory.events", "low 0\nhigh 0\nmax 35\noom 1\noom_kill 1\n");
    snprintf(proc, sizeof(proc), "%s/proc", folder);
    ok(cgroup_of(&g, proc, 8) && g.is_v2 && strcmp(g.group, "/box") == 0,
       "under version 2, below the root that a container sees");
    ok(cgroup_read(&s, &g) && s.usage_bytes == 5000 && s.oom_kills == 1 &&
           s.limit_bytes == 256 << 20,
       "with its numbers");
    ok(s.peak_bytes == 0, "a file that this kernel does not have is not known, not an error");
    ok(!cgroup_of(&g, proc, 9), "a process that is gone has none");
}

int main(void)
{
    const char *tmp = "/tmp/sonde-cgroup.XXXXXX";
    strcpy(folder, tmp);
    if (!mkdtemp(folder))
        return 1;
    test_v1();
    test_v2();
    char command[8192];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return done() | system(command);
}
