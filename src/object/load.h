// Where the addresses of a process are in the file that was mapped there.  Debug information and
// symbols speak of linked addresses; what a process runs at depends on where each piece of the file
// was put.
#ifndef OBJECT_LOAD_H
#define OBJECT_LOAD_H

#include "base/types.h"

// A PT_LOAD of an ELF file.
struct load_segment {
    u64 offset, file_bytes;    // in the file; no bytes: a file of debug information alone
    u64 address, memory_bytes; // as linked
    bool is_code;
};

struct load {
    const struct load_segment *segment;
    u32 nsegment;
    u32 type;        // ET_EXEC, ET_DYN, ET_REL
    u64 kernel_text; // of the symbol at which a kernel's mapping begins; 0: none
};

// What a profile says of a mapping.
struct load_mapping {
    u64 start, limit; // addresses, [start, limit)
    u64 offset;       // in the file, of the byte at start
};

// The linked address for an address inside of the mapping.  False when the file has nothing there.
bool load_find(u64 *linked, const struct load *l, const struct load_mapping *m, u64 address);

#endif
