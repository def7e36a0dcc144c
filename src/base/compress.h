// Compressed bytes, whole in memory.
#ifndef BASE_COMPRESS_H
#define BASE_COMPRESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

bool gzip_is(struct str bytes);

// The bytes that a gzip file (of any number of members) holds, at most limit of them.  Fails with
// EFBIG beyond that.
bool gzip_decode(struct str *out, struct str bytes, size_t limit, struct arena *a, struct err *e);

// Appends bytes as one gzip member; level 1 (fast) to 9 (small).
void gzip_encode(struct buf *out, struct str bytes, int level);

bool zstd_is(struct str bytes);

// The same of zstd's frames.
bool zstd_decode(struct str *out, struct str bytes, size_t limit, struct arena *a, struct err *e);

// The same of a stream that need not have come to its end: what its writer has flushed.
bool zstd_decode_flushed(struct str *out, struct str bytes, size_t limit, struct arena *a,
                         struct err *e);

#endif
