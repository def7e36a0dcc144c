// The top entries, and who called them, in GitHub's Markdown (https://github.github.com/gfm/), to
// be pasted into issues.
#include "report/flametree.h"
#include "report/report.h"

enum { MOST_TREES = 5, MOST_LINES = 40, MOST_CALLERS = 8, MOST_NODES = 500, COLUMN = 10 };

// Length of the longest run of backticks in s.
static size_t longest_fence(struct str s)
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < s.len; i++) {
        run = s.ptr[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void fence(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_char(out, '`');
}

static void code_block(struct buf *out, struct str text)
{
    enum { LEAST = 3 };
    size_t n = longest_fence(text) + 1;
    fence(out, n < LEAST ? LEAST : n);
    buf_char(out, '\n');
    buf_add(out, text);
    fence(out, n < LEAST ? LEAST : n);
    buf_char(out, '\n');
}

// A code span in a table's cell: there a bar ends the cell, even in code.
static void code_span(struct buf *out, struct str text)
{
    size_t n = longest_fence(text) + 1;
    fence(out, n);
    buf_text(out, n > 1 ? " " : "");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        buf_text(out, c == '|' ? "\\" : "");
        buf_char(out, (u8)c < ' ' ? ' ' : c);
    }
    buf_text(out, n > 1 ? " " : "");
    fence(out, n);
}

static void cell(struct buf *out, const char *text)
{
    buf_printf(out, " %s |", text);
}

static void share_cell(struct buf *out, i64 value, i64 total)
{
    struct percent percent = unit_percent(value, total);
    cell(out, percent_trimmed(&percent));
}

static void table(struct buf *out, const struct report *r, const struct graph *g)
{
    i64 sum = 0;
    buf_text(out, "| flat | flat% | sum% | cum | cum% | |\n"
                  "| ---: | ---: | ---: | ---: | ---: | :--- |\n");
    for (u32 i = 0; i < g->nshown; i++) {
        const struct node *n = &g->node[g->shown[i]];
        sum += node_flat(n);
        buf_char(out, '|');
        cell(out, report_amount(r, node_flat(n)).text);
        share_cell(out, node_flat(n), r->total);
        share_cell(out, sum, r->total);
        cell(out, report_amount(r, node_cum(n)).text);
        share_cell(out, node_cum(n), r->total);
        buf_char(out, ' ');
        code_span(out, node_name(g, g->shown[i]));
        buf_text(out, " |\n");
    }
}

// The callers of the heaviest functions: a tree whose nodes have their children, heaviest first.
struct callers {
    struct buf *out;
    const struct report *r;
    const struct places *places;
    struct flametree t;
    u32 *child, *sibling; // by row; 0: none
    u32 nline;
};

static i64 value_of(const struct callers *c, u32 row)
{
    const struct flame_amount *total = flametree_total(&c->t, row);
    return divided(total[0].value, c->r->values.mean ? total[1].value : 0);
}

static struct str name_of(const struct callers *c, u32 row)
{
    return c->t.place[row] ? c->places->name[c->t.place[row]] : STR("(others)");
}

// The only one that called row; 0: there are several, or none.
static u32 only_caller(const struct callers *c, u32 row)
{
    u32 child = c->child[row];
    bool is_all =
        child && flametree_total(&c->t, child)->magnitude == flametree_total(&c->t, row)->magnitude;
    return is_all && c->t.place[child] ? child : 0;
}

static void line(struct callers *c, u32 indent, const char *by, struct str name)
{
    buf_printf(c->out, "  %*s%s%.*s\n", (int)indent, "", by, STR_ARG(name));
    c->nline++;
}

// A line without an amount: it is the one before.
static void caller_line(struct callers *c, u32 indent, const char *by, struct str name)
{
    buf_right(c->out, STR(""), COLUMN + sizeof(" 99.99%") - 1);
    line(c, indent, by, name);
}

// A node with its callers: a line each while there is only one, and then a branch for each.
static void branch(struct callers *c, u32 row, u32 indent)
{
    i64 value = value_of(c, row);
    buf_right(c->out, str_of(report_amount(c->r, value).text), COLUMN);
    buf_printf(c->out, " %s", unit_percent(value, c->r->total).text);
    line(c, indent, indent ? "by " : "", name_of(c, row));
    u32 n = 1, caller;
    for (; (caller = only_caller(c, row)) && n < MOST_CALLERS; row = caller, n++)
        caller_line(c, indent + 1, "by ", name_of(c, caller));
    if (caller)
        caller_line(c, indent + 1, "", STR("..."));
    for (u32 i = c->child[row]; i && !caller && c->nline < MOST_LINES; i = c->sibling[i])
        branch(c, i, indent + 1);
}

static void link_children(struct callers *c)
{
    c->child = arena_new(c->r->arena, u32, c->t.n);
    c->sibling = arena_new(c->r->arena, u32, c->t.n);
    for (u32 row = c->t.n - 1; row > 0; row--) {
        c->sibling[row] = c->child[c->t.parent[row]];
        c->child[c->t.parent[row]] = row;
    }
}

static void callers(struct buf *out, const struct report *r, const struct places *places)
{
    u32 type[] = {r->values.type, 0}, n = 0;
    struct flametree_options o = {.type = type,
                                  .ntype = r->values.mean ? 2 : 1,
                                  .from_leaf = true,
                                  .most = MOST_NODES,
                                  .least = r->config.nodefraction};
    struct callers c = {.out = out, .r = r, .places = places};
    c.t = flametree_build(&r->p, places, &o, r->arena);
    link_children(&c);
    for (u32 i = c.child[0]; i && n < MOST_TREES && c.nline < MOST_LINES; i = c.sibling[i]) {
        if (c.t.place[i] == 0)
            continue;
        branch(&c, i, 0);
        n++;
    }
}

bool report_markdown(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct trimmed t;
    struct buf text;
    report_graph(&t, r);
    buf_init(&text, SIZE_MAX / 2);
    report_labels(&text, r, &t, false, "\n");
    code_block(out, buf_str(&text));
    buf_char(out, '\n');
    table(out, r, &t.graph);
    text.len = 0;
    callers(&text, r, &t.graph.places);
    if (text.len) {
        buf_text(out, "\nThe heaviest, and who called them:\n\n");
        code_block(out, buf_str(&text));
    }
    buf_free(&text);
    return true;
}
