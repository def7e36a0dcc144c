#include "object/dwarf.h"

enum { MOST_RANGES = 1 << 23 }; // of a unit

static void add_function(struct dwarf_functions *f, struct cursor *c, u64 offset,
                         const struct dwarf_unit *unit, const struct dwarf_abbrevs *abbrevs,
                         const struct dwarf_abbrev *abbrev, u32 *budget)
{
    struct dwarf_entry e = {.unit = unit, .offset = offset};
    dwarf_entry_read(&e, c, abbrevs, abbrev);
    u32 before = *budget;
    dwarf_entry_ranges(&f->ranges, &e, f->nfunction + 1, budget);
    f->cost += abbrev->nattribute + (before - *budget);
    if (*budget != before)
        *arena_push(f->ranges.arena, f->offset, f->nfunction, f->function_cap) = offset;
}

// Moves to the entry behind a type, whose values the cursor is at.
static void skip_type(struct cursor *c, const struct dwarf_unit *unit,
                      const struct dwarf_abbrev *abbrev)
{
    struct cursor value = *c;
    cursor_skip(&value, abbrev->sibling);
    const u8 *start = (const u8 *)unit->dwarf->section[DWARF_INFO].ptr + unit->offset;
    u32 offset = cursor_u32(&value);
    if (offset <= (u64)(value.at - start) || offset > unit->end - unit->offset)
        cursor_fail(c);
    else
        c->at = start + offset;
}

void dwarf_functions_read(struct dwarf_functions *f, const struct dwarf_unit *unit,
                          const struct dwarf_abbrevs *abbrevs, struct arena *a)
{
    const u8 *start = (const u8 *)unit->dwarf->section[DWARF_INFO].ptr;
    struct cursor c =
        cursor_at((struct str){(const char *)start, unit->end}, unit->root, unit->dwarf->swap);
    u32 budget = MOST_RANGES;
    *f = (struct dwarf_functions){0};
    extents_init(&f->ranges, a);
    while (c.at < c.end) {
        u64 offset = (u64)(c.at - start), code = cursor_uleb(&c);
        if (code == 0) // the end of a list of children; where in the tree does not matter here
            continue;
        const struct dwarf_abbrev *abbrev = dwarf_abbrev_find(abbrevs, code);
        if (!abbrev)
            break;
        if (likely(abbrev->kind == DWARF_PASS))
            dwarf_entry_skip(&c, unit, abbrevs, abbrev);
        else if (abbrev->kind == DWARF_TYPE)
            skip_type(&c, unit, abbrev);
        else
            add_function(f, &c, offset, unit, abbrevs, abbrev, &budget);
    }
    extents_sort(&f->ranges);
}
