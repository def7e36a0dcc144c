// Names as people write them.
#ifndef OBJECT_DEMANGLE_H
#define OBJECT_DEMANGLE_H

#include "base/arena.h"

// How much of a name is shown, as pprof's -symbolize=demangle=MODE says.
enum demangle_mode {
    DEMANGLE_DEFAULT,   // without parameters and template arguments
    DEMANGLE_TEMPLATES, // without parameters
    DEMANGLE_FULL,
    DEMANGLE_NONE,     // as the linker has it
    DEMANGLE_BINUTILS, // as objdump has it: all, with what the compiler added (" [clone .cold]")
};

// The source name of a symbol of C++ (Itanium), Rust (legacy, v0) or D; of another one, that looks
// like C++ already, without what the mode leaves out; else as it is.  Any bytes may be in it.
struct str demangle(struct str symbol, enum demangle_mode mode, struct arena *a);

#endif
