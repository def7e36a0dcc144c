// What is known of one unit, made when it is first asked for: its functions by address, its lines,
// and the inlined calls of the function that was asked for last.  One thread's.
#ifndef OBJECT_DWARF_INDEX_H
#define OBJECT_DWARF_INDEX_H

#include "object/dwarf_reader.h"
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
    struct dwarf_reader *reader;
    struct arena *arena; // the reader's
    const struct dwarf_unit *unit;
    struct dwarf_functions functions;
    struct dwarf_calls calls; // of the function that was asked for last
    u32 calls_function;       // its row; 0: there was none
    struct dwarf_lines lines;
    u32 *caller; // by depth, while a function's tree is read
    u32 caller_cap;
};

// All is allocated in the reader's arena.
void dwarf_index_init(struct dwarf_index *x, const struct dwarf_unit *unit, struct dwarf_reader *r);

// What the unit says of an address: the functions there, innermost first; returns their number, at
// most cap.  A line of an unknown function is one without a name.  Names are the file's own
// texts; paths are allocated in a, once, so that is always the same.
u32 dwarf_index_find(struct dwarf_index *x, u64 address, struct symbol_line *out, u32 cap,
                     struct arena *a);

#endif
