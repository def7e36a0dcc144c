#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 18 };

void buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit, .fd = -1};
}

void buf_init_file(struct buf *b, int fd)
{
    *b = (struct buf){.limit = SIZE_MAX / 2, .fd = fd};
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.limit = b->limit, .fd = b->fd};
}

bool buf_flush(struct buf *b)
{
    for (size_t done = 0; b->fd >= 0 && done < b->len && !b->error;) {
        ssize_t n = write(b->fd, b->data + done, b->len - done);
        if (n < 0 && errno != EINTR)
            b->error = errno;
        done += n > 0 ? (size_t)n : 0;
    }
    b->len = b->fd >= 0 ? 0 : b->len;
    return !b->error;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (n <= b->cap - b->len)
        return b->data + b->len;
    if (b->fd >= 0 && b->len >= PIECE_BYTES)
        buf_flush(b);
    if (n <= b->cap - b->len)
        return b->data + b->len;
    if (b->full || n > b->limit - b->len) {
        b->full = true;
        return NULL;
    }
    size_t cap = b->cap < 256 ? 256 : b->cap;
    while (cap - b->len < n)
        cap *= 2;
    if (cap > b->limit)
        cap = b->limit;
    char *data = realloc(b->data, cap);
    if (!data) {
        b->full = true;
        return NULL;
    }
    b->data = data;
    b->cap = cap;
    return b->data + b->len;
}

void buf_add(struct buf *b, struct str s)
{
    char *at = s.len ? buf_reserve(b, s.len) : NULL;
    if (!at)
        return;
    memcpy(at, s.ptr, s.len);
    b->len += s.len;
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, str_of(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    char small[256];
    va_start(args, format);
    int n = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (n < 0)
        return;
    if ((size_t)n < sizeof(small)) {
        buf_add(b, (struct str){small, (size_t)n});
        return;
    }
    char *at = buf_reserve(b, (size_t)n + 1);
    if (!at)
        return;
    va_start(args, format);
    vsnprintf(at, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
}

static void add_blanks(struct buf *b, struct str s, size_t width)
{
    for (size_t n = str_characters(s); n < width; n++)
        buf_char(b, ' ');
}

void buf_right(struct buf *b, struct str s, size_t width)
{
    add_blanks(b, s, width);
    buf_add(b, s);
}

void buf_left(struct buf *b, struct str s, size_t width)
{
    buf_add(b, s);
    add_blanks(b, s, width);
}

void buf_u64(struct buf *b, u64 value)
{
    char text[24], *at = text + sizeof(text);
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    buf_add(b, (struct str){at, (size_t)(text + sizeof(text) - at)});
}

void buf_double(struct buf *b, double value)
{
    enum { LEAST_EXPONENT = -4, MOST_EXPONENT = 5, MOST_DIGITS = 17 };
    char text[40];
    int digits = 0;
    do
        snprintf(text, sizeof(text), "%.*e", digits, value);
    while (strtod(text, NULL) != value && digits++ < MOST_DIGITS);
    const char *e = strchr(text, 'e');
    long exponent = e ? strtol(e + 1, NULL, 10) : 0;
    if (e && exponent >= LEAST_EXPONENT && exponent <= MOST_EXPONENT)
        snprintf(text, sizeof(text), "%.*f", digits > exponent ? digits - (int)exponent : 0, value);
    buf_text(b, text);
}
