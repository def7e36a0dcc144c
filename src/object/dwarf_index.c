#include "object/dwarf_index.h"

#include <dwarf.h>

enum {
    MOST_HOPS = 16,               // from an entry to those that say the rest of it
    MOST_RANGES = 1 << 22,        // of a function's inlined calls
    NOT_OF_FUNCTION = UINT32_MAX, // caller: what is here belongs to another function
};

void dwarf_index_init(struct dwarf_index *x, const struct dwarf_unit *unit, struct dwarf_reader *r)
{
    *x = (struct dwarf_index){.reader = r, .arena = r->arena, .unit = unit};
    dwarf_functions_read(&x->functions, unit, dwarf_reader_abbrevs(r, unit), r->arena);
    dwarf_reader_spend(r, unit->end - unit->root + x->functions.cost);
    extents_init(&x->calls.ranges, x->arena);
    arena_push(x->arena, x->calls.call, x->calls.ncall, x->calls.call_cap);
    if (r->work)
        dwarf_lines_read(&x->lines, unit->skeleton ? unit->skeleton : unit, x->arena);
    dwarf_reader_spend(r, x->lines.program_bytes);
}

// Reads the entry at offset; the cursor is then behind it.  False at damage.
static bool read_entry(struct dwarf_index *x, struct dwarf_entry *e, struct cursor *c,
                       const struct dwarf_abbrev **abbrev, const struct dwarf_unit *unit,
                       u64 offset)
{
    struct str unit_bytes = {unit->dwarf->section[DWARF_INFO].ptr, unit->end};
    const struct dwarf_abbrevs *abbrevs = dwarf_reader_abbrevs(x->reader, unit);
    *c = cursor_at(unit_bytes, offset, unit->dwarf->swap);
    *abbrev = dwarf_abbrev_find(abbrevs, cursor_uleb(c));
    *e = (struct dwarf_entry){.unit = unit, .offset = offset};
    if (!*abbrev)
        return false;
    dwarf_entry_read(e, c, abbrevs, *abbrev);
    return !c->bad;
}

static i64 number(const struct dwarf_entry *e, enum dwarf_slot slot)
{
    return e->value[slot].class == DWARF_CONSTANT ? (i64)e->value[slot].number : 0;
}

// A walk over the tree below a function.
struct walk {
    struct dwarf_index *x;
    struct dwarf_calls *calls;
    const struct dwarf_abbrevs *abbrevs;
    struct cursor c;
    u32 budget; // of ranges
    u64 cost;   // of entries' attributes and ranges
};

static void add_call(struct walk *w, const struct dwarf_entry *e, u32 caller)
{
    struct dwarf_calls *calls = w->calls;
    u32 before = w->budget;
    dwarf_entry_ranges(&calls->ranges, e, calls->ncall, &w->budget);
    w->cost += before - w->budget;
    if (w->budget == before)
        return;
    *arena_push(w->x->arena, calls->call, calls->ncall, calls->call_cap) = (struct dwarf_call){
        .offset = e->offset,
        .caller = caller,
        .file = (u64)number(e, DWARF_SLOT_CALL_FILE),
        .line = number(e, DWARF_SLOT_CALL_LINE),
        .column = number(e, DWARF_SLOT_CALL_COLUMN),
    };
}

// Reads one entry; returns the caller of what is inside of it.
static u32 walk_entry(struct walk *w, const struct dwarf_abbrev *abbrev, u64 offset, u32 caller)
{
    const struct dwarf_unit *unit = w->x->unit;
    if (abbrev->tag != DW_TAG_inlined_subroutine || caller == NOT_OF_FUNCTION) {
        dwarf_entry_skip(&w->c, unit, w->abbrevs, abbrev);
        return abbrev->tag == DW_TAG_subprogram ? NOT_OF_FUNCTION : caller;
    }
    struct dwarf_entry e = {.unit = unit, .offset = offset};
    u32 row = w->calls->ncall;
    dwarf_entry_read(&e, &w->c, w->abbrevs, abbrev);
    w->cost += abbrev->nattribute;
    add_call(w, &e, caller);
    return w->calls->ncall > row ? row : caller;
}

static void set_caller(struct dwarf_index *x, u32 depth, u32 caller)
{
    if (depth == x->caller_cap)
        x->caller = arena_grow(x->arena, x->caller, &x->caller_cap, sizeof(*x->caller));
    x->caller[depth] = caller;
}

static void walk(struct walk *w)
{
    const u8 *start = (const u8 *)w->x->unit->dwarf->section[DWARF_INFO].ptr;
    u32 depth = 0;
    set_caller(w->x, depth, 0);
    while (w->c.at < w->c.end) {
        u64 offset = (u64)(w->c.at - start), code = cursor_uleb(&w->c);
        if (code == 0) { // the end of a list of children
            if (depth-- == 0)
                break;
            continue;
        }
        const struct dwarf_abbrev *abbrev = dwarf_abbrev_find(w->abbrevs, code);
        if (!abbrev)
            break;
        u32 caller = walk_entry(w, abbrev, offset, w->x->caller[depth]);
        if (abbrev->has_children)
            set_caller(w->x, ++depth, caller);
    }
}

static struct dwarf_calls *calls_of(struct dwarf_index *x, u32 function)
{
    struct dwarf_calls *calls = &x->calls;
    if (x->calls_function == function)
        return calls;
    x->calls_function = function;
    extents_clear(&calls->ranges);
    calls->ncall = 1;
    struct walk w = {.x = x, .calls = calls, .budget = MOST_RANGES};
    struct dwarf_entry e;
    const struct dwarf_abbrev *abbrev;
    if (x->reader->work &&
        read_entry(x, &e, &w.c, &abbrev, x->unit, x->functions.offset[function - 1]) &&
        abbrev->has_children) {
        const u8 *start = w.c.at;
        w.abbrevs = dwarf_reader_abbrevs(x->reader, x->unit);
        walk(&w);
        dwarf_reader_spend(x->reader, (u64)(w.c.at - start) + w.cost);
    }
    extents_sort(&calls->ranges);
    return calls;
}

// Name and first line of the function whose entry, or whose inlined call's, is at offset.
static void name_function(struct dwarf_index *x, u64 offset, struct symbol_line *out)
{
    const struct dwarf_unit *unit = x->unit;
    struct str linkage_name = STR(""), name = STR("");
    for (int hop = 0; hop < MOST_HOPS && unit && (!linkage_name.len || !out->start_line); hop++) {
        struct dwarf_entry e;
        struct cursor c;
        const struct dwarf_abbrev *abbrev;
        if (!read_entry(x, &e, &c, &abbrev, unit, offset))
            break;
        if (linkage_name.len == 0)
            linkage_name = dwarf_text(unit, &e.value[DWARF_SLOT_LINKAGE_NAME]);
        if (name.len == 0)
            name = dwarf_text(unit, &e.value[DWARF_SLOT_NAME]);
        if (out->start_line == 0)
            out->start_line = number(&e, DWARF_SLOT_DECL_LINE);
        unit = dwarf_reference(&offset, unit, &e.value[DWARF_SLOT_ORIGIN]);
    }
    out->function = linkage_name.len ? linkage_name : name;
}

u32 dwarf_index_find(struct dwarf_index *x, u64 address, struct symbol_line *out, u32 cap,
                     struct arena *a)
{
    struct dwarf_row row;
    bool has_line = dwarf_lines_find(&row, &x->lines, address);
    u32 function = extents_find(&x->functions.ranges, address), n = 0;
    if (cap == 0 || (!has_line && !function))
        return 0;
    out[0] = (struct symbol_line){0};
    if (has_line) {
        out[0].filename = dwarf_lines_path(&x->lines, row.file, a);
        out[0].line = row.line;
        out[0].column = row.column;
    }
    struct dwarf_calls *calls = function ? calls_of(x, function) : NULL;
    u32 call = calls ? extents_find(&calls->ranges, address) : 0;
    for (; call && n + 1 < cap; call = calls->call[call].caller) {
        name_function(x, calls->call[call].offset, &out[n]);
        out[++n] = (struct symbol_line){
            .filename = dwarf_lines_path(&x->lines, calls->call[call].file, a),
            .line = calls->call[call].line,
            .column = calls->call[call].column,
        };
    }
    if (function)
        name_function(x, x->functions.offset[function - 1], &out[n]);
    return n + 1;
}
