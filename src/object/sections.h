// The sections of an ELF file that hold its debug information.
#ifndef OBJECT_SECTIONS_H
#define OBJECT_SECTIONS_H

#include <libelf.h>

#include "object/dwarf.h"

// Reads them into d->section, unpacked.  is_split: those of units that were split off (".dwo").
// They live as long as elf and a.
void sections_read(struct dwarf *d, Elf *elf, bool is_split, struct arena *a);

// Adds the linked addresses of the sections that hold code.
void sections_add_code(struct extents *code, Elf *elf);

#endif
