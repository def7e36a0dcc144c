// Allocations before anything is ready: in a constructor with the highest priority, in one of a
// preloaded library that looks names up, in a destructor.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *early[100];

__attribute__((constructor(101))) static void begin(void)
{
    for (int i = 0; i < 100; i++) {
        early[i] = i % 2 ? calloc(1, 1000) : malloc(1000);
        memset(early[i], i, 1000);
    }
    for (int i = 0; i < 100; i += 3)
        early[i] = realloc(early[i], 5000);
}

__attribute__((destructor(101))) static void end(void)
{
    for (int i = 0; i < 100; i++)
        free(early[i]);
    free(malloc(1 << 20));
}

int main(void)
{
    dlsym(RTLD_DEFAULT, "no_such_symbol"); // its message is allocated
    puts(dlerror() ? "said so" : "silent");
    for (int i = 0; i < 100; i++) {
        if (early[i][999] != i)
            puts("broken");
    }
    return 0;
}
