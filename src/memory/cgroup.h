// The memory cgroup of a process, version 1 or 2.
#ifndef MEMORY_CGROUP_H
#define MEMORY_CGROUP_H

#include "base/str.h"

struct cgroup {
    bool is_v2;
    char root[256];  // where the hierarchy is mounted
    char group[512]; // path below root, "/demo"
};

// What the kernel counted of a group that ran into its limits.
struct cgroup_events {
    u64 high, max; // version 2: throttled, or made to reclaim; on version 1 max is failcnt
    u64 oom;       // the limit held, and nothing could be reclaimed; not known on version 1
    u64 oom_kills; // processes that the OOM killer killed
    u64 group_kills;
};

struct cgroup_state {
    u64 usage_bytes;
    u64 peak_bytes;        // 0: the kernel does not tell
    u64 limit_bytes;       // the tightest of the group and its ancestors; 0: none
    char limit_group[512]; // which one sets it
    u64 oom_kills;         // of the group; the same as events.oom_kills
    struct cgroup_events events;
    u64 high_bytes;     // version 2's memory.high of the group; 0: none
    u64 stall_us;       // time that some process of the group waited for memory; 0: not known
    bool kills_all;     // memory.oom.group
    bool kill_disabled; // version 1: processes wait at the limit instead
};

// False when the process is gone or in no memory cgroup that can be seen.  proc is "/proc", or a
// copy of it in tests.
bool cgroup_of(struct cgroup *g, const char *proc, u32 pid);

// False when the group's files cannot be read.
bool cgroup_read(struct cgroup_state *s, const struct cgroup *g);

// The group that sets the limit which cgroup_read() found; g itself where there is none.
struct cgroup cgroup_limiting(const struct cgroup *g, const struct cgroup_state *s);

// Bytes charged to the group; cheap.  False when that cannot be read.
bool cgroup_usage(u64 *bytes, const struct cgroup *g);

// Path of one of the group's files; false when it does not fit.
bool cgroup_path(char *path, size_t cap, const struct cgroup *g, const char *file);

// Processes of the group and of the groups below it, at most cap of them.  Their number, which may
// be larger than cap.
u32 cgroup_processes(u32 *pid, u32 cap, const struct cgroup *g);

#endif
