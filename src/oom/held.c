// Who held memory: the functions that allocated most of the live heap, or mapped most of what is in
// memory, with their callers; and under which labels.
#include "oom/text.h"
#include "profile/filter.h"
#include "profile/unit.h"
#include "report/graph.h"

enum { MOST_FUNCTIONS = 10, MOST_CALLERS = 6, MOST_LABELS = 12 };

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

static void add_functions(struct buf *out, const struct profile *p, i64 whole, struct arena *a)
{
    struct profile functions =
        filter_aggregate(p, (struct granularity){.inlines = true, .function = true}, a);
    struct places places = places_build(&functions, &(struct places_options){0}, a);
    struct graph g =
        graph_nodes(&functions, (struct graph_values){.type = OOM_COLUMN}, places, false, a);
    graph_sort(&g, GRAPH_BY_FLAT);
    for (u32 i = 0; i < g.nshown && i < MOST_FUNCTIONS; i++) {
        const struct node *n = &g.node[g.shown[i]];
        if (n->flat == 0)
            break;
        buf_right(out, verdict_bytes(n->flat, a), 12);
        buf_printf(out, " %s  %.*s\n", unit_percent(n->flat, whole).text,
                   STR_ARG(node_name(&g, g.shown[i])));
        u32 sample = heaviest_sample(&functions, &g, n->place);
        if (sample != UINT32_MAX)
            add_callers(out, &functions, &g, sample);
    }
}

static void add_part(struct buf *out, const struct oom *o, enum record_part part, const char *what,
                     struct arena *a)
{
    struct profile p = oom_part(o, part);
    i64 whole = oom_part_bytes(o, part);
    if (whole == 0)
        return;
    buf_printf(out, "\n%s: %.*s in memory\n%12s %6s  %s\n", what, STR_ARG(verdict_bytes(whole, a)),
               "bytes", "share", "mapped by");
    add_functions(out, &p, whole, a);
}

static void add_labels(struct buf *out, const struct oom *o, struct arena *a)
{
    struct oom_labels *l;
    u32 n = oom_labels(&l, o, a);
    if (n == 0)
        return;
    buf_printf(out, "\nBy label: %u set%s of labels hold%s memory\n%12s %12s  %s\n", n,
               n == 1 ? "" : "s", n == 1 ? "s" : "", "bytes", "since", "labels");
    for (u32 i = 0; i < n && i < MOST_LABELS; i++) {
        buf_right(out, verdict_bytes(l[i].heap_bytes + l[i].mapped_bytes, a), 12);
        buf_right(out, l[i].blocks ? verdict_since(o, l[i].first_s, a) : STR(""), 13);
        buf_printf(out, "  %.*s\n", STR_ARG(l[i].text));
    }
    if (n > MOST_LABELS)
        buf_printf(out, "%27s %u more\n", "", n - MOST_LABELS);
}

// What most was, where that was much more than is left.
static void add_peak(struct buf *out, const struct oom *o, struct arena *a)
{
    const struct record_header *h = &o->v.header;
    if ((i64)h->peak_bytes <= o->live_bytes + o->live_bytes / 20)
        return;
    struct profile peak = oom_part(o, RECORD_PART_PEAK);
    buf_printf(out, "\nMost that was live: %.*s, %.*s before the end\n%12s %6s  %s\n",
               STR_ARG(verdict_bytes((i64)h->peak_bytes, a)),
               STR_ARG(verdict_time((double)(i64)(o->end_ns - h->peak_time_ns) / 1e9, a)), "bytes",
               "share", "held by");
    add_functions(out, &peak, oom_part_bytes(o, RECORD_PART_PEAK), a);
}

void oom_held_text(struct buf *out, const struct oom *o, struct arena *a)
{
    buf_printf(out, "\nLive heap %s: %.*s in %u samples, one for %.*s on average\n",
               o->is_alive ? "now" : "at death", STR_ARG(verdict_bytes(o->live_bytes, a)),
               o->nblock, STR_ARG(verdict_bytes((i64)o->v.header.heap_rate_bytes, a)));
    buf_printf(out, "%12s %6s  %s\n", "bytes", "share", "held by");
    add_functions(out, &o->heap, o->live_bytes, a);
    add_part(out, o, RECORD_PART_MAPPED, "Mappings by mmap()", a);
    add_part(out, o, RECORD_PART_SHARED, "Shared memory by mmap()", a);
    add_labels(out, o, a);
    add_peak(out, o, a);
}
