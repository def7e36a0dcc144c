#include "oom/copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/copying.h"

enum { PATH_BYTES = 4096 };

static bool name_copy(char *path, const struct observer *o, const char *folder, const char *end)
{
    struct str program = record_program(&o->view);
    int n = snprintf(path, PATH_BYTES, "%s/%.*s-%u-%llu%s", folder, STR_ARG(program), o->pid,
                     (unsigned long long)o->start_ticks, end);
    return n > 0 && n < PATH_BYTES;
}

bool copy_write(const struct observer *o, const char *folder)
{
    char path[PATH_BYTES], new[PATH_BYTES];
    if (!o->watch || !o->map || !name_copy(path, o, folder, "") ||
        !name_copy(new, o, folder, ".new"))
        return false;
    mkdir(folder, 0700);
    int fd = copying_open(new);
    if (fd < 0)
        return false;
    bool done = copying_write(fd, o->map, o->map_bytes, 0) &&
                copying_write(fd, o->watch, sizeof(*o->watch), o->map_bytes);
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
