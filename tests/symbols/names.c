// names MODE: the symbols on standard input, a line each, as -symbolize=demangle=MODE shows them.
#include <stdio.h>
#include <string.h>

#include "object/demangle.h"

int main(int argc, char **argv)
{
    static const char *const modes[] = {
        [DEMANGLE_DEFAULT] = "default",
        [DEMANGLE_TEMPLATES] = "templates",
        [DEMANGLE_FULL] = "full",
        [DEMANGLE_NONE] = "none",
    };
    static char line[1 << 20];
    struct arena a;
    enum demangle_mode mode = 0;
    while (argc == 2 && mode <= DEMANGLE_NONE && strcmp(modes[mode], argv[1]) != 0)
        mode++;
    if (argc != 2 || mode > DEMANGLE_NONE) {
        fputs("usage: names default|templates|full|none <SYMBOLS\n", stderr);
        return 2;
    }
    while (fgets(line, sizeof(line), stdin)) {
        arena_init(&a, SIZE_MAX);
        struct str name = demangle((struct str){line, strcspn(line, "\n")}, mode, &a);
        printf("%.*s\n", STR_ARG(name));
        arena_free(&a);
    }
    return 0;
}
