// What is known of one unit, made when it is first asked for: its functions by address, its lines,
// and the inlined calls of those functions that were asked for.  One thread's.
#ifndef OBJECT_DWARF_INDEX_H
#define OBJECT_DWARF_INDEX_H

#include "base/table.h"
#include "object/dwarf.h"
#include "object/symbol.h"

// One inlined call.
struct dwarf_call {
    u64 offset;       // of its entry
    u32 caller;       // row of the call that it is inside of; 0: the function itself
    u64 file;         // of the line table
    i64 line, column; // where it was called
};

// The inlined calls of one function.
struct dwarf_calls {
    struct extents ranges;   // address -> row of call
    struct dwarf_call *call; // from 1 on
    u32 ncall, call_cap;
};

struct dwarf_index {
    struct arena *arena;
    const struct dwarf_unit *unit;
    struct dwarf_functions functions;
    struct dwarf_calls **calls; // by function; NULL: not read yet
    struct dwarf_lines lines;
    struct table units; // that entries were read of -> row of abbrevs
    struct dwarf_abbrevs *abbrevs;
    u32 nabbrevs, abbrevs_cap;
    u32 *caller; // by depth, while a function's tree is read
    u32 caller_cap;
};

// All is allocated in a.
void dwarf_index_init(struct dwarf_index *x, const struct dwarf_unit *unit, struct arena *a);

// What the unit says of an address: the functions there, innermost first, with texts allocated in
// a; returns their number, at most cap.  A line of an unknown function is one without a name.
u32 dwarf_index_find(struct dwarf_index *x, u64 address, struct symbol_line *out, u32 cap,
                     struct arena *a);

#endif
