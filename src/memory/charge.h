// What a memory cgroup is charged for, as the kernel itself divides it.
#ifndef MEMORY_CHARGE_H
#define MEMORY_CHARGE_H

#include "memory/cgroup.h"

// Bytes.  Version 1 divides the kernel's own memory no further than kernel_bytes.
struct charge {
    u64 usage_bytes;
    u64 anon_bytes;     // pages of processes that are in no file
    u64 unmapped_bytes; // such pages that no process has mapped any more, on their way back
    u64 file_bytes;     // page cache of files on disks
    u64 mapped_bytes;   // of page cache and shmem, what processes have mapped
    u64 dirty_bytes;    // of file_bytes, what is to be written first
    u64 locked_bytes;   // of all, what may not be reclaimed
    u64 shmem_bytes; // tmpfs, memfds, shared anonymous memory: to be swapped out, but not dropped
    u64 socket_bytes;
    u64 kernel_bytes; // all of the kernel's own, but not the sockets
    u64 page_table_bytes, kernel_stack_bytes, slab_bytes; // of kernel_bytes; 0: not told apart
    u64 swap_bytes;
};

// False when the group's files cannot be read.
bool charge_read(struct charge *c, const struct cgroup *g);

// The same from the lines of memory.stat, which the kernel's log repeats when it kills; usage_bytes
// and what version 1 has in other files stay 0.
void charge_parse(struct charge *c, struct str lines, bool is_v2);

#endif
