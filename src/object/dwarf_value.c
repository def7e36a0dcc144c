#include <dwarf.h>

#include "object/dwarf.h"

// Sizes that depend on the unit, besides those of enum dwarf_size.
enum {
    SIZE_ADDRESS = DWARF_SIZE_UNKNOWN + 1,
    SIZE_OFFSET,
    SIZE_REFERENCE, // an offset, but in version 2 an address
};

struct form {
    u8 class, size;
};

static const struct form forms[] = {
    [DW_FORM_addr] = {DWARF_ADDRESS, SIZE_ADDRESS},
    [DW_FORM_block2] = {DWARF_BLOCK, DWARF_SIZE_BLOCK2},
    [DW_FORM_block4] = {DWARF_BLOCK, DWARF_SIZE_BLOCK4},
    [DW_FORM_data2] = {DWARF_CONSTANT, 2},
    [DW_FORM_data4] = {DWARF_CONSTANT, 4},
    [DW_FORM_data8] = {DWARF_CONSTANT, 8},
    [DW_FORM_string] = {DWARF_TEXT, DWARF_SIZE_TEXT},
    [DW_FORM_block] = {DWARF_BLOCK, DWARF_SIZE_BLOCK},
    [DW_FORM_block1] = {DWARF_BLOCK, DWARF_SIZE_BLOCK1},
    [DW_FORM_data1] = {DWARF_CONSTANT, 1},
    [DW_FORM_flag] = {DWARF_FLAG, 1},
    [DW_FORM_sdata] = {DWARF_CONSTANT, DWARF_SIZE_SLEB},
    [DW_FORM_strp] = {DWARF_TEXT_AT, SIZE_OFFSET},
    [DW_FORM_udata] = {DWARF_CONSTANT, DWARF_SIZE_ULEB},
    [DW_FORM_ref_addr] = {DWARF_ENTRY_INFO, SIZE_REFERENCE},
    [DW_FORM_ref1] = {DWARF_ENTRY_UNIT, 1},
    [DW_FORM_ref2] = {DWARF_ENTRY_UNIT, 2},
    [DW_FORM_ref4] = {DWARF_ENTRY_UNIT, 4},
    [DW_FORM_ref8] = {DWARF_ENTRY_UNIT, 8},
    [DW_FORM_ref_udata] = {DWARF_ENTRY_UNIT, DWARF_SIZE_ULEB},
    [DW_FORM_indirect] = {DWARF_NONE, DWARF_SIZE_INDIRECT},
    [DW_FORM_sec_offset] = {DWARF_OFFSET, SIZE_OFFSET},
    [DW_FORM_exprloc] = {DWARF_BLOCK, DWARF_SIZE_BLOCK},
    [DW_FORM_flag_present] = {DWARF_FLAG, 0},
    [DW_FORM_strx] = {DWARF_TEXT_INDEX, DWARF_SIZE_ULEB},
    [DW_FORM_addrx] = {DWARF_ADDRESS_INDEX, DWARF_SIZE_ULEB},
    [DW_FORM_ref_sup4] = {DWARF_ENTRY_ALT, 4},
    [DW_FORM_strp_sup] = {DWARF_TEXT_ALT, SIZE_OFFSET},
    [DW_FORM_data16] = {DWARF_BLOCK, DWARF_SIZE_16},
    [DW_FORM_line_strp] = {DWARF_TEXT_LINE, SIZE_OFFSET},
    [DW_FORM_ref_sig8] = {DWARF_SIGNATURE, 8},
    [DW_FORM_implicit_const] = {DWARF_CONSTANT, 0},
    [DW_FORM_loclistx] = {DWARF_LIST_INDEX, DWARF_SIZE_ULEB},
    [DW_FORM_rnglistx] = {DWARF_LIST_INDEX, DWARF_SIZE_ULEB},
    [DW_FORM_ref_sup8] = {DWARF_ENTRY_ALT, 8},
    [DW_FORM_strx1] = {DWARF_TEXT_INDEX, 1},
    [DW_FORM_strx2] = {DWARF_TEXT_INDEX, 2},
    [DW_FORM_strx3] = {DWARF_TEXT_INDEX, 3},
    [DW_FORM_strx4] = {DWARF_TEXT_INDEX, 4},
    [DW_FORM_addrx1] = {DWARF_ADDRESS_INDEX, 1},
    [DW_FORM_addrx2] = {DWARF_ADDRESS_INDEX, 2},
    [DW_FORM_addrx3] = {DWARF_ADDRESS_INDEX, 3},
    [DW_FORM_addrx4] = {DWARF_ADDRESS_INDEX, 4},
};

// GNU's, from before version 5.
static const struct form gnu_addr_index = {DWARF_ADDRESS_INDEX, DWARF_SIZE_ULEB},
                         gnu_str_index = {DWARF_TEXT_INDEX, DWARF_SIZE_ULEB},
                         gnu_ref_alt = {DWARF_ENTRY_ALT, SIZE_REFERENCE},
                         gnu_strp_alt = {DWARF_TEXT_ALT, SIZE_OFFSET};

static struct form find_form(u64 form)
{
    if (form < ARRAY_LEN(forms) && (forms[form].class || form == DW_FORM_indirect))
        return forms[form];
    switch (form) {
    case DW_FORM_GNU_addr_index:
        return gnu_addr_index;
    case DW_FORM_GNU_str_index:
        return gnu_str_index;
    case DW_FORM_GNU_ref_alt:
        return gnu_ref_alt;
    case DW_FORM_GNU_strp_alt:
        return gnu_strp_alt;
    default:
        return (struct form){DWARF_NONE, DWARF_SIZE_UNKNOWN};
    }
}

struct dwarf_attribute dwarf_form(const struct dwarf_unit *unit, u64 form)
{
    struct form f = find_form(form);
    struct dwarf_attribute attribute = {.class = f.class, .size = f.size};
    if (f.size == SIZE_ADDRESS)
        attribute.size = unit->address_bytes;
    else if (f.size == SIZE_OFFSET)
        attribute.size = unit->offset_bytes;
    else if (f.size == SIZE_REFERENCE)
        attribute.size = unit->version == 2 ? unit->address_bytes : unit->offset_bytes;
    return attribute;
}

u64 dwarf_read_offset(struct cursor *c, const struct dwarf_unit *unit)
{
    return cursor_number(c, unit->offset_bytes);
}

static struct dwarf_value read_block(struct cursor *c, u64 bytes)
{
    struct dwarf_value v = {DWARF_BLOCK, bytes, c->at};
    cursor_skip(c, bytes);
    return v;
}

static struct dwarf_value read_text(struct cursor *c)
{
    struct str text = cursor_text(c);
    return (struct dwarf_value){DWARF_TEXT, text.len, (const u8 *)text.ptr};
}

static struct dwarf_value read_indirect(struct cursor *c, const struct dwarf_unit *unit)
{
    struct dwarf_attribute attribute = dwarf_form(unit, cursor_uleb(c));
    if (attribute.size == DWARF_SIZE_INDIRECT) {
        cursor_fail(c);
        return (struct dwarf_value){0};
    }
    return dwarf_value_read(c, unit, &attribute);
}

struct dwarf_value dwarf_value_read(struct cursor *c, const struct dwarf_unit *unit,
                                    const struct dwarf_attribute *attribute)
{
    u8 class = attribute->class;
    switch (attribute->size) {
    case 0:
        return (struct dwarf_value){class, (u64)attribute->constant, NULL};
    case DWARF_SIZE_16:
        return read_block(c, 16);
    case DWARF_SIZE_ULEB:
        return (struct dwarf_value){class, cursor_uleb(c), NULL};
    case DWARF_SIZE_SLEB:
        return (struct dwarf_value){class, (u64)cursor_sleb(c), NULL};
    case DWARF_SIZE_TEXT:
        return read_text(c);
    case DWARF_SIZE_BLOCK1:
        return read_block(c, cursor_u8(c));
    case DWARF_SIZE_BLOCK2:
        return read_block(c, cursor_u16(c));
    case DWARF_SIZE_BLOCK4:
        return read_block(c, cursor_u32(c));
    case DWARF_SIZE_BLOCK:
        return read_block(c, cursor_uleb(c));
    case DWARF_SIZE_INDIRECT:
        return read_indirect(c, unit);
    default: // a number of bytes, or what is no form
        return (struct dwarf_value){class, cursor_number(c, attribute->size), NULL};
    }
}

void dwarf_value_skip_slowly(struct cursor *c, const struct dwarf_unit *unit, enum dwarf_size size)
{
    const struct dwarf_attribute attribute = {.size = (u8)size};
    dwarf_value_read(c, unit, &attribute);
}

static struct str text_at(const struct dwarf *d, enum dwarf_section section, u64 offset)
{
    struct cursor c = cursor_at(d->section[section], offset, d->swap);
    return cursor_text(&c);
}

// Entry of a table of numbers; 0 beyond its end.
static u64 number_at(const struct dwarf *d, enum dwarf_section section, u64 start, u64 index,
                     u32 bytes)
{
    u64 offset;
    if (__builtin_mul_overflow(index, bytes, &offset) ||
        __builtin_add_overflow(offset, start, &offset))
        return 0;
    struct cursor c = cursor_at(d->section[section], offset, d->swap);
    return cursor_number(&c, bytes);
}

struct str dwarf_text(const struct dwarf_unit *unit, const struct dwarf_value *v)
{
    const struct dwarf *d = unit->dwarf;
    switch (v->class) {
    case DWARF_TEXT:
        return (struct str){(const char *)v->data, v->number};
    case DWARF_TEXT_AT:
        return text_at(d, DWARF_STR, v->number);
    case DWARF_TEXT_LINE:
        return text_at(d, DWARF_LINE_STR, v->number);
    case DWARF_TEXT_ALT:
        return d->alt ? text_at(d->alt, DWARF_STR, v->number) : STR("");
    case DWARF_TEXT_INDEX:
        return text_at(
            d, DWARF_STR,
            number_at(d, DWARF_STR_OFFSETS, unit->str_offsets, v->number, unit->offset_bytes));
    default:
        return STR("");
    }
}

bool dwarf_address(u64 *address, const struct dwarf_unit *unit, const struct dwarf_value *v)
{
    if (v->class == DWARF_ADDRESS)
        *address = v->number;
    else if (v->class == DWARF_ADDRESS_INDEX)
        *address =
            number_at(unit->dwarf, DWARF_ADDR, unit->addresses, v->number, unit->address_bytes);
    else
        return false;
    return true;
}

const struct dwarf_unit *dwarf_reference(u64 *offset, const struct dwarf_unit *unit,
                                         const struct dwarf_value *v)
{
    *offset = v->number;
    switch (v->class) {
    case DWARF_ENTRY_UNIT:
        if (v->number >= unit->end - unit->offset)
            return NULL;
        *offset += unit->offset;
        return unit;
    case DWARF_ENTRY_INFO:
        return dwarf_unit_at(unit->dwarf, v->number);
    case DWARF_ENTRY_ALT:
        return unit->dwarf->alt ? dwarf_unit_at(unit->dwarf->alt, v->number) : NULL;
    default:
        return NULL;
    }
}
