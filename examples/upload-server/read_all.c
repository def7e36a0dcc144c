#include "read_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BYTES = 512,     // io.ReadAll: make([]byte, 0, 512)
    DOUBLE_BELOW = 256,    // growslice's threshold
    LARGEST_CLASS = 32768, // larger blocks are whole pages
    PAGE_BYTES = 8192
};

void read_all_init(struct read_all *b, _Atomic(uint64_t) *gauge)
{
    *b = (struct read_all){.gauge = gauge};
}

void read_all_free(struct read_all *b)
{
    free(b->data);
    atomic_fetch_sub(b->gauge, b->cap);
    read_all_init(b, b->gauge);
}

// Go's roundupsize; the classes are those of runtime/sizeclasses.go.
static size_t round_up(size_t bytes)
{
    static const uint16_t size_class[] = {
        8,     16,    24,    32,    48,    64,    80,    96,    112,   128,   144,   160,
        176,   192,   208,   224,   240,   256,   288,   320,   352,   384,   416,   448,
        480,   512,   576,   640,   704,   768,   896,   1024,  1152,  1280,  1408,  1536,
        1792,  2048,  2304,  2688,  3072,  3200,  3456,  4096,  4864,  5376,  6144,  6528,
        6784,  6912,  8192,  9472,  9728,  10240, 10880, 12288, 13568, 14336, 16384, 18432,
        19072, 20480, 21760, 24576, 27264, 28672, 32768};
    if (bytes > LARGEST_CLASS)
        return __builtin_add_overflow(bytes, PAGE_BYTES - 1, &bytes)
                   ? 0
                   : bytes / PAGE_BYTES * PAGE_BYTES;
    size_t i = 0;
    while (size_class[i] < bytes)
        i++;
    return size_class[i];
}

// Go's growslice, for one more byte.
size_t read_all_capacity(size_t cap)
{
    if (cap == 0)
        return FIRST_BYTES;
    if (cap < DOUBLE_BELOW)
        return round_up(2 * cap);
    size_t more = cap / 4 + (cap % 4 + 3 * DOUBLE_BELOW) / 4, grown;
    return __builtin_add_overflow(cap, more, &grown) ? 0 : round_up(grown);
}

__attribute__((noinline)) bool read_all(struct read_all *b, read_all_source *read, void *source)
{
    for (;;) {
        if (b->len == b->cap) {
            size_t cap = read_all_capacity(b->cap);
            uint8_t *data = cap ? malloc(cap) : NULL;
            if (!data) {
                errno = ENOMEM;
                return false;
            }
            struct read_all old = *b;
            atomic_fetch_add(b->gauge, cap);
            if (old.len)
                memcpy(data, old.data, old.len);
            *b = (struct read_all){.data = data, .len = old.len, .cap = cap, .gauge = old.gauge};
            read_all_free(&old);
        }
        ssize_t n = read(source, b->data + b->len, b->cap - b->len);
        if (n <= 0)
            return n == 0;
        b->len += (size_t)n;
    }
}
