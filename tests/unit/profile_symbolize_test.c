// Names for the addresses of a profile: here of this program itself.
#include "profile/symbolize.h"

#include <link.h>
#include <string.h>
#include <unistd.h>

#include "../tap.h"
#include "profile/build.h"
#include "profile/demangle.h"

enum { PAGE = 4096 };

__attribute__((noinline)) static int known_function(int a)
{
    __asm__ volatile("");
    return a + 1;
}

// This program: its path, where it was put, and the address of a function.
struct self {
    struct str path;
    u64 start, address;
};

static struct self find_self(struct arena *a)
{
    extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    return (struct self){
        .path = arena_str(a, (struct str){path, n < 0 ? 0 : (size_t)n}),
        .start = (u64)(uintptr_t)&__ehdr_start,
        .address = (u64)(uintptr_t)known_function,
    };
}

static u32 add_mapping(struct build *b, u64 start, u64 limit, u64 offset, struct str path)
{
    struct mapping *m = build_mapping(b);
    m->start = start;
    m->limit = limit;
    m->offset = offset;
    m->filename = build_string(b, path);
    return b->p.nmapping - 1;
}

static void add_location(struct build *b, u32 mapping, u64 address)
{
    struct location *l = build_location(b);
    l->mapping = mapping;
    l->address = address;
}

static struct str name_of(const struct profile *p, u32 location)
{
    const struct location *l = &p->location[location];
    return l->nline ? profile_string(p, p->function[p->line[l->line].function].name) : STR("");
}

static struct profile symbolized(const struct profile *p, bool force, struct arena *a)
{
    struct symbolizer s;
    symbolizer_init(&s, a);
    struct profile out = profile_symbolize(p, &s, force, a);
    symbolizer_close(&s);
    return out;
}

static void whole_file(const struct self *self, struct arena *a)
{
    struct build b;
    build_init(&b, a);
    u32 m = add_mapping(&b, self->start, self->start + ((u64)64 << 20), 0, self->path);
    add_location(&b, m, self->address);
    add_location(&b, m, self->address);
    add_location(&b, 0, self->address);
    struct profile p = symbolized(&b.p, false, a);
    ok(str_equal(name_of(&p, 1), STR("known_function")), "an address gets its function");
    ok(p.location[1].nline == 1 && p.line[p.location[1].line].line > 0, "and its line");
    ok(p.mapping[m].has_functions && p.mapping[m].has_line_numbers, "which its mapping tells");
    ok(p.nfunction == 2, "a function is there once");
    ok(p.location[3].nline == 0, "an address in no mapping gets none");
    ok(b.p.location[1].nline == 0 && b.p.nfunction == 1, "what was there is as it was");
}

// The page with the function has no name any more.
static void moved_text(const struct self *self, struct arena *a)
{
    static const char *const nameless[] = {"", "//anon", "/anon_hugepage (deleted)", "[anon:text]"};
    u64 page = self->address & ~(u64)(PAGE - 1), offset = page - self->start;
    for (size_t i = 0; i < ARRAY_LEN(nameless); i++) {
        struct build b;
        build_init(&b, a);
        if (i % 2)
            add_mapping(&b, self->start, page, 0, self->path);
        u32 moved = add_mapping(&b, page, page + PAGE, 0, str_of(nameless[i]));
        if (i % 2 == 0)
            add_mapping(&b, page + PAGE, page + 4 * (u64)PAGE, offset + PAGE, self->path);
        add_location(&b, moved, self->address);
        struct profile p = symbolized(&b.p, false, a);
        ok(str_equal(name_of(&p, 1), STR("known_function")),
           "text that was moved to \"%s\", %s what is left of the file", nameless[i],
           i % 2 ? "behind" : "before");
    }
}

static void far_memory(const struct self *self, struct arena *a)
{
    struct build b;
    build_init(&b, a);
    add_mapping(&b, self->start, self->start + PAGE, 0, self->path);
    u32 far = add_mapping(&b, self->start + 1000 * (u64)PAGE, self->start + 1001 * (u64)PAGE, 0,
                          STR("//anon"));
    add_location(&b, far, self->start + 1000 * (u64)PAGE + 8);
    struct profile p = symbolized(&b.p, false, a);
    ok(p.location[1].nline == 0, "other memory without a name is not the file's");
}

static void plain_names(struct arena *a)
{
    struct build b;
    build_init(&b, a);
    const char *const name[] = {"_Z1fi", "g", "_ZN1a1bIiEEvv"}, *const system[] = {"_Z1fi", "_Z1gv",
                                                                                   ""};
    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        struct function *f = build_function(&b);
        f->name = build_string(&b, str_of(name[i]));
        f->system_name = build_string(&b, str_of(system[i]));
    }
    struct profile p = profile_demangle(&b.p, DEMANGLE_DEFAULT, false, a);
    ok(str_equal(profile_string(&p, p.function[1].name), STR("f")),
       "a linker's name becomes plain");
    ok(str_equal(profile_string(&p, p.function[1].system_name), STR("_Z1fi")), "beside it");
    ok(str_equal(profile_string(&p, p.function[2].name), STR("g")), "a plain one stays");
    ok(str_equal(profile_string(&p, p.function[3].name), STR("_ZN1a1bIiEEvv")),
       "as one does that is not said to be the linker's");
    p = profile_demangle(&p, DEMANGLE_FULL, true, a);
    ok(str_equal(profile_string(&p, p.function[2].name), STR("g()")), "unless it is forced");
    p = profile_demangle(&p, DEMANGLE_NONE, true, a);
    ok(str_equal(profile_string(&p, p.function[2].name), STR("_Z1gv")), "also back");
}

static void given_names(struct arena *a)
{
    struct build b;
    build_init(&b, a);
    u32 m = add_mapping(&b, 0x1000, 0x2000, 0, STR("file"));
    add_location(&b, m, 0x1001);
    add_location(&b, m, 0x1002);
    add_location(&b, m, 0x1003);
    const struct str name[] = {STR(""), STR("f"), STR(""), STR("f")};
    struct profile p = profile_name_locations(&b.p, name, a);
    ok(str_equal(name_of(&p, 1), STR("f")) && str_equal(name_of(&p, 3), STR("f")) &&
           p.location[2].nline == 0 && p.nfunction == 2,
       "names that a server gave");
}

int main(void)
{
    struct arena a;
    arena_init(&a, SIZE_MAX);
    struct self self = find_self(&a);
    ok(known_function(1) == 2, "the function is there");
    whole_file(&self, &a);
    moved_text(&self, &a);
    far_memory(&self, &a);
    plain_names(&a);
    given_names(&a);
    arena_free(&a);
    return done();
}
