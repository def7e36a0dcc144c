// Compressed bytes.  The first byte chooses: bytes that claim to be gzip or zstd, or bytes that are
// packed in several members and must come out as they were; or a profile that follows itself.
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/compress.h"
#include "properties.h"

static bool unpack(struct str *out, struct str bytes, bool is_zstd, size_t limit, struct arena *a)
{
    struct err e = {0};
    bool done =
        is_zstd ? zstd_decode(out, bytes, limit, a, &e) : gzip_decode(out, bytes, limit, a, &e);
    must(done || (e.code && *e.text));
    must(!done || out->len <= limit);
    return done;
}

static void pack_part(struct buf *to, struct str part, bool is_zstd)
{
    if (!is_zstd) {
        gzip_encode(to, part, 1);
        return;
    }
    size_t bound = ZSTD_compressBound(part.len);
    char *at = buf_reserve(to, bound);
    to->len += ZSTD_compress(at, bound, part.len ? part.ptr : "", part.len, 1);
}

// Packs bytes in three parts, unpacks them together.
static void pack_and_unpack(struct str bytes, bool is_zstd, struct arena *a)
{
    struct buf packed;
    struct str out;
    size_t third = bytes.len / 3;
    buf_init(&packed, (size_t)MIB(1));
    pack_part(&packed, (struct str){bytes.ptr, third}, is_zstd);
    pack_part(&packed, (struct str){bytes.ptr + third, 0}, is_zstd);
    pack_part(&packed, str_skip(bytes, third), is_zstd);
    must(unpack(&out, buf_str(&packed), is_zstd, bytes.len, a) && str_equal(out, bytes));
    must(bytes.len == 0 || !unpack(&out, buf_str(&packed), is_zstd, bytes.len - 1, a));
    buf_free(&packed);
}

// A profile three times is thrice the profile.
static void repeat(struct str bytes, struct arena *a)
{
    struct profile one, three;
    struct err e;
    struct buf b;
    if (!profile_read(&one, bytes, bytes.len, a, &e))
        return;
    buf_init(&b, (size_t)MIB(1));
    for (int i = 0; i < 3; i++)
        buf_add(&b, bytes);
    if (profile_read(&three, buf_str(&b), b.len, a, &e)) {
        must_be_valid(&three);
        must(three.ntype <= 3 * one.ntype);
    }
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct arena a;
    struct str out;
    if (n == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, n - 1};
    arena_init(&a, (size_t)MIB(256));
    if (data[0] % 5 < 2)
        unpack(&out, bytes, data[0] % 5, (size_t)MIB(16), &a);
    else if (data[0] % 5 < 4)
        pack_and_unpack(bytes, data[0] % 5 == 2, &a);
    else
        repeat(bytes, &a);
    arena_free(&a);
    return 0;
}
