#include "profile/symbolize.h"

#include <string.h>

#include "object/demangle.h"
#include "object/kernel.h"
#include "object/vdso.h"
#include "profile/build.h"

struct job {
    const struct profile *from;
    struct symbolizer *symbolizer;
    struct build b;         // only its functions, lines and strings are used
    struct table functions; // name, system name, file, start line -> row
    struct table names;     // linker's name -> row of name
    struct str *name;       // by row of names: demangled
    u32 nname, name_cap;
    u64 last_id; // of a function
};

// What is in no file that symbols could be read from.
static bool is_file(struct str path)
{
    static const char *const prefix[] = {"[",       "/dev/dri/", "//anon",
                                         "/memfd:", "http://",   "https://"};
    if (kernel_is(path) || vdso_is(path))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(prefix); i++) {
        if (str_starts(path, str_of(prefix[i])))
            return false;
    }
    return path.len != 0;
}

static struct str demangled(struct job *j, struct str symbol)
{
    u32 row = table_add(&j->names, symbol);
    if (row == j->nname)
        *arena_push(j->b.arena, j->name, j->nname, j->name_cap) = demangle(symbol, j->b.arena);
    return j->name[row];
}

static u32 function_row(struct job *j, const struct symbol_line *line)
{
    struct {
        u32 name, system_name, filename;
        i64 start_line;
    } key;
    memset(&key, 0, sizeof(key)); // its padding too: it is hashed
    key.name = build_string(&j->b, demangled(j, line->function));
    key.system_name = build_string(&j->b, line->function);
    key.filename = build_string(&j->b, line->filename);
    key.start_line = line->start_line;
    u32 row = table_add(&j->functions, (struct str){(char *)&key, sizeof(key)});
    u32 first = j->from->nfunction; // rows of the functions that p has already
    if (first + row - 1 == j->b.p.nfunction) {
        struct function *f = build_function(&j->b);
        f->id = ++j->last_id;
        f->name = key.name;
        f->system_name = key.system_name;
        f->filename = key.filename;
        f->start_line = key.start_line;
    }
    return first + row - 1;
}

static void add_lines(struct job *j, struct location *l, struct mapping *m,
                      const struct symbol_line *line, u32 n)
{
    l->line = j->b.p.nline;
    l->nline = n;
    l->is_folded = false;
    for (u32 i = 0; i < n; i++) {
        struct line *to = arena_push(j->b.arena, j->b.p.line, j->b.p.nline, j->b.line_cap);
        to->function = function_row(j, &line[i]);
        to->line = line[i].line;
        to->column = line[i].column;
        m->has_functions = true;
        m->has_filenames |= line[i].filename.len != 0;
        m->has_line_numbers |= line[i].line != 0;
        m->has_inline_frames |= n > 1;
    }
}

// A builder that begins with a copy of p's functions, lines and strings.
static void start_build(struct job *j, const struct profile *p, struct arena *a)
{
    build_init(&j->b, a);
    j->b.p.nstring = 0;
    for (u32 i = 0; i < p->nstring; i++)
        *arena_push(a, j->b.p.string, j->b.p.nstring, j->b.string_cap) = p->string[i];
    for (u32 i = 1; i < p->nfunction; i++) {
        *build_function(&j->b) = p->function[i];
        if (p->function[i].id > j->last_id)
            j->last_id = p->function[i].id;
    }
    for (u32 i = 0; i < p->nline; i++)
        *arena_push(a, j->b.p.line, j->b.p.nline, j->b.line_cap) = p->line[i];
    table_init(&j->functions, a);
    table_init(&j->names, a);
    arena_push(a, j->name, j->nname, j->name_cap);
}

static bool is_wanted(const struct profile *p, const struct location *l, bool force)
{
    const struct mapping *m = &p->mapping[l->mapping];
    return (l->nline == 0 || force) && l->mapping && is_file(profile_string(p, m->filename)) &&
           l->address >= m->start;
}

static struct symbolizer_query query_of(const struct profile *p, const struct location *l)
{
    const struct mapping *m = &p->mapping[l->mapping];
    return (struct symbolizer_query){
        .path = profile_string(p, m->filename),
        .build_id = profile_string(p, m->build_id),
        .mapping = {m->start, m->limit, m->offset},
        .address = l->address,
    };
}

// Looks all up at once, which is quicker.
static void prepare(const struct profile *p, struct symbolizer *s, bool force)
{
    struct arena a;
    u32 n = 0;
    arena_init(&a, SIZE_MAX);
    struct symbolizer_query *q = arena_new(&a, struct symbolizer_query, p->nlocation);
    for (u32 row = 1; row < p->nlocation; row++) {
        if (is_wanted(p, &p->location[row], force))
            q[n++] = query_of(p, &p->location[row]);
    }
    symbolizer_prepare(s, q, n);
    arena_free(&a);
}

struct profile profile_symbolize(const struct profile *p, struct symbolizer *s, bool force,
                                 struct arena *a)
{
    struct job j = {.from = p, .symbolizer = s};
    start_build(&j, p, a);
    prepare(p, s, force);
    struct location *location = arena_new(a, struct location, p->nlocation);
    struct mapping *mapping = arena_new(a, struct mapping, p->nmapping);
    memcpy(location, p->location, p->nlocation * sizeof(*location));
    memcpy(mapping, p->mapping, p->nmapping * sizeof(*mapping));
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &location[row];
        struct mapping *m = &mapping[l->mapping];
        struct symbol_line *line;
        if (!is_wanted(p, l, force))
            continue;
        struct symbolizer_query q = query_of(p, l);
        u32 n = symbolizer_find(s, &q, &line);
        if (n)
            add_lines(&j, l, m, line, n);
    }
    struct profile out = *p;
    out.string = j.b.p.string;
    out.nstring = j.b.p.nstring;
    out.function = j.b.p.function;
    out.nfunction = j.b.p.nfunction;
    out.line = j.b.p.line;
    out.nline = j.b.p.nline;
    out.location = location;
    out.mapping = mapping;
    return out;
}
