// What a process holds, of all kinds: one profile, so that it is symbolized once.
#include "record/parts.h"

struct profile record_holdings(const struct record_view *v, u32 end[RECORD_PARTS], u32 **stack_of,
                               struct arena *a)
{
    struct reading r;
    reading_init(&r, v, a);
    reading_types(&r, part_types, PART_NTYPE);
    const struct mapped *mapped = part_regions(&r);
    part_heap(&r, false, 0);
    end[RECORD_PART_HEAP] = r.b.p.nsample;
    part_mapped(&r, mapped, 1U << RECORD_MAP_PRIVATE);
    end[RECORD_PART_MAPPED] = r.b.p.nsample;
    part_mapped(&r, mapped, 1U << RECORD_MAP_SHARED);
    end[RECORD_PART_SHARED] = r.b.p.nsample;
    part_peak(&r);
    end[RECORD_PART_PEAK] = r.b.p.nsample;
    reading_period(&r, "space", "bytes", (i64)v->header.heap_rate_bytes);
    r.b.p.drop_frames = build_string(&r.b, STR(DROP_FRAMES));
    *stack_of = r.stack_of;
    return r.b.p;
}
