// The time line: the process's own ticks and the watcher's looks, as one.
#include <stdlib.h>

#include "oom/text.h"

static int by_time(const void *a, const void *b)
{
    u64 x = ((const struct oom_moment *)a)->time_ns, y = ((const struct oom_moment *)b)->time_ns;
    return (x > y) - (x < y);
}

static u32 gather(struct oom_moment *all, const struct oom *o)
{
    u32 n = 0;
    for (u32 i = 0; i < o->ntick; i++) {
        const struct record_tick *t = &o->tick[i];
        if (t->time_ns <= o->end_ns)
            all[n++] =
                (struct oom_moment){t->time_ns, t->live_bytes, t->rss_bytes, t->cgroup_bytes};
    }
    for (u32 i = 0; i < o->nlook; i++) {
        const struct watch_look *l = &o->look[i];
        if (l->time_ns <= o->end_ns)
            all[n++] = (struct oom_moment){l->time_ns, l->live_bytes, 0, l->usage_bytes};
    }
    if (n)
        qsort(all, n, sizeof(*all), by_time);
    return n;
}

u32 oom_moments(struct oom_moment **out, const struct oom *o, u32 most, struct arena *a)
{
    struct oom_moment *all = arena_new(a, struct oom_moment, o->ntick + o->nlook + 1);
    u32 n = gather(all, o), kept = 0, at = 0;
    *out = arena_new(a, struct oom_moment, most + 1);
    u64 end_ns = n ? all[n - 1].time_ns : 0, age_ns = n ? end_ns - all[0].time_ns : 0;
    for (u32 step = most; step > 0 && at < n && most > 1; step--) {
        u64 wanted_ns =
            (u64)((double)age_ns * (step - 1) * (step - 1) / ((most - 1.0) * (most - 1.0)));
        u32 from = at;
        while (at + 1 < n && end_ns - all[at + 1].time_ns >= wanted_ns)
            at++;
        if (step == most || at != from)
            (*out)[kept++] = all[at];
    }
    return kept;
}
