// Machine code of an ELF file as text, as GNU objdump writes it, with the source that it was made
// from.
#ifndef OBJECT_DISASSEMBLY_H
#define OBJECT_DISASSEMBLY_H

#include "object/symtab.h"

struct instruction {
    u64 address;              // as linked
    u32 length;               // bytes
    struct str text;          // "mov    %rax,%rbx"
    struct symbol_line *line; // functions at it, innermost first
    u32 nline;                // 0: nothing is known
};

struct disassembly {
    struct symbols *symbols;
    struct symtab symtab;
    struct arena *arena;
    size_t capstone; // its handle
    int machine;     // of the ELF header
    bool is_intel;
};

// Starts to read code of the file.  Fails with ENOTSUP for machines other than x86 and AArch64.
bool disassembly_open(struct disassembly *d, struct symbols *s, bool is_intel, struct arena *a,
                      struct err *e);
void disassembly_close(struct disassembly *d);

// Instructions from an address up to (without) another, both as linked; none where there is no
// code.  Bytes that are no instruction are shown as such.
struct instruction *disassembly_read(struct disassembly *d, u64 from, u64 to, u32 *n);

#endif
