#include "../profiles.h"
#include "../tap.h"

static struct arena arena;

static void has(const char *lines, const char *options, const char *wanted, const char *name)
{
    struct profile p = profile_from_text("samples/count cpu/nanoseconds", lines, &arena);
    struct str got = report_of(&p, "markdown", "", options, &arena);
    if (!ok(str_find(got, str_of(wanted)) >= 0, "%s", name))
        fprintf(stderr, "# got:\n%.*s# without:\n%s\n", STR_ARG(got), wanted);
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(256));
    has("main;a 1 10\nmain;b 1 30\n", "",
        "```\nFile: program\nType: cpu\n"
        "Showing nodes accounting for 40ns, 100% of 40ns total\n```\n\n"
        "| flat | flat% | sum% | cum | cum% | |\n"
        "| ---: | ---: | ---: | ---: | ---: | :--- |\n"
        "| 30ns | 75.00% | 75.00% | 30ns | 75.00% | `b` |\n"
        "| 10ns | 25.00% | 100% | 10ns | 25.00% | `a` |\n"
        "| 0 | 0% | 100% | 40ns | 100% | `main` |\n",
        "a header in code, and a table");
    has("a|b 1 10\n", "", "| `a\\|b` |\n", "a bar in a name does not end the cell");
    has("a`b``c 1 10\n", "", "| ``` a`b``c ``` |\n", "backticks are within more of them");
    has("a|b 1 10\n", "focus=a|b", "\n   focus=a|b\n", "the header needs no escapes");
    has("a 1 10\n", "focus=a|```", "````\nFile", "but more backticks around it than in it");
    has("main;f;x 1 60\nmain;g;x 1 40\nmain;y 1 5\n", "nodefraction=0.001",
        "\n```\n     100ns 95.24%  x\n      60ns 57.14%   by f\n                     by main\n"
        "      40ns 38.10%   by g\n                     by main\n       5ns  4.76%  y\n"
        "                    by main\n```\n",
        "callers branch where there are several");
    has("a;b;c;d;e;f;g;h;i;j 1 10\n", "", "                    by c\n                    ...\n",
        "long lines of them end somewhere");
    has("a;x 1 990\nb;x 1 4\n", "", "\n       4ns   0.4%   by (others)\n",
        "what is light is told of");
    has("", "", "Showing nodes accounting for 0", "of no samples there is a table without rows");
    arena_free(&arena);
    return done();
}
