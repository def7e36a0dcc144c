// Whole writes to descriptors.
#ifndef UPLOAD_IO_H
#define UPLOAD_IO_H

#include <stdbool.h>
#include <stddef.h>

// Writes all n bytes; false: errno says why.
bool io_write(int fd, const void *bytes, size_t n);

#endif
