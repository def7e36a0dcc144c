#include <stdlib.h>
#include <string.h>

#include "../../examples/upload-server/read_all.h"
#include "../tap.h"

static _Atomic(uint64_t) gauge;

// Gives n bytes in pieces, each byte a function of its place.
struct source {
    size_t at, n, piece;
    bool fails; // behind the last byte
};

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static ssize_t give(void *context, void *out, size_t n)
{
    struct source *s = context;
    if (n > s->piece)
        n = s->piece;
    if (n > s->n - s->at)
        n = s->n - s->at;
    if (n == 0 && s->fails)
        return -1;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = byte_at(s->at + i);
    s->at += n;
    return (ssize_t)n;
}

static bool holds(const struct read_all *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (b->data[i] != byte_at(i))
            return false;
    return b->len == n;
}

static void test_capacities(void)
{
    // cap() after each append to a full []byte, printed by Go 1.19.
    static const size_t go[] = {
        512,      896,      1408,      2048,      3072,      4096,     5376,     6912,     9472,
        12288,    16384,    21760,     28672,     40960,     57344,    73728,    98304,    131072,
        172032,   221184,   278528,    352256,    442368,    557056,   704512,   884736,   1114112,
        1400832,  1753088,  2195456,   2752512,   3448832,   4317184,  5398528,  6750208,  8445952,
        10559488, 13205504, 16515072,  20652032,  25821184,  32284672, 40361984, 50454528, 63070208,
        78839808, 98557952, 123199488, 154001408, 192503808, 240631808};
    static const size_t small[][2] = {{1, 8},     {8, 16},    {9, 24},    {17, 48},   {33, 80},
                                      {100, 208}, {200, 416}, {255, 512}, {256, 512}, {257, 576}};
    bool same = true;
    size_t cap = 0;
    for (size_t i = 0; i < sizeof(go) / sizeof(go[0]); i++) {
        cap = read_all_capacity(cap);
        same &= cap == go[i];
    }
    ok(same, "capacities grow as Go's do, from 512 bytes to 229.48 MiB");
    same = true;
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
        same &= read_all_capacity(small[i][0]) == small[i][1];
    ok(same, "small ones double into Go's size classes");
    ok(read_all_capacity(SIZE_MAX) == 0 && read_all_capacity(SIZE_MAX / 5 * 4) == 0,
       "there is no capacity that overflows");
}

static void test_reading(void)
{
    static const size_t piece[] = {1, 511, 512, 513, 65536, SIZE_MAX};
    for (size_t i = 0; i < sizeof(piece) / sizeof(piece[0]); i++) {
        struct read_all b;
        struct source s = {.n = 300000, .piece = piece[i]};
        read_all_init(&b, &gauge);
        ok(read_all(&b, give, &s) && holds(&b, s.n) && b.cap == 352256,
           "pieces of %zu bytes arrive whole", piece[i]);
        read_all_free(&b);
    }
}

static void test_ends(void)
{
    struct read_all b;
    struct source none = {0}, full = {.n = 512, .piece = 512},
                  failing = {.n = 10, .piece = 10, .fails = true};
    read_all_init(&b, &gauge);
    ok(read_all(&b, give, &none) && b.len == 0 && b.cap == 512,
       "an empty source costs the first buffer, as in Go");
    read_all_free(&b);
    ok(read_all(&b, give, &full) && holds(&b, 512) && b.cap == 896,
       "a full buffer grows before the end is seen, as in Go");
    read_all_free(&b);
    ok(!read_all(&b, give, &failing), "a source that fails makes it fail");
    read_all_free(&b);
}

static void test_gauge(void)
{
    struct read_all a, b;
    struct source s = {.n = 40000, .piece = 100}, t = {.n = 5, .piece = 5};
    read_all_init(&a, &gauge);
    read_all_init(&b, &gauge);
    ok(atomic_load(&gauge) == 0, "buffers that are freed do not count");
    read_all(&a, give, &s);
    read_all(&b, give, &t);
    ok(atomic_load(&gauge) == 40960 + 512, "the gauge is the sum of the capacities");
    s.n = 50000;
    read_all(&a, give, &s);
    ok(holds(&a, 50000) && atomic_load(&gauge) == 57344 + 512,
       "a buffer that is fed again goes on growing");
    read_all_free(&a);
    read_all_free(&b);
    ok(atomic_load(&gauge) == 0, "nothing is left of it");
}

int main(void)
{
    test_capacities();
    test_reading();
    test_ends();
    test_gauge();
    return done();
}
