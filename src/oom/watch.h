// The watch: what somebody outside of the process saw of its memory, kept beside the record while
// the process lives ("PID-START.watch") and behind it once it is dead.  One who watches from
// outside sees what the process cannot: the kernel's account of its group, other processes, its own
// areas.
//
// The file is one struct watch, mapped MAP_SHARED, so that it outlives the watcher too when both
// are killed at once (memory.oom.group).  Rings wrap; a row is visible by its time_ns, stored last.
#ifndef OOM_WATCH_H
#define OOM_WATCH_H

#include "base/arena.h"
#include "base/err.h"
#include "memory/account.h"

#define WATCH_MAGIC "SONDEWAT" // 8 bytes

enum {
    WATCH_VERSION = 3,
    WATCH_RINGS = 3, // of looks: each; one a second; one a minute
    WATCH_LOOKS = 512,
    WATCH_ACCOUNTS = 64, // in each of two rings: each; one a minute
    WATCH_SNAPSHOTS = 72,
    WATCH_HELD = 96,
    WATCH_MARKS = 64,
};

// A cheap look: the group's numbers, and one of the process.  Times are nanoseconds since the
// record's start, plus 1.
struct watch_look {
    u64 time_ns;
    u64 usage_bytes, limit_bytes;
    u64 anon_bytes, file_bytes, shmem_bytes, kernel_bytes;
    u64 mapped_bytes, dirty_bytes, locked_bytes; // see struct charge
    u64 live_bytes;                              // of the heap, by the record
    u64 own_bytes;                               // the process's own anonymous pages
    u64 max_events, oom_kills;
    u64 stall_us;
};

struct watch_account {
    u64 time_ns;
    u64 live_bytes; // of the heap, by the record: also what is not in memory
    // As in the look before it, and once the charge was read: it may grow all the while.
    u64 own_bytes, own_after_bytes;
    struct charge charge;
    struct account account;
};

// The stacks that held most, once a minute: who grew is a difference.
struct watch_snapshot {
    u64 time_ns;
    u32 nheld, reserved;
    struct {
        u32 stack, reserved; // word offset in the record
        u64 bytes;
    } held[WATCH_HELD];
};

enum watch_mark_kind {
    WATCH_NO_MARK,
    WATCH_THRESHOLD, // value: percent of the limit that was passed upwards
    WATCH_PROJECTED, // value: milliseconds to the limit, at the rate of then
    WATCH_EVENT_HIGH,
    WATCH_EVENT_MAX,
    WATCH_EVENT_OOM,
    WATCH_TERMINATE, // somebody sent SIGTERM
    WATCH_MARK_KINDS
};

struct watch_mark {
    u64 time_ns;
    u32 kind, value;
    u64 usage_bytes;
};

// What the kernel's log said of the kill.
struct watch_kernel {
    u32 is_known;
    u32 is_global; // it was the machine that ran out, not a group
    u64 usage_bytes, limit_bytes;
    struct charge charge;
    u64 anon_bytes;  // of the process that was killed
    u64 other_bytes; // anonymous memory of the other processes
    u64 table_bytes; // page tables of all
    u32 nprocess, reserved;
    struct process other[ACCOUNT_PROCESSES];
};

struct watch {
    char magic[8];
    u32 version, bytes; // of the whole
    u32 pid, watcher;   // processes
    u64 start_ticks;    // of the process, as in the record
    u32 is_v2, kills_all;
    u64 limit_bytes;
    char limit_group[512];
    struct cgroup_events at_start;
    u64 nlook[WATCH_RINGS], naccount[2], nsnapshot, nmark; // ever written
    struct watch_kernel kernel;
    struct extent extent[EXTENTS]; // at the last account
    struct watch_look look[WATCH_RINGS][WATCH_LOOKS];
    struct watch_account account[2][WATCH_ACCOUNTS];
    struct watch_snapshot snapshot[WATCH_SNAPSHOTS];
    struct watch_mark mark[WATCH_MARKS];
};

// The rings' periods.
#define WATCH_LOOK_PERIOD_NS    ((u64[WATCH_RINGS]){0, 1000000000, 60000000000})
#define WATCH_ACCOUNT_PERIOD_NS ((u64[2]){0, 60000000000})

void watch_init(struct watch *w, u32 pid, u64 start_ticks);

// Each appends a row to the rings that it is due for.
void watch_add_look(struct watch *w, const struct watch_look *look);
void watch_add_account(struct watch *w, const struct watch_account *account);
void watch_add_snapshot(struct watch *w, const struct watch_snapshot *snapshot);
void watch_add_mark(struct watch *w, const struct watch_mark *mark);

// Reading: bytes that somebody else wrote.  Fails with EBADMSG when they are no watch.
bool watch_open(struct watch **out, struct str bytes, struct arena *a, struct err *e);

// Reads a watch's own file, which is beside a record that is not kept yet.
bool watch_read(struct watch **out, const char *path, struct arena *a, struct err *e);

// All rows, oldest first, without repetitions.
u32 watch_looks(struct watch_look **out, const struct watch *w, struct arena *a);
u32 watch_accounts(struct watch_account **out, const struct watch *w, struct arena *a);
u32 watch_snapshots(struct watch_snapshot **out, const struct watch *w, struct arena *a);
u32 watch_marks(struct watch_mark **out, const struct watch *w, struct arena *a);

#endif
