// Symbols of ELF files: address -> function, file, line and the calls that were inlined there.  For
// readers outside of the profiled process: it takes what libdw finds, be it in the file, in
// /usr/lib/debug or from debuginfod.
#ifndef OBJECT_SYMBOLS_H
#define OBJECT_SYMBOLS_H

#include "base/arena.h"
#include "base/err.h"

// One function at an address.
struct symbol_line {
    struct str function; // as the linker knows it (mangled); empty: not known
    struct str filename; // empty: not known
    i64 line, column;    // 0: not known
    i64 start_line;      // of the function; 0: not known
};

struct symbols; // one open file

// Opens the file at path; build_id (in hex, may be empty) must be the file's, or else it is another
// file than the one that ran: EBADMSG.  All that is found is allocated in a.
bool symbols_open(struct symbols **out, const char *path, struct str build_id, struct arena *a,
                  struct err *e);
void symbols_close(struct symbols *s);

// Whether the file has debug information, and not just a symbol table.
bool symbols_have_lines(const struct symbols *s);

// Functions at the byte of the file that lies at offset, innermost first; returns their number, at
// most cap.
u32 symbols_find(struct symbols *s, u64 offset, struct symbol_line *out, u32 cap);

// The address that the byte of the file at offset is linked to.  False when it is loaded nowhere.
bool symbols_linked(const struct symbols *s, u64 offset, u64 *address);

// As symbols_find(), at a linked address.
u32 symbols_at(struct symbols *s, u64 address, struct symbol_line *out, u32 cap);

// The folder that the compiler ran in for the code at a linked address; empty: not known.
struct str symbols_folder(struct symbols *s, u64 address);

// libdwfl's view of the file, for those that read other parts of it.
struct Dwfl_Module *symbols_module(const struct symbols *s);

#endif
