#include "../profiles.h"
#include "../tap.h"

enum { SAMPLES = 60000, FRAMES = 16, FUNCTIONS = 3000, CALLEES = 6 };

static struct arena arena;
static u64 state = 88172645463325252;

static u32 next(u32 below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)((state >> 11) % below);
}

// As many different stacks as samples, of four types.
static struct profile wide_profile(bool is_diff)
{
    struct buf lines;
    buf_init(&lines, (size_t)MIB(256));
    for (u32 i = 0; i < SAMPLES; i++) {
        u32 function = 1;
        for (u32 k = 0; k < FRAMES; k++) {
            buf_printf(&lines, "%snamespace%u::function%u", k ? ";" : "", function % 37, function);
            function = (u32)((function * (u64)2654435761 + next(CALLEES) * 40503) >> 3) % FUNCTIONS;
        }
        int sign = is_diff && next(2) ? -1 : 1;
        for (u32 k = 0; k < 4; k++)
            buf_printf(&lines, " %d", sign * (int)next(100000000));
        buf_char(&lines, '\n');
    }
    struct str text = arena_str(&arena, buf_str(&lines));
    buf_free(&lines);
    return profile_from_text("a/count b/bytes c/count d/bytes", text.ptr, &arena);
}

static void test_size(bool is_diff, const char *name)
{
    struct profile p = wide_profile(is_diff);
    struct str page = report_of(&p, "flame", "", "", &arena);
    ok(page.len < 5000000, "%s of %u stacks is a page of %zu bytes", name, SAMPLES, page.len);
    ok(str_find(page, STR("</html>")) > 0, "and whole");
}

static void has(const char *lines, const char *options, const char *wanted, const char *name)
{
    struct profile p = profile_from_text("samples/count cpu/nanoseconds", lines, &arena);
    struct str got = report_of(&p, "flame", "", options, &arena);
    if (!ok(str_find(got, str_of(wanted)) >= 0, "%s", name))
        fprintf(stderr, "# without: %s\n", wanted);
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(8192));
    has("main;f+g 1 10\nmain;h 2 20\n", "",
        "\"callees\":{\"parent\":[0,0,1,1,3],\"name\":[0,1,2,3,4],\"self\":[\n"
        "[0,0,2,0,1],\n[0,0,20,0,10]\n],\"inlined\":[4]}",
        "a tree is columns, parents first");
    has("main;f+g 1 10\nmain;h 2 20\n", "",
        "\"callers\":{\"parent\":[0,0,1,0,3,4],\"name\":[0,2,1,4,3,1],",
        "the callers' tree begins where samples end");
    has("main;a 1 10\nmain;b 1 -30\n", "", "\"net\":[\n[0,0,1,1],\n[0,0,-30,10]\n]",
        "a difference has values beside magnitudes");
    has("a</script><b> 1 10\n", "", "\"a\\u003c/script>\\u003cb>\"", "a name ends no element");
    has("a 1 10\n", "divide_by=4", "\"ratio\":0.25", "what divides is told");
    has("a;b 1 10\nc;d 1 5\n", "focus=b", "\\nfocus=b\\n\"", "filters are told of");
    has("", "", "\"callees\":{\"parent\":[0]", "of no samples there is the root");
    test_size(false, "a profile");
    test_size(true, "a difference");
    arena_free(&arena);
    return done();
}
