#include <dwarf.h>

#include "object/dwarf.h"

enum {
    MOST_RANGES = 1 << 24,  // of a file's units
    MOST_ABBREVS = 1 << 24, // read for their roots: hostile units share one long table
};

// A file whose units are looked for.
struct opening {
    struct dwarf *d;
    const struct dwarf_unit *skeleton; // of a file of units that were split off; else NULL
    struct arena *arena;
    struct arena scratch; // of abbreviations
    struct dwarf_abbrevs abbrevs;
    u32 abbrev_budget, range_budget;
};

static bool is_known(const struct dwarf_unit *u)
{
    return u->version >= 2 && u->version <= 5 && (u->address_bytes == 4 || u->address_bytes == 8);
}

// Reads a unit's header and makes the unit the cursor's end.  False at the last, or at damage.
static bool read_header(struct dwarf_unit *u, struct cursor *c)
{
    u64 length = cursor_u32(c);
    u->offset_bytes = 4;
    if (length == UINT32_MAX) {
        length = cursor_u64(c);
        u->offset_bytes = 8;
    }
    if (c->bad || length > cursor_left(c))
        return false;
    c->end = c->at + length;
    u->end = (u64)(c->end - (const u8 *)u->dwarf->section[DWARF_INFO].ptr);
    u->version = cursor_u16(c);
    u->type = u->version >= 5 ? cursor_u8(c) : DW_UT_compile;
    if (u->version >= 5)
        u->address_bytes = cursor_u8(c);
    u->abbrev_offset = dwarf_read_offset(c, u);
    if (u->version < 5)
        u->address_bytes = cursor_u8(c);
    if (u->type == DW_UT_skeleton || u->type == DW_UT_split_compile)
        u->dwo_id = cursor_u64(c);
    u->root = (u64)(c->at - (const u8 *)u->dwarf->section[DWARF_INFO].ptr);
    return true;
}

static u64 offset_of(const struct dwarf_entry *e, enum dwarf_slot slot, u64 otherwise)
{
    const struct dwarf_value *v = &e->value[slot];
    return v->class == DWARF_OFFSET || v->class == DWARF_CONSTANT ? v->number : otherwise;
}

// What the skeleton says of a unit that was split off.
static void inherit(struct dwarf_unit *u, const struct dwarf_unit *skeleton)
{
    bool has_headers = u->version >= 5; // of the tables, which the only unit's entries follow
    u->skeleton = skeleton;
    u->addresses = skeleton->addresses;
    u->low = skeleton->low;
    u->ranges = skeleton->split_ranges;
    u->folder = skeleton->folder;
    u->str_offsets = has_headers ? u->offset_bytes * (u64)2 : 0;
    u->rnglists = has_headers ? u->offset_bytes == 4 ? 12 : 20 : 0;
}

static void set_root(struct dwarf_unit *u, const struct dwarf_entry *root)
{
    const struct dwarf_value *v = root->value;
    u->has_lines = v[DWARF_SLOT_LINES].class != DWARF_NONE;
    u->is_assembly = offset_of(root, DWARF_SLOT_LANGUAGE, 0) == DW_LANG_Mips_Assembler;
    u->lines = offset_of(root, DWARF_SLOT_LINES, 0);
    u->str_offsets = offset_of(root, DWARF_SLOT_STR_OFFSETS, u->str_offsets);
    u->addresses = offset_of(root, DWARF_SLOT_ADDRESSES, u->addresses);
    u->rnglists = offset_of(root, DWARF_SLOT_RNGLISTS, u->rnglists);
    u->split_ranges = offset_of(root, DWARF_SLOT_GNU_RANGES, 0);
    u->dwo_id = offset_of(root, DWARF_SLOT_DWO_ID, u->dwo_id);
    // These may be numbers of rows of the tables above.
    dwarf_address(&u->low, u, &v[DWARF_SLOT_LOW]);
    u->name = dwarf_text(u, &v[DWARF_SLOT_NAME]);
    u->dwo_name = dwarf_text(u, &v[DWARF_SLOT_DWO_NAME]);
    if (v[DWARF_SLOT_FOLDER].class != DWARF_NONE)
        u->folder = dwarf_text(u, &v[DWARF_SLOT_FOLDER]);
}

// The abbreviation of a unit's root; NULL when there is none, or when all that was allowed was
// read.
static const struct dwarf_abbrev *root_abbrev(struct opening *o, const struct dwarf_unit *u,
                                              u64 code)
{
    if (o->abbrev_budget == 0 || code == 0)
        return NULL;
    arena_reset(&o->scratch);
    dwarf_abbrevs_read(&o->abbrevs, u, code, &o->scratch);
    u32 read = o->abbrevs.nabbrev + o->abbrevs.nattribute;
    o->abbrev_budget -= read < o->abbrev_budget ? read : o->abbrev_budget;
    return dwarf_abbrev_find(&o->abbrevs, code);
}

// Old compilers do not tell which addresses a unit has, but its functions do.
static void add_functions(struct opening *o, const struct dwarf_unit *u, u32 row)
{
    struct dwarf_functions f;
    dwarf_abbrevs_read(&o->abbrevs, u, 0, &o->scratch);
    dwarf_functions_read(&f, u, &o->abbrevs, &o->scratch);
    for (u32 i = 0; i < f.ranges.nextent && o->range_budget; i++, o->range_budget--)
        extents_add(&o->d->units, f.ranges.extent[i].low, f.ranges.extent[i].high, row);
}

static void read_root(struct opening *o, struct dwarf_unit *u, struct cursor *c, u32 row)
{
    struct dwarf_entry root = {.unit = u, .offset = u->root};
    const struct dwarf_abbrev *abbrev = root_abbrev(o, u, cursor_uleb(c));
    if (!abbrev)
        return;
    dwarf_entry_read(&root, c, &o->abbrevs, abbrev);
    if (o->skeleton)
        inherit(u, o->skeleton);
    set_root(u, &root);
    if (o->skeleton)
        return;
    const struct dwarf_value *v = root.value;
    if (v[DWARF_SLOT_LOW].class != DWARF_NONE && v[DWARF_SLOT_HIGH].class == DWARF_NONE &&
        v[DWARF_SLOT_RANGES].class == DWARF_NONE)
        add_functions(o, u, row);
    else
        dwarf_entry_ranges(&o->d->units, &root, row, &o->range_budget);
}

static void read_units(struct opening *o)
{
    struct dwarf *d = o->d;
    struct cursor c = cursor_at(d->section[DWARF_INFO], 0, d->swap);
    arena_init(&o->scratch, SIZE_MAX);
    extents_init(&d->units, o->arena);
    while (c.at < c.end) {
        struct dwarf_unit u = {.dwarf = d};
        struct cursor inside = c;
        u.offset = (u64)(c.at - (const u8 *)d->section[DWARF_INFO].ptr);
        if (!read_header(&u, &inside))
            break;
        c.at = inside.end;
        if (!is_known(&u) || inside.bad)
            continue;
        read_root(o, &u, &inside, d->nunit + 1);
        *arena_push(o->arena, d->unit, d->nunit, d->unit_cap) = u;
    }
    extents_sort(&d->units);
    arena_free(&o->scratch);
}

void dwarf_open(struct dwarf *d, struct arena *a)
{
    struct opening o = {
        .d = d, .arena = a, .abbrev_budget = MOST_ABBREVS, .range_budget = MOST_RANGES};
    read_units(&o);
}

const struct dwarf_unit *dwarf_open_split(struct dwarf *d, const struct dwarf_unit *skeleton,
                                          struct arena *a)
{
    struct opening o = {.d = d,
                        .skeleton = skeleton,
                        .arena = a,
                        .abbrev_budget = MOST_ABBREVS,
                        .range_budget = MOST_RANGES};
    d->section[DWARF_ADDR] = skeleton->dwarf->section[DWARF_ADDR];
    d->section[DWARF_RANGES] = skeleton->dwarf->section[DWARF_RANGES];
    d->code = skeleton->dwarf->code;
    read_units(&o);
    for (u32 i = 0; i < d->nunit; i++) {
        if (d->unit[i].dwo_id == skeleton->dwo_id && d->unit[i].type != DW_UT_split_type)
            return &d->unit[i];
    }
    return NULL;
}

const struct dwarf_unit *dwarf_unit_at(const struct dwarf *d, u64 offset)
{
    u32 low = 0,
        high = d->nunit; // the last unit that begins at or before offset is in [low - 1, high)
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (d->unit[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low && offset < d->unit[low - 1].end ? &d->unit[low - 1] : NULL;
}

const struct dwarf_unit *dwarf_unit_find(const struct dwarf *d, u64 address)
{
    u32 row = extents_find(&d->units, address);
    return row ? &d->unit[row - 1] : NULL;
}
