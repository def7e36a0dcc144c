// The unwind rules of an ELF file that is not running here: its .eh_frame, as the loader would lay
// it out.
#ifndef OBJECT_IMAGE_H
#define OBJECT_IMAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "object/eh_frame.h"

struct image_part {
    u64 offset, bytes; // in the file
    u64 address;       // that the byte at offset is linked to
};

struct image {
    struct eh_frame eh;
    u64 bias; // from addresses that the file is linked to, to those in eh
    struct image_part *part;
    u32 npart, part_cap;
};

// Reads the file at path, or the copy of it that perf keeps, whichever has the build id (any, when
// that is empty).
bool image_open(struct image *i, struct str path, struct str build_id, struct arena *a,
                struct err *e);

// The rule for the code at this offset of the file; see eh_frame_rule().
struct unwind_rule image_rule(const struct image *i, u64 offset);

#endif
