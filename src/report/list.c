// Source files annotated with what their lines hold.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/source.h"

enum { MARGIN = 5 }; // lines around those that have a value

static const struct place *place_of(const struct graph *g, u32 node)
{
    return &g->places.place[g->node[node].place];
}

// By name, then by file.
static int by_routine(const void *a, const void *b, void *graph)
{
    const struct graph *g = graph;
    u32 l = *(const u32 *)a, r = *(const u32 *)b;
    const struct place *pl = place_of(g, l), *pr = place_of(g, r);
    int order = str_compare(pl->name, pr->name);
    if (order == 0)
        order = str_compare(pl->file, pr->file);
    if (order == 0 && pl->start_line != pr->start_line)
        order = pl->start_line < pr->start_line ? -1 : 1;
    return order ? order : (l > r) - (l < r);
}

// Nodes of functions that match, sorted; *n is their number.
static u32 *matching_nodes(const struct report *r, const struct graph *g, u32 *n)
{
    u32 *node = arena_new(r->arena, u32, g->nshown);
    *n = 0;
    for (u32 i = 0; i < g->nshown; i++) {
        if (!r->wanted || regex_match(r->wanted, place_of(g, g->shown[i])->name))
            node[(*n)++] = g->shown[i];
    }
    qsort_r(node, *n, sizeof(*node), by_routine, (void *)(uintptr_t)g);
    return node;
}

// What the lines of a routine hold, from the first that is shown to the last.
struct lines {
    i64 first, last;
    i64 *flat, *cum; // by line - first
};

// Which lines are shown.  The order of the comparisons is pprof's: a node widens the range at one
// end only.
static void find_range(struct lines *out, const struct graph *g, const u32 *node, u32 n)
{
    const struct place *top = place_of(g, node[0]);
    out->first = top->start_line ? top->start_line : top->line - MARGIN;
    out->last = top->line + MARGIN;
    for (u32 i = 0; i < n; i++) {
        const struct place *p = place_of(g, node[i]);
        i64 first = p->start_line ? p->start_line : p->line - MARGIN, last = p->line + MARGIN;
        if (first < out->first)
            out->first = first;
        else if (last > out->last)
            out->last = last;
    }
    if (out->first < 1)
        out->first = 1;
}

static void write_lines(struct buf *out, const struct report *r, const struct graph *g,
                        const u32 *node, u32 n, struct sources *s)
{
    struct str name = place_of(g, node[0])->file;
    struct lines lines;
    find_range(&lines, g, node, n);
    // As in pprof, a range without lines, where a function starts below its samples, does not look
    // for its file, but says so when that was missed before.
    const struct source_file *f =
        lines.first <= lines.last ? sources_find(s, name) : sources_known(s, name);
    if (f && f->error.code)
        buf_printf(out, " Error: %s\n", f->error.text);
    if (!f || f->error.code)
        return;
    if (lines.last >= f->nline)
        lines.last = (i64)f->nline - 1;
    if (lines.last < lines.first)
        return;
    size_t count = (size_t)(lines.last - lines.first + 1);
    lines.flat = arena_new(r->arena, i64, count);
    lines.cum = arena_new(r->arena, i64, count);
    for (u32 i = 0; i < n; i++) {
        i64 line = place_of(g, node[i])->line - lines.first;
        if (line < 0 || (size_t)line >= count)
            continue;
        lines.flat[line] += g->node[node[i]].flat;
        lines.cum[line] += g->node[node[i]].cum;
    }
    for (size_t i = 0; i < count; i++) {
        i64 line = lines.first + (i64)i;
        buf_right(out, str_of(report_amount_or_dot(r, lines.flat[i]).text), 10);
        buf_char(out, ' ');
        buf_right(out, str_of(report_amount_or_dot(r, lines.cum[i]).text), 10);
        buf_printf(out, " %6lld:%.*s\n", (long long)line, STR_ARG(f->line[line]));
    }
}

static void write_routine(struct buf *out, const struct report *r, const struct graph *g,
                          const u32 *node, u32 n, struct sources *s)
{
    const struct place *p = place_of(g, node[0]);
    i64 flat = 0, cum = 0;
    for (u32 i = 0; i < n; i++) {
        flat += g->node[node[i]].flat;
        cum += g->node[node[i]].cum;
    }
    buf_printf(out, "ROUTINE ======================== %.*s in %.*s\n", STR_ARG(p->name),
               STR_ARG(p->file));
    buf_right(out, str_of(report_amount(r, flat).text), 10);
    buf_char(out, ' ');
    buf_right(out, str_of(report_amount(r, cum).text), 10);
    buf_printf(out, " (flat, cum) %s of Total\n", unit_percent(cum, r->total).text);
    write_lines(out, r, g, node, n, s);
}

// How many of the nodes are of the first one's function and file.
static u32 run_length(const struct graph *g, const u32 *node, u32 n)
{
    const struct place *p = place_of(g, node[0]);
    u32 run = 1;
    while (run < n && place_of(g, node[run])->name.ptr == p->name.ptr &&
           place_of(g, node[run])->file.ptr == p->file.ptr)
        run++;
    return run;
}

bool report_list(struct buf *out, struct report *r, struct err *e)
{
    struct sources s;
    struct graph g = report_nodes(r);
    u32 n;
    const u32 *node = matching_nodes(r, &g, &n);
    if (n == 0)
        return err_set(e, ENOENT, "no matches found for regexp: %.*s", STR_ARG(r->parameter));
    if (!sources_init(&s, &r->config, &r->p, r->arena, e))
        return false;
    buf_text(out, "Total: ");
    report_value(out, r, r->total);
    buf_char(out, '\n');
    for (u32 i = 0, run; i < n; i += run) {
        run = run_length(&g, node + i, n - i);
        struct str name = place_of(&g, node[i])->name;
        bool is_first = i == 0 || place_of(&g, node[i - 1])->name.ptr != name.ptr;
        bool is_last = i + run == n || place_of(&g, node[i + run])->name.ptr != name.ptr;
        if (place_of(&g, node[i])->file.len)
            write_routine(out, r, &g, node + i, run, &s);
        else if (is_first && is_last) // none of its places has a file
            buf_printf(out, "No source information for %.*s\n", STR_ARG(name));
    }
    return true;
}
