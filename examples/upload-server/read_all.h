// A buffer that grows exactly as the slice in Go's io.ReadAll does (Go 1.18 to 1.25), so that a
// heap profile of this server shows the figures of a Go server that reads the same
// file: 60.15, 75.19, 93.99, 117.49 MiB ...
#ifndef UPLOAD_READ_ALL_H
#define UPLOAD_READ_ALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct read_all {
    uint8_t *data;
    size_t len, cap;          // bytes
    _Atomic(uint64_t) *gauge; // sum of the capacities of all such buffers that are alive
};

// Reads at most n bytes to out.  0: there are no more, for now or for good; -1: errno says why.
typedef ssize_t read_all_source(void *source, void *out, size_t n);

void read_all_init(struct read_all *b, _Atomic(uint64_t) *gauge);
void read_all_free(struct read_all *b);

// Appends all that the source has.  The one function that allocates, so that a heap profile names
// it. Like Go it grows a full buffer before it asks for more, even when no more comes.
bool read_all(struct read_all *b, read_all_source *read, void *source);

// The capacity that append gives to a full slice of cap bytes; 0: there is none so large.
size_t read_all_capacity(size_t cap);

#endif
