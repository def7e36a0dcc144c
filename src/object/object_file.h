// One ELF file, and the files that hold its symbols and debug information: itself, what
// .gnu_debuglink or its build id name, dwz's common file, and what debuginfod's servers have
// (DEBUGINFOD_URLS).  They are found and opened by libdwfl; the debug information is read by
// dwarf.h.
#ifndef OBJECT_OBJECT_FILE_H
#define OBJECT_OBJECT_FILE_H

#include <elfutils/libdwfl.h>

#include "base/err.h"
#include "object/dwarf.h"
#include "object/load.h"
#include "object/names.h"

struct object_file {
    struct str path;
    struct str build_id; // in hex; empty: none
    struct load load;
    struct names names; // by linked address
    struct dwarf dwarf, alt;
    u64 dwarf_shift; // from linked addresses to those that the debug information has (prelink)
    struct extents code;
    struct str debug_path; // of the file that the debug information would be in
    struct str lost;       // a file that the debug information needs and that was not found

    struct arena *arena;
    struct arena names_arena; // of names, which a thread of its own reads
    Dwfl *dwfl;
    Dwfl_Module *module;
    int nsymbol; // of the module
    Elf *elf;
    GElf_Addr bias; // of libdwfl's addresses against linked ones
};

// All is allocated in a.  Fails when the file cannot be read or is no ELF file.
bool object_file_open(struct object_file *f, const char *path, bool names_only, struct arena *a,
                      struct err *e);
void object_file_close(struct object_file *f);

#endif
