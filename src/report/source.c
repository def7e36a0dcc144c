#include "report/source.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "object/by_build_id.h"
#include "report/path.h"

enum {
    MOST_BYTES = 64 << 20, // of a source file
    MOST_ASKED = 4         // binaries that servers are asked about for one file
};

bool sources_init(struct sources *s, const struct config *c, const struct profile *p,
                  struct arena *a, struct err *e)
{
    *s = (struct sources){.p = p,
                          .search_path = c->source_path,
                          .trim_path = c->trim_path,
                          .is_confined = c->confine_sources,
                          .arena = a};
    table_init(&s->names, a);
    arena_push(a, s->file, s->nfile, s->cap);
    if (s->search_path.len)
        return true;
    char folder[4096];
    if (!getcwd(folder, sizeof(folder)))
        return err_errno(e, errno, "could not stat current dir");
    s->search_path = arena_str(a, str_of(folder));
    return true;
}

static struct str join(struct str dir, struct str name, struct arena *a)
{
    return path_clean(arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name)), a);
}

// Go's filepath.Dir.
static struct str parent_of(struct str dir, struct arena *a)
{
    size_t n = dir.len;
    while (n && dir.ptr[n - 1] != '/')
        n--;
    struct str parent = path_clean((struct str){dir.ptr, n}, a);
    return parent.len ? parent : STR(".");
}

// Whether a file is in one of the folders, wherever links lead.
static bool is_within(const char *file, struct str folders, struct arena *a)
{
    char path[PATH_MAX], folder[PATH_MAX];
    if (!realpath(file, path))
        return false;
    while (folders.len) {
        struct str dir = str_cut(&folders, ':');
        if (!realpath(arena_str(a, dir).ptr, folder))
            continue;
        struct str rest = str_of(path), base = str_of(folder);
        if (base.len == 1) // "/"
            return true;
        if (str_starts(rest, base) && rest.ptr[base.len] == '/')
            return true;
    }
    return false;
}

static bool read_at(struct str *bytes, struct str path, struct sources *s)
{
    struct err ignored;
    const char *name = arena_str(s->arena, path).ptr;
    return access(name, R_OK) == 0 &&
           (!s->is_confined || is_within(name, s->search_path, s->arena)) &&
           file_read(bytes, name, MOST_BYTES, s->arena, &ignored);
}

// Looks in each folder of the path, and in those above it.
static bool search(struct str *bytes, struct str name, struct sources *s)
{
    for (struct str rest = s->search_path; rest.len;) {
        struct str dir = str_cut(&rest, ':');
        for (;;) {
            if (read_at(bytes, join(dir, name, s->arena), s))
                return true;
            struct str parent = parent_of(dir, s->arena);
            if (str_equal(parent, dir))
                break;
            dir = parent;
        }
    }
    return false;
}

static void split_lines(struct source_file *f, struct str bytes, struct arena *a)
{
    u32 cap = 0;
    arena_push(a, f->line, f->nline, cap);
    while (bytes.len) {
        struct str line = str_cut(&bytes, '\n');
        if (str_ends(line, STR("\r")))
            line.len--;
        *arena_push(a, f->line, f->nline, cap) = line;
    }
}

// Where the compiler had the file.
static bool read_built(struct str *bytes, struct str name, struct str folder, struct sources *s)
{
    if (folder.len == 0)
        return false;
    return read_at(bytes, str_starts(name, STR("/")) ? name : join(folder, name, s->arena), s);
}

// Whether one of the location's functions is from that file.
static bool is_from(const struct profile *p, const struct location *l, struct str name)
{
    for (u32 i = 0; i < l->nline; i++) {
        u32 function = p->line[l->line + i].function;
        if (str_equal(p->string[p->function[function].filename], name))
            return true;
    }
    return false;
}

// What servers have, of the binaries that have code from that file.
static bool read_served(struct str *bytes, struct str name, struct sources *s)
{
    const char *urls = getenv("DEBUGINFOD_URLS");
    u32 asked[MOST_ASKED] = {0}, n = 0;
    struct str path;
    for (u32 row = 1; urls && *urls && row < s->p->nlocation && n < MOST_ASKED; row++) {
        const struct location *l = &s->p->location[row];
        u32 id = s->p->mapping[l->mapping].build_id, i = 0;
        while (i < n && asked[i] != id)
            i++;
        if (i < n || id == 0 || !is_from(s->p, l, name))
            continue;
        asked[n++] = id;
        if (by_build_id_find_source(&path, s->p->string[id], name, s->arena))
            return read_at(bytes, path, s);
    }
    return false;
}

static struct source_file *read_source(struct sources *s, struct str name, struct str folder)
{
    struct source_file *f = arena_new(s->arena, struct source_file, 1);
    struct str path = path_trim(name, s->trim_path, s->search_path), bytes = {0};
    bool is_absolute = str_starts(path, STR("/"));
    bool found = (is_absolute ? read_at(&bytes, path, s) : search(&bytes, path, s)) ||
                 read_built(&bytes, name, folder, s) || read_served(&bytes, name, s);
    if (!found && s->is_confined)
        err_write(&f->error, ENOENT,
                  "%.*s is not in the source path %.*s: start with -source_path=FOLDER to see it",
                  STR_ARG(path), STR_ARG(s->search_path));
    else if (!found && is_absolute)
        err_write(&f->error, ENOENT, "open %.*s: %s", STR_ARG(path), "no such file or directory");
    else if (!found)
        err_write(&f->error, ENOENT, "could not find file %.*s on path %.*s", STR_ARG(path),
                  STR_ARG(s->search_path));
    split_lines(f, bytes, s->arena);
    return f;
}

const struct source_file *sources_find_built(struct sources *s, struct str name, struct str folder)
{
    u32 row = table_add(&s->names, name);
    if (row == s->nfile)
        *arena_push(s->arena, s->file, s->nfile, s->cap) = read_source(s, name, folder);
    return s->file[row];
}

const struct source_file *sources_find(struct sources *s, struct str name)
{
    return sources_find_built(s, name, STR(""));
}

const struct source_file *sources_known(const struct sources *s, struct str name)
{
    u32 row = table_find(&s->names, name);
    return row ? s->file[row] : NULL;
}
