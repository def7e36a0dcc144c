// The ELF files that a profile's mappings are of, each opened when it is first asked for.
#ifndef REPORT_BINARY_H
#define REPORT_BINARY_H

#include "base/table.h"
#include "object/disassembly.h"
#include "profile/profile.h"

struct binary {
    struct str path;
    struct symbols *symbols; // NULL: could not be opened
    struct disassembly code;
    struct err error; // why not
};

struct binaries {
    const struct profile *profile;
    bool is_intel; // syntax
    struct arena *arena;
    struct table files;     // path, NUL, build id -> row of binary
    struct binary **binary; // row 0: none
    u32 nbinary, cap;
};

void binaries_init(struct binaries *b, const struct profile *p, bool is_intel, struct arena *a);
void binaries_close(struct binaries *b);

// The file of a mapping (a row), opened or with its error; NULL for row 0.
struct binary *binaries_find(struct binaries *b, u32 mapping);

// Where an address of the process is in the file as linked, which is what objdump shows.  False
// when it is not there.
bool binary_linked(const struct binary *b, const struct mapping *m, u64 address, u64 *linked);

#endif
