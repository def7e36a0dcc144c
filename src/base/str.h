// A string: bytes and their number, not ended by NUL.  Text that arena_str() made is followed by a
// NUL as well.
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/types.h"

struct str {
    const char *ptr;
    size_t len; // bytes
};

// For printf's "%.*s"; s is evaluated twice.
#define STR_ARG(s)   (int)(s).len, (s).ptr
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})

// The string of a NUL-ended text; NULL is the empty one.
struct str str_of(const char *text);

bool str_equal(struct str a, struct str b);

// <0, 0 or >0, by unsigned bytes as Go and strcmp order strings.
int str_compare(struct str a, struct str b);

// The same for qsort().
int str_order(const void *a, const void *b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

// Offset of the first needle in s, or -1.
i64 str_find(struct str s, struct str needle);

// s without its first n bytes (all of it when shorter).
struct str str_skip(struct str s, size_t n);

// The part after the last '/', or all of it: Go's filepath.Base without its special cases.
struct str str_basename(struct str path);

// The part up to the last '/' and with it; empty when there is none.
struct str str_folder(struct str path);

// Cuts the part before the first separator off *rest and returns it; the whole rest when there is
// none.
struct str str_cut(struct str *rest, char separator);

static inline bool str_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// s without blanks at either end.
struct str str_trim(struct str s);

// Its length in characters of UTF-8.
size_t str_characters(struct str s);

// A whole decimal number.  False when s is anything else or does not fit.
bool str_i64(i64 *out, struct str s);

// A decimal fraction, with or without an exponent.  False when s is anything else.
bool str_double(double *out, struct str s);

// A whole number of bytes: "4096", "512KiB", "64MB", "2G"; all units are powers of 1024, as pprof's
// are.
bool str_size(u64 *out, struct str s);

// 64-bit hash of any bytes; the same in every run.
u64 hash_bytes(const void *bytes, size_t n);

#endif
