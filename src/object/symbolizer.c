#include "object/symbolizer.h"

#include <errno.h>
#include <string.h>

#include "object/build_id.h"
#include "object/kernel.h"

enum { MOST_LINES = 256 };

void symbolizer_init(struct symbolizer *s, struct arena *a)
{
    *s = (struct symbolizer){.arena = a};
    table_init(&s->files, a);
    table_init(&s->places, a);
    arena_push(a, s->file, s->nfile, s->file_cap);
    arena_push(a, s->place, s->nplace, s->place_cap);
}

void symbolizer_close(struct symbolizer *s)
{
    for (u32 row = 1; row < s->nfile; row++) {
        if (s->file[row].symbols)
            symbols_close(s->file[row].symbols);
    }
    s->nfile = s->nplace = 1;
}

// Opens the file, or the copy that perf has kept of it.
static void open_symbols(struct symbolizer *s, struct symbolizer_file *f, struct str build_id)
{
    struct err why;
    bool is_vdso = str_equal(f->path, STR("[vdso]"));
    const char *kept = build_id_kept(build_id, is_vdso, s->arena).ptr;
    if (symbols_open(&f->symbols, f->path.ptr, build_id, s->arena, &f->error))
        return;
    bool is_kept = build_id.len && symbols_open(&f->symbols, kept, build_id, s->arena, &why);
    if (is_kept || is_vdso)
        f->error = (struct err){0};
}

static void open_file(struct symbolizer *s, struct symbolizer_file *f, struct str build_id)
{
    if (kernel_is(f->path)) {
        kernel_open(&f->names, f->path, build_id, s->arena, &f->error);
        return;
    }
    if (name_list_is_jit(f->path)) {
        name_list_open_jit(&f->names, f->path.ptr, s->arena, &f->error);
        return;
    }
    open_symbols(s, f, build_id);
    if (f->symbols && !symbols_have_lines(f->symbols) && str_starts(f->path, STR("/")))
        err_write(&f->error, ENODATA,
                  "%.*s has no debug information, so no lines and no inlined functions: install "
                  "its -dbgsym package, or build it with -g",
                  STR_ARG(f->path));
}

static struct symbolizer_file *find_file(struct symbolizer *s, u32 *row, struct str path,
                                         struct str build_id)
{
    struct str key = arena_printf(s->arena, "%.*s%c%.*s", STR_ARG(path), 0, STR_ARG(build_id));
    *row = table_add_shared(&s->files, key);
    if (*row != s->nfile)
        return &s->file[*row];
    struct symbolizer_file *f = arena_push(s->arena, s->file, s->nfile, s->file_cap);
    f->path = arena_str(s->arena, path);
    open_file(s, f, build_id);
    return f;
}

// Functions at offset, at most MOST_LINES.
static u32 find_lines(const struct symbolizer_file *f, u64 offset, struct symbol_line *out)
{
    if (f->symbols)
        return symbols_find(f->symbols, offset, out, MOST_LINES);
    out[0] = (struct symbol_line){.function = name_list_find(&f->names, offset)};
    return out[0].function.len != 0;
}

u32 symbolizer_find(struct symbolizer *s, struct str path, struct str build_id, u64 offset,
                    struct symbol_line **line)
{
    u32 row;
    struct symbolizer_file *f = find_file(s, &row, path, build_id);
    if (!f->symbols && f->names.n == 0)
        return 0;
    u64 key[2] = {row, offset};
    u32 place = table_add(&s->places, (struct str){(char *)key, sizeof(key)});
    if (place == s->nplace) {
        struct symbol_line found[MOST_LINES];
        struct symbolizer_place *p = arena_push(s->arena, s->place, s->nplace, s->place_cap);
        p->nline = find_lines(f, offset, found);
        p->line = arena_new(s->arena, struct symbol_line, p->nline);
        memcpy(p->line, found, p->nline * sizeof(*found));
    }
    *line = s->place[place].line;
    return s->place[place].nline;
}

bool symbolizer_trouble(struct symbolizer *s, struct str *path, struct err *why)
{
    for (u32 row = 1; row < s->nfile; row++) {
        struct symbolizer_file *f = &s->file[row];
        if (f->error.code == 0 || f->is_reported)
            continue;
        f->is_reported = true;
        *path = f->path;
        *why = f->error;
        return true;
    }
    return false;
}
