// Debug information that was split off from a file (-gsplit-dwarf): a .dwo file for each unit, or
// one .dwp file that holds them all.
#ifndef OBJECT_SPLIT_H
#define OBJECT_SPLIT_H

#include <libelf.h>

#include "object/dwarf.h"

// An open .dwo or .dwp file.
struct split_file {
    Elf *elf; // NULL: there is none
    struct dwarf whole;
    struct str index; // of a .dwp file: .debug_cu_index
};

// Opens the package that belongs to the file at path: path.dwp, where that is.
void split_open_package(struct split_file *f, struct str path, struct arena *a);
void split_close(struct split_file *f);

// One unit that was split off.
struct split {
    struct split_file file;        // its own .dwo file, when it has one
    struct dwarf dwarf;            // its part of that file, or of the package
    const struct dwarf_unit *unit; // NULL: not found
};

// Finds the other part of a skeleton: in the package, or in the .dwo file where the compiler put
// it, or beside the file at path.  All is allocated in a.
void split_find(struct split *s, const struct split_file *package,
                const struct dwarf_unit *skeleton, struct str path, struct arena *a);

#endif
