// Numbers and texts of perf.data, in the byte order of the machine that wrote it.  A reader is
// sticky: after the first read beyond its end it is bad and every read returns 0.
#ifndef PROFILE_PERF_BYTES_H
#define PROFILE_PERF_BYTES_H

#include <string.h>

#include "base/str.h"

struct perf_bytes {
    const u8 *at, *end;
    bool is_big_endian;
    bool bad;
};

static inline size_t perf_left(const struct perf_bytes *b)
{
    return (size_t)(b->end - b->at);
}

static inline u64 perf_fail(struct perf_bytes *b)
{
    b->bad = true;
    b->at = b->end;
    return 0;
}

static inline void perf_skip(struct perf_bytes *b, u64 n)
{
    if (n > perf_left(b))
        perf_fail(b);
    else
        b->at += n;
}

static inline u64 perf_u64(struct perf_bytes *b)
{
    u64 value;
    if (perf_left(b) < sizeof(value))
        return perf_fail(b);
    memcpy(&value, b->at, sizeof(value));
    b->at += sizeof(value);
    return b->is_big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? value
                                                                        : __builtin_bswap64(value);
}

static inline u32 perf_u32(struct perf_bytes *b)
{
    u32 value;
    if (perf_left(b) < sizeof(value))
        return (u32)perf_fail(b);
    memcpy(&value, b->at, sizeof(value));
    b->at += sizeof(value);
    return b->is_big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? value
                                                                        : __builtin_bswap32(value);
}

static inline u16 perf_u16(struct perf_bytes *b)
{
    u16 value;
    if (perf_left(b) < sizeof(value))
        return (u16)perf_fail(b);
    memcpy(&value, b->at, sizeof(value));
    b->at += sizeof(value);
    return b->is_big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? value
                                                                        : __builtin_bswap16(value);
}

// The next n bytes, as a reader of their own.
static inline struct perf_bytes perf_part(struct perf_bytes *b, u64 n)
{
    struct perf_bytes part = *b;
    perf_skip(b, n);
    part.end = b->at;
    if (b->bad)
        part.at = part.end;
    part.bad = b->bad;
    return part;
}

// The same, n times 8 bytes.
static inline struct perf_bytes perf_words(struct perf_bytes *b, u64 n)
{
    return perf_part(b, n > perf_left(b) ? UINT64_MAX : n * 8);
}

// The bytes at [offset, offset + n) of b, counted from where it stands.
static inline struct perf_bytes perf_section(struct perf_bytes b, u64 offset, u64 n)
{
    perf_skip(&b, offset);
    return perf_part(&b, n);
}

// Text up to a NUL, or else all of b, at most PERF_MOST_TEXT of it: a record cannot hold more.
enum { PERF_MOST_TEXT = UINT16_MAX };
static inline struct str perf_text(const struct perf_bytes *b)
{
    size_t most = perf_left(b) < PERF_MOST_TEXT ? perf_left(b) : PERF_MOST_TEXT;
    return (struct str){(const char *)b->at, strnlen((const char *)b->at, most)};
}

#endif
