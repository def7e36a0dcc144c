#include "../profiles.h"
#include "../tap.h"

static struct arena arena;

static void is(struct str got, const char *wanted, const char *name)
{
    if (!ok(str_equal(got, str_of(wanted)), "%s", name))
        fprintf(stderr, "# got:\n%.*s# wanted:\n%s", STR_ARG(got), wanted);
}

static struct str folded(const char *lines, const char *options)
{
    struct profile p = profile_from_text("samples/count cpu/nanoseconds", lines, &arena);
    return report_of(&p, "folded", "", options, &arena);
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(256));
    is(folded("main;b 1 20\nmain;a 1 10\nmain 1 5\n", ""), "main 5\nmain;a 10\nmain;b 20\n",
       "lines are sorted, root first, with the values of the default type");
    is(folded("main;a 1 10\nmain;b 1 1\nmain;a 2 20\n", "sample_index=samples"),
       "main;a 3\nmain;b 1\n", "equal stacks are one line; another type's values");
    is(folded("main;f+g;h 1 10\n", ""), "main;f;g;h 10\n", "inlined calls are frames");
    is(folded("main;f+g;h 1 10\nmain;f;h 1 1", "noinlines=true"), "main;f;h 11\n",
       "without inlines they are their caller's");
    is(folded("a;b:c 1 10\na;b\rc 2 20\na;b\rc 2 -5\na;\xe2\x9c\x93 3 4", ""),
       "a;b c 15\na;b:c 10\na;\xe2\x9c\x93 4\n", "what would break a line is a blank");
    is(folded("a;Lx/y&z 1 5\n", "unit=ms"), "a;Lx/y&z 5\n",
       "values are in the profile's unit, whatever the report's");
    is(folded("a;b 4 100\na;c 2 -30\na;d 1 7\na;d 1 -7\n", ""), "a;b 100\na;c -30\n",
       "less is told of, nothing is not");
    is(folded("a;b 4 100\na;c 2 -30\n", "drop_negative=true"), "a;b 100\n",
       "drop_negative leaves out what is less");
    is(folded("a;b 4 100\na;b 1 20\n", "mean=true"), "a;b 24\n", "a mean is of a whole stack");
    is(folded("a;b 4 100\n", "divide_by=10"), "a;b 10\n", "divide_by divides");
    is(folded("main;a;x 1 10\nmain;b;y 1 5\n", "focus=^a$"), "main;a;x 10\n", "focus is heard");
    is(folded("main;a;x 1 10\nmain;b;y 1 5\n", "show_from=^a$"), "a;x 10\n", "show_from is heard");
    is(folded("main;a 1 10 route=/x\nmain;a 1 5 route=/y\n", "tagroot=route"),
       "/x;main;a 10\n/y;main;a 5\n", "labels become frames");
    is(folded("main;a 1 10 route=/x;y\nmain;a 1 5 route=/y\n", "tagleaf=route"),
       "main;a;/x:y 10\nmain;a;/y 5\n", "a semicolon in a name is a colon");
    is(folded("a;b 1 5\n 2 7\n", ""), "[no stack] 7\na;b 5\n", "what has no stack has a line too");
    is(folded("", ""), "", "of no samples there are no lines");
    arena_free(&arena);
    return done();
}
