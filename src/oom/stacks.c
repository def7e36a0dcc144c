// Sums by stack: samples of one stack differ by their labels.
#include "base/table.h"
#include "oom/oom.h"

static void find_first(u32 *first, const struct oom *o, enum record_part part, struct arena *a)
{
    struct table frames;
    u32 begin = oom_part_first(o, part);
    u32 *of_row = arena_new(a, u32, o->end[part] - begin + 1);
    table_init(&frames, a);
    for (u32 i = begin; i < o->end[part]; i++) {
        const struct sample *s = &o->all.sample[i];
        const u32 *frame = o->all.frame + s->frame;
        u32 before = frames.nkey;
        u32 row = table_add_shared(&frames,
                                   (struct str){(const char *)frame, s->nframe * sizeof(*frame)});
        if (frames.nkey != before && row)
            of_row[row] = i;
        first[i] = row ? of_row[row] : i;
    }
}

u32 *oom_stacks(const struct oom *o, struct arena *a)
{
    u32 *first = arena_new(a, u32, o->all.nsample + 1);
    for (enum record_part part = 0; part < RECORD_PARTS; part++)
        find_first(first, o, part, a);
    return first;
}

struct oom_stack oom_heaviest(const struct oom *o, enum record_part part, struct arena *a)
{
    struct oom_stack best = {.sample = UINT32_MAX};
    const u32 *first = oom_stacks(o, a);
    struct oom_stack *sum = arena_new(a, struct oom_stack, o->all.nsample + 1);
    for (u32 i = oom_part_first(o, part); i < o->end[part]; i++) {
        const i64 *value = profile_values(&o->all, i);
        struct oom_stack *s = &sum[first[i]];
        s->sample = first[i];
        s->bytes += value[OOM_COLUMN];
        s->blocks += (u64)value[OOM_COLUMN - 1];
        if (s->bytes > best.bytes)
            best = *s;
    }
    return best;
}
