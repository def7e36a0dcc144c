#include "oom/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static bool name_copy(char *path, const struct observer *o, const char *folder, const char *end)
{
    struct str program = record_program(&o->view);
    int n = snprintf(path, PATH_BYTES, "%s/%.*s-%u-%llu%s", folder, STR_ARG(program), o->pid,
                     (unsigned long long)o->start_ticks, end);
    return n > 0 && n < PATH_BYTES;
}

// Writes whole pages of a mapping; past the page cache if the file was opened so and its file
// system takes it.
static bool write_all(int fd, const char *from, size_t bytes, off_t at)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pwrite(fd, from + done, bytes - done, at + (off_t)done);
        if (n < 0 && errno == EINVAL && fcntl(fd, F_SETFL, 0) == 0)
            n = pwrite(fd, from + done, bytes - done, at + (off_t)done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

bool copy_write(const struct observer *o, const char *folder)
{
    char path[PATH_BYTES], new[PATH_BYTES];
    if (!o->watch || !o->map || !name_copy(path, o, folder, "") ||
        !name_copy(new, o, folder, ".new"))
        return false;
    mkdir(folder, 0700);
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(new, flags | O_DIRECT, 0600);
    if (fd < 0 && errno == EINVAL)
        fd = open(new, flags, 0600);
    if (fd < 0)
        return false;
    bool done = write_all(fd, o->map, o->map_bytes, 0) &&
                write_all(fd, (const char *)o->watch, sizeof(*o->watch), (off_t)o->map_bytes);
    int error = errno;
    close(fd);
    // A copy that is not whole does not take the place of one that is.
    done = done && rename(new, path) == 0;
    if (!done)
        unlink(new);
    errno = error;
    return done;
}

void copy_remove(const struct observer *o, const char *folder)
{
    char path[PATH_BYTES];
    if (o->map && name_copy(path, o, folder, ""))
        unlink(path);
}
