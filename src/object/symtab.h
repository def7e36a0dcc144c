// The names that an ELF file has for addresses, sorted by address: its symbols, and the stubs by
// which it calls functions of other files ("puts@plt").
#ifndef OBJECT_SYMTAB_H
#define OBJECT_SYMTAB_H

#include "base/buf.h"
#include "object/symbols.h"

struct symtab_name {
    u64 address; // as linked
    u64 size;    // bytes; 0: not known
    struct str text;
    u8 rank; // the lower, the better a name it is for the address
};

struct symtab {
    struct symtab_name *at; // of one address the best one first
    u32 n;
    struct symtab_name *word; // words that hold addresses of other files ("puts@GLIBC_2.2.5")
    u32 nword;
};

struct symtab symtab_read(const struct symbols *s, struct arena *a);

// Row of the best name at address, or else at the last one before it; t->n when there is none.
u32 symtab_find(const struct symtab *t, u64 address);

// The row after those of the same address.
u32 symtab_next(const struct symtab *t, u32 row);

// Appends the address and what is there as objdump does: "401136 <main+0x10>".
void symtab_write(struct buf *out, const struct symtab *t, u64 address, struct arena *a);

#endif
