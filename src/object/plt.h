// Words that the loader fills with addresses of other files' functions, and the stubs that jump
// through them.
#ifndef OBJECT_PLT_H
#define OBJECT_PLT_H

#include <libelf.h>

#include "base/arena.h"

struct plt_entry {
    u64 address; // of the stub, or of the word
    u32 size;    // bytes
    struct str text;
};

struct plt {
    struct plt_entry *stub; // "puts@plt"
    u32 nstub, stub_cap;
    struct plt_entry *word; // "puts@GLIBC_2.2.5"
    u32 nword, word_cap;
};

// For x86-64 and AArch64; empty for others.
struct plt plt_read(Elf *elf, struct arena *a);

#endif
