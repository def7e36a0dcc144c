// The memory cgroup of a process, version 1 or 2.
#ifndef MEMORY_CGROUP_H
#define MEMORY_CGROUP_H

#include "base/str.h"

struct cgroup {
    bool is_v2;
    char root[256];  // where the hierarchy is mounted
    char group[512]; // path below root, "/demo"
};

struct cgroup_state {
    u64 usage_bytes;
    u64 peak_bytes;        // 0: the kernel does not tell
    u64 limit_bytes;       // the tightest of the group and its ancestors; 0: none
    char limit_group[512]; // which one sets it
    u64 oom_kills;
};

// False when the process is gone or in no memory cgroup that can be seen.  proc is "/proc", or a
// copy of it in tests.
bool cgroup_of(struct cgroup *g, const char *proc, u32 pid);

// False when the group's files cannot be read.
bool cgroup_read(struct cgroup_state *s, const struct cgroup *g);

#endif
