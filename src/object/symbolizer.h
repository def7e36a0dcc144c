// Addresses of processes -> lines, each file opened once and each address looked up once.
//
// A path is a file's, or one of the names that the kernel and perf give to code that is in no file:
// see kernel.h, name_list.h and vdso.h.
#ifndef OBJECT_SYMBOLIZER_H
#define OBJECT_SYMBOLIZER_H

#include "base/table.h"
#include "object/name_list.h"
#include "object/symbols.h"

// An address of a process, and what is known of the mapping that it is in.
struct symbolizer_query {
    struct str path, build_id; // build_id in hex; may be empty
    struct load_mapping mapping;
    u64 address;
};

struct symbolizer_file {
    struct symbolizer_query query; // the first for the file
    struct symbols *symbols;       // NULL: it is no ELF file, or could not be opened
    struct name_list names;        // of the kernel and JIT code; may be empty
    struct arena arena;            // of both
    struct err error;              // why neither is there
    bool names_only;               // see struct symbolizer
    bool is_open;                  // that is: was tried
    bool is_reported;              // by symbolizer_trouble()
};

struct symbolizer_place {
    u32 file;
    u64 linked; // address; of what is no ELF file, the offset in its list of names
    struct symbol_line *line;
    u32 nline;
    bool is_found; // that is: looked up
};

struct symbolizer {
    struct arena *arena;
    bool names_only;    // without lines: quicker
    struct table files; // path, NUL, build id -> row of file
    struct symbolizer_file *file;
    u32 nfile, file_cap;
    u32 last_file;       // that was asked for
    struct table places; // file row and address -> row of place
    struct symbolizer_place *place;
    u32 nplace, place_cap;
};

void symbolizer_init(struct symbolizer *s, struct arena *a);
void symbolizer_close(struct symbolizer *s);

// Whether addresses in a mapping of that path can be looked up: it is a file's, or code that the
// system has names for.
bool symbolizer_can(struct str path);

// Looks up many addresses at once, on all processors, for symbolizer_find() to find.
void symbolizer_prepare(struct symbolizer *s, const struct symbolizer_query *q, u32 n);

// Lines for an address, innermost function first, until the symbolizer is closed; their number, 0
// when nothing is known.  Function
// names are the linker's.
u32 symbolizer_find(struct symbolizer *s, const struct symbolizer_query *q,
                    struct symbol_line **line);

// What is wrong with a file that was asked for, and was not reported yet; false when there is none
// left.
bool symbolizer_trouble(struct symbolizer *s, struct str *path, struct err *why);

#endif
