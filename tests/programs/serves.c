// Serves its own profiles: "serves ADDRESS".  Holds a megabyte, prints where it serves, and ends
// when it reads a line: then it forks a child that outlives it by as long as its input lasts.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sonde/http.h"

__attribute__((noinline, noclone)) static char *hold_much(size_t n)
{
    char *block = malloc(n);
    return block ? memset(block, 1, n) : NULL;
}

int main(int argc, char **argv)
{
    char *held = hold_much(1 << 24), line[16], address[64] = "";
    struct sonde_server *server = sonde_serve(argc > 1 ? argv[1] : "localhost:0", NULL);
    if (!server)
        return errno == EACCES ? 3 : 2;
    printf("%s\n", sonde_serve_url(server));
    sscanf(sonde_serve_url(server), "http://%63s", address);
    fflush(stdout);
    char *got = fgets(line, sizeof(line), stdin);
    pid_t child = fork();
    if (child == 0) {
        got = fgets(line, sizeof(line), stdin);
        _exit(0);
    }
    sonde_serve_stop(server);
    // The port is free again, whoever else lives.
    server = sonde_serve(address, NULL);
    printf("%s again\n", server ? "served" : "refused");
    sonde_serve_stop(server);
    free(held);
    return got ? 0 : 1;
}
