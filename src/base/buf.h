// A byte buffer that grows up to a limit, or is written to a file piece by piece.  Writers only
// append; when it is full it stays as it is and says so once, at the end.
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
    char *data;
    size_t len, cap, limit; // bytes
    bool full;              // something did not fit: what is in data is not whole
    int fd;                 // to be written to piece by piece; -1: all stays in data
    int error;              // an errno value: the file could not be written
};

void buf_init(struct buf *b, size_t limit);

// What is appended goes to the open file fd, a large piece at a time.
void buf_init_file(struct buf *b, int fd);

// Writes what is left; false: some of it or of what came before could not be written, see error.
bool buf_flush(struct buf *b);

void buf_free(struct buf *b);

void buf_add(struct buf *b, struct str s);
void buf_char(struct buf *b, char c);
void buf_text(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);

// s with blanks before it, or behind it, up to width characters of UTF-8.
void buf_right(struct buf *b, struct str s, size_t width);
void buf_left(struct buf *b, struct str s, size_t width);

// A decimal number.
void buf_u64(struct buf *b, u64 value);

// The shortest text that reads back as value, as Go prints it: "0.005", "1e+06".
void buf_double(struct buf *b, double value);

// Makes room for n more bytes at data + len; NULL when they do not fit.  The caller adds to len
// what it wrote.
char *buf_reserve(struct buf *b, size_t n);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->data, b->len};
}

#endif
