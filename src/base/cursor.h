// Reading bytes of a file that may be damaged or hostile.  A cursor is sticky: after the first read
// beyond its end it is bad and every read returns 0; .bad is tested once, at the end.
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <string.h>

#include "base/str.h"

struct cursor {
    const u8 *at, *end;
    bool swap; // the file's bytes are in the other order than this machine's
    bool bad;
};

#define CURSOR_HOST_IS_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

static inline bool cursor_is_big_endian(const struct cursor *c)
{
    return c->swap != CURSOR_HOST_IS_BIG_ENDIAN;
}

// At offset of bytes; bad when that is beyond them.
static inline struct cursor cursor_at(struct str bytes, u64 offset, bool swap)
{
    const u8 *start = (const u8 *)bytes.ptr, *end = start + bytes.len;
    if (offset > bytes.len)
        return (struct cursor){end, end, swap, true};
    return (struct cursor){start + offset, end, swap, false};
}

static inline u64 cursor_left(const struct cursor *c)
{
    return (u64)(c->end - c->at);
}

static inline u64 cursor_fail(struct cursor *c)
{
    c->bad = true;
    c->at = c->end;
    return 0;
}

static inline void cursor_skip(struct cursor *c, u64 n)
{
    if (n > cursor_left(c))
        cursor_fail(c);
    else
        c->at += n;
}

static inline u8 cursor_u8(struct cursor *c)
{
    return c->at < c->end ? *c->at++ : (u8)cursor_fail(c);
}

static inline u16 cursor_u16(struct cursor *c)
{
    u16 value;
    if (cursor_left(c) < sizeof(value))
        return (u16)cursor_fail(c);
    memcpy(&value, c->at, sizeof(value));
    c->at += sizeof(value);
    return c->swap ? __builtin_bswap16(value) : value;
}

static inline u32 cursor_u32(struct cursor *c)
{
    u32 value;
    if (cursor_left(c) < sizeof(value))
        return (u32)cursor_fail(c);
    memcpy(&value, c->at, sizeof(value));
    c->at += sizeof(value);
    return c->swap ? __builtin_bswap32(value) : value;
}

static inline u64 cursor_u64(struct cursor *c)
{
    u64 value;
    if (cursor_left(c) < sizeof(value))
        return cursor_fail(c);
    memcpy(&value, c->at, sizeof(value));
    c->at += sizeof(value);
    return c->swap ? __builtin_bswap64(value) : value;
}

// An unsigned number of 1, 2, 3, 4 or 8 bytes.
static inline u64 cursor_number(struct cursor *c, u32 bytes)
{
    switch (bytes) {
    case 1:
        return cursor_u8(c);
    case 2:
        return cursor_u16(c);
    case 3: {
        u64 first = cursor_u8(c), second = cursor_u16(c);
        return c->swap ? first << 16 | second : second << 8 | first;
    }
    case 4:
        return cursor_u32(c);
    case 8:
        return cursor_u64(c);
    default:
        return cursor_fail(c);
    }
}

static inline u64 cursor_long_uleb(struct cursor *c)
{
    u64 value = 0;
    for (u32 shift = 0; c->at < c->end; shift += 7) {
        u8 byte = *c->at++;
        value |= shift < 64 ? (u64)(byte & 0x7f) << shift : 0;
        if (byte < 0x80)
            return value;
    }
    return cursor_fail(c);
}

static inline u64 cursor_uleb(struct cursor *c)
{
    if (likely(c->at < c->end && *c->at < 0x80))
        return *c->at++;
    return cursor_long_uleb(c);
}

static inline i64 cursor_sleb(struct cursor *c)
{
    u64 value = 0;
    for (u32 shift = 0; c->at < c->end;) {
        u8 byte = *c->at++;
        value |= shift < 64 ? (u64)(byte & 0x7f) << shift : 0;
        shift += 7;
        if (byte >= 0x80)
            continue;
        return (i64)(shift < 64 && (byte & 0x40) ? value | ~(u64)0 << shift : value);
    }
    return (i64)cursor_fail(c);
}

// The next n bytes, as a cursor of their own.
static inline struct cursor cursor_part(struct cursor *c, u64 n)
{
    struct cursor part = *c;
    cursor_skip(c, n);
    part.end = c->at;
    if (c->bad)
        part.at = part.end;
    part.bad = c->bad;
    return part;
}

// The same, n times 8 bytes.
static inline struct cursor cursor_words(struct cursor *c, u64 n)
{
    return cursor_part(c, n > cursor_left(c) ? UINT64_MAX : n * 8);
}

// The bytes at [offset, offset + n) of c, counted from where it stands.
static inline struct cursor cursor_section(struct cursor c, u64 offset, u64 n)
{
    cursor_skip(&c, offset);
    return cursor_part(&c, n);
}

// The text up to a NUL, which is passed over.
static inline struct str cursor_text(struct cursor *c)
{
    const u8 *start = c->at,
             *nul = start < c->end ? memchr(start, 0, (size_t)cursor_left(c)) : NULL;
    if (!nul) {
        cursor_fail(c);
        return (struct str){"", 0};
    }
    c->at = nul + 1;
    return (struct str){(const char *)start, (size_t)(nul - start)};
}

#endif
