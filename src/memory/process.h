// A process's memory as /proc sums it up.
#ifndef MEMORY_PROCESS_H
#define MEMORY_PROCESS_H

#include "base/str.h"

struct process {
    u32 pid;
    char name[16]; // as the kernel shortens it
    u32 nthread;
    u64 anon_bytes;  // pages in no file; those shared with others by fork count in part
    u64 shmem_bytes; // mapped pages of tmpfs and memfds, in part too
    u64 file_bytes;
    u64 page_table_bytes;
};

// Its pages in no file, shared ones counted whole.  False when it has no memory any more: it is
// being taken down.
bool process_anon(u64 *bytes, const char *proc, u32 pid);

// False when it is gone.  proc is "/proc", or a copy of it in tests.
bool process_read(struct process *p, const char *proc, u32 pid);

#endif
