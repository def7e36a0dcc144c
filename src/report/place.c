#include "report/place.h"

#include <stdio.h>
#include <string.h>

#include "base/table.h"

// Address, function, file and line, as far as they are told apart.
static struct str place_name(const struct place *p, struct arena *a)
{
    char address[20] = "", line[48] = "";
    if (p->address)
        snprintf(address, sizeof(address), "%016llx ", (unsigned long long)p->address);
    if (p->line && p->column)
        snprintf(line, sizeof(line), ":%lld:%lld", (long long)p->line, (long long)p->column);
    else if (p->line)
        snprintf(line, sizeof(line), ":%lld", (long long)p->line);
    if (p->line || p->file.len)
        return arena_printf(a, "%s%.*s%s%.*s%s", address, STR_ARG(p->name), p->name.len ? " " : "",
                            STR_ARG(p->file), line);
    if (p->name.len)
        return *address ? arena_printf(a, "%s%.*s", address, STR_ARG(p->name)) : p->name;
    if (p->objfile.len)
        return arena_printf(a, "%s[%.*s]", address, STR_ARG(path_base(p->objfile)));
    return arena_printf(a, "%s<unknown>", address);
}

struct builder {
    const struct profile *p;
    struct arena *arena;
    struct table keys, strings; // places by their fields; texts by content
    u32 *content;               // by string: its row in strings + 1; 0 not asked yet
    u32 *file;                  // by string: the row of its cleaned path + 1
    const struct places_options *options;
    struct places out;
    u32 cap;
};

static u32 content(struct builder *b, u32 string)
{
    if (b->content[string] == 0)
        b->content[string] =
            1 + (string ? table_add_shared(&b->strings, profile_string(b->p, string)) : 0);
    return b->content[string] - 1;
}

static u32 clean_file(struct builder *b, u32 string)
{
    if (b->file[string] == 0) {
        struct str path = profile_string(b->p, string);
        if (b->options->trim_files)
            path = path_trim(path, b->options->trim_path, b->options->source_path);
        path = path_clean(path, b->arena);
        b->file[string] = 1 + (path.len ? table_add_shared(&b->strings, path) : 0);
    }
    return b->file[string] - 1;
}

static u32 add_place(struct builder *b, const struct location *l, const struct line *line)
{
    const struct function *f = &b->p->function[line ? line->function : 0];
    struct {
        u64 address;
        i64 start_line, line, column;
        u32 name, file, objfile, zero;
    } key = {.address = l->address};
    if (line) {
        key.line = line->line;
        key.column = line->column;
        key.name = content(b, f->name);
        key.file = clean_file(b, f->filename);
    }
    if (!line || b->options->keep_objfile || key.name == 0) {
        key.objfile = content(b, b->p->mapping[l->mapping].filename);
        key.start_line = line ? f->start_line : 0;
    }
    u32 row = table_add(&b->keys, (struct str){(char *)&key, sizeof(key)});
    if (row == b->out.nplace)
        *arena_push(b->arena, b->out.place, b->out.nplace, b->cap) = (struct place){
            .name = b->strings.key[key.name],
            .file = b->strings.key[key.file],
            .objfile = b->strings.key[key.objfile],
            .address = key.address,
            .start_line = key.start_line,
            .line = key.line,
            .column = key.column,
        };
    return row;
}

static void add_locations(struct builder *b)
{
    const struct profile *p = b->p;
    u32 n = 0, cap = 0;
    b->out.first = arena_new(b->arena, u32, (size_t)p->nlocation + 1);
    for (u32 row = 0; row < p->nlocation; row++) {
        const struct location *l = &p->location[row];
        b->out.first[row] = n;
        for (u32 i = 0; i < l->nline; i++)
            *arena_push(b->arena, b->out.of_line, n, cap) = add_place(b, l, &p->line[l->line + i]);
        if (row && l->nline == 0 && !l->is_hidden)
            *arena_push(b->arena, b->out.of_line, n, cap) = add_place(b, l, NULL);
        b->out.has_inlines |= l->nline > 1;
        b->out.is_plain &= row == 0 || n == row;
    }
    b->out.first[p->nlocation] = n;
}

struct places places_build(const struct profile *p, const struct places_options *o, struct arena *a)
{
    struct builder b = {.p = p, .arena = a, .options = o, .out.is_plain = true};
    b.content = arena_new(a, u32, p->nstring);
    b.file = arena_new(a, u32, p->nstring);
    table_init(&b.keys, a);
    table_init(&b.strings, a);
    arena_push(a, b.out.place, b.out.nplace, b.cap);
    add_locations(&b);
    b.out.name = arena_new(a, struct str, b.out.nplace);
    for (u32 i = 1; i < b.out.nplace; i++)
        b.out.name[i] = place_name(&b.out.place[i], a);
    return b.out;
}

int place_compare_names(const struct places *ps, u32 l, u32 r)
{
    u64 a = ps->place[l].address, b = ps->place[r].address;
    if (a && b && a != b)
        return a < b ? -1 : 1;
    return str_compare(ps->name[l], ps->name[r]);
}

// As Go prints the struct, which is its last resort to tell places apart.
static void print_place(char *text, size_t cap, const struct place *p)
{
    snprintf(text, cap, "{%.*s  %llu %.*s %lld %lld %lld %.*s}", STR_ARG(p->name),
             (unsigned long long)p->address, STR_ARG(p->file), (long long)p->start_line,
             (long long)p->line, (long long)p->column, STR_ARG(p->objfile));
}

int place_compare(const struct places *ps, u32 l, u32 r)
{
    int order = place_compare_names(ps, l, r);
    if (order || l == r)
        return order;
    char a[2048], b[2048];
    print_place(a, sizeof(a), &ps->place[l]);
    print_place(b, sizeof(b), &ps->place[r]);
    order = strcmp(a, b);
    return order ? order : l < r ? -1 : 1;
}
