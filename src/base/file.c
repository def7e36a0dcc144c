#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
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

bool gzip_is(struct str bytes)
{
    return bytes.len >= 2 && (u8)bytes.ptr[0] == 0x1f && (u8)bytes.ptr[1] == 0x8b;
}

// What the last member's trailer says of its length, which is right for a file of one member below
// 4 GiB.
static size_t size_hint(struct str bytes)
{
    u32 size = 0;
    if (bytes.len >= 18)
        memcpy(&size, bytes.ptr + bytes.len - 4, sizeof(size));
    size_t most = bytes.len * 1032; // deflate cannot pack tighter than 1032 : 1
    return size > most ? most : size;
}

static bool too_large(struct err *e, size_t limit)
{
    return err_set(e, EFBIG, "unpacks to more than %zu MiB; -max_size=SIZE allows more",
                   limit >> 20);
}

// Unpacks one member behind data[len], growing data as it needs to; *bytes moves on to the next
// member.
static bool decode_member(char **data, u32 *cap, size_t *len, struct str *bytes, size_t limit,
                          struct libdeflate_decompressor *d, struct arena *a, struct err *e)
{
    for (;;) {
        size_t used, made;
        switch (libdeflate_gzip_decompress_ex(d, bytes->ptr, bytes->len, *data + *len, *cap - *len,
                                              &used, &made)) {
        case LIBDEFLATE_SUCCESS:
            *bytes = str_skip(*bytes, used);
            *len += made;
            return *len <= limit || too_large(e, limit);
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            if (*cap > limit)
                return too_large(e, limit);
            *data = arena_grow(a, *data, cap, 1);
            break;
        default:
            return err_set(e, EBADMSG,
                           "decompressing profile: the gzip data is damaged or cut short");
        }
    }
}

bool gzip_decode(struct str *out, struct str bytes, size_t limit, struct arena *a, struct err *e)
{
    if (limit > UINT32_MAX - 2)
        limit = UINT32_MAX - 2;
    size_t hint = size_hint(bytes) < limit ? size_hint(bytes) : limit;
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d)
        return err_errno(e, ENOMEM, "decompressing profile");
    u32 cap = (u32)hint + 1;
    char *data = arena_alloc(a, cap, 1);
    size_t len = 0;
    bool done = true;
    while (done && bytes.len)
        done = decode_member(&data, &cap, &len, &bytes, limit, d, a, e);
    libdeflate_free_decompressor(d);
    *out = (struct str){data, len};
    return done;
}

void gzip_encode(struct buf *out, struct str bytes, int level)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    size_t bound = libdeflate_gzip_compress_bound(c, bytes.len);
    char *at = c ? buf_reserve(out, bound) : NULL;
    size_t n = at ? libdeflate_gzip_compress(c, bytes.ptr, bytes.len, at, bound) : 0;
    if (n == 0)
        out->full = true;
    out->len += n;
    libdeflate_free_compressor(c);
}
