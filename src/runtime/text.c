#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void text_add(struct text *t, const char *s)
{
    while (*s && t->end - t->at > 1)
        *t->at++ = *s++;
    *t->at = 0;
}

void text_number(struct text *t, u64 n)
{
    char digits[21];
    char *at = digits + sizeof(digits);
    *--at = 0;
    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    text_add(t, at);
}

// By bare system calls: the library's open() and read() are points where a thread may be cancelled,
// and an allocation is not.
i64 text_read_file(char *out, size_t cap, const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    while (len < cap - 1) {
        i64 n = syscall(SYS_read, fd, out + len, cap - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    out[len] = 0;
    syscall(SYS_close, fd);
    return (i64)len;
}

u64 text_parse_number(const char *s)
{
    u64 n = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        n = n * 10 + (u64)(*s - '0');
    return n;
}

u64 text_parse_bytes(const char *s, u64 otherwise)
{
    if (!s || *s < '0' || *s > '9')
        return otherwise;
    u64 n = text_parse_number(s);
    while (*s >= '0' && *s <= '9')
        s++;
    u32 shift = *s == 'k' || *s == 'K'   ? 10
                : *s == 'm' || *s == 'M' ? 20
                : *s == 'g' || *s == 'G' ? 30
                                         : 0;
    if (shift)
        s++;
    if (shift && *s == 'i')
        s++;
    if (*s == 'b' || *s == 'B')
        s++;
    return *s == 0 && n << shift >> shift == n ? n << shift : otherwise;
}

u64 text_parse_ns(const char *s, u64 otherwise)
{
    static const struct {
        const char *name;
        u64 ns;
    } unit[] = {{"", 1}, {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    if (!s || *s < '0' || *s > '9')
        return otherwise;
    u64 n = text_parse_number(s);
    while (*s >= '0' && *s <= '9')
        s++;
    for (u32 i = 0; i < ARRAY_LEN(unit); i++) {
        if (strcmp(s, unit[i].name) == 0)
            return n * unit[i].ns;
    }
    return otherwise;
}

const char *text_find_line(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, prefix, n) == 0)
            return line + n;
    }
    return NULL;
}

void text_warn(const char *a, const char *b)
{
    char line[512];
    struct text t = {line, line + sizeof(line) - 1};
    text_add(&t, "sonde: ");
    text_add(&t, a);
    text_add(&t, b);
    *t.at++ = '\n';
    syscall(SYS_write, STDERR_FILENO, line, (size_t)(t.at - line));
}
