// Whole files.
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

// Makes a new, empty file: prefix, a number from 001 on that no file has yet, suffix.
bool file_new(struct str *path, struct str prefix, struct str suffix, struct arena *a,
              struct err *e);

#endif
