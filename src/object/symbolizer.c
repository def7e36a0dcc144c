#include "object/symbolizer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parallel.h"
#include "object/build_id.h"
#include "object/dwarf_reader.h"
#include "object/kernel.h"
#include "object/vdso.h"

enum {
    MOST_LINES = 256,
    MOST_PART_MIB = 8, // of what a thread keeps of the units that it has done
};

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
        arena_free(&s->file[row].arena);
    }
    s->nfile = s->nplace = 1;
}

bool symbolizer_can(struct str path)
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

// Row of the query's file, which is not open yet when it is new.
static u32 add_file(struct symbolizer *s, const struct symbolizer_query *q)
{
    struct symbolizer_query *last = &s->file[s->last_file].query;
    if (s->last_file && str_equal(last->path, q->path) && str_equal(last->build_id, q->build_id))
        return s->last_file;
    struct str key =
        arena_printf(s->arena, "%.*s%c%.*s", STR_ARG(q->path), 0, STR_ARG(q->build_id));
    u32 row = table_add_shared(&s->files, key);
    if (row == s->nfile) {
        struct symbolizer_file *f = arena_push(s->arena, s->file, s->nfile, s->file_cap);
        f->query = *q;
        f->names_only = s->names_only;
        f->query.path = arena_str(s->arena, q->path);
        f->query.build_id = arena_str(s->arena, q->build_id);
    }
    s->last_file = row;
    return row;
}

static bool open_symbols(struct symbolizer_file *f, const char *path, struct err *e)
{
    return symbols_open(&f->symbols, path, f->query.build_id, f->names_only, &f->arena, e);
}

// Opens the copy that perf has kept of the file.
static bool open_kept(struct symbolizer_file *f)
{
    const struct symbolizer_query *q = &f->query;
    struct err why;
    struct str path = build_id_kept(q->build_id, vdso_is(q->path), &f->arena);
    if (q->build_id.len == 0 || !open_symbols(f, path.ptr, &why))
        return false;
    f->error = (struct err){0};
    return true;
}

// Nobody can do anything about a vDSO that is not there: that is no trouble.
static void open_vdso(struct symbolizer_file *f)
{
    struct str path;
    struct err why;
    int fd;
    if (open_kept(f) || !vdso_open(&path, &fd, &f->arena))
        return;
    open_symbols(f, path.ptr, &why);
    close(fd);
}

static void open_file(struct symbolizer_file *f)
{
    const struct symbolizer_query *q = &f->query;
    f->is_open = true;
    arena_init(&f->arena, SIZE_MAX);
    if (vdso_is(q->path))
        open_vdso(f);
    else if (kernel_is(q->path))
        kernel_open(&f->names, q->path, q->build_id, &f->arena, &f->error);
    else if (name_list_is_jit(q->path))
        name_list_open_jit(&f->names, q->path.ptr, &f->arena, &f->error);
    else if (!open_symbols(f, q->path.ptr, &f->error))
        open_kept(f);
}

// Where an address is in what holds its names.  False when the file has nothing there.
static bool find_linked(const struct symbolizer_file *f, const struct symbolizer_query *q,
                        u64 *linked)
{
    if (f->symbols)
        return symbols_link(f->symbols, linked, &q->mapping, q->address);
    *linked = q->address;
    // The kernel's mapping has the address of the symbol that its name ends with for an offset, and
    // that of a module begins where the module does.
    if (kernel_is_core(q->path))
        *linked -= q->mapping.offset;
    else if (kernel_is(q->path))
        *linked += q->mapping.offset - q->mapping.start;
    return f->names.n != 0;
}

// Row of the place that an address is at, opening the file if need be; 0 when the file has nothing
// there.
static u32 add_place(struct symbolizer *s, const struct symbolizer_query *q)
{
    u64 key[2] = {add_file(s, q), 0};
    struct symbolizer_file *f = &s->file[key[0]];
    if (!f->is_open)
        open_file(f);
    if (!find_linked(f, q, &key[1]))
        return 0;
    u32 row = table_add(&s->places, (struct str){(char *)key, sizeof(key)});
    if (row == s->nplace)
        *arena_push(s->arena, s->place, s->nplace, s->place_cap) =
            (struct symbolizer_place){.file = (u32)key[0], .linked = key[1]};
    return row;
}

static void keep_lines(struct symbolizer_place *p, const struct symbol_line *line, u32 n,
                       struct arena *a)
{
    p->is_found = true;
    p->nline = n;
    p->line = arena_new(a, struct symbol_line, n);
    if (n)
        memcpy(p->line, line, n * sizeof(*line));
}

static void find_place(struct symbolizer *s, struct symbolizer_place *p)
{
    struct symbolizer_file *f = &s->file[p->file];
    struct symbol_line line[MOST_LINES] = {0};
    u32 n = 0;
    if (f->symbols) {
        n = symbols_find(f->symbols, p->linked, line, MOST_LINES, s->arena);
    } else {
        line[0].function = name_list_find(&f->names, p->linked);
        n = line[0].function.len != 0;
    }
    keep_lines(p, line, n, s->arena);
}

u32 symbolizer_find(struct symbolizer *s, const struct symbolizer_query *q,
                    struct symbol_line **line)
{
    u32 row = add_place(s, q);
    if (row == 0)
        return 0;
    struct symbolizer_place *p = &s->place[row];
    if (!p->is_found)
        find_place(s, p);
    *line = p->line;
    return p->nline;
}

// A place to look up, and the unit of its file that it is in.
struct job {
    u32 file, unit, place;
    u64 linked;
};

// Many places, sorted by unit; threads take one unit's after the other.
struct batch {
    struct symbolizer *s;
    struct job *job;
    u32 *first; // job, by group; one more than there are groups
    u32 ngroup, next;
    struct arena *arena; // of the lines, by thread
    u32 *unopened;       // files
    u32 nunopened;
};

static void open_part(void *context, u32 part)
{
    struct batch *b = context;
    (void)part;
    for (u32 i; (i = __atomic_fetch_add(&b->next, 1, __ATOMIC_RELAXED)) < b->nunopened;)
        open_file(&b->s->file[b->unopened[i]]);
}

static u32 width_for(u32 n)
{
    u32 width = parallel_width();
    return n < width ? n : width;
}

static void open_files(struct batch *b, const struct symbolizer_query *q, u32 n)
{
    struct symbolizer *s = b->s;
    for (u32 i = 0; i < n; i++)
        add_file(s, &q[i]);
    b->unopened = arena_new(s->arena, u32, s->nfile);
    for (u32 row = 1; row < s->nfile; row++) {
        if (!s->file[row].is_open)
            b->unopened[b->nunopened++] = row;
    }
    parallel_run(open_part, b, width_for(b->nunopened));
}

static int by_unit(const void *a, const void *b)
{
    const struct job *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    return x->linked < y->linked ? -1 : x->linked > y->linked;
}

// The places that were not looked up yet, in groups of one unit each.
static void make_jobs(struct batch *b, const struct symbolizer_query *q, u32 n)
{
    struct symbolizer *s = b->s;
    u32 first_new = s->nplace, njob = 0;
    for (u32 i = 0; i < n; i++)
        add_place(s, &q[i]);
    b->job = arena_new(s->arena, struct job, s->nplace - first_new);
    for (u32 row = first_new; row < s->nplace; row++) {
        struct symbolizer_place *p = &s->place[row];
        struct symbols *symbols = s->file[p->file].symbols;
        if (symbols)
            b->job[njob++] =
                (struct job){p->file, symbols_unit(symbols, p->linked), row, p->linked};
        else
            find_place(s, p);
    }
    qsort(b->job, njob, sizeof(*b->job), by_unit);
    b->first = arena_new(s->arena, u32, (size_t)njob + 1);
    for (u32 i = 0; i < njob; i++) {
        if (i == 0 || b->job[i].file != b->job[i - 1].file || b->job[i].unit != b->job[i - 1].unit)
            b->first[b->ngroup++] = i;
    }
    b->first[b->ngroup] = njob;
}

static void find_group(struct batch *b, u32 group, struct dwarf_reader *r, struct arena *keep)
{
    const struct job *j = &b->job[b->first[group]], *end = &b->job[b->first[group + 1]];
    struct symbols *symbols = b->s->file[j->file].symbols;
    struct symbols_part *part = symbols_part_open(symbols, j->unit, r);
    for (; j < end; j++) {
        struct symbol_line line[MOST_LINES];
        u32 n = symbols_part_find(part, j->linked, line, MOST_LINES, keep);
        keep_lines(&b->s->place[j->place], line, n, keep);
    }
    symbols_part_close(part);
}

static void find_part(void *context, u32 part)
{
    struct batch *b = context;
    struct arena work;
    struct dwarf_reader reader;
    const struct symbols *last = NULL;
    arena_init(&work, SIZE_MAX);
    dwarf_reader_init(&reader, &work);
    for (u32 i; (i = __atomic_fetch_add(&b->next, 1, __ATOMIC_RELAXED)) < b->ngroup;) {
        const struct symbols *symbols = b->s->file[b->job[b->first[i]].file].symbols;
        if (symbols != last)
            symbols_start(last = symbols, &reader);
        find_group(b, i, &reader, &b->arena[part]);
        if (arena_used_bytes(&work) > MIB(MOST_PART_MIB)) {
            u64 left = reader.work;
            arena_reset(&work);
            dwarf_reader_init(&reader, &work);
            reader.work = left;
        }
    }
    arena_free(&work);
}

void symbolizer_prepare(struct symbolizer *s, const struct symbolizer_query *q, u32 n)
{
    struct batch b = {.s = s};
    open_files(&b, q, n);
    make_jobs(&b, q, n);
    u32 width = width_for(b.ngroup);
    b.next = 0;
    b.arena = arena_new(s->arena, struct arena, width);
    for (u32 i = 0; i < width; i++)
        arena_init(&b.arena[i], SIZE_MAX);
    parallel_run(find_part, &b, width);
    for (u32 i = 0; i < width; i++)
        arena_join(s->arena, &b.arena[i]);
}

bool symbolizer_trouble(struct symbolizer *s, struct str *path, struct err *why)
{
    for (u32 row = 1; row < s->nfile; row++) {
        struct symbolizer_file *f = &s->file[row];
        if (!f->is_open || f->is_reported)
            continue;
        f->is_reported = true;
        if (f->error.code == 0 && f->symbols && !vdso_is(f->query.path))
            symbols_lack(f->symbols, f->query.path, &f->error);
        if (f->error.code == 0)
            continue;
        *path = f->query.path;
        *why = f->error;
        return true;
    }
    return false;
}
