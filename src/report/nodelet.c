#include "report/nodelet.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "profile/unit.h"

// What a sample with a certain run of labels carries.
struct carried {
    u32 kind; // row of kinds
    i64 value;
};

struct kind {
    u32 text;
    bool is_size;
    struct str name;
    double weight; // sum of the magnitudes of all samples that carry it
};

struct run {
    u32 first, n; // in carried
    bool known;
};

// A nodelet while it is counted; found through slots by its node and kind.
struct count {
    u64 key; // node << 32 | kind; 0 free
    u32 first_sample;
    i64 value;
    i64 flat, flat_div, cum, cum_div;
};

struct counts {
    struct count *slot;
    u32 mask, n;
    struct arena *arena;
};

struct counter {
    const struct profile *p;
    const struct nodelet_options *o;
    struct arena *arena;
    struct table kinds, texts; // text row, size; labels joined
    struct kind *kind;
    u32 nkind, kind_cap;
    struct str *text;
    u32 ntext, text_cap;
    struct run *run; // by first label; the last for samples without labels
    struct carried *carried;
    u32 ncarried, carried_cap;
};

// Row of the sample's text labels, joined.
static u32 text_row(struct counter *c, const struct label *l, u32 n)
{
    struct str *part = arena_new(c->arena, struct str, n);
    u32 nparts = 0;
    for (u32 i = 0; i < n; i++) {
        if (l[i].text)
            part[nparts++] =
                arena_printf(c->arena, "%.*s:%.*s", STR_ARG(profile_string(c->p, l[i].key)),
                             STR_ARG(profile_string(c->p, l[i].text)));
    }
    if (nparts == 0)
        return 0;
    qsort(part, nparts, sizeof(*part), str_order);
    struct buf joined;
    buf_init(&joined, SIZE_MAX / 2);
    for (u32 i = 0; i < nparts; i++) {
        buf_text(&joined, i ? "\\n" : "");
        buf_add(&joined, part[i]);
    }
    u32 row = table_add(&c->texts, buf_str(&joined));
    if (row == c->ntext)
        *arena_push(c->arena, c->text, c->ntext, c->text_cap) = c->texts.key[row];
    buf_free(&joined);
    return row;
}

static u32 kind_row(struct counter *c, u32 text, bool is_size, struct str name)
{
    u32 row =
        table_add(&c->kinds, arena_printf(c->arena, "%u %d %.*s", text, is_size, STR_ARG(name)));
    if (row == c->nkind)
        *arena_push(c->arena, c->kind, c->nkind, c->kind_cap) =
            (struct kind){.text = text, .is_size = is_size, .name = arena_str(c->arena, name)};
    return row;
}

static void carry(struct counter *c, struct run *r, u32 kind, i64 value)
{
    *arena_push(c->arena, c->carried, c->ncarried, c->carried_cap) = (struct carried){kind, value};
    r->n++;
}

static struct run *known_run(const struct counter *c, const struct sample *s)
{
    return &c->run[s->nlabel ? s->label : c->p->nlabel];
}

// The same, found out when it is asked for the first time.
static struct run *run_of(struct counter *c, const struct sample *s)
{
    struct run *r = known_run(c, s);
    if (r->known)
        return r;
    *r = (struct run){.first = c->ncarried, .known = true};
    const struct label *l = profile_labels(c->p, s);
    u32 text = text_row(c, l, s->nlabel);
    if (text)
        carry(c, r, kind_row(c, text, false, STR("")), 0);
    for (u32 i = 0; i < s->nlabel; i++) {
        if (l[i].text || !str_equal(profile_string(c->p, l[i].key), STR("bytes")))
            continue;
        struct buf name;
        buf_init(&name, SIZE_MAX / 2);
        unit_label(&name, l[i].number, c->o->size_unit, c->o->output_unit);
        carry(c, r, kind_row(c, text, true, buf_str(&name)), l[i].number);
        buf_free(&name);
    }
    return r;
}

// Leaves out kinds that are too light in the whole profile, since they are in each node as well;
// that keeps the number of counts small where labels are different in each sample.
static void find_kinds(struct counter *c)
{
    for (u32 i = 0; i < c->p->nsample; i++) {
        const struct run *r = run_of(c, &c->p->sample[i]);
        i64 weight = profile_values(c->p, i)[c->o->values.type];
        for (u32 k = r->first; k < r->first + r->n; k++)
            c->kind[c->carried[k].kind].weight += (double)magnitude(weight);
    }
    for (u32 i = 0; i <= c->p->nlabel; i++) {
        struct run *r = &c->run[i];
        u32 n = 0;
        for (u32 k = r->first; k < r->first + r->n; k++) {
            if (c->kind[c->carried[k].kind].weight >= (double)c->o->least)
                c->carried[r->first + n++] = c->carried[k];
        }
        r->n = n;
    }
}

static void start(struct counter *c, const struct profile *p, const struct nodelet_options *o,
                  struct arena *a)
{
    *c = (struct counter){.p = p, .o = o, .arena = a};
    table_init(&c->kinds, a);
    table_init(&c->texts, a);
    arena_push(a, c->kind, c->nkind, c->kind_cap);
    arena_push(a, c->text, c->ntext, c->text_cap);
    c->run = arena_new(a, struct run, (size_t)p->nlabel + 1);
    find_kinds(c);
}

static struct counts no_counts(struct arena *a)
{
    enum { FIRST_SLOTS = 1024 };
    return (struct counts){arena_new(a, struct count, FIRST_SLOTS), FIRST_SLOTS - 1, 0, a};
}

static struct count *find(const struct counts *c, u64 key)
{
    u32 i = (u32)(key * 0x9e3779b97f4a7c15 >> 32) & c->mask;
    while (c->slot[i].key && c->slot[i].key != key)
        i = (i + 1) & c->mask;
    return &c->slot[i];
}

static void double_slots(struct counts *c)
{
    const struct count *old = c->slot;
    u32 old_mask = c->mask;
    c->mask = old_mask * 2 + 1;
    c->slot = arena_new(c->arena, struct count, (size_t)c->mask + 1);
    for (u32 i = 0; i <= old_mask; i++) {
        if (old[i].key)
            *find(c, old[i].key) = old[i];
    }
}

// The nodelet with this key; of all of its samples the first gives the value that is printed.
static struct count *find_or_add(struct counts *c, u64 key, u32 sample, i64 value)
{
    struct count *n = find(c, key);
    if (!n->key) {
        if (++c->n > c->mask / 2) {
            double_slots(c);
            n = find(c, key);
        }
        *n = (struct count){.key = key, .first_sample = sample, .value = value};
    }
    if (sample < n->first_sample) {
        n->first_sample = sample;
        n->value = value;
    }
    return n;
}

// Adds a sample to the nodelets of a node.
static void add(struct counts *to, const struct counter *c, u32 node, u32 sample, bool is_leaf,
                bool is_new)
{
    const struct run *r = known_run(c, &c->p->sample[sample]);
    const i64 *value = profile_values(c->p, sample);
    i64 weight = value[c->o->values.type], div = c->o->values.mean ? value[0] : 0;
    for (u32 k = r->first; k < r->first + r->n; k++) {
        u64 key = (u64)node << 32 | c->carried[k].kind;
        struct count *n = find_or_add(to, key, sample, c->carried[k].value);
        n->cum += is_new ? weight : 0;
        n->cum_div += is_new ? div : 0;
        n->flat += is_leaf ? weight : 0;
        n->flat_div += is_leaf ? div : 0;
    }
}

static void join(struct counts *to, const struct counts *from)
{
    for (u32 i = 0; i <= from->mask; i++) {
        const struct count *f = &from->slot[i];
        if (!f->key)
            continue;
        struct count *n = find_or_add(to, f->key, f->first_sample, f->value);
        n->cum += f->cum;
        n->cum_div += f->cum_div;
        n->flat += f->flat;
        n->flat_div += f->flat_div;
    }
}

static bool is_heavy(const struct counter *c, const struct count *n)
{
    return n->key && (magnitude(n->flat) >= c->o->least || magnitude(n->cum) >= c->o->least);
}

// The counts that are heavy enough, by node.
static struct nodelets finish(struct counter *c, const struct counts *counts, u32 nnode)
{
    struct nodelets out = {.text = c->text, .unit = c->o->size_unit};
    out.first = arena_new(c->arena, u32, (size_t)nnode + 2);
    u32 n = 0;
    for (u32 i = 0; i <= counts->mask; i++) {
        if (is_heavy(c, &counts->slot[i])) {
            out.first[(counts->slot[i].key >> 32) + 2]++;
            n++;
        }
    }
    for (u32 i = 1; i < nnode + 2; i++)
        out.first[i] += out.first[i - 1];
    out.row = arena_new(c->arena, struct nodelet, n);
    for (u32 i = 0; i <= counts->mask; i++) {
        const struct count *from = &counts->slot[i];
        if (!is_heavy(c, from))
            continue;
        const struct kind *kind = &c->kind[(u32)from->key];
        out.row[out.first[(from->key >> 32) + 1]++] =
            (struct nodelet){kind->text, kind->is_size,  kind->name, from->value,
                             from->flat, from->flat_div, from->cum,  from->cum_div};
    }
    return out;
}

struct part {
    const struct graph *g;
    const struct counter *c;
    const bool *kept;
    u32 first, last; // samples
    struct counts counts;
    struct arena arena;
};

static void count_frames(struct part *t, u32 sample, u32 *stamp)
{
    const struct profile *p = t->c->p;
    const struct sample *s = &p->sample[sample];
    const u32 *first = t->g->places.first, *of_line = t->g->places.of_line;
    for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
        for (u32 l = first[p->frame[k]]; l < first[p->frame[k] + 1]; l++) {
            u32 node = of_line[l];
            if (!t->kept[node])
                continue;
            bool is_leaf = k == s->frame && l == first[p->frame[k]];
            if (is_leaf || stamp[node] != sample + 1)
                add(&t->counts, t->c, node, sample, is_leaf, stamp[node] != sample + 1);
            stamp[node] = sample + 1;
        }
    }
}

static void count_part(void *parts, u32 number)
{
    struct part *t = (struct part *)parts + number;
    struct graph_values v = t->c->o->values;
    u32 *stamp = arena_new(&t->arena, u32, t->g->nnode);
    t->counts = no_counts(&t->arena);
    for (u32 i = t->first; i < t->last; i++) {
        const i64 *value = profile_values(t->c->p, i);
        if (known_run(t->c, &t->c->p->sample[i])->n && (value[v.type] || (v.mean && value[0])))
            count_frames(t, i, stamp);
    }
}

struct nodelets nodelets_of_graph(const struct graph *g, const struct profile *p, const bool *kept,
                                  const struct nodelet_options *o)
{
    struct counter c;
    struct part part[PARALLEL_MOST];
    struct parallel_division d = parallel_divide(p->nsample, GRAPH_LEAST_SAMPLES);
    start(&c, p, o, g->arena);
    for (u32 i = 0; i < d.n; i++) {
        part[i] = (struct part){.g = g, .c = &c, .kept = kept};
        part[i].first = parallel_first(d, i);
        part[i].last = parallel_first(d, i + 1);
        arena_init(&part[i].arena, SIZE_MAX);
    }
    parallel_run(count_part, part, d.n);
    for (u32 i = 1; i < d.n; i++)
        join(&part[0].counts, &part[i].counts);
    struct nodelets out = finish(&c, &part[0].counts, g->nnode);
    for (u32 i = 0; i < d.n; i++)
        arena_free(&part[i].arena);
    return out;
}

struct tree_walk {
    struct counter c;
    struct counts counts;
    const u32 *order; // nodes in the order of their serials
    const u32 *serial;
    u32 n, next;
};

enum { ROW }; // in stack_level.data: the node

static void enter(void *context, struct stack_level *l)
{
    struct tree_walk *w = context;
    if (w->next < w->n && w->serial[w->order[w->next]] == l->serial)
        l->data[ROW] = w->order[w->next++];
}

static void count_sample(void *context, struct stack_level *l, u32 depth, u32 sample)
{
    struct tree_walk *w = context;
    for (u32 i = 0; i < depth; i++) {
        if (l[-(i64)i].data[ROW])
            add(&w->counts, &w->c, l[-(i64)i].data[ROW], sample, i == 0, true);
    }
}

static int by_serial(const void *a, const void *b, void *serial)
{
    const u32 *column = serial;
    u32 l = column[*(const u32 *)a], r = column[*(const u32 *)b];
    return (l > r) - (l < r);
}

struct nodelets nodelets_of_tree(const struct graph *g, const u32 *serial, const struct stacks *s,
                                 const struct nodelet_options *o)
{
    struct tree_walk w = {.serial = serial, .n = g->nshown};
    start(&w.c, s->p, o, g->arena);
    w.counts = no_counts(g->arena);
    u32 *order = arena_new(g->arena, u32, g->nshown);
    for (u32 i = 0; i < g->nshown; i++)
        order[i] = g->shown[i];
    qsort_r(order, g->nshown, sizeof(*order), by_serial, (void *)(uintptr_t)serial);
    w.order = order;
    stacks_walk(s, &(struct stack_visitor){.context = &w, .enter = enter, .sample = count_sample});
    return finish(&w.c, &w.counts, g->nnode);
}

u32 nodelets_flat(const struct nodelets *n, u32 node)
{
    u32 count = 0;
    for (u32 i = n->first[node]; i < n->first[node + 1]; i++)
        count += n->row[i].flat != 0;
    return count;
}
