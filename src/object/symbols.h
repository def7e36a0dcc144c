// Symbols of one ELF file: address -> function, file, line and the calls that were inlined there.
// For readers outside of the profiled process.
#ifndef OBJECT_SYMBOLS_H
#define OBJECT_SYMBOLS_H

#include "base/arena.h"
#include "base/err.h"
#include "object/load.h"
#include "object/symbol.h"

struct symbols; // one open file

// Opens the file at path; build_id (in hex, may be empty) must be the file's, or else it is another
// file than the one that ran: EBADMSG.  names_only: without lines, which is quicker.  All is
// allocated in a.
bool symbols_open(struct symbols **out, const char *path, struct str build_id, bool names_only,
                  struct arena *a, struct err *e);
void symbols_close(struct symbols *s);

// What is missing in the file, which a person knows by path, and what to do about it; false when
// nothing is.
bool symbols_lack(const struct symbols *s, struct str path, struct err *why);

// The linked address for an address of a process that has the file mapped so; false when the file
// has nothing there.
bool symbols_link(const struct symbols *s, u64 *linked, const struct load_mapping *m, u64 address);

// Functions at a linked address, innermost first, with texts allocated in a; returns their number,
// at most cap.
u32 symbols_find(struct symbols *s, u64 linked, struct symbol_line *out, u32 cap, struct arena *a);

// The folder that the compiler ran in for the code at a linked address; empty: not known.
struct str symbols_folder(const struct symbols *s, u64 linked);

// libdwfl's view of the file, for those that read other parts of it.
struct Dwfl_Module *symbols_module(const struct symbols *s);

// For many addresses: those of one unit are looked up together, and units in different threads.

// Number of the unit that a linked address belongs to; 0: none.
u32 symbols_unit(const struct symbols *s, u64 linked);

struct symbols_part; // one thread's view of one unit
struct dwarf_reader; // what the thread keeps for all units

// From here on the reader reads units of this file.
void symbols_start(const struct symbols *s, struct dwarf_reader *r);

// Opens a unit; all is allocated in the reader's arena, and lost when that is freed.
struct symbols_part *symbols_part_open(struct symbols *s, u32 unit, struct dwarf_reader *r);
void symbols_part_close(struct symbols_part *part);

// The same as symbols_find() for an address of the unit; but the texts are allocated in a, which is
// always the same, or are the file's, so they live as long as both.
u32 symbols_part_find(struct symbols_part *part, u64 linked, struct symbol_line *out, u32 cap,
                      struct arena *a);

#endif
