// What the kernel's log says of an OOM kill: the group's numbers at that very moment.  To be read
// by root only, mostly.
#ifndef OOM_KERNEL_LOG_H
#define OOM_KERNEL_LOG_H

#include "oom/watch.h"

// The newest kill of the process, at most two minutes old; leaves *k as it is when there is none.
void kernel_log_find(struct watch_kernel *k, u32 pid, bool is_v2);

// The same in messages, "6,1234,5678,-;TEXT", as /dev/kmsg gives them, each ended by a newline,
// that are not older than least_us.
void kernel_log_parse(struct watch_kernel *k, struct str messages, u32 pid, bool is_v2,
                      u64 least_us);

#endif
