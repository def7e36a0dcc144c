#include "object/dwarf_reader.h"

#include <string.h>

enum {
    LEAST_WORK = 1 << 26,
    TIMES_READ = 4, // of all sections together: honest files are read once, most of them in part
    ATTRIBUTE_BYTES = 4, // of an abbreviation
};

void dwarf_reader_init(struct dwarf_reader *r, struct arena *a)
{
    *r = (struct dwarf_reader){.arena = a};
    table_init(&r->keys, a);
    arena_push(a, r->abbrevs, r->nabbrevs, r->abbrevs_cap);
}

void dwarf_reader_start(struct dwarf_reader *r, const struct dwarf *d)
{
    r->work = LEAST_WORK;
    for (int i = 0; i < DWARF_NSECTION; i++)
        r->work += TIMES_READ * (u64)d->section[i].len;
}

bool dwarf_reader_spend(struct dwarf_reader *r, u64 n)
{
    r->work -= n < r->work ? n : r->work;
    return r->work != 0;
}

const struct dwarf_abbrevs *dwarf_reader_abbrevs(struct dwarf_reader *r,
                                                 const struct dwarf_unit *unit)
{
    struct {
        const char *section;
        u64 offset;
        u64 sizes;
    } key = {
        .section = unit->dwarf->section[DWARF_ABBREV].ptr,
        .offset = unit->abbrev_offset,
        .sizes = (u64)unit->version << 16 | (u64)unit->address_bytes << 8 | unit->offset_bytes,
    };
    u32 row = table_find(&r->keys, (struct str){(char *)&key, sizeof(key)});
    if (row || r->work == 0)
        return &r->abbrevs[row];
    row = table_add(&r->keys, (struct str){(char *)&key, sizeof(key)});
    struct dwarf_abbrevs *to = arena_push(r->arena, r->abbrevs, r->nabbrevs, r->abbrevs_cap);
    dwarf_abbrevs_read(to, unit, 0, r->arena);
    dwarf_reader_spend(r, ATTRIBUTE_BYTES * ((u64)to->nabbrev + to->nattribute));
    return &r->abbrevs[row];
}
