// A string: bytes and their number, not ended by NUL.
#ifndef UPLOAD_STR_H
#define UPLOAD_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr;
    size_t len; // bytes
};

// For printf's "%.*s".
#define STR_ARG(s)   (int)(s).len, (s).ptr
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

// The string of a NUL-ended text; NULL is the empty one.
struct str str_of(const char *text);

bool str_equal(struct str a, struct str b);

// The same, whatever the case of ASCII letters.
bool str_equal_nocase(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);

// s without its first n bytes (all of it when shorter).
struct str str_skip(struct str s, size_t n);

// Cuts the part before the first separator off *rest and returns it; the whole rest when there is
// none.
struct str str_cut(struct str *rest, char separator);

// s without blanks and tabs at either end.
struct str str_trim(struct str s);

// A whole decimal number without a sign.  False when s is anything else or does not fit.
bool str_u64(uint64_t *out, struct str s);

// A NUL-ended copy for free(), in which U+FFFD stands for every byte that is not UTF-8; NULL: no
// memory.
char *str_utf8(struct str s);

#endif
