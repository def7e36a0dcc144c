// Allocations of mixed sizes and lifetimes by sites of known names, for which the truth and the
// standard deviations that theory gives are counted here: "estimates COUNT OUT [changing]".  OUT
// gets lines "SITE alloc_bytes sd alloc_objects sd inuse_bytes sd inuse_objects sd".  With
// "changing", the rate changes all the time.  In the end what "gone" has is all freed, and the
// process dies.
#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sonde/sonde.h"
#pragma weak sonde_set_heap_rate

#define NOINLINE __attribute__((noinline))

enum { SITES = 7, LIVE = 4000 };

struct sums {
    double bytes, bytes_var, objects, objects_var;
};

struct site {
    const char *name;
    void *(*make)(size_t size);
    size_t least, most;
    struct sums alloc, inuse;
};

#define SITE(name)                                                                                 \
    NOINLINE static void *name(size_t size)                                                        \
    {                                                                                              \
        void *p = malloc(size);                                                                    \
        __asm__ volatile("" : "+r"(p) : : "memory");                                               \
        return p;                                                                                  \
    }
SITE(tiny)
SITE(small)
SITE(medium)
SITE(large)
SITE(huge)
SITE(mixed)
SITE(gone)

#define ROW(name, least, most)                                                                     \
    {                                                                                              \
#name, name, least, most, {0, 0, 0, 0 },                                                   \
        {                                                                                          \
            0, 0, 0, 0                                                                             \
        }                                                                                          \
    }
static struct site sites[SITES] = {
    ROW(tiny, 1, 32),         ROW(small, 33, 512),        ROW(medium, 513, 8192),
    ROW(large, 8193, 131072), ROW(huge, 131073, 2000000), ROW(mixed, 1, 100000),
    ROW(gone, 100, 1000),
};

// How often each site is chosen, of 1,000: bytes are spread more evenly than objects.
static const int share[SITES] = {500, 300, 120, 20, 1, 9, 50};

struct block {
    void *p;
    size_t size;
    double rate;
    int site;
};

static struct block live[SITES][LIVE];
static uint64_t random_state = 88172645463325252u;
static double rate = 524288;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void count(struct sums *s, size_t size, double at_rate, double sign)
{
    double p = -expm1(-(double)size / at_rate), spread = (1 - p) / p;
    s->bytes += sign * (double)size;
    s->objects += sign;
    s->bytes_var += sign * (double)size * (double)size * spread;
    s->objects_var += sign * spread;
}

static int choose_site(void)
{
    int n = (int)(next_random() % 1000), site = 0;
    while (n >= share[site])
        n -= share[site++];
    return site;
}

static void drop(struct block *b)
{
    if (!b->p)
        return;
    count(&sites[b->site].inuse, b->size, b->rate, -1);
    free(b->p);
    b->p = NULL;
}

static void step(void)
{
    int i = choose_site();
    struct site *s = &sites[i];
    // Fewer of the large ones are alive at a time.
    struct block *b = &live[i][next_random() % (s->most > 10000 ? LIVE / 100 : LIVE)];
    drop(b);
    *b = (struct block){NULL, s->least + next_random() % (s->most - s->least + 1), rate, i};
    b->p = s->make(b->size);
    count(&s->alloc, b->size, rate, 1);
    count(&s->inuse, b->size, rate, 1);
}

static void change_rate(void)
{
    static const double rates[] = {524288, 16384, 131072, 2097152, 65536};
    static int n;
    rate = rates[n++ % 5];
    sonde_set_heap_rate((size_t)rate);
}

static void print(FILE *out, const struct sums *s)
{
    fprintf(out, " %.0f %.0f %.0f %.1f", s->bytes, sqrt(fabs(s->bytes_var)), s->objects,
            sqrt(fabs(s->objects_var)));
}

int main(int argc, char **argv)
{
    long n = argc > 1 ? atol(argv[1]) : 0;
    FILE *out = argc > 2 ? fopen(argv[2], "w") : NULL;
    if (!out)
        return 2;
    for (long i = 0; i < n; i++) {
        if (argc > 3 && i % (n / 40) == 0)
            change_rate();
        step();
    }
    for (int i = 0; i < LIVE; i++)
        drop(&live[SITES - 1][i]);
    for (int i = 0; i < SITES; i++) {
        fprintf(out, "%s", sites[i].name);
        print(out, &sites[i].alloc);
        print(out, &sites[i].inuse);
        fputc('\n', out);
    }
    fclose(out);
    kill(getpid(), SIGKILL);
}
