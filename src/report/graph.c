// Algorithms: pprof's internal/graph, on tables instead of maps.
#include "report/graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

// filepath.Clean: no double slashes, no "." and, where they can be resolved, no "..".
static struct str clean_path(struct str path, struct arena *a)
{
    if (path.len == 0)
        return path;
    char *out = arena_alloc(a, path.len + 2, 1);
    bool rooted = path.ptr[0] == '/';
    size_t n = 0, floor = 0; // floor: what ".." may not take away
    if (rooted) {
        out[n++] = '/';
        floor = 1;
    }
    while (path.len) {
        struct str part = str_cut(&path, '/');
        if (part.len == 0 || str_equal(part, STR(".")))
            continue;
        if (str_equal(part, STR(".."))) {
            if (n > floor) {
                while (n > floor && out[--n] != '/')
                    ;
                continue;
            }
            if (rooted)
                continue;
        }
        if (n > (size_t)rooted)
            out[n++] = '/';
        memcpy(out + n, part.ptr, part.len);
        n += part.len;
        if (str_equal(part, STR("..")))
            floor = n;
    }
    return n ? (struct str){out, n} : STR(".");
}

// The name that a node has in a report: address, function, file and line, as far as they are told
// apart.
static struct str place_name(const struct place *p, struct arena *a)
{
    char address[20] = "", line[48] = "";
    if (p->address)
        snprintf(address, sizeof(address), "%016llx ", (unsigned long long)p->address);
    if (p->line && p->column)
        snprintf(line, sizeof(line), ":%lld:%lld", (long long)p->line, (long long)p->column);
    else if (p->line)
        snprintf(line, sizeof(line), ":%lld", (long long)p->line);
    if (p->line || p->file.len)
        return arena_printf(a, "%s%.*s%s%.*s%s", address, STR_ARG(p->name), p->name.len ? " " : "",
                            STR_ARG(p->file), line);
    if (p->name.len)
        return arena_printf(a, "%s%.*s", address, STR_ARG(p->name));
    if (p->objfile.len)
        return arena_printf(a, "%s[%.*s]", address, STR_ARG(str_basename(p->objfile)));
    return arena_printf(a, "%s<unknown>", address);
}

// Making the table of places.
struct places {
    const struct profile *p;
    struct arena *arena;
    struct table table, strings; // place keys; texts by content
    struct place *place;
    u32 nplace, cap;
    u32 *content; // by string: its row in strings + 1; 0 not asked yet
    bool keep_objfile;
};

static u32 content(struct places *ps, u32 string)
{
    if (ps->content[string] == 0)
        ps->content[string] =
            1 + (string ? table_add_shared(&ps->strings, profile_string(ps->p, string)) : 0);
    return ps->content[string] - 1;
}

static u32 add_place(struct places *ps, const struct location *l, const struct line *line)
{
    const struct profile *p = ps->p;
    const struct function *f = &p->function[line ? line->function : 0];
    struct {
        u64 address;
        i64 start_line, line, column;
        u32 name, file, objfile, zero;
    } key = {.address = l->address};
    u32 objfile = p->mapping[l->mapping].filename;
    if (line) {
        key.line = line->line;
        key.column = line->column;
        key.name = content(ps, f->name);
        struct str file = clean_path(profile_string(p, f->filename), ps->arena);
        key.file = file.len ? table_add_shared(&ps->strings, file) : 0;
    }
    if (!line || ps->keep_objfile || key.name == 0) {
        key.objfile = content(ps, objfile);
        key.start_line = line ? f->start_line : 0;
    }
    u32 row = table_add(&ps->table, (struct str){(char *)&key, sizeof(key)});
    if (row == ps->nplace) {
        *arena_push(ps->arena, ps->place, ps->nplace, ps->cap) = (struct place){
            .name = ps->strings.key[key.name],
            .file = ps->strings.key[key.file],
            .objfile = ps->strings.key[key.objfile],
            .address = key.address,
            .start_line = key.start_line,
            .line = key.line,
            .column = key.column,
        };
    }
    return row;
}

static struct columns place_columns(struct places *ps)
{
    const struct profile *p = ps->p;
    struct columns c = {arena_new(ps->arena, u32, (size_t)p->nlocation + 1), NULL};
    u32 nplace = 0, cap = 0;
    for (u32 row = 0; row < p->nlocation; row++) {
        const struct location *l = &p->location[row];
        c.first[row] = nplace;
        for (u32 i = 0; i < l->nline; i++)
            *arena_push(ps->arena, c.place, nplace, cap) = add_place(ps, l, &p->line[l->line + i]);
        if (row && l->nline == 0)
            *arena_push(ps->arena, c.place, nplace, cap) = add_place(ps, l, NULL);
    }
    c.first[p->nlocation] = nplace;
    return c;
}

// Edges by their two nodes, while they are being counted.
struct edges {
    struct graph *g;
    u32 cap;
    u32 *slot;
    u32 mask;
    u32 *stamp; // by edge: the sample that it was counted in last, + 1
    u32 stamp_n, stamp_cap;
};

static u32 edge_slot(const struct edges *e, u32 src, u32 dest)
{
    u32 i = (u32)(((u64)src << 32 | dest) * 0x9e3779b97f4a7c15 >> 32) & e->mask;
    while (e->slot[i] && (e->g->edge[e->slot[i]].src != src || e->g->edge[e->slot[i]].dest != dest))
        i = (i + 1) & e->mask;
    return i;
}

static void double_edge_slots(struct edges *e)
{
    e->mask = e->mask * 2 + 1;
    e->slot = arena_new(e->g->arena, u32, (size_t)e->mask + 1);
    for (u32 row = 1; row < e->g->nedge; row++)
        e->slot[edge_slot(e, e->g->edge[row].src, e->g->edge[row].dest)] = row;
}

static u32 find_edge(struct edges *e, u32 src, u32 dest)
{
    u32 slot = edge_slot(e, src, dest);
    if (e->slot[slot])
        return e->slot[slot];
    u32 row = e->g->nedge;
    *arena_push(e->g->arena, e->g->edge, e->g->nedge, e->cap) =
        (struct edge){.src = src, .dest = dest, .is_inline = true};
    *arena_push(e->g->arena, e->stamp, e->stamp_n, e->stamp_cap) = 0;
    e->slot[slot] = row;
    if (row > e->mask / 2)
        double_edge_slots(e);
    return row;
}

struct counting {
    struct graph *g;
    const struct profile *p;
    const bool *kept; // by node; NULL: all
    struct edges edges;
    u32 *stamp; // by node
};

static void count_edge(struct counting *c, u32 sample, u32 src, u32 dest, i64 weight, i64 div,
                       bool residual, bool inlined)
{
    u32 row = find_edge(&c->edges, src, dest);
    if (c->edges.stamp[row] == sample + 1)
        return;
    c->edges.stamp[row] = sample + 1;
    struct edge *e = &c->g->edge[row];
    e->weight += weight;
    e->weight_div += div;
    e->is_residual |= residual;
    e->is_inline &= inlined;
}

static void count_sample(struct counting *c, u32 sample, i64 weight, i64 div)
{
    const struct sample *s = &c->p->sample[sample];
    u32 parent = 0;
    bool residual = false;
    for (u32 k = s->nframe; k > 0; k--) {
        u32 location = c->p->frame[s->frame + k - 1];
        u32 first = c->g->columns.first[location], last = c->g->columns.first[location + 1];
        for (u32 i = last; i > first; i--) {
            u32 node = c->g->columns.place[i - 1];
            if (c->kept && !c->kept[node]) {
                residual = true;
                continue;
            }
            if (c->stamp[node] != sample + 1) {
                c->stamp[node] = sample + 1;
                c->g->node[node].cum += weight;
                c->g->node[node].cum_div += div;
            }
            if (parent && parent != node)
                count_edge(c, sample, parent, node, weight, div, residual, i != last);
            parent = node;
            residual = false;
        }
    }
    if (parent && !residual) {
        c->g->node[parent].flat += weight;
        c->g->node[parent].flat_div += div;
    }
}

// Fills link with the edges that are left, by node.
static void link_edges(struct graph *g)
{
    u32 at = 0;
    for (u32 i = 0; i < g->nplace; i++)
        g->node[i].nin = g->node[i].nout = 0;
    for (u32 row = 1; row < g->nedge; row++) {
        if (g->edge[row].is_removed)
            continue;
        g->node[g->edge[row].src].nout++;
        g->node[g->edge[row].dest].nin++;
    }
    for (u32 i = 0; i < g->nplace; i++) {
        g->node[i].in = at;
        g->node[i].out = at += g->node[i].nin;
        at += g->node[i].nout;
        g->node[i].nin = g->node[i].nout = 0;
    }
    for (u32 row = 1; row < g->nedge; row++) {
        if (g->edge[row].is_removed)
            continue;
        struct node *src = &g->node[g->edge[row].src], *dest = &g->node[g->edge[row].dest];
        g->link[src->out + src->nout++] = row;
        g->link[dest->in + dest->nin++] = row;
    }
}

static bool is_negative(const struct node *n)
{
    return n->flat < 0 || (n->flat == 0 && n->cum < 0);
}

static void count(struct graph *g, const struct profile *p, const struct graph_options *o,
                  const bool *kept)
{
    enum { FIRST_SLOTS = 1024 };
    g->node = arena_new(g->arena, struct node, g->nplace);
    g->edge = NULL;
    g->nedge = 0;
    struct counting c = {
        .g = g, .p = p, .kept = kept, .stamp = arena_new(g->arena, u32, g->nplace)};
    c.edges = (struct edges){
        .g = g, .mask = FIRST_SLOTS - 1, .slot = arena_new(g->arena, u32, FIRST_SLOTS)};
    arena_push(g->arena, g->edge, g->nedge, c.edges.cap);
    arena_push(g->arena, c.edges.stamp, c.edges.stamp_n, c.edges.stamp_cap);
    for (u32 i = 0; i < p->nsample; i++) {
        const i64 *value = profile_values(p, i);
        i64 weight = value[o->type], div = o->mean ? value[0] : 0;
        if (weight || div)
            count_sample(&c, i, weight, div);
    }
    g->link = arena_new(g->arena, u32, (size_t)2 * g->nedge);
    link_edges(g);
    g->shown = arena_new(g->arena, u32, g->nplace);
    g->nshown = 0;
    for (u32 i = 1; i < g->nplace; i++) {
        struct node *n = &g->node[i];
        n->place = i;
        if ((n->cum || n->flat) && !(o->drop_negative && is_negative(n)))
            g->shown[g->nshown++] = i;
    }
}

struct graph graph_build(const struct profile *p, const struct graph_options *o, struct arena *a)
{
    struct places ps = {.p = p,
                        .arena = a,
                        .keep_objfile = o->keep_objfile,
                        .content = arena_new(a, u32, p->nstring)};
    table_init(&ps.table, a);
    table_init(&ps.strings, a);
    arena_push(a, ps.place, ps.nplace, ps.cap);
    struct graph g = {.arena = a, .columns = place_columns(&ps)};
    g.place = ps.place;
    g.nplace = ps.nplace;
    g.name = arena_new(a, struct str, ps.nplace);
    for (u32 i = 1; i < ps.nplace; i++)
        g.name[i] = place_name(&ps.place[i], a);
    count(&g, p, o, NULL);
    return g;
}

struct graph graph_rebuild(const struct graph *g, const struct profile *p,
                           const struct graph_options *o, const bool *kept)
{
    struct graph again = *g;
    count(&again, p, o, kept);
    return again;
}

// Orders.  qsort_r's order must be total: two nodes are never the same place.

// As Go prints the struct, which is its last resort to tell nodes apart.
static int compare_places(const struct place *l, const struct place *r)
{
    char a[1024], b[1024];
    snprintf(a, sizeof(a), "{%.*s  %llu %.*s %lld %lld %lld %.*s}", STR_ARG(l->name),
             (unsigned long long)l->address, STR_ARG(l->file), (long long)l->start_line,
             (long long)l->line, (long long)l->column, STR_ARG(l->objfile));
    snprintf(b, sizeof(b), "{%.*s  %llu %.*s %lld %lld %lld %.*s}", STR_ARG(r->name),
             (unsigned long long)r->address, STR_ARG(r->file), (long long)r->start_line,
             (long long)r->line, (long long)r->column, STR_ARG(r->objfile));
    return strcmp(a, b);
}

static int compare_names(const struct graph *g, u32 l, u32 r)
{
    u64 a = g->place[l].address, b = g->place[r].address;
    if (a && b && a != b)
        return a < b ? -1 : 1;
    return str_compare(g->name[l], g->name[r]);
}

static int compare_amounts(i64 l, i64 r)
{
    l = magnitude(l);
    r = magnitude(r);
    return (l < r) - (l > r);
}

static int by_flat(const void *a, const void *b, void *graph)
{
    const struct graph *g = graph;
    u32 l = *(const u32 *)a, r = *(const u32 *)b;
    int order = compare_amounts(g->node[l].flat, g->node[r].flat);
    if (order == 0)
        order = compare_names(g, l, r);
    if (order == 0)
        order = compare_amounts(g->node[l].cum, g->node[r].cum);
    return order ? order : compare_places(&g->place[l], &g->place[r]);
}

struct scored {
    const struct graph *g;
    const i64 *score; // by node
};

static int by_score(const void *a, const void *b, void *scored)
{
    const struct scored *s = scored;
    u32 l = *(const u32 *)a, r = *(const u32 *)b;
    int order = compare_amounts(s->score[l], s->score[r]);
    if (order == 0)
        order = compare_names(s->g, l, r);
    if (order == 0)
        order = compare_amounts(s->g->node[l].flat, s->g->node[r].flat);
    return order ? order : compare_places(&s->g->place[l], &s->g->place[r]);
}

// Entropy of the weights of n edges, and of self beside them: how interesting their distribution
// is.
static double edge_entropy(const struct graph *g, const u32 *edge, u32 n, i64 self)
{
    i64 total = self;
    double score = 0;
    for (u32 i = 0; i < n; i++) {
        if (g->edge[edge[i]].weight > 0)
            total += g->edge[edge[i]].weight;
    }
    if (total == 0)
        return 0;
    for (u32 i = 0; i < n; i++) {
        double part = (double)magnitude(g->edge[edge[i]].weight) / (double)total;
        score += -part * log2(part);
    }
    if (self > 0) {
        double part = (double)self / (double)total;
        score += -part * log2(part);
    }
    return score;
}

static i64 entropy_score(const struct graph *g, const struct node *n)
{
    double score = n->nin ? edge_entropy(g, g->link + n->in, n->nin, 0) : 1;
    score += n->nout ? edge_entropy(g, g->link + n->out, n->nout, n->flat) : 1;
    return (i64)(score * (double)n->cum) + n->flat;
}

void graph_sort(struct graph *g, enum graph_order order)
{
    if (order == GRAPH_BY_FLAT) {
        qsort_r(g->shown, g->nshown, sizeof(*g->shown), by_flat, g);
        return;
    }
    i64 *score = arena_new(g->arena, i64, g->nplace);
    for (u32 i = 0; i < g->nshown; i++) {
        const struct node *n = &g->node[g->shown[i]];
        score[g->shown[i]] = order == GRAPH_BY_CUM ? n->cum : entropy_score(g, n);
    }
    struct scored s = {g, score};
    qsort_r(g->shown, g->nshown, sizeof(*g->shown), by_score, &s);
}

static int by_weight(const void *a, const void *b, void *graph)
{
    const struct graph *g = graph;
    const struct edge *l = &g->edge[*(const u32 *)a], *r = &g->edge[*(const u32 *)b];
    if (l->weight != r->weight) {
        int order = compare_amounts(l->weight, r->weight);
        if (order)
            return order;
    }
    int order = str_compare(g->name[l->src], g->name[r->src]);
    if (order == 0)
        order = str_compare(g->name[l->dest], g->name[r->dest]);
    return order ? order : (l->src > r->src) - (l->src < r->src);
}

static const u32 *sorted(const struct graph *g, u32 *edge, u32 n)
{
    qsort_r(edge, n, sizeof(*edge), by_weight, (void *)(uintptr_t)g);
    return edge;
}

const u32 *graph_in(const struct graph *g, u32 node, u32 *n)
{
    *n = g->node[node].nin;
    return sorted(g, g->link + g->node[node].in, *n);
}

const u32 *graph_out(const struct graph *g, u32 node, u32 *n)
{
    *n = g->node[node].nout;
    return sorted(g, g->link + g->node[node].out, *n);
}

u32 *graph_edges(const struct graph *g, u32 *n)
{
    u32 *edge = arena_new(g->arena, u32, g->nedge);
    *n = 0;
    for (u32 row = 1; row < g->nedge; row++) {
        if (!g->edge[row].is_removed)
            edge[(*n)++] = row;
    }
    sorted(g, edge, *n);
    return edge;
}

u32 graph_drop_edges(struct graph *g, i64 cutoff)
{
    u32 dropped = 0;
    for (u32 row = 1; row < g->nedge; row++) {
        if (g->edge[row].is_removed || magnitude(g->edge[row].weight) >= cutoff)
            continue;
        g->edge[row].is_removed = true;
        dropped++;
    }
    link_edges(g);
    return dropped;
}

// Whether src reaches the edge's dest without the edge: a search backwards from dest.
static bool is_redundant(const struct graph *g, u32 row, u32 *queue, u32 *stamp)
{
    const struct edge *e = &g->edge[row];
    u32 n = 1;
    queue[0] = e->dest;
    stamp[e->dest] = row;
    for (u32 at = 0; at < n; at++) {
        const struct node *node = &g->node[queue[at]];
        for (u32 i = 0; i < node->nin; i++) {
            u32 in = g->link[node->in + i], src = g->edge[in].src;
            if (in == row || g->edge[in].is_removed || stamp[src] == row)
                continue;
            if (src == e->src)
                return true;
            stamp[src] = row;
            queue[n++] = src;
        }
    }
    return false;
}

void graph_drop_redundant(struct graph *g)
{
    u32 *queue = arena_new(g->arena, u32, g->nplace), *stamp = arena_new(g->arena, u32, g->nplace);
    for (u32 i = g->nshown; i > 0; i--) {
        u32 n;
        const u32 *in = graph_in(g, g->shown[i - 1], &n);
        for (u32 k = n; k > 0; k--) {
            struct edge *e = &g->edge[in[k - 1]];
            if (!e->is_residual)
                break;
            if (is_redundant(g, in[k - 1], queue, stamp))
                e->is_removed = true;
        }
    }
    link_edges(g);
}
