// Who held the live heap: the functions that allocated most of it, with their callers.
#include "oom/text.h"
#include "profile/filter.h"
#include "profile/unit.h"
#include "report/graph.h"

enum { MOST_FUNCTIONS = 10, MOST_CALLERS = 6 };

// The heaviest sample that ends in a place: whose stack stands for the place's callers.
static u32 heaviest_sample(const struct profile *p, const struct graph *g, u32 place)
{
    u32 best = UINT32_MAX;
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        if (s->nframe == 0 || g->places.of_line[g->places.first[p->frame[s->frame]]] != place)
            continue;
        if (best == UINT32_MAX ||
            profile_values(p, i)[OOM_COLUMN] > profile_values(p, best)[OOM_COLUMN])
            best = i;
    }
    return best;
}

static void add_callers(struct buf *out, const struct profile *p, const struct graph *g, u32 sample)
{
    const struct sample *s = &p->sample[sample];
    u32 added = 0;
    for (u32 k = 0; k < s->nframe; k++) {
        u32 location = p->frame[s->frame + k];
        for (u32 i = g->places.first[location]; i < g->places.first[location + 1]; i++) {
            if (k == 0 && i == g->places.first[location])
                continue;
            if (added++ == MOST_CALLERS) {
                buf_text(out, "                       ...\n");
                return;
            }
            buf_printf(out, "                       by %.*s\n",
                       STR_ARG(g->places.name[g->places.of_line[i]]));
        }
    }
}

void oom_heap_text(struct buf *out, const struct oom *o, struct arena *a)
{
    struct profile functions =
        filter_aggregate(&o->heap, (struct granularity){.inlines = true, .function = true}, a);
    struct places places = places_build(&functions, &(struct places_options){0}, a);
    struct graph g =
        graph_nodes(&functions, (struct graph_values){.type = OOM_COLUMN}, places, false, a);
    graph_sort(&g, GRAPH_BY_FLAT);
    buf_printf(out, "\nLive heap %s: %.*s in %u samples, one for %.*s on average\n",
               o->is_alive ? "now" : "at death", STR_ARG(verdict_bytes(o->live_bytes, a)),
               o->nblock, STR_ARG(verdict_bytes((i64)o->v.header.heap_rate_bytes, a)));
    buf_printf(out, "%12s %6s  %s\n", "bytes", "share", "held by");
    for (u32 i = 0; i < g.nshown && i < MOST_FUNCTIONS; i++) {
        const struct node *n = &g.node[g.shown[i]];
        if (n->flat == 0)
            break;
        buf_right(out, verdict_bytes(n->flat, a), 12);
        buf_printf(out, " %s  %.*s\n", unit_percent(n->flat, o->live_bytes).text,
                   STR_ARG(node_name(&g, g.shown[i])));
        u32 sample = heaviest_sample(&functions, &g, n->place);
        if (sample != UINT32_MAX)
            add_callers(out, &functions, &g, sample);
    }
}
