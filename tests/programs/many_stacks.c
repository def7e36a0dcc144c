// "many_stacks HOW": more different stacks than the record has room for, or more live blocks; then
// it dies.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static void *left(unsigned path, int n);

NOINLINE static void *go(unsigned path, int n)
{
    void *p = n == 0 ? malloc(100) : left(path, n - 1);
    __asm__ volatile("" : "+r"(p));
    return p;
}

NOINLINE static void *right(unsigned path, int n)
{
    void *p = go(path >> 1, n);
    __asm__ volatile("" : "+r"(p));
    return p;
}

NOINLINE static void *left(unsigned path, int n)
{
    void *p = path & 1 ? right(path, n) : go(path >> 1, n);
    __asm__ volatile("" : "+r"(p));
    return p;
}

int main(int argc, char **argv)
{
    int stacks = argc > 1 && strcmp(argv[1], "stacks") == 0;
    for (unsigned i = 0; i < 100000; i++) {
        void *p = go(stacks ? i : 0, stacks ? 17 : 1);
        if (stacks && i % 100)
            free(p);
    }
    kill(getpid(), SIGKILL);
}
