// The account: what a memory cgroup was charged for, divided so that the lines add up to it.
#ifndef MEMORY_ACCOUNT_H
#define MEMORY_ACCOUNT_H

#include "memory/areas.h"
#include "memory/charge.h"
#include "memory/process.h"

enum account_line {
    ACCOUNT_HEAP,     // live blocks of the allocator, as far as they are in memory
    ACCOUNT_RETAINED, // what else the allocator has
    ACCOUNT_MAPPINGS,
    ACCOUNT_STACKS,
    ACCOUNT_DATA,
    ACCOUNT_UNMAPPED,
    ACCOUNT_OTHERS,
    ACCOUNT_TMPFS,
    ACCOUNT_FILES,
    ACCOUNT_CACHE,
    ACCOUNT_SOCKETS,
    ACCOUNT_PAGE_TABLES,
    ACCOUNT_KERNEL_STACKS,
    ACCOUNT_KERNEL, // slab and all else of the kernel's own
    ACCOUNT_SONDE,
    ACCOUNT_UNEXPLAINED,
    ACCOUNT_LINES
};

enum { ACCOUNT_PROCESSES = 6 };

struct account {
    u64 charge_bytes;
    i64 bytes[ACCOUNT_LINES]; // they add up to charge_bytes; only the last may be negative
    u64 largest_mapping_bytes;
    u64 dirty_bytes, locked_bytes;
    u32 nprocess; // in the group
    u32 nthread;  // of all of them that were looked at
    u32 nstack, nmapping;
    struct process other[ACCOUNT_PROCESSES]; // the heaviest, but not the one that is watched
};

// What a line is called, "live heap", and what it means, in a few words.
const char *account_name(enum account_line line);
const char *account_meaning(enum account_line line);

// The name as a key: "live_heap".
const char *account_key(enum account_line line);

// What the account is made from.
struct account_sources {
    struct charge charge;
    struct areas areas; // of the process that is watched; all 0 when it could not be seen
    u64 watcher_bytes;  // shared memory of the one who watches, when it is in the group
    u32 nprocess;       // in the group
    bool saw_all;       // all processes are in the sums below
    u64 other_bytes;    // anonymous memory of the others
    u64 shmem_bytes;    // mapped by all; what several have may count more than once
    u64 table_bytes;    // page tables of all
    u32 nthread;        // of all
    struct process other[ACCOUNT_PROCESSES];
};

// Looks at the processes of the group, at most so many that it takes some milliseconds.
void account_look(struct account_sources *s, const char *proc, const struct cgroup *g, u32 pid);

struct account account_build(const struct account_sources *s);

// Makes the lines add up to another charge: ACCOUNT_UNEXPLAINED takes the difference.
void account_balance(struct account *a, u64 charge_bytes);

#endif
