// The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/).  A
// reader is sticky: after the first bad byte every read returns 0, and .bad is tested once, at the
// end.
#ifndef PROFILE_WIRE_H
#define PROFILE_WIRE_H

#include <string.h>

#include "base/str.h"

struct reader {
    const u8 *at, *end;
    bool bad;
};

// A field of a message: its number and the value of its wire type.
struct field {
    u32 number;
    u32 wire;  // 0 varint, 1 and 5 fixed, 2 bytes
    u64 value; // of a varint or a fixed number
    struct reader bytes;
};

static inline struct reader reader_of(struct str bytes)
{
    return (struct reader){(const u8 *)bytes.ptr, (const u8 *)bytes.ptr + bytes.len, false};
}

static inline struct str reader_rest(const struct reader *r)
{
    return (struct str){(const char *)r->at, (size_t)(r->end - r->at)};
}

static inline u64 reader_fail(struct reader *r)
{
    r->bad = true;
    r->at = r->end;
    return 0;
}

static inline u64 read_long_varint(struct reader *r)
{
    u64 value = 0;
    for (u32 shift = 0; shift < 70 && r->at < r->end; shift += 7) {
        u8 byte = *r->at++;
        value |= shift < 64 ? (u64)(byte & 0x7f) << shift : 0;
        if (byte < 0x80)
            return value;
    }
    return reader_fail(r);
}

static inline u64 read_varint(struct reader *r)
{
    if (likely(r->at < r->end && *r->at < 0x80))
        return *r->at++;
    return read_long_varint(r);
}

static inline u64 read_fixed(struct reader *r, size_t bytes)
{
    u64 value = 0;
    if ((size_t)(r->end - r->at) < bytes)
        return reader_fail(r);
    memcpy(&value, r->at, bytes);
    r->at += bytes;
    return value;
}

static inline struct reader read_bytes(struct reader *r)
{
    u64 n = read_varint(r);
    if (n > (u64)(r->end - r->at)) {
        reader_fail(r);
        return (struct reader){r->end, r->end, true};
    }
    struct reader bytes = {r->at, r->at + n, false};
    r->at += n;
    return bytes;
}

// The next field of a message; false at its end or at bad bytes.
static inline bool read_field(struct reader *r, struct field *f)
{
    if (r->at == r->end)
        return false;
    u64 key = read_varint(r);
    *f = (struct field){.number = key >> 3 > UINT32_MAX ? 0 : (u32)(key >> 3), .wire = key & 7};
    switch (f->wire) {
    case 0:
        f->value = read_varint(r);
        break;
    case 1:
        f->value = read_fixed(r, 8);
        break;
    case 2:
        f->bytes = read_bytes(r);
        break;
    case 5:
        f->value = read_fixed(r, 4);
        break;
    default:
        r->bad = true;
    }
    return !r->bad;
}

// The value of a field that must be a varint, or a message or text.
static inline u64 field_number(struct reader *r, const struct field *f)
{
    r->bad |= f->wire != 0;
    return f->value;
}

static inline struct reader field_message(struct reader *r, const struct field *f)
{
    r->bad |= f->wire != 2;
    return f->bytes;
}

#endif
