#include "object/symbolizer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINES = 256 };

void symbolizer_init(struct symbolizer *s, const char *search_path, struct arena *a)
{
    *s = (struct symbolizer){.arena = a, .search_path = search_path};
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

static bool try_open(struct symbolizer *s, struct symbolizer_file *f, struct str build_id,
                     const char *path, struct err *e)
{
    return access(path, R_OK) == 0 && symbols_open(&f->symbols, path, build_id, s->arena, e);
}

// In each folder of the search path: under the build id, as the whole path, as the last part of it.
static bool open_in_search_path(struct symbolizer *s, struct symbolizer_file *f,
                                struct str build_id)
{
    struct str rest = str_of(s->search_path), base = str_basename(f->path);
    struct err ignored;
    while (rest.len) {
        struct str folder = str_cut(&rest, ':');
        struct str candidate[4] = {
            arena_printf(s->arena, "%.*s/%.*s/%.*s", STR_ARG(folder), STR_ARG(build_id),
                         STR_ARG(base)),
            arena_printf(s->arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(base)),
            arena_printf(s->arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(f->path)),
            build_id.len > 2 ? arena_printf(s->arena, "%.*s/%.2s/%.*s.debug", STR_ARG(folder),
                                            build_id.ptr, STR_ARG(str_skip(build_id, 2)))
                             : STR(""),
        };
        for (size_t i = 0; i < ARRAY_LEN(candidate); i++) {
            if (try_open(s, f, build_id, candidate[i].ptr, &ignored))
                return true;
        }
    }
    return false;
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
    if (!open_in_search_path(s, f, build_id))
        symbols_open(&f->symbols, f->path.ptr, build_id, s->arena, &f->error);
    if (f->symbols && !symbols_have_lines(f->symbols))
        err_write(&f->error, ENODATA,
                  "%.*s has no debug information, so no lines and no inlined functions: install "
                  "its -dbgsym package, or build it with -g",
                  STR_ARG(path));
    return f;
}

u32 symbolizer_find(struct symbolizer *s, struct str path, struct str build_id, u64 offset,
                    struct symbol_line **line)
{
    u32 row;
    struct symbolizer_file *f = find_file(s, &row, path, build_id);
    if (!f->symbols)
        return 0;
    u64 key[2] = {row, offset};
    u32 place = table_add(&s->places, (struct str){(char *)key, sizeof(key)});
    if (place == s->nplace) {
        struct symbol_line found[MOST_LINES];
        struct symbolizer_place *p = arena_push(s->arena, s->place, s->nplace, s->place_cap);
        p->nline = symbols_find(f->symbols, offset, found, MOST_LINES);
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
