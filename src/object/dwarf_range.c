#include <dwarf.h>

#include "object/dwarf.h"

// Where the ranges of one entry go.
struct target {
    struct extents *out;
    const struct dwarf_unit *unit;
    u32 value;
    u32 *budget;
};

static void add(struct target *t, u64 low, u64 high)
{
    const struct extents *code = t->unit->dwarf->code;
    if (*t->budget == 0 || low >= high || (code && extents_find(code, low) == 0))
        return;
    --*t->budget;
    extents_add(t->out, low, high, t->value);
}

// A list of versions 2 to 4: pairs of addresses; the highest address makes its partner the base of
// what follows; (0, 0) ends it.
static void add_pairs(struct target *t, u64 offset)
{
    const struct dwarf_unit *unit = t->unit;
    struct cursor c = cursor_at(unit->dwarf->section[DWARF_RANGES], offset, unit->dwarf->swap);
    u64 base = unit->low, highest = unit->address_bytes == 4 ? UINT32_MAX : UINT64_MAX;
    while (*t->budget) {
        u64 low = cursor_number(&c, unit->address_bytes);
        u64 high = cursor_number(&c, unit->address_bytes);
        if (c.bad || (low == 0 && high == 0))
            return;
        if (low == highest)
            base = high;
        else
            add(t, base + low, base + high);
    }
}

// The address with an index that the cursor is at.
static u64 indexed_address(struct cursor *c, const struct dwarf_unit *unit)
{
    struct dwarf_value v = {DWARF_ADDRESS_INDEX, cursor_uleb(c), NULL};
    u64 address = 0;
    dwarf_address(&address, unit, &v);
    return address;
}

// One entry of a list of version 5; false at its end.
static bool add_list_entry(struct target *t, struct cursor *c, u64 *base)
{
    const struct dwarf_unit *unit = t->unit;
    u64 low, high;
    switch (cursor_u8(c)) {
    case DW_RLE_base_addressx:
        *base = indexed_address(c, unit);
        return !c->bad;
    case DW_RLE_base_address:
        *base = cursor_number(c, unit->address_bytes);
        return !c->bad;
    case DW_RLE_startx_endx:
        low = indexed_address(c, unit);
        high = indexed_address(c, unit);
        break;
    case DW_RLE_startx_length:
        low = indexed_address(c, unit);
        high = low + cursor_uleb(c);
        break;
    case DW_RLE_offset_pair:
        low = *base + cursor_uleb(c);
        high = *base + cursor_uleb(c);
        break;
    case DW_RLE_start_end:
        low = cursor_number(c, unit->address_bytes);
        high = cursor_number(c, unit->address_bytes);
        break;
    case DW_RLE_start_length:
        low = cursor_number(c, unit->address_bytes);
        high = low + cursor_uleb(c);
        break;
    default: // DW_RLE_end_of_list, and what is not known
        return false;
    }
    if (c->bad)
        return false;
    add(t, low, high);
    return *t->budget != 0;
}

static void add_list(struct target *t, u64 offset)
{
    const struct dwarf *d = t->unit->dwarf;
    struct cursor c = cursor_at(d->section[DWARF_RNGLISTS], offset, d->swap);
    u64 base = t->unit->low;
    while (add_list_entry(t, &c, &base))
        ;
}

// Where the list with that number begins; the table holds offsets from its own start.
static u64 list_offset(const struct dwarf_unit *unit, u64 index)
{
    u64 place;
    if (__builtin_mul_overflow(index, unit->offset_bytes, &place) ||
        __builtin_add_overflow(place, unit->rnglists, &place))
        return UINT64_MAX;
    struct cursor c = cursor_at(unit->dwarf->section[DWARF_RNGLISTS], place, unit->dwarf->swap);
    u64 offset = dwarf_read_offset(&c, unit);
    return c.bad ? UINT64_MAX : unit->rnglists + offset;
}

void dwarf_entry_ranges(struct extents *out, const struct dwarf_entry *e, u32 value, u32 *budget)
{
    struct target t = {out, e->unit, value, budget};
    const struct dwarf_value *list = &e->value[DWARF_SLOT_RANGES],
                             *end = &e->value[DWARF_SLOT_HIGH];
    u64 low, high;
    if (list->class == DWARF_LIST_INDEX)
        add_list(&t, list_offset(e->unit, list->number));
    else if (list->class != DWARF_NONE && e->unit->version >= 5)
        add_list(&t, list->number);
    else if (list->class != DWARF_NONE)
        add_pairs(&t, list->number + e->unit->ranges);
    else if (dwarf_address(&low, e->unit, &e->value[DWARF_SLOT_LOW])) {
        if (end->class == DWARF_CONSTANT)
            add(&t, low, low + end->number);
        else if (dwarf_address(&high, e->unit, end))
            add(&t, low, high);
    }
}
