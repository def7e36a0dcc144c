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
    LIGHT_TREE_BYTES = 250000, // the same, of one that comes over a network
    ROW_BYTES = 12,            // about
    CELL_BYTES = 9,
    MOST_FUNCTIONS = 1000, // of the table, for each column and order
    CALLEES = 0,
    CALLERS,
    TREES,
    PARTS = 2, // that count at the same time
};

// What each place holds itself, and with all that it called: by place and column.
struct functions {
    i64 *flat, *cum;
};

struct writer {
    struct json j;
    struct report *r;
    struct places places;
    u32 *type; // columns of the profile that are told of
    u32 ntype;
    enum flame_part part;
    bool is_diff;
    u32 *name_of;   // by place: its row in the page's names + 1; 0: not used
    u32 *place;     // by row of names
    u32 nname, cap; // row 0: what is too light
};

// What is counted of the samples: in one thread the trees, one after the other in the same memory,
// in another the functions.
struct count {
    const struct writer *w;
    struct flametree_options options[TREES];
    struct flametree tree[TREES];
    struct functions functions;
    struct arena arena[PARTS];
};

static void add_values(i64 *to, const i64 *value, const struct writer *w)
{
    for (u32 k = 0; k < w->ntype; k++)
        to[k] += value[w->type[k]];
}

// A place counts once a sample, however often it is in the stack.
static void count_functions(struct functions *out, const struct writer *w, struct arena *a)
{
    const struct profile *p = &w->r->p;
    const u32 *first = w->places.first, *of_line = w->places.of_line;
    u32 *stamp = arena_new(a, u32, w->places.nplace);
    out->flat = arena_new(a, i64, (size_t)w->places.nplace * w->ntype);
    out->cum = arena_new(a, i64, (size_t)w->places.nplace * w->ntype);
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        const i64 *value = profile_values(p, i);
        for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
            for (u32 n = first[p->frame[k]]; n < first[p->frame[k] + 1]; n++) {
                if (stamp[of_line[n]] == i + 1)
                    continue;
                stamp[of_line[n]] = i + 1;
                add_values(out->cum + (size_t)of_line[n] * w->ntype, value, w);
            }
        }
        if (s->nframe) {
            size_t leaf = of_line[first[p->frame[s->frame]]];
            add_values(out->flat + leaf * w->ntype, value, w);
        }
    }
}

// The same of one column, as tables count it.
static void count_column(struct functions *out, const struct writer *w, struct arena *a)
{
    struct graph g =
        graph_nodes(&w->r->p, (struct graph_values){.type = w->type[0]}, w->places, false, a);
    out->flat = arena_new(a, i64, w->places.nplace);
    out->cum = arena_new(a, i64, w->places.nplace);
    for (u32 i = 1; i < w->places.nplace; i++) {
        out->flat[i] = g.node[i].flat;
        out->cum[i] = g.node[i].cum;
    }
}

static u32 trees(const struct writer *w)
{
    return w->part == FLAME_WHOLE ? TREES : w->part == FLAME_TREE ? 1 : 0;
}

static void count_part(void *context, u32 part)
{
    struct count *c = context;
    const struct writer *w = c->w;
    if (part == 1 && w->part == FLAME_WHOLE)
        count_functions(&c->functions, w, &c->arena[part]);
    if (part == 1 && w->part == FLAME_FUNCTIONS)
        count_column(&c->functions, w, &c->arena[part]);
    for (u32 i = 0; i < trees(w) && part == 0; i++)
        c->tree[i] = flametree_build(&w->r->p, &w->places, &c->options[i], &c->arena[part]);
}

static void count_all(struct count *c, const struct writer *w)
{
    u32 ncell = w->is_diff ? 2 * w->ntype : w->ntype;
    u32 most_bytes = w->part == FLAME_WHOLE ? MOST_TREE_BYTES : LIGHT_TREE_BYTES;
    bool is_callers = str_equal(w->r->parameter, STR("callers"));
    *c = (struct count){.w = w};
    for (u32 i = 0; i < trees(w); i++)
        c->options[i] =
            (struct flametree_options){.type = w->type,
                                       .ntype = w->ntype,
                                       .from_leaf = i == CALLERS || is_callers,
                                       .most = most_bytes / (ROW_BYTES + CELL_BYTES * ncell)};
    for (u32 i = 0; i < PARTS; i++)
        arena_init(&c->arena[i], SIZE_MAX);
    parallel_run(count_part, c, PARTS);
    for (u32 i = 0; i < PARTS; i++)
        arena_join(w->r->arena, &c->arena[i]);
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

static void types(struct writer *w)
{
    const struct profile *p = &w->r->p;
    json_key(&w->j, "types");
    json_begin_array(&w->j);
    for (u32 i = 0; i < w->ntype; i++) {
        const struct value_type *t = &p->type[w->type[i]];
        json_begin_object(&w->j);
        json_str_field(&w->j, "name", profile_string(p, t->type));
        json_str_field(&w->j, "unit", profile_string(p, t->unit));
        json_int_field(&w->j, "total", report_total(w->r, w->type[i]));
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
    json_str_field(&w->j, "title", report_title(r));
    json_str_field(&w->j, "header", buf_str(&lines));
    buf_free(&lines);
    types(w);
    json_int_field(&w->j, "type", w->part == FLAME_WHOLE ? r->values.type : 0);
    json_str_field(&w->j, "unit", r->output_unit);
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

// One column of a table by place and type.
struct column {
    const i64 *value;
    u32 ntype;
};

static i64 column_magnitude(const struct column *c, u32 place)
{
    return magnitude(c->value[(size_t)place * c->ntype]);
}

static int by_magnitude(const void *a, const void *b, void *column)
{
    u32 l = *(const u32 *)a, r = *(const u32 *)b;
    i64 left = column_magnitude(column, l), right = column_magnitude(column, r);
    return left != right ? (left < right ? 1 : -1) : (l > r) - (l < r);
}

// Marks the places that are heaviest in one of the columns of a table.
static void mark_heaviest(bool *is_wanted, const i64 *table, const struct writer *w)
{
    u32 *place = arena_new(w->r->arena, u32, w->places.nplace);
    for (u32 k = 0; k < w->ntype; k++) {
        struct column c = {table + k, w->ntype};
        u32 n = 0;
        for (u32 i = 1; i < w->places.nplace; i++) {
            if (column_magnitude(&c, i))
                place[n++] = i;
        }
        qsort_r(place, n, sizeof(*place), by_magnitude, &c);
        for (u32 i = 0; i < n && i < MOST_FUNCTIONS; i++)
            is_wanted[place[i]] = true;
    }
}

static void function_columns(struct writer *w, const char *key, const i64 *table,
                             const bool *is_wanted)
{
    u32 ntype = w->ntype;
    json_key(&w->j, key);
    json_begin_array(&w->j);
    for (u32 k = 0; k < ntype; k++) {
        json_begin_array(&w->j);
        for (u32 i = 1; i < w->places.nplace; i++) {
            if (is_wanted[i])
                json_int(&w->j, table[(size_t)i * ntype + k]);
        }
        json_end(&w->j);
    }
    json_end(&w->j);
}

// The heaviest functions of each type, with all that is too light for the trees.
static void functions(struct writer *w, const struct functions *f)
{
    bool *is_wanted = arena_new(w->r->arena, bool, w->places.nplace);
    mark_heaviest(is_wanted, f->flat, w);
    mark_heaviest(is_wanted, f->cum, w);
    json_key(&w->j, "functions");
    json_begin_object(&w->j);
    json_key(&w->j, "name");
    json_begin_array(&w->j);
    for (u32 i = 1; i < w->places.nplace; i++) {
        if (is_wanted[i])
            json_int(&w->j, name_row(w, i));
    }
    json_end(&w->j);
    function_columns(w, "flat", f->flat, is_wanted);
    function_columns(w, "cum", f->cum, is_wanted);
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

static void choose_types(struct writer *w)
{
    bool is_all = w->part == FLAME_WHOLE;
    w->ntype = is_all ? w->r->p.ntype : 1;
    w->type = arena_new(w->r->arena, u32, w->ntype);
    w->type[0] = w->r->values.type;
    for (u32 i = 0; i < w->ntype && is_all; i++)
        w->type[i] = i;
}

void report_flame_data(struct buf *out, struct report *r, enum flame_part part)
{
    struct writer w = {.r = r, .part = part};
    struct count count;
    struct places_options o = {false, true, r->config.trim_path, r->config.source_path};
    json_init(&w.j, out);
    w.places = places_build(&r->p, &o, r->arena);
    w.name_of = arena_new(r->arena, u32, w.places.nplace);
    choose_types(&w);
    arena_push(r->arena, w.place, w.nname, w.cap);
    w.is_diff = has_negative(&r->p);
    count_all(&count, &w);
    json_begin_object(&w.j);
    json_int_field(&w.j, "version", VERSION);
    header(&w);
    if (part != FLAME_FUNCTIONS)
        tree(&w, "callees", &count.tree[CALLEES]);
    if (part == FLAME_WHOLE)
        tree(&w, "callers", &count.tree[CALLERS]);
    if (part != FLAME_TREE)
        functions(&w, &count.functions);
    names(&w);
    json_end(&w.j);
}
