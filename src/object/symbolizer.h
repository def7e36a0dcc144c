// Addresses of many files -> lines, each file opened once and each address looked up once.
#ifndef OBJECT_SYMBOLIZER_H
#define OBJECT_SYMBOLIZER_H

#include "base/table.h"
#include "object/name_list.h"
#include "object/symbols.h"

struct symbolizer {
    struct arena *arena;
    struct table files; // path, NUL, build id -> row of file
    struct symbolizer_file *file;
    u32 nfile, file_cap;
    struct table places; // file row and offset -> row of place
    struct symbolizer_place *place;
    u32 nplace, place_cap;
};

struct symbolizer_file {
    struct symbols *symbols; // NULL: could not be opened
    struct name_list names;  // instead of symbols, for the kernel and JIT code; may be empty
    struct str path;         // as it was asked for
    struct err error;        // why not
    bool is_reported;        // by symbolizer_trouble()
};

struct symbolizer_place {
    struct symbol_line *line;
    u32 nline;
};

void symbolizer_init(struct symbolizer *s, struct arena *a);
void symbolizer_close(struct symbolizer *s);

// Lines for the byte at offset of the file at path, innermost function first; their number, 0 when
// nothing is known.  Function names are the linker's.  What offsets are in the kernel and in JIT
// code, see kernel.h and name_list.h.
u32 symbolizer_find(struct symbolizer *s, struct str path, struct str build_id, u64 offset,
                    struct symbol_line **line);

// A file that could not be opened, or has no lines, and was not reported yet; false when there is
// none left.
bool symbolizer_trouble(struct symbolizer *s, struct str *path, struct err *why);

#endif
