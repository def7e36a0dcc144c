// "generate SAMPLES LABELS FILE [SEED]": a CPU profile of so many samples, 20 to 60 frames deep,
// over 20,000 functions; the same on each run. Stacks are walks from one root through a random call
// graph, as programs have them: hot paths repeat, ends differ.  With LABELS the samples carry a
// text label of 64 routes and a number label of 64 sizes.
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "profile/build.h"
#include "profile/encode.h"

enum { FUNCTIONS = 20000, LOCATIONS = 20000, LEAST_FRAMES = 20, MORE_FRAMES = 41, CALLEES = 8 };

static u64 state = 88172645463325252;

static u32 next(u32 below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)((state >> 11) % below);
}

static void add_tables(struct build *b, struct arena *a)
{
    build_type(b, STR("samples"), STR("count"));
    build_type(b, STR("cpu"), STR("nanoseconds"));
    struct mapping *m = build_mapping(b);
    m->start = 0x400000;
    m->limit = 0x4000000;
    m->has_functions = m->has_filenames = m->has_line_numbers = true;
    m->filename = build_string(b, STR("/usr/bin/program"));
    for (u32 i = 0; i < FUNCTIONS; i++) {
        u32 name =
            build_string(b, arena_printf(a, "package%u/module%u.Function%u", i % 37, i % 211, i));
        u32 file = build_string(b, arena_printf(a, "/src/package%u/module%u.go", i % 37, i % 211));
        struct function *f = build_function(b);
        f->name = f->system_name = name;
        f->filename = file;
    }
    for (u32 i = 0; i < LOCATIONS; i++) {
        struct location *l = build_location(b);
        l->mapping = 1;
        l->address = 0x400000 + 64 * (u64)i;
        struct line *line = build_line(b);
        line->function = 1 + i % FUNCTIONS;
        line->line = 1 + i % 997;
    }
}

// The location that a location calls: one of a few, the first much more often than the others.
static u32 callee(u32 caller)
{
    u32 which = next(4) ? next(2) : next(CALLEES);
    return 1 + (u32)(((u64)caller * 2654435761 + (u64)which * 40503 * 2246822519) >> 7) % LOCATIONS;
}

static void add_samples(struct build *b, u32 samples, bool labels)
{
    u32 stack[LEAST_FRAMES + MORE_FRAMES];
    for (u32 i = 0; i < samples; i++) {
        u32 n = LEAST_FRAMES + next(MORE_FRAMES);
        stack[0] = 1;
        for (u32 k = 1; k < n; k++)
            stack[k] = callee(stack[k - 1]);
        build_sample(b);
        for (u32 k = n; k > 0; k--)
            build_frame(b, stack[k - 1]);
        i64 count = 1 + next(5);
        build_value(b, count);
        build_value(b, count * 10000000);
        if (!labels)
            continue;
        char text[32];
        snprintf(text, sizeof(text), "/route/%u", next(64));
        u32 key = build_string(b, STR("route")), value = build_string(b, str_of(text));
        *build_label(b) = (struct label){.key = key, .text = value};
        u32 bytes = build_string(b, STR("bytes"));
        *build_label(b) = (struct label){.key = bytes, .unit = bytes, .number = 1 << next(6) << 10};
    }
}

int main(int argc, char **argv)
{
    struct arena a;
    struct build b;
    struct buf out;
    struct err e;
    if (argc > 4)
        state += strtoull(argv[4], NULL, 10) * 0x9e3779b97f4a7c15;
    if (argc < 4)
        return 2;
    arena_init(&a, (size_t)MIB(32768));
    build_init(&b, &a);
    add_tables(&b, &a);
    add_samples(&b, (u32)strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10) != 0);
    b.p.period_type = b.p.type[1];
    b.p.period = 10000000;
    b.p.time_ns = 1700000000000000000;
    b.p.duration_ns = 60000000000;
    buf_init(&out, (size_t)MIB(16384));
    profile_encode_gzip(&out, &b.p);
    return !file_write(argv[3], buf_str(&out), &e);
}
