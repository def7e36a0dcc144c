// What a flame graph's page draws: trees as columns, in JSON.  web/flame/data.js tells what is in
// it.
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "report/flametree.h"
#include "report/report.h"

enum {
    VERSION = 1,
    MOST_TREE_BYTES = 1000000, // about, of half of a tree's rows: as many may stand for rests
    ROW_BYTES = 12,            // about
    CELL_BYTES = 9,
    MOST_FUNCTIONS = 1000, // of the table, for each type and order
    CALLEES = 0,
    CALLERS,
    TREES
};

struct writer {
    struct json j;
    struct report *r;
    struct places places;
    u32 *type; // all columns
    bool is_diff;
    u32 *name_of;   // by place: its row in the page's names + 1; 0: not used
    u32 *place;     // by row of names
    u32 nname, cap; // row 0: what is too light
};

// The trees are made at the same time, each in its own arena.
struct tree_work {
    const struct writer *w;
    struct flametree_options options[TREES];
    struct flametree tree[TREES];
    struct arena arena[TREES];
};

static void build_tree(void *context, u32 part)
{
    struct tree_work *work = context;
    const struct writer *w = work->w;
    work->tree[part] =
        flametree_build(&w->r->p, &w->places, &work->options[part], &work->arena[part]);
}

static void build_trees(struct flametree tree[TREES], const struct writer *w)
{
    u32 ntype = w->r->p.ntype, ncell = w->is_diff ? 2 * ntype : ntype;
    struct tree_work work = {.w = w};
    for (u32 i = 0; i < TREES; i++) {
        work.options[i] =
            (struct flametree_options){.type = w->type,
                                       .ntype = ntype,
                                       .from_leaf = i == CALLERS,
                                       .most = MOST_TREE_BYTES / (ROW_BYTES + CELL_BYTES * ncell)};
        arena_init(&work.arena[i], SIZE_MAX);
    }
    parallel_run(build_tree, &work, TREES);
    for (u32 i = 0; i < TREES; i++) {
        arena_join(w->r->arena, &work.arena[i]);
        tree[i] = work.tree[i];
    }
}

// Whether any value is less than nothing.
static bool has_negative(const struct profile *p)
{
    size_t n = (size_t)p->nsample * p->ntype;
    for (size_t i = 0; i < n; i++) {
        if (p->value[i] < 0)
            return true;
    }
    return false;
}

static void text_field(struct json *j, const char *key, struct str text)
{
    json_key(j, key);
    json_str(j, text);
}

static void types(struct writer *w)
{
    const struct profile *p = &w->r->p;
    json_key(&w->j, "types");
    json_begin_array(&w->j);
    for (u32 i = 0; i < p->ntype; i++) {
        json_begin_object(&w->j);
        text_field(&w->j, "name", profile_string(p, p->type[i].type));
        text_field(&w->j, "unit", profile_string(p, p->type[i].unit));
        json_key(&w->j, "total");
        json_int(&w->j, report_total(w->r, i));
        json_end(&w->j);
    }
    json_end(&w->j);
}

// The lines that reports begin with.
static void header(struct writer *w)
{
    const struct report *r = w->r;
    struct buf lines;
    buf_init(&lines, SIZE_MAX / 2);
    report_profile_labels(&lines, r, "\n");
    for (u32 i = 0; i < r->nfilter; i++)
        buf_printf(&lines, "%.*s\n", STR_ARG(r->filter[i]));
    text_field(&w->j, "title", report_title(r));
    text_field(&w->j, "header", buf_str(&lines));
    buf_free(&lines);
    types(w);
    json_key(&w->j, "type");
    json_int(&w->j, r->values.type);
    text_field(&w->j, "unit", r->output_unit);
    json_key(&w->j, "ratio");
    json_double(&w->j, r->config.divide_by > 0 ? 1 / r->config.divide_by : 1);
    json_key(&w->j, "diff");
    json_bool(&w->j, w->is_diff);
    json_key(&w->j, "base");
    json_bool(&w->j, r->has_base);
}

// The row of a place's name; 0 for place 0.
static u32 name_row(struct writer *w, u32 place)
{
    if (place == 0)
        return 0;
    if (w->name_of[place] == 0) {
        w->name_of[place] = w->nname + 1;
        *arena_push(w->r->arena, w->place, w->nname, w->cap) = place;
    }
    return w->name_of[place] - 1;
}

static void amounts(struct writer *w, const char *key, const struct flametree *t, bool magnitudes)
{
    json_key(&w->j, key);
    json_begin_array(&w->j);
    for (u32 k = 0; k < t->ncolumn; k++) {
        json_begin_array(&w->j);
        for (u32 i = 0; i < t->n; i++) {
            const struct flame_amount *self = &flametree_self(t, i)[k];
            json_int(&w->j, magnitudes ? self->magnitude : self->value);
        }
        json_end(&w->j);
    }
    json_end(&w->j);
}

static void tree(struct writer *w, const char *key, const struct flametree *t)
{
    json_key(&w->j, key);
    json_begin_object(&w->j);
    json_key(&w->j, "parent");
    json_begin_array(&w->j);
    for (u32 i = 0; i < t->n; i++)
        json_int(&w->j, t->parent[i]);
    json_end(&w->j);
    json_key(&w->j, "name");
    json_begin_array(&w->j);
    for (u32 i = 0; i < t->n; i++)
        json_int(&w->j, name_row(w, t->place[i]));
    json_end(&w->j);
    amounts(w, "self", t, true);
    if (w->is_diff)
        amounts(w, "net", t, false);
    json_key(&w->j, "inlined");
    json_begin_array(&w->j);
    for (u32 i = 0; i < t->n; i++) {
        if (t->is_inline[i])
            json_int(&w->j, i);
    }
    json_end(&w->j);
    json_end(&w->j);
}

static int by_flat(const void *a, const void *b)
{
    i64 l = magnitude((*(const struct node *const *)a)->flat);
    i64 r = magnitude((*(const struct node *const *)b)->flat);
    return (l < r) - (l > r);
}

static int by_cum(const void *a, const void *b)
{
    i64 l = magnitude((*(const struct node *const *)a)->cum);
    i64 r = magnitude((*(const struct node *const *)b)->cum);
    return (l < r) - (l > r);
}

// Marks the first of a graph's nodes in an order.
static void mark_first(bool *is_wanted, const struct graph *g, struct arena *a,
                       int (*order)(const void *, const void *))
{
    const struct node **node = arena_new(a, const struct node *, g->nshown);
    for (u32 i = 0; i < g->nshown; i++)
        node[i] = &g->node[g->shown[i]];
    qsort(node, g->nshown, sizeof(const struct node *), order);
    for (u32 i = 0; i < g->nshown && i < MOST_FUNCTIONS; i++)
        is_wanted[node[i]->place] = true;
}

static void function_column(struct writer *w, const char *key, const struct graph *g,
                            const bool *is_wanted, bool flat)
{
    json_key(&w->j, key);
    json_begin_array(&w->j);
    for (u32 k = 0; k < w->r->p.ntype; k++) {
        json_begin_array(&w->j);
        for (u32 i = 1; i < w->places.nplace; i++) {
            if (is_wanted[i])
                json_int(&w->j, flat ? g[k].node[i].flat : g[k].node[i].cum);
        }
        json_end(&w->j);
    }
    json_end(&w->j);
}

// The heaviest functions of each type, counted from the samples: what is too light for the trees is
// in their sums.
static void functions(struct writer *w)
{
    const struct report *r = w->r;
    struct graph *g = arena_new(r->arena, struct graph, r->p.ntype);
    bool *is_wanted = arena_new(r->arena, bool, w->places.nplace);
    for (u32 k = 0; k < r->p.ntype; k++) {
        g[k] = graph_nodes(&r->p, (struct graph_values){.type = k}, w->places, false, r->arena);
        mark_first(is_wanted, &g[k], r->arena, by_flat);
        mark_first(is_wanted, &g[k], r->arena, by_cum);
    }
    json_key(&w->j, "functions");
    json_begin_object(&w->j);
    json_key(&w->j, "name");
    json_begin_array(&w->j);
    for (u32 i = 1; i < w->places.nplace; i++) {
        if (is_wanted[i])
            json_int(&w->j, name_row(w, i));
    }
    json_end(&w->j);
    function_column(w, "flat", g, is_wanted, true);
    function_column(w, "cum", g, is_wanted, false);
    json_end(&w->j);
}

// A function's name alone, with its file beside it; of other places, the name as reports print it.
static void names(struct writer *w)
{
    struct table files;
    table_init(&files, w->r->arena);
    json_key(&w->j, "names");
    json_begin_array(&w->j);
    for (u32 i = 0; i < w->nname; i++) {
        const struct place *p = &w->places.place[w->place[i]];
        bool is_function = p->name.len && !p->address && !p->line;
        json_str(&w->j, is_function ? p->name : w->places.name[w->place[i]]);
    }
    json_end(&w->j);
    json_key(&w->j, "file");
    json_begin_array(&w->j);
    for (u32 i = 0; i < w->nname; i++) {
        struct str file = w->places.place[w->place[i]].file;
        json_int(&w->j, file.len ? table_add_shared(&files, file) : 0);
    }
    json_end(&w->j);
    json_key(&w->j, "files");
    json_begin_array(&w->j);
    for (u32 i = 0; i < files.nkey; i++)
        json_str(&w->j, files.key[i]);
    json_end(&w->j);
}

void report_flame_data(struct buf *out, struct report *r)
{
    struct writer w = {.r = r};
    struct flametree trees[TREES];
    struct places_options o = {false, true, r->config.trim_path, r->config.source_path};
    json_init(&w.j, out);
    w.places = places_build(&r->p, &o, r->arena);
    w.name_of = arena_new(r->arena, u32, w.places.nplace);
    w.type = arena_new(r->arena, u32, r->p.ntype);
    for (u32 i = 0; i < r->p.ntype; i++)
        w.type[i] = i;
    arena_push(r->arena, w.place, w.nname, w.cap);
    w.is_diff = has_negative(&r->p);
    build_trees(trees, &w);
    json_begin_object(&w.j);
    json_key(&w.j, "version");
    json_int(&w.j, VERSION);
    header(&w);
    tree(&w, "callees", &trees[CALLEES]);
    tree(&w, "callers", &trees[CALLERS]);
    functions(&w);
    names(&w);
    json_end(&w.j);
}
