// What one thread keeps while it reads units: abbreviations, which units share, and how much it may
// still read.
#ifndef OBJECT_DWARF_READER_H
#define OBJECT_DWARF_READER_H

#include "base/table.h"
#include "object/dwarf.h"

struct dwarf_reader {
    struct arena *arena;
    u64 work; // bytes, and what costs as much; 0: hostile units refer to others' parts forever
    struct table keys; // place and sizes -> row of abbrevs
    struct dwarf_abbrevs *abbrevs;
    u32 nabbrevs, abbrevs_cap;
};

// All is allocated in a.
void dwarf_reader_init(struct dwarf_reader *r, struct arena *a);

// From here on a file is read: as much as reading all of it could take.
void dwarf_reader_start(struct dwarf_reader *r, const struct dwarf *d);

// Counts n as read; false when that was too much.
bool dwarf_reader_spend(struct dwarf_reader *r, u64 n);

// The unit's abbreviations, until the next call; none when too much was read.
const struct dwarf_abbrevs *dwarf_reader_abbrevs(struct dwarf_reader *r,
                                                 const struct dwarf_unit *unit);

#endif
