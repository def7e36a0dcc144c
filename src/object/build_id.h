// Which file an ELF file is.
#ifndef OBJECT_BUILD_ID_H
#define OBJECT_BUILD_ID_H

#include "base/arena.h"
#include "base/str.h"

// Whether there is an ELF file at path; *id gets its build id in hex, empty when it has none.
bool build_id_read(struct str *id, const char *path, struct arena *a);

// Path of the copy that "perf record" keeps of a file that ran: of its ELF file, or of the vdso.
// There need not be one.
struct str build_id_kept(struct str id, bool is_vdso, struct arena *a);

// The id's bytes in hex.
struct str build_id_hex(const void *bytes, size_t n, struct arena *a);

#endif
