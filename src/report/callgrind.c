// The graph in callgrind's format (https://valgrind.org/docs/manual/cl-format.html), as pprof
// writes it.
#include <stdio.h>
#include <string.h>

#include "report/report.h"

struct writer {
    struct buf *out;
    const struct report *r;
    const struct graph *g;
    struct table objfiles, files, names; // numbered in the order in which they are written
    const struct place *previous;        // of the node before; NULL: there is none
    u64 previous_address;
};

// "(N) name" at first, "(N)" from then on.
static void add_name(struct buf *out, const char *key, struct table *t, struct str name)
{
    u32 known = t->nkey;
    buf_printf(out, "%s=", key);
    if (name.len) {
        u32 row = table_add_shared(t, name);
        buf_printf(out, "(%u)", row);
        if (row == known)
            buf_printf(out, " %.*s", STR_ARG(name));
    }
    buf_char(out, '\n');
}

// The address, or its distance to the one before where that is shorter.
static void add_address(const struct writer *w, u64 address)
{
    char whole[24], relative[24];
    int nwhole = snprintf(whole, sizeof(whole), "0x%llx", (unsigned long long)address);
    u64 before = w->previous ? w->previous->address : 0;
    int n = snprintf(relative, sizeof(relative), "%+lld", (long long)(address - before));
    if (w->previous && before == address)
        buf_char(w->out, '*');
    else
        buf_text(w->out, w->previous && n < nwhole ? relative : whole);
}

// The function that a node is a part of: nodes of one function have the same.  In a call tree each
// caller has its own.
static u32 function_row(struct table *functions, const struct writer *w, const struct node *n)
{
    const struct graph *g = w->g;
    const struct place *p = &g->places.place[n->place];
    bool is_whole = p->address == 0 && p->line == 0;
    struct {
        i64 start_line, column;
        const char *name, *file, *objfile;
        u32 caller, zero;
    } key;
    memset(&key, 0, sizeof(key));
    key.start_line = p->start_line;
    key.column = is_whole ? p->column : 0;
    key.name = p->name.ptr;
    key.file = p->file.ptr;
    key.objfile = p->objfile.ptr;
    if (w->r->config.call_tree && n->nin)
        key.caller = g->edge[g->link[n->in]].src;
    return table_add(functions, (struct str){(char *)&key, sizeof(key)});
}

// Names of callees, by node: functions of one name and file get numbers, since readers of the
// format would take them for one.
static struct str *callee_names(const struct writer *w)
{
    const struct graph *g = w->g;
    struct arena *a = w->r->arena;
    struct table functions, names;
    table_init(&functions, a);
    table_init(&names, a);
    u32 *number = arena_new(a, u32, (size_t)g->nnode + 1); // by function: among those of its name
    u32 *count = arena_new(a, u32, (size_t)g->nnode + 1);  // by name
    u32 *function = arena_new(a, u32, g->nnode), *name = arena_new(a, u32, g->nnode);
    for (u32 i = 0; i < g->nshown; i++) {
        u32 node = g->shown[i];
        const struct place *p = &g->places.place[g->node[node].place];
        const char *key[] = {p->name.ptr, p->file.ptr};
        name[node] = table_add(&names, (struct str){(char *)key, sizeof(key)});
        function[node] = function_row(&functions, w, &g->node[node]);
        if (number[function[node]] == 0)
            number[function[node]] = ++count[name[node]];
    }
    struct str *out = arena_new(a, struct str, g->nnode);
    for (u32 i = 0; i < g->nshown; i++) {
        u32 node = g->shown[i];
        out[node] = g->places.place[g->node[node].place].name;
        if (count[name[node]] > 1)
            out[node] = arena_printf(a, "%.*s [%u/%u]", STR_ARG(out[node]), number[function[node]],
                                     count[name[node]]);
    }
    return out;
}

static void add_node(struct writer *w, u32 row, const struct str *callee)
{
    const struct graph *g = w->g;
    const struct node *n = &g->node[row];
    const struct place *p = &g->places.place[n->place], *before = w->previous;
    if (!before || p->objfile.ptr != before->objfile.ptr || p->file.ptr != before->file.ptr ||
        p->name.ptr != before->name.ptr) {
        buf_char(w->out, '\n');
        add_name(w->out, "ob", &w->objfiles, p->objfile);
        add_name(w->out, "fl", &w->files, p->file);
        add_name(w->out, "fn", &w->names, p->name);
    }
    add_address(w, p->address);
    buf_printf(w->out, " %lld %lld\n", (long long)p->line,
               (long long)report_scaled(w->r, node_flat(n)));
    u32 nout;
    const u32 *out = graph_out(g, row, &nout);
    for (u32 i = 0; i < nout; i++) {
        const struct edge *e = &g->edge[out[i]];
        const struct place *to = &g->places.place[g->node[e->dest].place];
        add_name(w->out, "cfl", &w->files, to->file);
        add_name(w->out, "cfn", &w->names, callee[e->dest]);
        buf_text(w->out, "calls=0 ");
        add_address(w, to->address);
        buf_printf(w->out, " %lld\n* * %lld\n", (long long)to->line,
                   (long long)report_scaled(w->r, e->weight));
    }
    w->previous = p;
}

bool report_callgrind(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct trimmed t;
    report_graph(&t, r);
    struct writer w = {.out = out, .r = r, .g = &t.graph};
    table_init(&w.objfiles, r->arena);
    table_init(&w.files, r->arena);
    table_init(&w.names, r->arena);
    buf_printf(out, "positions: instr line\nevents: %.*s(%.*s)\n", STR_ARG(r->sample_type),
               STR_ARG(r->output_unit));
    const struct str *callee = callee_names(&w);
    for (u32 i = 0; i < t.graph.nshown; i++)
        add_node(&w, t.graph.shown[i], callee);
    return true;
}
