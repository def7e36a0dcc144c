#include <string.h>

#include "oom/known.h"
#include "oom/oom.h"

static bool read_areas(struct areas *out, const struct oom *o, struct arena *a)
{
    const struct record_header *h = &o->v.header;
    struct areas_block *block = arena_new(a, struct areas_block, o->nblock + 1);
    for (u32 i = 0; i < o->nblock; i++)
        block[i] = (struct areas_block){o->block[i].address, o->block[i].live.bytes};
    struct known_ranges room = {.cap = record_region_count(&o->v)};
    room.range = arena_new(a, struct areas_range, room.cap + 1);
    return known_read_areas(out, h->pid, h->start_ticks, block, o->nblock, room, &o->v);
}

static void add_seen(struct oom *o, const struct watch_account *account, struct arena *a)
{
    struct watch_account *seen = arena_new(a, struct watch_account, o->nseen + 1);
    if (o->nseen)
        memcpy(seen, o->seen, o->nseen * sizeof(*seen));
    seen[o->nseen++] = *account;
    o->seen = seen;
}

void oom_look(struct oom *o, struct arena *a)
{
    struct cgroup group, limiting;
    struct cgroup_state state;
    struct account_sources s = {0};
    if (!cgroup_of(&group, "/proc", o->v.header.pid) || !cgroup_read(&state, &group))
        return;
    limiting = cgroup_limiting(&group, &state);
    o->limit_bytes = state.limit_bytes;
    o->limit_group = arena_str(a, str_of(limiting.group));
    o->peak_bytes = state.peak_bytes;
    account_look(&s, "/proc", &limiting, o->v.header.pid);
    struct watch_account now = {.time_ns = o->end_ns, .live_bytes = (u64)o->live_bytes};
    if (!process_anon(&now.own_bytes, "/proc", o->v.header.pid) || !read_areas(&s.areas, o, a) ||
        !charge_read(&s.charge, &limiting) ||
        !process_anon(&now.own_after_bytes, "/proc", o->v.header.pid))
        return;
    now.charge = s.charge;
    now.account = account_build(&s);
    add_seen(o, &now, a);
    extent_look(s.areas.extent, "/proc", o->v.header.pid);
    memcpy(o->extent, s.areas.extent, sizeof(o->extent));
}
