#include "profile/symbolize.h"

#include <string.h>

#include "profile/build.h"

struct job {
    const struct profile *from;
    struct build b;         // only its functions, lines and strings are used
    struct table functions; // name, file, start line -> row
    struct table seen;      // the same by the places of the texts, which are many fewer -> position
    u32 *seen_row;          // of a function, by position
    u32 nseen, seen_cap;
    u64 last_id; // of a function
    struct location *location;
    struct mapping *mapping;
};

static u32 function_row(struct job *j, const struct symbol_line *line)
{
    struct {
        u32 name, filename;
        i64 start_line;
    } key;
    memset(&key, 0, sizeof(key)); // its padding too: it is hashed
    key.name = build_string(&j->b, line->function);
    key.filename = build_string(&j->b, line->filename);
    key.start_line = line->start_line;
    u32 row = table_add(&j->functions, (struct str){(char *)&key, sizeof(key)});
    u32 first = j->from->nfunction; // rows of the functions that p has already
    if (first + row - 1 == j->b.p.nfunction) {
        struct function *f = build_function(&j->b);
        f->id = ++j->last_id;
        f->name = key.name;
        f->system_name = key.name;
        f->filename = key.filename;
        f->start_line = key.start_line;
    }
    return first + row - 1;
}

// The same for a line whose texts may have been looked at already.
static u32 seen_function_row(struct job *j, const struct symbol_line *line)
{
    const struct {
        struct str function, filename;
        i64 start_line;
    } key = {line->function, line->filename, line->start_line};
    u32 position = table_add(&j->seen, (struct str){(const char *)&key, sizeof(key)});
    if (position == j->nseen) {
        u32 row = function_row(j, line);
        *arena_push(j->b.arena, j->seen_row, j->nseen, j->seen_cap) = row;
    }
    return j->seen_row[position];
}

static void add_lines(struct job *j, struct location *l, struct mapping *m,
                      const struct symbol_line *line, u32 n)
{
    l->line = j->b.p.nline;
    l->nline = n;
    l->is_folded = false;
    for (u32 i = 0; i < n; i++) {
        struct line *to = arena_push(j->b.arena, j->b.p.line, j->b.p.nline, j->b.line_cap);
        to->function = seen_function_row(j, &line[i]);
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
    table_init(&j->seen, a);
    arena_push(a, j->seen_row, j->nseen, j->seen_cap);
    j->location = arena_new(a, struct location, p->nlocation);
    j->mapping = arena_new(a, struct mapping, p->nmapping);
    memcpy(j->location, p->location, p->nlocation * sizeof(*p->location));
    memcpy(j->mapping, p->mapping, p->nmapping * sizeof(*p->mapping));
}

static struct profile finish_build(const struct job *j)
{
    struct profile out = *j->from;
    out.string = j->b.p.string;
    out.nstring = j->b.p.nstring;
    out.function = j->b.p.function;
    out.nfunction = j->b.p.nfunction;
    out.line = j->b.p.line;
    out.nline = j->b.p.nline;
    out.location = j->location;
    out.mapping = j->mapping;
    return out;
}

// Memory without a name of its own: where a program's text was moved to huge pages, or what a
// compiler at run time made.
static bool is_anonymous(struct str path)
{
    return path.len == 0 || str_starts(path, STR("//anon")) ||
           str_starts(path, STR("/anon_hugepage")) || str_starts(path, STR("[anon"));
}

// The file whose mapping an anonymous one continues; the mapping itself when it is none, or when
// nothing is beside it.  *offset is then that in the file, of the byte at its start.
static const struct mapping *file_of(const struct profile *p, const struct mapping *m, u64 *offset)
{
    *offset = m->offset;
    for (u32 row = 1; row < p->nmapping && is_anonymous(profile_string(p, m->filename)); row++) {
        const struct mapping *other = &p->mapping[row];
        bool is_before = other->limit == m->start && other->start < m->start;
        bool is_behind = other->start == m->limit && other->offset >= other->start - m->start;
        if ((!is_before && !is_behind) || !symbolizer_can(profile_string(p, other->filename)))
            continue;
        *offset = other->offset + (m->start - other->start);
        return other;
    }
    return m;
}

static bool is_wanted(const struct profile *p, const struct location *l, bool force)
{
    u64 offset;
    const struct mapping *m = &p->mapping[l->mapping], *file = file_of(p, m, &offset);
    return (l->nline == 0 || force) && l->mapping &&
           symbolizer_can(profile_string(p, file->filename)) && l->address >= m->start;
}

static struct symbolizer_query query_of(const struct profile *p, const struct location *l)
{
    u64 offset;
    const struct mapping *m = &p->mapping[l->mapping], *file = file_of(p, m, &offset);
    return (struct symbolizer_query){
        .path = profile_string(p, file->filename),
        .build_id = profile_string(p, file->build_id),
        .mapping = {m->start, m->limit, offset},
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
    struct job j = {.from = p};
    start_build(&j, p, a);
    prepare(p, s, force);
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &j.location[row];
        struct symbol_line *line;
        if (!is_wanted(p, l, force))
            continue;
        struct symbolizer_query q = query_of(p, l);
        u32 n = symbolizer_find(s, &q, &line);
        if (n)
            add_lines(&j, l, &j.mapping[l->mapping], line, n);
    }
    return finish_build(&j);
}

struct profile profile_name_locations(const struct profile *p, const struct str *name,
                                      struct arena *a)
{
    struct job j = {.from = p};
    start_build(&j, p, a);
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &j.location[row];
        struct symbol_line line = {.function = name[row]};
        if (name[row].len)
            add_lines(&j, l, &j.mapping[l->mapping], &line, 1);
    }
    return finish_build(&j);
}
