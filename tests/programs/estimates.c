// Allocations of mixed sizes and lifetimes by sites of known names, for which the truth and what
// theory says of estimates are counted here: "estimates COUNT OUT [changing]".  OUT gets lines
// "SITE TYPE value deviation excess": the truth, the standard deviation of an estimate, and the
// most by which one sample can exceed what it stands for.  With "changing", the rate changes all
// the time.  In the end what "gone" has is all freed, and the process dies.
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

struct sum {
    double value, variance, excess;
};

struct site {
    const char *name;
    void *(*make)(size_t size);
    size_t least, most;
    struct sum alloc_bytes, alloc_objects, inuse_bytes, inuse_objects;
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

#define ROW(site, from, to)                                                                        \
    {                                                                                              \
        .name = #site, .make = site, .least = from, .most = to                                     \
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

// What is sampled with chance p stands for 1/p of its like.
static void count(struct sum *s, double value, double p)
{
    double excess = value / p - value;
    s->value += value;
    s->variance += value * excess;
    s->excess = excess > s->excess ? excess : s->excess;
}

static void count_block(struct sum *bytes, struct sum *objects, const struct block *b)
{
    double p = -expm1(-(double)b->size / b->rate);
    count(bytes, (double)b->size, p);
    count(objects, 1, p);
}

static int choose_site(void)
{
    int n = (int)(next_random() % 1000), site = 0;
    while (n >= share[site])
        n -= share[site++];
    return site;
}

static void step(void)
{
    int i = choose_site();
    struct site *s = &sites[i];
    // Fewer of the large ones are alive at a time.
    struct block *b = &live[i][next_random() % (s->most > 10000 ? LIVE / 100 : LIVE)];
    free(b->p);
    *b = (struct block){NULL, s->least + next_random() % (s->most - s->least + 1), rate, i};
    b->p = s->make(b->size);
    count_block(&s->alloc_bytes, &s->alloc_objects, b);
}

static void change_rate(void)
{
    static const double rates[] = {524288, 16384, 131072, 2097152, 65536};
    static int n;
    rate = rates[n++ % 5];
    sonde_set_heap_rate((size_t)rate);
}

static void count_live(void)
{
    for (int i = 0; i < SITES; i++)
        for (int k = 0; k < LIVE; k++)
            if (live[i][k].p)
                count_block(&sites[i].inuse_bytes, &sites[i].inuse_objects, &live[i][k]);
}

static void print(FILE *out, const char *site, const char *type, const struct sum *s)
{
    fprintf(out, "%s %s %.0f %.1f %.1f\n", site, type, s->value, sqrt(s->variance), s->excess);
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
    for (int i = 0; i < LIVE; i++) {
        free(live[SITES - 1][i].p);
        live[SITES - 1][i].p = NULL;
    }
    count_live();
    for (struct site *s = sites; s < sites + SITES; s++) {
        print(out, s->name, "alloc_space", &s->alloc_bytes);
        print(out, s->name, "alloc_objects", &s->alloc_objects);
        print(out, s->name, "inuse_space", &s->inuse_bytes);
        print(out, s->name, "inuse_objects", &s->inuse_objects);
    }
    fclose(out);
    kill(getpid(), SIGKILL);
}
