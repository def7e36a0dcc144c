// "random SEED FOLDER [old]": writes a random profile to FOLDER/p.pb.gz, now and then another one
// to q.pb.gz, and prints command lines for pprof, a line each, their words by tabs.  The same seed
// gives the same.  With "old" there is nothing in them that a pprof of 2022 does not know or
// does in another way: it merges even what is one profile.
//
// The profiles have what real ones have, and what breaks programs: labels with units, inlined
// calls, recursion, several mappings, negative values, locations without lines, names of many
// languages.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "profile/build.h"
#include "profile/encode.h"

enum { LINES = 6 }; // of commands for each profile

static u64 state;
static bool is_old; // columns, doc_url, -showcolumns, -all_frames are left out

static u32 below(u32 n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)((state >> 11) % n);
}

static bool chance(u32 percent)
{
    return below(100) < percent;
}

#define PICK(list) (list)[below(ARRAY_LEN(list))]

static const char *const names[] = {
    "main",
    "main.main",
    "runtime.mallocgc",
    "runtime.gcBgMarkWorker.func2",
    "github.com/some/module/v2/pkg.(*Server).handleUpload",
    "github.com/some/module/v2/pkg.(*Server).handleUpload.func1.2",
    "encoding/json.(*decodeState).object",
    "sort.Slice[go.shape.int,go.shape.string]",
    "main.Map[...].Range",
    "std::vector<int, std::allocator<int> >::push_back(int const&)",
    "std::__1::__function::__func<(anonymous namespace)::Work, void ()>::operator()()",
    "(anonymous namespace)::helper(char const*, ...)",
    "operator new(unsigned long)",
    "operator new",
    "a::b::C<a::b::D<int> >::~C()",
    "void absl::base_internal::CallOnce<void (&)(int)>(absl::once_flag*, void (&)(int))",
    "core::ptr::drop_in_place<alloc::vec::Vec<u8>>",
    "<alloc::string::String as core::fmt::Write>::write_str::h0123456789abcdef",
    "_ZN4core3fmt5write17h0123456789abcdefE",
    "_Z3foov",
    "com.example.app.Main$Inner.run",
    "java.util.concurrent.ThreadPoolExecutor$Worker.run()V",
    "<module>",
    "handle_request",
    "Array.map (<anonymous>)",
    "caf\xc3\xa9.\xe6\x97\xa5\xe6\x9c\xac.f",
    "quote\"back\\slash",
    "<b>&amp;</b>",
    "name with blanks",
    "a.b",
    "x",
    "[unknown]",
    "",
};

static const char *const files[] = {
    "",
    "main.go",
    "/usr/lib/go/src/runtime/malloc.go",
    "/usr/lib/go/src/runtime/../runtime/mgc.go",
    "./src/a.c",
    "/build/src/a.c",
    "src//deep/../deep/b.cc",
    "/proc/self/cwd/x/y.cc",
    "Main.java",
    "/srv/user/\xc3\xa9.py",
    "C:\\src\\win.cpp",
    "<string>",
};

static const char *const types[][2] = {
    {"samples", "count"},       {"cpu", "nanoseconds"},   {"wall", "microseconds"},
    {"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"},
    {"inuse_space", "bytes"},   {"contentions", "count"}, {"delay", "nanoseconds"},
    {"widgets", "things"},      {"gcu", "milligcu"},      {"mem", "kb"},
    {"latency", "seconds"},     {"weight", ""},
};

static const char *const keys[] = {"bytes",   "request",   "alignment", "thread", "route",
                                   "latency", "key space", "user:id",   "a.b",    "pid"};
static const char *const texts[] = {"one",        "two",        "three four", "/route/1",
                                    "GET /x?y=1", "\"quoted\"", "a:b",        "",
                                    "1kb",        "\xc3\xbc",   "line\nfeed", "x,y"};
static const char *const units[] = {"", "", "bytes", "kilobytes", "ms", "seconds", "count", "zz"};
static const char *const programs[] = {
    "/usr/bin/program", "/opt/a b/server",     "/usr/lib/libc.so.6",
    "[vdso]",           "[kernel.kallsyms]",   "",
    "//anon",           "/memfd:jit (deleted)"};

// How large things are in this profile.
struct shape {
    u32 names, locations, samples, depth;
    bool has_labels, has_negatives, is_symbolized, has_columns;
};

static void add_mappings(struct build *b)
{
    u32 n = below(4);
    for (u32 i = 0; i < n; i++) {
        u32 file = build_string(b, str_of(PICK(programs)));
        u32 id = build_string(b, str_of(chance(50) ? "" : i ? "beef01" : "abcdef0123456789"));
        struct mapping *m = build_mapping(b);
        m->start = 0x400000 + 0x1000000 * (u64)i;
        m->limit = m->start + 0x800000;
        m->offset = chance(30) ? 0x1000 * (u64)below(16) : 0;
        m->filename = file;
        m->build_id = id;
        m->has_functions = chance(80);
        m->has_filenames = m->has_functions && chance(80);
        m->has_line_numbers = m->has_filenames && chance(80);
        m->has_inline_frames = chance(30);
    }
}

static void add_functions(struct build *b, const struct shape *s)
{
    for (u32 i = 0; i < s->names; i++) {
        const char *text = PICK(names);
        u32 name = build_string(b, str_of(text));
        u32 system = chance(70) ? name : build_string(b, STR("_Z6systemv"));
        u32 file = build_string(b, str_of(PICK(files)));
        struct function *f = build_function(b);
        f->name = name;
        f->system_name = system;
        f->filename = file;
        f->start_line = chance(50) ? below(50) : 0;
    }
}

static void add_locations(struct build *b, const struct shape *s)
{
    for (u32 i = 0; i < s->locations; i++) {
        struct location *l = build_location(b);
        u32 nmapping = b->p.nmapping;
        l->mapping = nmapping > 1 && chance(95) ? 1 + below(nmapping - 1) : 0;
        u64 start = l->mapping ? b->p.mapping[l->mapping].start : 0x1000;
        l->address = chance(3) ? 0 : start + (chance(10) ? 0x40 : 16 * (u64)below(5000));
        l->is_folded = chance(3);
        if (!s->is_symbolized && chance(40))
            continue;
        u32 nline = chance(70) ? 1 : below(5);
        for (u32 k = 0; k < nline; k++) {
            struct line *line = build_line(b);
            line->function = 1 + below(b->p.nfunction - 1);
            line->line = chance(90) ? below(200) : 0;
            line->column = s->has_columns ? below(40) : 0;
        }
    }
}

static i64 random_value(const struct shape *s)
{
    i64 value = chance(8) ? 0 : 1 + below(chance(50) ? 10 : 1000000);
    if (chance(20))
        value *= 1 + below(1000000);
    return s->has_negatives && chance(30) ? -value : value;
}

// Of both kinds, each key of one kind only, as programs write them.
static void add_labels(struct build *b)
{
    u32 ntext = below(3), nnumber = below(3);
    for (u32 i = 0; i < ntext; i++) {
        u32 key = build_string(b, str_of(keys[4 + below(6)]));
        u32 text = build_string(b, str_of(PICK(texts)));
        if (text)
            *build_label(b) = (struct label){.key = key, .text = text};
    }
    for (u32 i = 0; i < nnumber; i++) {
        u32 which = below(4);
        u32 key = build_string(b, str_of(keys[which]));
        u32 unit = chance(90) ? build_string(b, str_of(units[(which * 2 + 1) % 8]))
                              : build_string(b, str_of(PICK(units)));
        i64 number = (i64)below(chance(50) ? 64 : 1 << 20) * (chance(10) ? -1 : 1);
        *build_label(b) = (struct label){.key = key, .unit = unit, .number = number};
    }
}

static void add_samples(struct build *b, const struct shape *s)
{
    for (u32 i = 0; i < s->samples; i++) {
        build_sample(b);
        u32 depth = chance(2) && !is_old ? 0 : 1 + below(s->depth), location = 0;
        for (u32 k = 0; k < depth; k++) {
            // Near the leaf anything, towards the root ever fewer places, as in programs.
            u32 among = 1 + (s->locations - 1) * (depth - k) / depth;
            if (!location || !chance(8)) // the same again: recursion
                location = 1 + below(among);
            build_frame(b, location);
        }
        for (u32 t = 0; t < b->p.ntype; t++)
            build_value(b, random_value(s));
        if (s->has_labels && chance(80))
            add_labels(b);
    }
}

static void add_header(struct build *b)
{
    struct profile *p = &b->p;
    if (chance(30))
        build_comment(b, STR("made at random"));
    if (chance(20))
        build_comment(b, STR("second comment, caf\xc3\xa9"));
    if (chance(15))
        p->drop_frames = build_string(b, STR("runtime\\..*|operator new.*"));
    if (p->drop_frames && chance(40))
        p->keep_frames = build_string(b, STR("runtime.gcBg.*"));
    if (chance(30))
        p->default_type = p->type[below(p->ntype)].type;
    if (chance(10) && !is_old)
        p->doc_url = build_string(b, STR("https://example.com/doc"));
    if (chance(70)) {
        p->period_type = p->type[p->ntype - 1];
        p->period = 1 + below(10000000);
    }
    p->time_ns = chance(70) ? 1700000000000000000 + (i64)below(1000000000) * 1000 : 0;
    p->duration_ns = chance(70) ? (i64)below(1000000) * (chance(50) ? 100000 : 1000000) : 0;
}

static void write_profile(const struct profile *p, const char *folder, const char *name)
{
    char path[4096];
    struct buf out;
    struct err e;
    buf_init(&out, (size_t)MIB(64));
    profile_encode_gzip(&out, p);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (!file_write(path, buf_str(&out), &e)) {
        fprintf(stderr, "%s\n", e.text);
        exit(2);
    }
    buf_free(&out);
}

// The same types and functions for all profiles of a seed, so that they can be added up.
static struct profile make_profile(u64 seed, u32 number, struct arena *a)
{
    struct build b;
    build_init(&b, a);
    state = seed * 0x9e3779b97f4a7c15 + 88172645463325252;
    for (u32 i = 0; i < 20; i++)
        below(2);
    struct shape s = {.names = 1 + below(chance(70) ? 8 : 40),
                      .locations = 2 + below(chance(60) ? 12 : 120),
                      .samples = chance(3) ? 0 : 1 + below(chance(60) ? 12 : 300),
                      .depth = 1 + below(chance(60) ? 6 : 30),
                      .has_labels = chance(60),
                      .has_negatives = chance(20),
                      .is_symbolized = chance(60),
                      .has_columns = chance(40) && !is_old};
    u32 ntype = 1 + below(4), first = below(ARRAY_LEN(types));
    for (u32 t = 0; t < ntype; t++) {
        const char *const *type = types[(first + t) % ARRAY_LEN(types)];
        build_type(&b, str_of(type[0]), str_of(type[1]));
    }
    add_mappings(&b);
    add_functions(&b, &s);
    add_locations(&b, &s);
    for (u32 i = 0; i < number * 31; i++)
        below(2);
    add_samples(&b, &s);
    add_header(&b);
    return b.p;
}

// Flags.

static void flag(const char *format, const char *value)
{
    putchar('\t');
    printf(format, value); // NOLINT: from the tables below
}

// A regular expression out of the names that there are.
static const char *expression(void)
{
    static const char *const common[] = {
        "main", "runtime",  "std::",    "a",   "^x$",     "[Ss]erver", "func[12]", "\\.go$",
        "o",    "operator", "(?i)MAIN", "zzz", "program", "a.*b|h",    "^$",       "\\(anonymous",
        "caf",  "b"};
    return PICK(common);
}

static const char *label_expression(void)
{
    static const char *const common[] = {
        "one",           "two,three", "route=one",   "thread=two", "bytes=1kb:",
        "1kb:1mb",       ":64b",      "request=:",   "bytes=64b",  "latency=1ms:",
        "key space=a:b", "x",         ".*",          "10",         "a",
        "user:id=one",   "thread=.",  "0b:100000kb", "-5:",        "route=x,y"};
    return PICK(common);
}

static void print_granularity(void)
{
    static const char *const list[] = {"functions", "filefunctions", "files", "lines", "addresses"};
    flag("-%s", PICK(list));
}

static void print_filters(void)
{
    static const char *const by_name[] = {"-focus=%s", "-ignore=%s",    "-hide=%s",
                                          "-show=%s",  "-show_from=%s", "-prune_from=%s"};
    static const char *const by_label[] = {"-tagfocus=%s", "-tagignore=%s"};
    static const char *const by_key[] = {"-tagshow=%s", "-taghide=%s"};
    static const char *const framing[] = {"-tagroot=%s", "-tagleaf=%s"};
    static const char *const lists[] = {
        "route",          "bytes",     "route,thread",     "thread,bytes",
        "latency,,nokey", "key space", "request,alignment"};
    if (chance(35))
        flag(PICK(by_name), expression());
    if (chance(15))
        flag(PICK(by_name), expression());
    if (chance(20))
        flag(PICK(by_label), label_expression());
    if (chance(10))
        flag(PICK(by_key), expression());
    if (chance(15))
        flag(PICK(framing), PICK(lists));
}

static void print_numbers(const struct profile *p)
{
    static const char *const counts[] = {"0", "1", "2", "3", "5", "10", "80"};
    static const char *const fractions[] = {"0", "0.01", "0.05", "0.1", "0.3", "1e-3", ".5"};
    static const char *const to_unit[] = {"auto", "minimum", "bytes", "MB",  "kb",    "ms",
                                          "s",    "hours",   "count", "gcu", "nosuch"};
    static const char *const divisors[] = {"2", "0.5", "1e3", "3"};
    if (chance(25))
        flag("-nodecount=%s", PICK(counts));
    if (chance(20))
        flag("-nodefraction=%s", PICK(fractions));
    if (chance(20))
        flag("-edgefraction=%s", PICK(fractions));
    if (chance(20))
        flag("-unit=%s", PICK(to_unit));
    if (chance(8))
        flag("-divide_by=%s", PICK(divisors));
    if (chance(40))
        printf("\t-sample_index=%u", below(p->ntype));
}

static void print_switches(void)
{
    static const char *const list[] = {"-cum",        "-flat",           "-trim=false",
                                       "-call_tree",  "-mean",           "-drop_negative",
                                       "-noinlines",  "-compact_labels", "-relative_percentages",
                                       "-showcolumns"};
    for (size_t i = 0; i + is_old < ARRAY_LEN(list); i++) {
        if (chance(12))
            flag("%s", list[i]);
    }
}

static void print_command(const struct profile *p, bool has_others)
{
    static const char *const reports[] = {"-top",      "-text",  "-tree", "-dot",       "-traces",
                                          "-raw",      "-tags",  "-dot",  "-callgrind", "-topproto",
                                          "-comments", "-proto", "-tree", "-top",       "-dot"};
    if (chance(10))
        flag(chance(60) ? "-peek=%s" : "-list=%s", expression());
    else
        flag("%s", PICK(reports));
    if (chance(40))
        print_granularity();
    print_filters();
    print_numbers(p);
    print_switches();
    if (chance(5))
        flag("-add_comment=%s", "added");
    if (chance(3) && !is_old)
        flag("%s", "-all_frames");
    u32 kind = has_others ? below(is_old ? 3 : 5) : 4;
    if (kind < 2)
        flag("-%s=q.pb.gz", kind ? "base" : "diff_base");
    if (kind < 2 && chance(40) && !is_old)
        flag("%s", "-normalize");
    flag("%s", kind == 2 ? "p.pb.gz\tq.pb.gz" : "p.pb.gz");
    putchar('\n');
}

int main(int argc, char **argv)
{
    struct arena a;
    if (argc < 3)
        return 2;
    is_old = argc > 3 && strcmp(argv[3], "old") == 0;
    u64 seed = strtoull(argv[1], NULL, 10);
    arena_init(&a, (size_t)MIB(256));
    struct profile p = make_profile(seed, 0, &a);
    write_profile(&p, argv[2], "p.pb.gz");
    bool has_others = chance(40) || is_old;
    if (has_others) {
        struct profile q = make_profile(seed, 1, &a);
        write_profile(&q, argv[2], "q.pb.gz");
    }
    for (u32 i = 0; i < LINES; i++)
        print_command(&p, has_others);
    return 0;
}
