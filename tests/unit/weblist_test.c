// The annotated page of a profile without a binary: names are data, never markup.
#include <string.h>

#include "../tap.h"
#include "profile/build.h"
#include "report/report.h"

static struct arena arena;

#define HOSTILE "<script>alert('1')</script>&\"x"

// A line of a function, with another one that was inlined there.
static void add_location(struct build *b, u64 address, u32 inlined, u32 function)
{
    struct location *l = build_location(b);
    l->address = address;
    l->mapping = 1;
    struct line *line = build_line(b);
    line->function = inlined;
    line->line = 3;
    line = build_line(b);
    line->function = function;
    line->line = 7;
}

static u32 add_function(struct build *b, const char *name, const char *file)
{
    struct function *f = build_function(b);
    f->name = f->system_name = build_string(b, str_of(name));
    f->filename = build_string(b, str_of(file));
    return b->p.nfunction - 1;
}

static void add_sample(struct build *b, u32 location, i64 value)
{
    build_sample(b);
    build_frame(b, location);
    build_value(b, value);
}

// Two locations of the same functions; the second has no address.
static struct profile make_profile(void)
{
    struct build b;
    build_init(&b, &arena);
    build_type(&b, STR("alloc_space"), STR("bytes"));
    struct mapping *m = build_mapping(&b);
    m->start = 0x1000;
    m->limit = 0x9000;
    m->filename = build_string(&b, STR("/nonexistent/" HOSTILE));
    u32 outer = add_function(&b, "outer" HOSTILE, "/nonexistent/" HOSTILE ".c");
    u32 inner = add_function(&b, "inner", "/nonexistent/inner.h");
    add_location(&b, 0x1234, inner, outer);
    add_location(&b, 0, inner, outer);
    add_sample(&b, 1, 1024);
    add_sample(&b, 2, 2048);
    build_comment(&b, STR(HOSTILE));
    return b.p;
}

static u32 count(struct str text, const char *needle)
{
    u32 n = 0;
    for (i64 at; (at = str_find(text, str_of(needle))) >= 0; n++)
        text = str_skip(text, (size_t)at + 1);
    return n;
}

static bool write_page(struct buf *out, const char *wanted, struct err *e)
{
    struct profile p = make_profile();
    struct config c;
    struct buf warnings;
    config_init(&c);
    buf_init(&warnings, KIB(64));
    bool done = report_write(out, &p, report_find(STR("weblist")), str_of(wanted), &c, &warnings,
                             &arena, e);
    buf_free(&warnings);
    return done;
}

int main(void)
{
    struct buf page;
    struct err e = {0};
    arena_init(&arena, (size_t)MIB(64));
    buf_init(&page, (size_t)MIB(1));
    ok(write_page(&page, "^outer", &e), "a page without its binary %s", e.text);
    struct str text = buf_str(&page);
    ok(count(text, "<script>alert") == 0 && count(text, "&lt;script&gt;alert(&#39;1&#39;)") >= 4,
       "names of functions and files, comments and errors are escaped");
    ok(count(text, "<script>") == 1, "the page has its own script");
    ok(count(text, "No assembly: ") == 1, "it says why there is no assembly");
    ok(count(text, " 3kB        3kB           ???") == 1,
       "samples of both locations are at the line of the call, also of that without an address");
    ok(count(text, "inner.h:3</span>") == 1 && count(text, ":7</span>") == 0,
       "what was inlined there is shown below it, once for both");
    page.len = 0;
    ok(!write_page(&page, "nosuch", &e) && strstr(e.text, "no matches found for regexp: nosuch"),
       "%s", e.text);
    buf_free(&page);
    arena_free(&arena);
    return done();
}
