// Allocates by each function of the family from a function that is named after it, and dies holding
// all of it.
#define _GNU_SOURCE
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FROM(name, expression)                                                                     \
    __attribute__((noinline)) static void *by_##name(size_t n)                                     \
    {                                                                                              \
        void *p = expression;                                                                      \
        __asm__ volatile("" : "+r"(p));                                                            \
        return p;                                                                                  \
    }

static void *posix(size_t n)
{
    void *p;
    return posix_memalign(&p, 64, n) == 0 ? p : NULL;
}

FROM(malloc, malloc(n))
FROM(calloc, calloc(1, n))
FROM(realloc, realloc(NULL, n))
FROM(realloc_grown, realloc(malloc(10), n))
FROM(reallocarray, reallocarray(NULL, 1, n))
FROM(posix_memalign, posix(n))
FROM(aligned_alloc, aligned_alloc(64, n))
FROM(memalign, memalign(64, n))
FROM(valloc, valloc(n))
FROM(pvalloc, pvalloc(n))

int main(void)
{
    void *(*const function[])(size_t) = {
        by_malloc,         by_calloc,        by_realloc,  by_realloc_grown, by_reallocarray,
        by_posix_memalign, by_aligned_alloc, by_memalign, by_valloc,        by_pvalloc};
    for (size_t i = 0; i < sizeof(function) / sizeof(*function); i++) {
        if (!function[i](1 << 20))
            return 1;
    }
    free(by_malloc(5 << 20));
    kill(getpid(), SIGKILL);
}
