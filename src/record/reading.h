// Making a profile of a record's stacks: what the readers of each kind share.
#ifndef RECORD_READING_H
#define RECORD_READING_H

#include "base/table.h"
#include "profile/build.h"
#include "record/read.h"

struct reading {
    const struct record_view *v;
    struct build b;
    struct table locations; // frame word -> position
    u32 *location;          // by position
    u32 nlocation, location_cap;
    u32 *mapping;      // profile row of a record row; of row 0, which is no file, see jit_mapping()
    bool is_jit_known; // whether jit_mapping() has made one
    u32 *stack_of;     // by sample: its stack's word offset
    u32 nstack_of, stack_of_cap;
};

// A label that a reader gives a sample, beside the program's own.
struct reading_label {
    struct str key;
    struct str text; // empty: the number counts
    i64 number;
    struct str unit;
};

void reading_init(struct reading *r, const struct record_view *v, struct arena *a);

// Names the types, as pairs of name and unit, and what one period is.
void reading_types(struct reading *r, const char *const (*type)[2], u32 ntype);
void reading_period(struct reading *r, const char *type, const char *unit, i64 period);

// Begins a sample: frames and labels of a stack, and extra labels (texts before numbers; NULL:
// none).  Its values follow.
void reading_sample(struct reading *r, const struct record_stack *s,
                    const struct reading_label *extra, u32 nextra);

// Begins a sample of one frame that has no address, like "[sonde]".
void reading_named_sample(struct reading *r, struct str name);

// Calls f for each stack of this kind, the overflow stack included, with its word offset.
void reading_stacks(struct reading *r, u16 kind,
                    void (*f)(struct reading *r, const struct record_stack *s, u32 word,
                              void *context),
                    void *context);

// The stack at a word offset; NULL when it does not lie whole inside its section.
const struct record_stack *reading_stack_at(const struct record_view *v, u32 word);

// A count of objects in 1/65536, rounded.
static inline i64 reading_objects(u64 fixed)
{
    return (i64)((fixed + 32768) >> 16);
}

#endif
