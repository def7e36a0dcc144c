// "ending HOW": ends in this way after it allocated 32 MiB.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    char *p = malloc(32 << 20);
    memset(p, 1, 32 << 20);
    if (strcmp(how, "exit") == 0)
        exit(3);
    if (strcmp(how, "_exit") == 0)
        _exit(4);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "term") == 0)
        raise(SIGTERM);
    if (strcmp(how, "wait") == 0)
        pause();
    if (strcmp(how, "close") == 0) {
        for (int fd = 3; fd < 4096; fd++)
            close(fd);
        for (int i = 0; i < 1000; i++)
            free(malloc(100000));
        raise(SIGKILL);
    }
    return 5;
}
