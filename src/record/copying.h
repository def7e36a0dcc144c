// What the process itself and who watches it from outside do alike when they keep copies of a
// record on a volume.  Header only: the profiled process includes it too.
#ifndef RECORD_COPYING_H
#define RECORD_COPYING_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/types.h"

enum { COPYING_THRESHOLDS = 3, COPYING_HYSTERESIS = 5 }; // percent of the limit

static const u32 copying_threshold[COPYING_THRESHOLDS] = {85, 90, 95}; // likewise

// Which thresholds are passed upwards now, a bit each; *passed remembers those that were.  Passing
// one counts once; it must be left by some percent before it counts again.
static inline u32 copying_pass(u32 *passed, u64 usage, u64 limit)
{
    u32 now = 0;
    u64 percent = limit ? usage * 100 / limit : 0;
    for (u32 i = 0; i < COPYING_THRESHOLDS; i++) {
        if (percent >= copying_threshold[i])
            now |= 1U << i;
        else if (percent + COPYING_HYSTERESIS < copying_threshold[i])
            *passed &= ~(1U << i);
    }
    u32 fresh = now & ~*passed;
    *passed |= now;
    return fresh;
}

// A new file, past the page cache, which could not be had at the limit, where the file system takes
// that.  -1: it cannot be opened.
static inline int copying_open(const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, flags | O_DIRECT, 0600);
    return fd < 0 && errno == EINVAL ? open(path, flags, 0600) : fd;
}

// Writes whole pages of a mapping.
static inline bool copying_write(int fd, const void *from, u64 bytes, u64 at)
{
    for (u64 done = 0; done < bytes;) {
        const char *rest = (const char *)from + done;
        ssize_t n = pwrite(fd, rest, bytes - done, (off_t)(at + done));
        if (n < 0 && errno == EINVAL && fcntl(fd, F_SETFL, 0) == 0)
            n = pwrite(fd, rest, bytes - done, (off_t)(at + done));
        if (n <= 0)
            return false;
        done += (u64)n;
    }
    return true;
}

#endif
