// Allocates from a function of its own, for a program that loads it.
#include <stdlib.h>
#include <time.h>

__attribute__((noinline)) void *plugin_allocate(size_t n)
{
    void *p = malloc(n);
    __asm__ volatile("" : "+r"(p));
    return p;
}

// Waits in here.
__attribute__((noinline)) void plugin_rest(long ns)
{
    struct timespec t = {.tv_nsec = ns};
    nanosleep(&t, NULL);
    __asm__ volatile("" ::: "memory");
}
