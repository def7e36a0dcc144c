// Whole files, and their compressed forms.
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

// All bytes of the file at path ("-": standard input), at most limit of them.
bool file_read(struct str *out, const char *path, size_t limit, struct arena *a, struct err *e);

// All that a descriptor still gives; name is for messages.
bool file_read_fd(struct str *out, int fd, const char *name, size_t limit, struct arena *a,
                  struct err *e);

// Writes all bytes to path, by way of a temporary file beside it so that nobody sees half of them.
bool file_write(const char *path, struct str bytes, struct err *e);

bool gzip_is(struct str bytes);

// The bytes that a gzip file (of any number of members) holds, at most limit of them.  Fails with
// EFBIG beyond that.
bool gzip_decode(struct str *out, struct str bytes, size_t limit, struct arena *a, struct err *e);

// Appends bytes as one gzip member; level 1 (fast) to 9 (small).
void gzip_encode(struct buf *out, struct str bytes, int level);

#endif
