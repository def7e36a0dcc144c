#include "report/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "profile/filter.h"
#include "profile/regex.h"

#define TEXT_MIME  "text/plain; charset=utf-8"
#define BYTES_MIME "application/octet-stream"

const struct report_type report_types[] = {
    {"comments", "Output all profile comments", NULL, report_comments, REPORT_TO_STDOUT, "txt",
     TEXT_MIME, .nodecount = 80},
    {"dot", "Outputs a graph in DOT format", NULL, report_dot, REPORT_TO_STDOUT, "dot",
     "text/vnd.graphviz", .nodecount = 80, .is_visual = true, .shows_edges = true},
    {"gif", "Outputs a graph image in GIF format", NULL, report_picture, REPORT_OFF_TERMINAL, "gif",
     "image/gif", .nodecount = 80, .is_visual = true, .shows_edges = true},
    {"pdf", "Outputs a graph in PDF format", NULL, report_picture, REPORT_OFF_TERMINAL, "pdf",
     "application/pdf", .nodecount = 80, .is_visual = true, .shows_edges = true},
    {"peek", "Output callers/callees of functions matching regexp", "regexp", report_tree,
     REPORT_TO_STDOUT, "txt", TEXT_MIME, .nodecount = 80, .is_untrimmed = true,
     .shows_edges = true},
    {"png", "Outputs a graph image in PNG format", NULL, report_picture, REPORT_OFF_TERMINAL, "png",
     "image/png", .nodecount = 80, .is_visual = true, .shows_edges = true},
    {"proto", "Outputs the profile in compressed protobuf format", NULL, report_proto,
     REPORT_OFF_TERMINAL, "pb.gz", BYTES_MIME, .nodecount = 80, .is_untrimmed = true,
     .by_address = true},
    {"ps", "Outputs a graph in PS format", NULL, report_picture, REPORT_OFF_TERMINAL, "ps",
     "application/postscript", .nodecount = 80, .is_visual = true, .shows_edges = true},
    {"raw", "Outputs a text representation of the raw profile", NULL, report_raw, REPORT_TO_STDOUT,
     "txt", TEXT_MIME, .nodecount = 80, .is_untrimmed = true, .by_address = true,
     .keeps_objfile = true},
    {"svg", "Outputs a graph in SVG format", NULL, report_picture, REPORT_OFF_TERMINAL, "svg",
     "image/svg+xml", .nodecount = 80, .is_visual = true, .shows_edges = true},
    {"text", "Outputs top entries in text form", NULL, report_text, REPORT_TO_STDOUT, "txt",
     TEXT_MIME, .nodecount = 0},
    {"top", "Outputs top entries in text form", NULL, report_text, REPORT_TO_STDOUT, "txt",
     TEXT_MIME, .nodecount = 0},
    {"traces", "Outputs all profile samples in text form", NULL, report_traces, REPORT_TO_STDOUT,
     "txt", TEXT_MIME, .nodecount = 80},
    {"tree", "Outputs a text rendering of call graph", NULL, report_tree, REPORT_TO_STDOUT, "txt",
     TEXT_MIME, .nodecount = 80, .shows_edges = true},
    {0},
};

const struct report_type *report_find(struct str name)
{
    for (const struct report_type *t = report_types; t->name; t++) {
        if (str_equal(str_of(t->name), name))
            return t;
    }
    return NULL;
}

static void override_config(struct config *c, const struct report_type *type)
{
    bool trim = c->trim && !type->is_untrimmed;
    if (type->by_address)
        c->granularity = STR("addresses");
    if (c->nodecount == -1)
        c->nodecount = type->nodecount;
    if (!trim) {
        c->nodecount = 0;
        c->nodefraction = c->edgefraction = 0;
    }
}

// Expressions of the config, compiled.
struct expressions {
    struct regex *focus, *ignore, *hide, *show, *show_from, *prune_from;
};

static bool compile(struct regex **out, const char *name, struct str pattern, struct err *e)
{
    return pattern.len == 0 || regex_compile(out, pattern, e) ||
           err_prefix(e, "parsing %s regexp: ", name);
}

static bool compile_all(struct expressions *x, const struct config *c, struct err *e)
{
    return compile(&x->focus, "focus", c->focus, e) &&
           compile(&x->ignore, "ignore", c->ignore, e) && compile(&x->hide, "hide", c->hide, e) &&
           compile(&x->show, "show", c->show, e) &&
           compile(&x->show_from, "show_from", c->show_from, e) &&
           compile(&x->prune_from, "prune_from", c->prune_from, e);
}

static void free_all(struct expressions *x)
{
    regex_free(x->focus);
    regex_free(x->ignore);
    regex_free(x->hide);
    regex_free(x->show);
    regex_free(x->show_from);
    regex_free(x->prune_from);
}

static void warn_unmatched(struct report *r, bool is_asked, bool matched, const char *name)
{
    if (is_asked && !matched)
        buf_printf(r->warnings, "%s expression matched no samples\n", name);
}

static void filter_by(struct report *r, const struct expressions *x)
{
    struct filter_names names = {x->focus, x->ignore, x->hide, x->show};
    struct filter_matched matched;
    r->p = filter_names(&r->p, &names, &matched, r->arena);
    warn_unmatched(r, x->focus, matched.focus, "Focus");
    warn_unmatched(r, x->ignore, matched.ignore, "Ignore");
    warn_unmatched(r, x->hide, matched.hide, "Hide");
    warn_unmatched(r, x->show, matched.show, "Show");
    if (x->show_from) {
        bool found;
        r->p = filter_show_from(&r->p, x->show_from, &found, r->arena);
        warn_unmatched(r, true, found, "ShowFrom");
    }
    if (x->prune_from)
        r->p = filter_prune_from(&r->p, x->prune_from, r->arena);
}

static bool apply_filters(struct report *r, struct err *e)
{
    struct expressions x = {0};
    bool done = compile_all(&x, &r->config, e);
    if (done)
        filter_by(r, &x);
    free_all(&x);
    return done;
}

static void list_filters(struct report *r)
{
    const struct {
        const char *name;
        struct str value;
    } filter[] = {{"focus", r->config.focus},
                  {"ignore", r->config.ignore},
                  {"hide", r->config.hide},
                  {"show", r->config.show},
                  {"show_from", r->config.show_from}};
    for (u32 i = 0; i < ARRAY_LEN(filter); i++) {
        if (filter[i].value.len)
            r->filter[r->nfilter++] =
                arena_printf(r->arena, "%s=%.*s", filter[i].name, STR_ARG(filter[i].value));
    }
}

static i64 compute_total(const struct report *r)
{
    i64 total = 0, div = 0;
    for (u32 i = 0; i < r->p.nsample; i++) {
        const i64 *value = profile_values(&r->p, i);
        total += magnitude(value[r->column]);
        div += r->config.mean ? value[0] : 0;
    }
    return divided(total, div);
}

static struct granularity granularity_of(const struct config *c)
{
    struct granularity g = {.inlines = !c->noinlines, .column = c->showcolumns};
    struct str name = c->granularity;
    bool addresses = str_equal(name, STR("addresses")), lines = str_equal(name, STR("lines"));
    if (addresses && g.inlines) // as they are, columns too
        return (struct granularity){true, true, true, true, true, true};
    g.function = !str_equal(name, STR("files"));
    g.filename = name.len && !str_equal(name, STR("functions"));
    g.line = addresses || lines;
    g.address = addresses;
    return g;
}

// The order in which the filters, the total and the aggregation follow each other decides the
// percentages.
static bool prepare(struct report *r, struct err *e)
{
    override_config(&r->config, r->type);
    if (r->config.relative_percentages && !apply_filters(r, e))
        return false;
    if (!profile_type_find(&r->column, &r->p, r->config.sample_index, e))
        return false;
    if (r->config.divide_by == 0)
        return err_set(e, EINVAL, "zero divisor specified");
    const struct value_type *t = &r->p.type[r->column];
    r->sample_type = arena_printf(r->arena, "%s%.*s", r->config.mean ? "mean_" : "",
                                  STR_ARG(profile_string(&r->p, t->type)));
    r->sample_unit = profile_string(&r->p, t->unit);
    r->output_unit = r->config.unit;
    list_filters(r);
    r->total = compute_total(r);
    if (!r->config.relative_percentages && !apply_filters(r, e))
        return false;
    r->p = filter_aggregate(&r->p, granularity_of(&r->config), r->arena);
    return true;
}

bool report_write(struct buf *out, const struct profile *p, const struct report_type *type,
                  struct str parameter, const struct config *c, struct buf *warnings,
                  struct arena *a, struct err *e)
{
    struct report r = {.type = type,
                       .config = *c,
                       .p = *p,
                       .arena = a,
                       .parameter = parameter,
                       .warnings = warnings};
    if (!prepare(&r, e) || !type->write(out, &r, e))
        return false;
    return !out->full ||
           err_set(e, EFBIG, "the %s report needs more than %zu MiB", type->name, out->limit >> 20);
}

static i64 cutoff(i64 total, double fraction)
{
    return magnitude((i64)((double)total * fraction));
}

// Column by node: whether it is among the first n that are shown.
static const bool *shown_column(const struct graph *g, u32 n)
{
    bool *column = arena_new(g->arena, bool, g->nnode);
    for (u32 i = 0; i < n; i++)
        column[g->shown[i]] = true;
    return column;
}

// Nodes whose cum is at least the cutoff, moved to the front; returns their number.
static u32 heavy_nodes(struct graph *g, i64 least)
{
    u32 n = 0;
    for (u32 i = 0; i < g->nshown; i++) {
        if (magnitude(g->node[g->shown[i]].cum) >= least)
            g->shown[n++] = g->shown[i];
    }
    return n;
}

static i64 flat_sum(const struct graph *g)
{
    i64 sum = 0;
    for (u32 i = 0; i < g->nshown; i++)
        sum += g->node[g->shown[i]].flat;
    return sum;
}

// Nodes that are called by an inlined call somewhere; NULL when there are none.
static const bool *inlined_column(const struct graph *g, const struct profile *p)
{
    if (!g->places.has_inlines)
        return NULL;
    bool *column = arena_new(g->arena, bool, g->nnode);
    for (u32 l = 1; l < p->nlocation; l++) {
        for (u32 i = g->places.first[l]; i + 1 < g->places.first[l + 1]; i++)
            column[g->places.of_line[i]] = true;
    }
    return column;
}

// Chooses the unit in which the smallest value still shows, when the config leaves that open.
static void choose_unit(struct report *r, const struct graph *g)
{
    i64 least = 0, most = r->total;
    struct str least_unit, most_unit;
    if (!str_equal(r->output_unit, STR("minimum")) || g->nshown == 0)
        return;
    for (u32 i = 0; i < g->nshown; i++) {
        const struct node *n = &g->node[g->shown[i]];
        i64 value = magnitude(node_flat(n));
        if (value == 0)
            value = magnitude(node_cum(n));
        if (value > 0 && (least == 0 || value < least))
            least = value;
    }
    if (least == 0)
        least = most;
    double ratio = 1 / r->config.divide_by;
    if (ratio > 0 && ratio != 1) {
        least = (i64)((double)least * ratio);
        most = (i64)((double)most * ratio);
    }
    unit_scale(least, r->sample_unit, STR("minimum"), &least_unit);
    unit_scale(most, r->sample_unit, STR("minimum"), &most_unit);
    // Two decimals show a hundredth of the unit above.
    if (!str_equal(least_unit, most_unit) && least * 100 < most)
        unit_scale(100 * least, r->sample_unit, STR("minimum"), &least_unit);
    r->output_unit = least_unit.len ? least_unit : r->sample_unit;
}

// Counts the edges that the report can show.  A table needs them only to tell which functions were
// inlined.
static void count_edges(struct graph *g, const struct report *r, struct graph_values v,
                        const bool *kept)
{
    struct graph_edges wanted = {.kept = kept, .touching = r->matched};
    if (!r->type->shows_edges) {
        wanted.into = inlined_column(g, &r->p);
        if (!wanted.into)
            return;
    }
    graph_count_edges(g, &r->p, v, wanted);
}

static enum graph_order order_of(const struct report *r)
{
    if (r->type->is_visual)
        return GRAPH_BY_ENTROPY;
    return str_equal(r->config.sort, STR("cum")) ? GRAPH_BY_CUM : GRAPH_BY_FLAT;
}

// For a report on matching places only: the column of nodes that match.
static bool match_nodes(struct report *r, const struct graph *g, struct err *e)
{
    struct regex *wanted;
    if (r->parameter.len == 0)
        return true;
    if (!regex_compile(&wanted, r->parameter, e))
        return err_prefix(e, "parsing argument regexp %.*s: ", STR_ARG(r->parameter));
    bool *matched = arena_new(r->arena, bool, g->nnode);
    for (u32 i = 1; i < g->nnode; i++)
        matched[i] = regex_match(wanted, node_name(g, i));
    r->matched = matched;
    regex_free(wanted);
    return true;
}

// pprof trims in three steps, since a trimmed graph's edges cannot be had from the whole one's:
// what weighs too little, what is too many, and edges that weigh too little.
bool report_graph(struct trimmed *t, struct report *r, struct err *e)
{
    const struct config *c = &r->config;
    struct graph_values v = {r->column, c->mean};
    const bool *kept = NULL;
    *t = (struct trimmed){
        .graph = graph_nodes(&r->p, v, r->type->keeps_objfile, c->drop_negative, r->arena)};
    struct graph *g = &t->graph;
    if (!match_nodes(r, g, e))
        return false;
    i64 sum = flat_sum(g), node_cutoff = cutoff(sum, c->nodefraction);
    i64 edge_cutoff = cutoff(sum, c->edgefraction);
    u32 heavy = node_cutoff > 0 ? heavy_nodes(g, node_cutoff) : g->nshown;
    if (heavy != g->nshown) {
        t->dropped_nodes = g->nshown - heavy;
        g->nshown = heavy;
        kept = shown_column(g, heavy);
    }
    t->norig = g->nshown;
    bool is_cut = c->nodecount > 0 && c->nodecount < g->nshown;
    if (!is_cut || r->type->is_visual)
        count_edges(g, r, v, kept);
    graph_sort(g, order_of(r));
    if (c->nodecount > 0)
        graph_drop_edges(g, edge_cutoff); // not told of: only those that the last step drops are
    if (is_cut) {
        g->nshown = (u32)c->nodecount;
        count_edges(g, r, v, shown_column(g, g->nshown));
        graph_sort(g, order_of(r));
    }
    t->dropped_edges = graph_drop_edges(g, edge_cutoff);
    if (r->type->is_visual)
        graph_drop_redundant(g);
    choose_unit(r, g);
    return true;
}

void report_value(struct buf *out, const struct report *r, i64 value)
{
    double ratio = 1 / r->config.divide_by;
    if (ratio > 0 && ratio != 1)
        value = (i64)((double)value * ratio);
    unit_label(out, value, r->sample_unit, r->output_unit);
}

static void duration_label(struct buf *out, const struct report *r, const char *end)
{
    struct str unit;
    double total_ns = unit_scale(r->total, r->sample_unit, STR("nanoseconds"), &unit);
    buf_text(out, "Duration: ");
    unit_label(out, r->p.duration_ns, STR("nanoseconds"), STR("auto"));
    buf_text(out, ", Total samples = ");
    report_value(out, r, r->total);
    buf_char(out, ' ');
    if (str_equal(unit, STR("ns")) && total_ns != 0)
        buf_printf(out, "(%s)", unit_percent((i64)total_ns, r->p.duration_ns).text);
    buf_text(out, end);
}

void report_profile_labels(struct buf *out, const struct report *r, const char *end)
{
    const struct profile *p = &r->p;
    if (p->nmapping > 1) {
        struct str file = profile_string(p, p->mapping[1].filename),
                   id = profile_string(p, p->mapping[1].build_id);
        if (file.len)
            buf_printf(out, "File: %.*s%s", STR_ARG(str_basename(file)), end);
        if (id.len)
            buf_printf(out, "Build ID: %.*s%s", STR_ARG(id), end);
    }
    for (u32 i = 0; i < p->ncomment; i++) {
        struct str comment = profile_string(p, p->comment[i]);
        if (!str_starts(comment, STR("#")))
            buf_printf(out, "%.*s%s", STR_ARG(comment), end);
    }
    if (r->sample_type.len)
        buf_printf(out, "Type: %.*s%s", STR_ARG(r->sample_type), end);
    if (p->doc_url)
        buf_printf(out, "Doc: %.*s%s", STR_ARG(profile_string(p, p->doc_url)), end);
    if (p->time_ns) {
        time_t seconds = (time_t)floor((double)p->time_ns / 1e9);
        struct tm local;
        char text[64];
        localtime_r(&seconds, &local);
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &local);
        buf_printf(out, "Time: %s%s", text, end);
    }
    if (p->duration_ns)
        duration_label(out, r, end);
}

static void filter_labels(struct buf *out, const struct report *r, const char *end)
{
    enum { MOST_BYTES = 80 };
    if (r->nfilter)
        buf_printf(out, "Active filters:%s", end);
    for (u32 i = 0; i < r->nfilter; i++) {
        struct str f = r->filter[i];
        bool cut = f.len > MOST_BYTES;
        buf_printf(out, "   %.*s%s%s", cut ? MOST_BYTES : (int)f.len, f.ptr, cut ? "…" : "", end);
    }
}

static void dropped_label(struct buf *out, const struct report *r, u32 n, const char *what,
                          const char *by, double fraction, const char *end)
{
    if (n == 0)
        return;
    buf_printf(out, "Dropped %u %s%s (%s <= ", n, what, n > 1 ? "s" : "", by);
    report_value(out, r, cutoff(r->total, fraction));
    buf_printf(out, ")%s", end);
}

void report_labels(struct buf *out, const struct report *r, const struct trimmed *t, bool whole,
                   const char *end)
{
    i64 shown = 0;
    for (u32 i = 0; i < t->graph.nshown; i++)
        shown += node_flat(&t->graph.node[t->graph.shown[i]]);
    if (whole || !r->config.compact_labels)
        report_profile_labels(out, r, end);
    filter_labels(out, r, end);
    struct percent percent = unit_percent(shown, r->total);
    buf_text(out, "Showing nodes accounting for ");
    report_value(out, r, shown);
    buf_printf(out, ", %s of ", percent_trimmed(&percent));
    report_value(out, r, r->total);
    buf_printf(out, " total%s", end);
    if (r->total == 0)
        return;
    dropped_label(out, r, t->dropped_nodes, "node", "cum", r->config.nodefraction, end);
    if (whole)
        dropped_label(out, r, t->dropped_edges, "edge", "freq", r->config.edgefraction, end);
    if (t->graph.nshown > 0 && t->graph.nshown < t->norig)
        buf_printf(out, "Showing top %u nodes out of %u%s", t->graph.nshown, t->norig, end);
}
