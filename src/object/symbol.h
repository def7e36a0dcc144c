// What an address is called.
#ifndef OBJECT_SYMBOL_H
#define OBJECT_SYMBOL_H

#include "base/str.h"

// One function at an address: the one whose code it is, or one that this was inlined into.
struct symbol_line {
    struct str function; // as the linker knows it (mangled); empty: not known
    struct str filename; // empty: not known
    i64 line, column;    // 0: not known
    i64 start_line;      // of the function; 0: not known
};

#endif
