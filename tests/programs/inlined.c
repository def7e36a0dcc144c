// Calls that the compiler inlines, one into another, into a function that has two names.
#include <stdio.h>
#include <stdlib.h>

static inline __attribute__((always_inline)) unsigned mix(unsigned x)
{
    x ^= x >> 15;
    x *= 0x2c1b3c6du;
    return x ^ x >> 12;
}

static inline __attribute__((always_inline)) unsigned twice(unsigned x)
{
    return mix(mix(x) + 1);
}

__attribute__((noinline)) unsigned work(unsigned rounds)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < rounds; i++)
        sum += twice(i);
    return sum;
}

unsigned work_again(unsigned rounds) __attribute__((alias("work")));

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
    printf("%u\n", work(rounds) + work_again(rounds / 2));
    return 0;
}
