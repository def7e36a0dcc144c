// A symbol table: names of addresses, without lines.
#ifndef OBJECT_NAMES_H
#define OBJECT_NAMES_H

#include "object/extents.h"

struct name {
    u64 address, end;
    bool is_sized; // else it ends at the next name, if that comes before end
    u32 rank;      // of several for the same code, the highest is taken
    struct str text;
};

struct names {
    struct arena *arena;
    struct name *name; // from 1 on; sorted by address after names_sort()
    u32 nname, name_cap;
    struct extents sized, unsized; // address -> row of name
};

void names_init(struct names *n, struct arena *a);

// Adds a zeroed row.  Its text must outlive the table.
struct name *names_add(struct names *n);

// Once, after the last was added.
void names_sort(struct names *n);

// The name of an address, or NULL.  After names_sort().
const struct name *names_find(const struct names *n, u64 address);

#endif
