// The same size of everything as plugin_lib.c, under another name.
#include <stdlib.h>

__attribute__((noinline)) void *others_allocate(size_t n)
{
    void *p = malloc(n);
    __asm__ volatile("" : "+r"(p));
    return p;
}
