#include "base/compress.h"

#include <errno.h>
#include <libdeflate.h>
#include <string.h>
#include <zstd.h>

bool gzip_is(struct str bytes)
{
    return bytes.len >= 2 && (u8)bytes.ptr[0] == 0x1f && (u8)bytes.ptr[1] == 0x8b;
}

// What the last member's trailer says of its length, which is right for a file of one member below
// 4 GiB.
static size_t size_hint(struct str bytes)
{
    u32 size = 0;
    if (bytes.len >= 18)
        memcpy(&size, bytes.ptr + bytes.len - 4, sizeof(size));
    size_t most = bytes.len * 1032; // deflate cannot pack tighter than 1032 : 1
    return size > most ? most : size;
}

static bool too_large(struct err *e, size_t limit)
{
    return err_set(e, EFBIG, "unpacks to more than %zu MiB; -max_size=SIZE allows more",
                   limit >> 20);
}

// Unpacks one member behind data[len], growing data as it needs to; *bytes moves on to the next
// member.
static bool decode_member(char **data, u32 *cap, size_t *len, struct str *bytes, size_t limit,
                          struct libdeflate_decompressor *d, struct arena *a, struct err *e)
{
    for (;;) {
        size_t used, made;
        switch (libdeflate_gzip_decompress_ex(d, bytes->ptr, bytes->len, *data + *len, *cap - *len,
                                              &used, &made)) {
        case LIBDEFLATE_SUCCESS:
            *bytes = str_skip(*bytes, used);
            *len += made;
            return *len <= limit || too_large(e, limit);
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            if (*cap > limit)
                return too_large(e, limit);
            *data = arena_grow(a, *data, cap, 1);
            break;
        default:
            return err_set(e, EBADMSG,
                           "decompressing profile: the gzip data is damaged or cut short");
        }
    }
}

bool gzip_decode(struct str *out, struct str bytes, size_t limit, struct arena *a, struct err *e)
{
    if (limit > UINT32_MAX - 2)
        limit = UINT32_MAX - 2;
    size_t hint = size_hint(bytes) < limit ? size_hint(bytes) : limit;
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d)
        return err_errno(e, ENOMEM, "decompressing profile");
    u32 cap = (u32)hint + 1;
    char *data = arena_alloc(a, cap, 1);
    size_t len = 0;
    bool done = true;
    while (done && bytes.len)
        done = decode_member(&data, &cap, &len, &bytes, limit, d, a, e);
    libdeflate_free_decompressor(d);
    *out = (struct str){data, len};
    return done;
}

void gzip_encode(struct buf *out, struct str bytes, int level)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    size_t bound = libdeflate_gzip_compress_bound(c, bytes.len);
    char *at = c ? buf_reserve(out, bound) : NULL;
    size_t n = at ? libdeflate_gzip_compress(c, bytes.ptr, bytes.len, at, bound) : 0;
    if (n == 0)
        out->full = true;
    out->len += n;
    libdeflate_free_compressor(c);
}

bool zstd_is(struct str bytes)
{
    return str_starts(bytes, STR("\x28\xb5\x2f\xfd"));
}

// Unpacks until the bytes end; *len of *data are in use.  The last frame may lack its end if it is
// flushed.
static bool decode_stream(char **data, u32 *cap, size_t *len, struct str bytes, bool is_flushed,
                          size_t limit, ZSTD_DStream *d, struct arena *a, struct err *e)
{
    ZSTD_inBuffer in = {bytes.ptr, bytes.len, 0};
    size_t left = 1; // 0: a frame has ended
    while (in.pos < in.size || left) {
        if (*len == *cap) {
            if (*cap > limit)
                return too_large(e, limit);
            *data = arena_grow(a, *data, cap, 1);
        }
        ZSTD_outBuffer to = {*data + *len, *cap - *len, 0};
        size_t before = in.pos;
        left = ZSTD_decompressStream(d, &to, &in);
        if (ZSTD_isError(left))
            return err_set(e, EBADMSG, "decompressing profile: %s", ZSTD_getErrorName(left));
        if (left && to.pos == 0 && in.pos == before) {
            if (is_flushed)
                break;
            return err_set(e, EBADMSG, "decompressing profile: the zstd data is cut short");
        }
        *len += to.pos;
    }
    return *len <= limit || too_large(e, limit);
}

static bool decode_zstd(struct str *out, struct str bytes, bool is_flushed, size_t limit,
                        struct arena *a, struct err *e)
{
    if (limit > UINT32_MAX - 2)
        limit = UINT32_MAX - 2;
    unsigned long long hint = ZSTD_getFrameContentSize(bytes.ptr, bytes.len);
    if (hint == ZSTD_CONTENTSIZE_UNKNOWN || hint == ZSTD_CONTENTSIZE_ERROR || hint > limit)
        hint = 0;
    ZSTD_DStream *d = ZSTD_createDStream();
    if (!d)
        return err_errno(e, ENOMEM, "decompressing profile");
    ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, 27); // 128 MiB, as zstd's own tool allows
    u32 cap = (u32)hint + 1;
    char *data = arena_alloc(a, cap, 1);
    size_t len = 0;
    bool done = decode_stream(&data, &cap, &len, bytes, is_flushed, limit, d, a, e);
    ZSTD_freeDStream(d);
    *out = (struct str){data, len};
    return done;
}

bool zstd_decode(struct str *out, struct str bytes, size_t limit, struct arena *a, struct err *e)
{
    return decode_zstd(out, bytes, false, limit, a, e);
}

bool zstd_decode_flushed(struct str *out, struct str bytes, size_t limit, struct arena *a,
                         struct err *e)
{
    return decode_zstd(out, bytes, true, limit, a, e);
}
