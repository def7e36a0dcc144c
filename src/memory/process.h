// A process's memory as /proc sums it up.
#ifndef MEMORY_PROCESS_H
#define MEMORY_PROCESS_H

#include "base/str.h"

struct process {
    u32 pid;
    char name[16]; // as the kernel shortens it
    u32 nthread;
    u64 anon_bytes;  // pages in no file
    u64 shmem_bytes; // mapped pages of tmpfs and memfds
    u64 file_bytes;
    u64 page_table_bytes;
};

// Its pages in no file, shared ones counted whole.  False when it has no memory any more: it is
// being taken down.
bool process_anon(u64 *bytes, const char *proc, u32 pid);

// Pages that others have as well count whole.  False when it is gone.  proc is "/proc", or a copy
// of it in tests.
bool process_read(struct process *p, const char *proc, u32 pid);

// Has them count by their parts, so that the sum over all who have them is right.  Meanwhile the
// process cannot map memory: some 20 ms for each GiB.
void process_divide(struct process *p, const char *proc);

#endif
