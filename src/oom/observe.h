// Watching a process from outside: its group's numbers once a second and, as the limit comes near,
// up to each millisecond; now and then the whole account.  What is seen goes into a struct watch in
// shared memory beside the record, whose pages are all there from the beginning: at the limit no
// fresh page is to be had.
#ifndef OOM_OBSERVE_H
#define OOM_OBSERVE_H

#include "memory/areas.h"
#include "oom/watch.h"
#include "record/read.h"

enum { OBSERVER_BLOCKS = 57344, OBSERVER_RANGES = 4096 };

// A live block of the heap, as the record tells it.
struct observer_block {
    u64 address, bytes;
    u32 stack;
};

struct observer {
    u32 pid;
    u64 start_ticks;
    struct cgroup group;    // of the process
    struct cgroup limiting; // what the account is of: the group whose limit is the tightest
    struct cgroup_state state;
    int usage_fd;
    int wake_fd;     // readable when the group's usage passes a threshold, or its events change; -1
    bool is_urgent;  // wake_fd is to be polled for POLLPRI
    const char *map; // the record; NULL: there is none yet
    size_t map_bytes;
    u64 inode; // of its file
    struct record_view view;
    struct watch *watch;          // NULL: it could not be made; nothing is seen then
    char path[512];               // of the watch
    int fd;                       // its lock
    struct observer_block *block; // room for so many, and for ranges
    struct areas_range *range;
    u64 start_mono_ns;

    u64 step_ns, step_usage_bytes, rate_bytes_s; // at the last step
    u64 look_ns;                                 // of the last look, 0: none yet
    u32 look_wait_ms;                            // until the next one, if nothing is in a hurry
    u64 hard_bytes; // then charged for what cannot be dropped: all but files
    u64 hard_rate_bytes_s;
    u64 own_bytes; // then the process's own anonymous memory
    u64 account_ns, account_cost_ns;
    u64 account_usage_bytes, account_hard_bytes, account_own_bytes;
    u64 snapshot_ns;
    bool was_odd;      // the last account left much unexplained
    u32 passed;        // thresholds, a bit each
    bool is_projected; // the limit was found to be near, at the rate of then
    u32 nmark;         // marks that were made
    u32 ntry;          // that found no record yet
};

// Begins to watch a process, which needs no record yet.
void observer_init(struct observer *o, u32 pid);

// attach.c: finds the record, once there is one, and begins to write the watch beside it.
bool observer_attach(struct observer *o);

// Looks when it is time to; returns the milliseconds until it is to be called again, at the latest.
// Costs microseconds when nothing has changed.
u32 observer_step(struct observer *o);

// Looks at all, now: somebody is about to end the process.
void observer_mark(struct observer *o, enum watch_mark_kind kind);

// The process is dead: adds what the kernel still says of it.
void observer_death(struct observer *o);

// Ends; removes the watch when its record is gone, too.
void observer_end(struct observer *o);

#endif
