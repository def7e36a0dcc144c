// Function names of the kernel and its modules, from what the kernel that runs here says, or from
// what perf kept when it recorded.
#ifndef OBJECT_KERNEL_H
#define OBJECT_KERNEL_H

#include "object/name_list.h"

// Whether a mapping with this filename is the kernel ("[kernel.kallsyms]_text") or a module
// ("[ext4]", "/lib/modules/.../ext4.ko.xz") of it.
bool kernel_is(struct str filename);

// Whether it is the kernel itself.
bool kernel_is_core(struct str filename);

// Names in it, by the distance from the symbol that the kernel's filename ends with, or from the
// module's start: these stay the same when the kernel moves at the next boot.  Fails when the
// kernel here is another one and nothing was kept, or when it hides its addresses.
bool kernel_open(struct name_list *l, struct str filename, struct str build_id, struct arena *a,
                 struct err *e);

// Build id of the kernel that runs here, in hex.
bool kernel_build_id(struct str *id, struct arena *a);

#endif
