// The machine as it was while perf recorded: processes, their threads' names, and what was mapped
// where.
//
// For the reader of perf.data only.
#ifndef PROFILE_PERF_SYSTEM_H
#define PROFILE_PERF_SYSTEM_H

#include "profile/perf_file.h"
#include "profile/perf_space.h"

struct perf_mapping {
    u64 start, limit, offset; // as struct mapping has them
    struct str filename, build_id;
    struct str function; // all of it is this function; empty for files
};

// What is there without any record of it.  Row 0 is no mapping.
enum {
    PERF_MAPPING_KERNEL = 1,
    PERF_MAPPING_HYPERVISOR,
    PERF_MAPPING_GUEST_KERNEL,
    PERF_MAPPING_GUEST
};

struct perf_system {
    const struct perf_file *file;
    struct arena *arena;
    struct perf_nodes nodes;
    struct perf_space kernel;
    struct table pids;        // 4 bytes each
    struct perf_space *space; // by row of pids
    u32 nspace, space_cap;
    struct table threads; // pid and tid, 4 bytes each
    struct str *comm;     // by row of threads
    u32 ncomm, comm_cap;
    struct table cgroups; // ids, 8 bytes each
    struct str *cgroup;   // by row of cgroups: paths
    u32 ncgroup, cgroup_cap;
    struct table mappings; // start, limit, offset and texts of each
    struct perf_mapping *mapping;
    u32 nmapping, mapping_cap;
};

void perf_system_init(struct perf_system *s, const struct perf_file *f);

// Brings the system up to date by a record that is no sample.
void perf_system_apply(struct perf_system *s, const struct perf_record *r);

// Row of the mapping at address in this mode (PERF_RECORD_MISC_USER ...) of the process; 0 when
// there is none.
u32 perf_system_find(const struct perf_system *s, u32 pid, u8 mode, u64 address);

// Names; empty when they are not known.
struct str perf_system_comm(const struct perf_system *s, u32 pid, u32 tid);
struct str perf_system_cgroup(const struct perf_system *s, u64 id);

#endif
