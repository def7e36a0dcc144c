// What of the program's mappings is in memory, by stack.  The record has each mapping exactly, but
// not which pages of it were touched.  The last account has that of the longest areas, and the sum.
#include "oom/oom.h"

// Bytes of a region that are in memory.  What nobody looked at is short, or new: it counts as
// touched.
static double touched(const struct oom *o, const struct record_region *x)
{
    double bytes = 0, common, unseen = (double)x->length;
    for (u32 i = 0; i < EXTENTS; i++) {
        bytes += extent_touched(&o->extent[i], x->start, x->start + x->length, &common);
        unseen -= common;
    }
    return bytes + (unseen > 0 ? unseen : 0);
}

// Sets what a part holds, which is not more than its line of the account.
static void set_part(struct oom *o, enum record_part part, const double *of_stack)
{
    double sum = 0, most = (double)o->account.bytes[oom_line_of[part]];
    for (u32 i = oom_part_first(o, part); i < o->end[part]; i++)
        sum += of_stack[o->stack_of[i]];
    double scale = sum > most ? most / sum : 1;
    for (u32 i = oom_part_first(o, part); i < o->end[part]; i++)
        o->all.value[(size_t)i * o->all.ntype + OOM_COLUMN] =
            (i64)(of_stack[o->stack_of[i]] * scale);
}

void oom_map(struct oom *o, struct arena *a)
{
    struct record_region *region;
    u32 n = record_regions(&region, &o->v, a);
    double *of_stack = arena_new(a, double, o->v.header.section[RECORD_STACK_WORD].nrow);
    for (u32 i = 0; i < n; i++)
        of_stack[region[i].stack] += touched(o, &region[i]);
    set_part(o, RECORD_PART_MAPPED, of_stack);
    set_part(o, RECORD_PART_SHARED, of_stack);
}
