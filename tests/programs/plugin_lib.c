// Allocates from a function of its own, for a program that loads it.
#include <stdlib.h>

__attribute__((noinline)) void *plugin_allocate(size_t n)
{
    void *p = malloc(n);
    __asm__ volatile("" : "+r"(p));
    return p;
}
