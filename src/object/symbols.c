#include "object/symbols.h"

#include <errno.h>

#include "object/by_build_id.h"
#include "object/debug_hint.h"
#include "object/dwarf_index.h"
#include "object/object_file.h"
#include "object/split.h"

enum { NKEPT = 8 }; // units that single lookups keep

struct symbols_part {
    struct symbols *symbols;
    const struct dwarf_unit *unit; // NULL: none; names alone are known
    struct split split;
    struct dwarf_index index;
};

// A unit that was looked at, for the next lookup.
struct kept {
    u32 unit;
    u64 used; // the lookup that used it last
    struct symbols_part *part;
    struct dwarf_reader reader;
    struct arena arena; // of both
};

struct symbols {
    struct object_file file;
    struct split_file package;
    bool names_only;
    bool lost_split; // a unit's other part was not found
    struct kept kept[NKEPT];
    u64 nlookup;
};

static bool check_build_id(const struct object_file *f, struct str wanted, struct err *e)
{
    return f->build_id.len == 0 || wanted.len == 0 || str_equal(f->build_id, wanted) ||
           err_set(e, EBADMSG,
                   "%.*s is not the file that ran: its build id is %.*s, and the profile's is "
                   "%.*s; put the one that ran into a folder of PPROF_BINARY_PATH",
                   STR_ARG(f->path), STR_ARG(f->build_id), STR_ARG(wanted));
}

static bool has_split_units(const struct object_file *f)
{
    for (u32 i = 0; i < f->dwarf.nunit; i++) {
        if (f->dwarf.unit[i].dwo_name.len)
            return true;
    }
    return false;
}

static bool open_file(struct symbols *s, const char *path, struct str build_id, struct arena *a,
                      struct err *e)
{
    if (!object_file_open(&s->file, path, s->names_only, a, e))
        return false;
    if (check_build_id(&s->file, build_id, e))
        return true;
    object_file_close(&s->file);
    return false;
}

bool symbols_open(struct symbols **out, const char *path, struct str build_id, bool names_only,
                  struct arena *a, struct err *e)
{
    struct symbols *s = arena_new(a, struct symbols, 1);
    struct str other;
    struct err why;
    s->names_only = names_only;
    for (u32 i = 0; i < NKEPT; i++)
        arena_init(&s->kept[i].arena, SIZE_MAX);
    if (!open_file(s, path, build_id, a, e)) {
        // Another file may have the same contents.
        if (!by_build_id_find(&other, build_id, a) || !open_file(s, other.ptr, build_id, a, &why))
            return false;
        e->code = 0;
    }
    if (has_split_units(&s->file))
        split_open_package(&s->package, s->file.debug_path, a);
    *out = s;
    return true;
}

void symbols_close(struct symbols *s)
{
    for (u32 i = 0; i < NKEPT; i++) {
        if (s->kept[i].part)
            symbols_part_close(s->kept[i].part);
        arena_free(&s->kept[i].arena);
    }
    split_close(&s->package);
    object_file_close(&s->file);
}

bool symbols_lack(const struct symbols *s, struct str path, struct err *why)
{
    const struct object_file *f = &s->file;
    if (s->names_only)
        return false;
    if (f->lost.len)
        err_write(why, ENODATA,
                  "%.*s: the debug information needs %.*s, which is not there: install the package "
                  "that the debug information came with",
                  STR_ARG(path), STR_ARG(f->lost));
    else if (s->lost_split)
        err_write(why, ENODATA,
                  "%.*s: debug information was split off into .dwo files that are not where they "
                  "were; put them beside the file, or pack them with dwp while they are there",
                  STR_ARG(path));
    else if (f->dwarf.nunit == 0)
        debug_hint(why, path, f->names.nname > 1);
    else
        return false;
    return true;
}

bool symbols_link(const struct symbols *s, u64 *linked, const struct load_mapping *m, u64 address)
{
    return load_find(linked, &s->file.load, m, address);
}

void symbols_start(const struct symbols *s, struct dwarf_reader *r)
{
    dwarf_reader_start(r, &s->file.dwarf);
}

u32 symbols_unit(const struct symbols *s, u64 linked)
{
    const struct dwarf_unit *unit = dwarf_unit_find(&s->file.dwarf, linked + s->file.dwarf_shift);
    return unit ? (u32)(unit - s->file.dwarf.unit) + 1 : 0;
}

struct symbols_part *symbols_part_open(struct symbols *s, u32 unit, struct dwarf_reader *r)
{
    struct arena *a = r->arena;
    struct symbols_part *part = arena_new(a, struct symbols_part, 1);
    part->symbols = s;
    if (unit == 0)
        return part;
    part->unit = &s->file.dwarf.unit[unit - 1];
    if (part->unit->dwo_name.len) {
        split_find(&part->split, &s->package, part->unit, s->file.path, a);
        if (part->split.unit)
            part->unit = part->split.unit;
        else
            __atomic_store_n(&s->lost_split, true, __ATOMIC_RELAXED);
    }
    dwarf_index_init(&part->index, part->unit, r);
    return part;
}

void symbols_part_close(struct symbols_part *part)
{
    split_close(&part->split.file);
}

static bool is_mangled(struct str name)
{
    return str_starts(name, STR("_Z")) || str_starts(name, STR("_R"));
}

// Whether the symbol table's name says more than the debug information's, which in some languages
// is the source's alone, and for assembly the first of several.  Of a clone ("f.constprop.0") the
// function's own name is enough.
static bool says_more(struct str symbol, struct str function, bool is_assembly)
{
    return function.len == 0 || is_assembly || (is_mangled(symbol) && !is_mangled(function));
}

u32 symbols_part_find(struct symbols_part *part, u64 linked, struct symbol_line *out, u32 cap,
                      struct arena *a)
{
    const struct object_file *f = &part->symbols->file;
    u32 n = part->unit ? dwarf_index_find(&part->index, linked + f->dwarf_shift, out, cap, a) : 0;
    const struct name *name = names_find(&f->names, linked);
    if (n == 0 && name && cap)
        out[n++] = (struct symbol_line){0};
    bool is_assembly = part->unit && part->unit->is_assembly;
    if (name && n && says_more(name->text, out[n - 1].function, is_assembly))
        out[n - 1].function = name->text;
    for (u32 i = 0; part->split.unit && i < n; i++) // its file is closed before this one
        out[i].function = arena_str(a, out[i].function);
    return n;
}

// The unit as an earlier lookup left it, or in place of the one that was not used for longest.
static struct kept *keep(struct symbols *s, u32 unit)
{
    struct kept *oldest = &s->kept[0];
    for (u32 i = 0; i < NKEPT; i++) {
        struct kept *k = &s->kept[i];
        if (k->part && k->unit == unit)
            return k;
        if (k->used < oldest->used)
            oldest = k;
    }
    if (oldest->part)
        symbols_part_close(oldest->part);
    arena_free(&oldest->arena);
    arena_init(&oldest->arena, SIZE_MAX);
    oldest->unit = unit;
    dwarf_reader_init(&oldest->reader, &oldest->arena);
    dwarf_reader_start(&oldest->reader, &s->file.dwarf);
    oldest->part = symbols_part_open(s, unit, &oldest->reader);
    return oldest;
}

u32 symbols_find(struct symbols *s, u64 linked, struct symbol_line *out, u32 cap, struct arena *a)
{
    struct kept *k = keep(s, symbols_unit(s, linked));
    k->used = ++s->nlookup;
    dwarf_reader_start(&k->reader, &s->file.dwarf);
    u32 n = symbols_part_find(k->part, linked, out, cap, &k->arena);
    for (u32 i = 0; i < n; i++) {
        out[i].function = arena_str(a, out[i].function);
        out[i].filename = arena_str(a, out[i].filename);
    }
    return n;
}

struct str symbols_folder(const struct symbols *s, u64 linked)
{
    u32 unit = symbols_unit(s, linked);
    return unit ? arena_str(s->file.arena, s->file.dwarf.unit[unit - 1].folder) : STR("");
}

struct Dwfl_Module *symbols_module(const struct symbols *s)
{
    return s->file.module;
}
