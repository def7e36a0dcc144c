#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_read_fd(struct str *out, int fd, const char *name, size_t limit, struct arena *a,
                  struct err *e)
{
    struct stat st;
    u32 cap = fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < UINT32_MAX - 1
                  ? (u32)st.st_size + 1
                  : 1 << 16;
    char *data = arena_alloc(a, cap, 1);
    size_t len = 0;
    for (;;) {
        if (len == cap)
            data = arena_grow(a, data, &cap, 1);
        ssize_t n = read(fd, data + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, errno, "%s", name);
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > limit)
            return err_set(e, EFBIG, "%s: larger than %zu MiB; -max_size=SIZE allows more", name,
                           limit >> 20);
    }
    *out = (struct str){data, len};
    return true;
}

bool file_read(struct str *out, const char *path, size_t limit, struct arena *a, struct err *e)
{
    if (strcmp(path, "-") == 0)
        return file_read_fd(out, STDIN_FILENO, "standard input", limit, a, e);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "%s", path);
    bool done = file_read_fd(out, fd, path, limit, a, e);
    close(fd);
    return done;
}

static bool write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes = str_skip(bytes, (size_t)n);
    }
    return true;
}

// Devices and pipes (/dev/stdout) are written in place.
static bool write_special(const char *path, struct str bytes, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "%s", path);
    bool done = write_all(fd, bytes) || err_errno(e, errno, "%s", path);
    close(fd);
    return done;
}

bool file_write(const char *path, struct str bytes, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return write_special(path, bytes, e);
    char temporary[4096];
    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
        return err_errno(e, ENAMETOOLONG, "%s", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "%s", path);
    mode_t mask = umask(0);
    umask(mask);
    bool done = write_all(fd, bytes) && fchmod(fd, 0666 & ~mask) == 0;
    done = close(fd) == 0 && done && rename(temporary, path) == 0;
    if (done)
        return true;
    err_write_errno(e, errno, "%s", path);
    unlink(temporary);
    return false;
}

bool file_new(struct str *path, struct str prefix, struct str suffix, struct arena *a,
              struct err *e)
{
    enum { MOST_FILES = 9999 };
    for (int i = 1; i <= MOST_FILES; i++) {
        *path = arena_printf(a, "%.*s%03d%.*s", STR_ARG(prefix), i, STR_ARG(suffix));
        int fd = open(path->ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        if (errno != EEXIST)
            return err_errno(e, errno, "%s", path->ptr);
    }
    return err_set(e, EEXIST, "there are %d files %.*sNNN%.*s already; remove some", MOST_FILES,
                   STR_ARG(prefix), STR_ARG(suffix));
}
