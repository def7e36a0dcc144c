// lookup FILE: what Sonde says of the linked addresses on standard input, in addr2line's form: the
// address, then function and FILE:LINE of each function there, innermost first.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "object/symbolizer.h"

static void print_place(struct symbolizer *s, const struct symbolizer_query *q)
{
    struct symbol_line *line = NULL;
    u32 n = symbolizer_find(s, q, &line);
    printf("0x%llx\n", (unsigned long long)q->address);
    for (u32 i = 0; i < n; i++) {
        struct str function = line[i].function.len ? line[i].function : STR("??");
        struct str file = line[i].filename.len ? line[i].filename : STR("??");
        printf("%.*s\n%.*s:%lld\n", STR_ARG(function), STR_ARG(file), (long long)line[i].line);
    }
    if (n == 0)
        puts("??\n??:0");
}

int main(int argc, char **argv)
{
    struct arena a;
    struct symbolizer s;
    struct symbolizer_query *q = NULL;
    u32 n = 0, cap = 0;
    char text[64];
    if (argc != 2) {
        fputs("usage: lookup FILE <ADDRESSES\n", stderr);
        return 2;
    }
    arena_init(&a, SIZE_MAX);
    symbolizer_init(&s, &a);
    while (fgets(text, sizeof(text), stdin))
        *arena_push(&a, q, n, cap) = (struct symbolizer_query){
            .path = str_of(argv[1]),
            .address = strtoull(text, NULL, 16),
        };
    symbolizer_prepare(&s, q, n);
    for (u32 i = 0; i < n; i++)
        print_place(&s, &q[i]);
    struct str path;
    struct err why;
    while (symbolizer_trouble(&s, &path, &why))
        fprintf(stderr, "lookup: %s\n", why.text);
    symbolizer_close(&s);
    arena_free(&a);
    return 0;
}
