#include "memory/lines.h"

#include <fcntl.h>
#include <unistd.h>

bool lines_read(char *text, size_t cap, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t len = 0;
    for (ssize_t n; len < cap - 1 && (n = read(fd, text + len, cap - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = 0;
    close(fd);
    return true;
}

bool lines_find(u64 *out, struct str text, const char *word)
{
    struct str wanted = str_of(word);
    while (text.len) {
        struct str line = str_cut(&text, '\n');
        if (!str_starts(line, wanted))
            continue;
        struct str rest = str_skip(line, wanted.len);
        if (rest.len == 0 || !str_is_blank(*rest.ptr))
            continue;
        rest = str_trim(rest);
        bool is_kib = str_ends(rest, STR(" kB"));
        i64 n;
        if (!str_i64(&n, str_cut(&rest, ' ')) || n < 0)
            return false;
        *out = (u64)n * (is_kib ? 1024 : 1);
        return true;
    }
    return false;
}

u64 lines_number(struct str text, const char *word)
{
    u64 n = 0;
    lines_find(&n, text, word);
    return n;
}
