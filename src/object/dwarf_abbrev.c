#include <dwarf.h>
#include <stdlib.h>

#include "object/dwarf.h"

enum { MOST_ATTRIBUTES = 128 }; // of an entry: compilers write some thirty

static u8 slot_of(u64 name)
{
    switch (name) {
    case DW_AT_name:
        return DWARF_SLOT_NAME;
    case DW_AT_linkage_name:
    case DW_AT_MIPS_linkage_name:
        return DWARF_SLOT_LINKAGE_NAME;
    case DW_AT_low_pc:
        return DWARF_SLOT_LOW;
    case DW_AT_high_pc:
        return DWARF_SLOT_HIGH;
    case DW_AT_ranges:
        return DWARF_SLOT_RANGES;
    case DW_AT_abstract_origin:
    case DW_AT_specification:
        return DWARF_SLOT_ORIGIN;
    case DW_AT_decl_line:
        return DWARF_SLOT_DECL_LINE;
    case DW_AT_call_file:
        return DWARF_SLOT_CALL_FILE;
    case DW_AT_call_line:
        return DWARF_SLOT_CALL_LINE;
    case DW_AT_call_column:
        return DWARF_SLOT_CALL_COLUMN;
    case DW_AT_language:
        return DWARF_SLOT_LANGUAGE;
    case DW_AT_stmt_list:
        return DWARF_SLOT_LINES;
    case DW_AT_comp_dir:
        return DWARF_SLOT_FOLDER;
    case DW_AT_str_offsets_base:
        return DWARF_SLOT_STR_OFFSETS;
    case DW_AT_addr_base:
    case DW_AT_GNU_addr_base:
        return DWARF_SLOT_ADDRESSES;
    case DW_AT_rnglists_base:
        return DWARF_SLOT_RNGLISTS;
    case DW_AT_GNU_ranges_base:
        return DWARF_SLOT_GNU_RANGES;
    case DW_AT_dwo_name:
    case DW_AT_GNU_dwo_name:
        return DWARF_SLOT_DWO_NAME;
    case DW_AT_GNU_dwo_id:
        return DWARF_SLOT_DWO_ID;
    default:
        return DWARF_SLOT_NONE;
    }
}

static void add_attribute(struct dwarf_abbrevs *out, struct dwarf_abbrev *abbrev, u64 name,
                          struct dwarf_attribute attribute, struct arena *a)
{
    attribute.slot = slot_of(name);
    if ((attribute.slot == DWARF_SLOT_LOW || attribute.slot == DWARF_SLOT_RANGES) &&
        abbrev->tag == DW_TAG_subprogram)
        abbrev->kind = DWARF_FUNCTION;
    if (name == DW_AT_sibling && attribute.class == DWARF_ENTRY_UNIT && attribute.size == 4 &&
        abbrev->nstep == 0)
        abbrev->sibling = abbrev->tail_bytes;
    if (attribute.size <= DWARF_SIZE_16) {
        abbrev->tail_bytes += attribute.size;
    } else {
        *arena_push(a, out->step, out->nstep, out->step_cap) =
            (struct dwarf_step){abbrev->tail_bytes, attribute.size};
        abbrev->nstep++;
        abbrev->tail_bytes = 0;
    }
    *arena_push(a, out->attribute, out->nattribute, out->attribute_cap) = attribute;
    abbrev->nattribute++;
}

// Types hold no functions with code: compilers put these outside, and refer back.
static bool is_type(u16 tag)
{
    return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
           tag == DW_TAG_enumeration_type || tag == DW_TAG_subroutine_type ||
           tag == DW_TAG_array_type;
}

// Reads one abbreviation; false at the last, or at damage.
static bool read_abbrev(struct dwarf_abbrevs *out, struct cursor *c, const struct dwarf_unit *unit,
                        struct arena *a)
{
    struct dwarf_abbrev abbrev = {
        .code = cursor_uleb(c),
        .attribute = out->nattribute,
        .step = out->nstep,
    };
    if (abbrev.code == 0)
        return false;
    abbrev.tag = (u16)cursor_uleb(c);
    abbrev.has_children = cursor_u8(c) != 0;
    for (;;) {
        u64 name = cursor_uleb(c), form = cursor_uleb(c);
        struct dwarf_attribute attribute = dwarf_form(unit, form);
        if (form == DW_FORM_implicit_const)
            attribute.constant = cursor_sleb(c);
        if (c->bad)
            return false;
        if (name == 0 && form == 0)
            break;
        if (abbrev.nattribute == MOST_ATTRIBUTES)
            return false;
        add_attribute(out, &abbrev, name, attribute, a);
    }
    if (abbrev.sibling && is_type(abbrev.tag))
        abbrev.kind = DWARF_TYPE;
    out->is_dense &= abbrev.code == out->nabbrev + (u64)1;
    *arena_push(a, out->abbrev, out->nabbrev, out->abbrev_cap) = abbrev;
    return true;
}

static int by_code(const void *a, const void *b)
{
    const struct dwarf_abbrev *x = a, *y = b;
    return x->code < y->code ? -1 : x->code > y->code;
}

void dwarf_abbrevs_read(struct dwarf_abbrevs *out, const struct dwarf_unit *unit, u64 last,
                        struct arena *a)
{
    struct cursor c =
        cursor_at(unit->dwarf->section[DWARF_ABBREV], unit->abbrev_offset, unit->dwarf->swap);
    *out = (struct dwarf_abbrevs){.is_dense = true};
    while (read_abbrev(out, &c, unit, a)) {
        if (last && out->abbrev[out->nabbrev - 1].code == last)
            break;
    }
    if (!out->is_dense)
        qsort(out->abbrev, out->nabbrev, sizeof(*out->abbrev), by_code);
}

const struct dwarf_abbrev *dwarf_abbrev_search(const struct dwarf_abbrevs *abbrevs, u64 code)
{
    struct dwarf_abbrev key = {.code = code};
    if (abbrevs->is_dense || abbrevs->nabbrev == 0)
        return NULL;
    return bsearch(&key, abbrevs->abbrev, abbrevs->nabbrev, sizeof(key), by_code);
}

// Whether the value is a number of 1 to 8 bytes that a load of 8 bytes holds in its low end.
static bool is_plain(const struct cursor *c, const struct dwarf_attribute *attribute)
{
    return attribute->size - 1U < 8 && cursor_left(c) >= 8 &&
           (__BYTE_ORDER == __LITTLE_ENDIAN) != c->swap;
}

void dwarf_entry_read(struct dwarf_entry *e, struct cursor *c, const struct dwarf_abbrevs *abbrevs,
                      const struct dwarf_abbrev *abbrev)
{
    const struct dwarf_attribute *attribute = abbrevs->attribute + abbrev->attribute;
    e->tag = abbrev->tag;
    for (u32 i = 0; i < abbrev->nattribute; i++, attribute++) {
        struct dwarf_value *v = &e->value[attribute->slot];
        if (likely(is_plain(c, attribute))) { // most are, and there are many
            u64 bytes;
            memcpy(&bytes, c->at, sizeof(bytes));
            c->at += attribute->size;
            v->class = attribute->class;
            v->number = bytes & UINT64_MAX >> (64 - 8 * attribute->size);
        } else {
            *v = dwarf_value_read(c, e->unit, attribute);
        }
    }
}
