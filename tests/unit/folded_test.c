// Folded stacks, as the tools that write them do.
#include <string.h>

#include "../tap.h"
#include "profile/read.h"

static struct arena arena;

static bool read_text(struct profile *p, struct str text, struct err *e)
{
    *e = (struct err){0};
    return profile_read(p, text, (size_t)MIB(64), &arena, e);
}

// "leaf<caller<...", of a sample; an inlined call has '~' before its caller.
static struct str stack_of(const struct profile *p, u32 sample)
{
    const struct sample *s = &p->sample[sample];
    struct str out = STR("");
    for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
        const struct location *l = &p->location[p->frame[k]];
        for (u32 i = 0; i < l->nline; i++) {
            const struct function *f = &p->function[p->line[l->line + i].function];
            out = arena_printf(&arena, "%.*s%s%.*s", STR_ARG(out),
                               i         ? "~"
                               : out.len ? "<"
                                         : "",
                               STR_ARG(profile_string(p, f->name)));
        }
    }
    return out;
}

static bool is_stack(const struct profile *p, u32 sample, i64 value, const char *stack)
{
    return sample < p->nsample && profile_values(p, sample)[0] == value &&
           str_equal(stack_of(p, sample), str_of(stack));
}

static struct str mapping_of(const struct profile *p, u32 sample)
{
    u32 row = p->location[p->frame[p->sample[sample].frame]].mapping;
    return profile_string(p, p->mapping[row].filename);
}

static void test_plain(void)
{
    struct profile p;
    struct err e;
    ok(read_text(&p, STR("swapper 2\nsh;main;work 12\r\n\n# a comment\nsh;main\t3\n"), &e) &&
           p.nsample == 3 && is_stack(&p, 0, 2, "swapper") && is_stack(&p, 1, 12, "work<main<sh") &&
           is_stack(&p, 2, 3, "main<sh"),
       "root first, a number last; stacks of one frame, blank lines and comments too %s", e.text);
    ok(p.nlocation == 5 && p.nfunction == 5, "a frame is kept once");
    ok(p.ntype == 1 && str_equal(profile_string(&p, p.type[0].type), STR("samples")) &&
           str_equal(profile_string(&p, p.type[0].unit), STR("count")) && p.drop_frames == 0,
       "they are samples, and none of their functions are dropped");
    ok(read_text(&p,
                 STR("my app;std::map<int, std::less<int> >::find(int const&) 7\n"
                     "Thread 12;run me 3 times 5\n"),
                 &e) &&
           is_stack(&p, 0, 7, "std::map<int, std::less<int> >::find(int const&)<my app") &&
           is_stack(&p, 1, 5, "run me 3 times<Thread 12"),
       "names may have blanks and numbers in them");
    ok(read_text(&p, STR("a;;b; 4\n;c 1\n"), &e) && is_stack(&p, 0, 4, "b<a") &&
           is_stack(&p, 1, 1, "c"),
       "empty frames are none");
    ok(read_text(&p, STR("a;b 3\n7\na;b 0\n"), &e) && p.nsample == 2 && p.sample[1].nframe == 0,
       "a number alone is a sample without a stack; zero is no sample");
}

static void test_marks(void)
{
    struct profile p;
    struct err e;
    ok(read_text(&p,
                 STR("java;Foo.run_[j];read_[k] 1\njava;Foo.run_[0] 2\njava;Foo.run_[1] 3\n"
                     "java;main;[unknown] 4\n"),
                 &e) &&
           is_stack(&p, 0, 1, "read<Foo.run<java") && is_stack(&p, 1, 2, "Foo.run<java") &&
           is_stack(&p, 2, 3, "Foo.run<java") && is_stack(&p, 3, 4, "[unknown]<main<java"),
       "marks are not part of a name");
    ok(str_equal(mapping_of(&p, 0), STR("[kernel]")) &&
           str_equal(mapping_of(&p, 1), STR("[interpreter]")) &&
           str_equal(mapping_of(&p, 2), STR("[jit]")) && mapping_of(&p, 3).len == 0 &&
           p.location[p.frame[p.sample[3].frame]].mapping == 1,
       "but tell whose code it is; the program's mapping is the first");
    ok(read_text(&p, STR("main;a;b_[i];c_[i];d 1\nmain;a;b_[i] 2\nx_[i] 3\n"), &e) &&
           is_stack(&p, 0, 1, "d<c~b~a<main") && is_stack(&p, 1, 2, "b~a<main") &&
           is_stack(&p, 2, 3, "x"),
       "an inlined call is in the location that it is inlined into");
    ok(read_text(&p, STR("a;_[k] 1\n"), &e) && is_stack(&p, 0, 1, "_[k]<a"),
       "a mark alone is a name");
}

static void test_places(void)
{
    struct profile p;
    struct err e;
    ok(read_text(&p,
                 STR("process 7:\"python a.py\";<module> (a b.py:12);f (lib.py:3) 1\n"
                     "process 7:\"python a.py\";<module> (a b.py:12);f (lib.py:9) 2\n"),
                 &e) &&
           is_stack(&p, 0, 1, "f<<module><process 7:\"python a.py\"") && p.nfunction == 4,
       "py-spy's frames are functions ...");
    const struct line *line = &p.line[p.location[p.frame[p.sample[1].frame]].line];
    ok(line->line == 9 &&
           str_equal(profile_string(&p, p.function[line->function].filename), STR("lib.py")),
       "... with files and lines");
    ok(read_text(&p, STR("f(int) (x);g (:3);h(a.c:3) 1\n"), &e) &&
           is_stack(&p, 0, 1, "h(a.c:3)<g (:3)<f(int) (x)"),
       "what only looks like them is a name");
}

static void test_numbers(void)
{
    struct profile p;
    struct err e;
    ok(read_text(&p, STR("a;b 0.5\na;c 12.250\na;d 1e+06\n"), &e) &&
           profile_values(&p, 0)[0] == 50 && profile_values(&p, 1)[0] == 1225 &&
           profile_values(&p, 2)[0] == 100000000 &&
           str_equal(profile_string(&p, p.type[0].type), STR("samples*100")),
       "fractions are made whole, and the type says how");
    ok(read_text(&p, STR("a;b 2.0\na;c 3.\n"), &e) && profile_values(&p, 0)[0] == 2 &&
           str_equal(profile_string(&p, p.type[0].type), STR("samples")),
       "a fraction of nothing is none");
    ok(read_text(&p, STR("a;b 1e30\n"), &e) && profile_values(&p, 0)[0] == INT64_MAX,
       "what is too large is as large as can be");
}

static void test_difference(void)
{
    struct profile p;
    struct err e;
    ok(read_text(&p, STR("a;b 10 12\na;c 5 0\na;d 0 7\n"), &e) && p.nsample == 4 &&
           is_stack(&p, 0, 12, "b<a") && is_stack(&p, 1, -10, "b<a") &&
           is_stack(&p, 2, -5, "c<a") && is_stack(&p, 3, 7, "d<a"),
       "two numbers are what was and what is");
    const struct label *l = &p.label[p.sample[1].label];
    ok(p.sample[0].nlabel == 0 && p.sample[1].nlabel == 1 &&
           str_equal(profile_string(&p, l->key), STR("pprof::base")) &&
           str_equal(profile_string(&p, l->text), STR("true")),
       "what was has the label of a base");
    ok(read_text(&p, STR("a;b 10 12\na;c 5\n"), &e) && is_stack(&p, 0, 12, "b 10<a"),
       "if one line has one number, the others do too");
}

static void test_not_folded(void)
{
    struct profile p;
    struct err e;
    static const struct {
        const char *text, *why;
    } c[] = {
        {"hello, world 12\n", "unrecognized"},
        {"a;b\nc;d 1\n", "unrecognized"},
        {"a 1\nb 2\n", "unrecognized"},
        {"a 1\nint x;\n", "unrecognized"},
        {"a;b 0x12\n", "unrecognized"},
        {"a;b nan\n", "unrecognized"},
        {"a;b 1\nc;d 2\nwhat is this\n", "line 3: \"what is this\" is no stack"},
        {"heap profile: 1: 8 [1: 8] @ heap_v2/1\na;b 1\n", "unexpected number of sample values"},
        {"goroutine profile: total 1\na;b 1\n", "malformed profile format"},
    };
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        ok(!read_text(&p, str_of(c[i].text), &e) && strstr(e.text, c[i].why), "text %zu: %s", i,
           e.text);
    ok(!read_text(&p, STR("a;b\0c 1\n"), &e), "bytes that are no text: %s", e.text);
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(256));
    test_plain();
    test_marks();
    test_places();
    test_numbers();
    test_difference();
    test_not_folded();
    arena_free(&arena);
    return done();
}
