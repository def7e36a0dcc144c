#include "../tap.h"
#include "report/columns.h"

static struct arena arena;

static bool aligned(const char *text, const char *wanted)
{
    struct buf out;
    buf_init(&out, 4096);
    columns_write(&out, str_of(text), &arena);
    bool same = str_equal(buf_str(&out), str_of(wanted));
    if (!same)
        printf("# got: %.*s\n", STR_ARG(buf_str(&out)));
    buf_free(&out);
    return same;
}

int main(void)
{
    arena_init(&arena, MIB(1));
    ok(aligned("", ""), "nothing stays nothing");
    ok(aligned("a\nbc\n", "a\nbc\n"), "what no tab ends is in no column");
    ok(aligned("a\tx\nbcd\ty", "   ax\n bcdy"), "cells of a column are as wide as the widest");
    ok(aligned("a\tx\n\nbcd\ty", " ax\n\n bcdy"), "a line without the column parts it in two");
    ok(aligned("a\tb\tx\nc\ty\ndd\tee\tz", "  a bx\n  cy\n dd eez"),
       "also one that ends before it");
    ok(aligned("\xc3\xbc\tx\nab\ty", "  \xc3\xbcx\n aby"), "widths are in characters");
    ok(aligned("a\tx\fbcd\ty", " ax\n bcdy"), "a form feed ends all columns");
    return done();
}
