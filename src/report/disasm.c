// Routines' instructions annotated with what they hold.
#include "object/demangle.h"
#include "profile/filter.h"
#include "report/routine.h"

enum { SHORT_BYTES = 40, LOCATION_COLUMN = 74, GAP_COLUMN = 32 };

// An instruction as it is shown.
struct row {
    const struct instruction *instruction;
    i64 flat, flat_div, cum, cum_div;
    struct str function, file; // where it comes from; empty: not known
    i64 line;                  // 0: not known
    bool is_hidden;            // not of the inlined functions that are asked for
};

// Adds the values of a spot, and where it is when the binary did not say.
static void add_spot(struct row *to, const struct graph *g, u32 node)
{
    const struct node *n = &g->node[node];
    const struct place *p = &g->places.place[n->place];
    to->flat += n->flat;
    to->flat_div += n->flat_div;
    to->cum += n->cum;
    to->cum_div += n->cum_div;
    if (to->file.len == 0 && p->file.len)
        to->file = path_base(p->file);
    if (to->line == 0)
        to->line = p->line;
    if (to->function.len == 0)
        to->function = p->name;
}

// Which functions are asked for, each tried once.
struct memo {
    const struct report *r;
    struct table names;
    bool *matches; // by row of names
    u32 n, cap;
};

static bool is_asked(struct memo *m, struct str function)
{
    struct str name;
    u32 row = table_add(&m->names, function);
    if (row >= m->n)
        *arena_push(m->r->arena, m->matches, m->n, m->cap) =
            routine_matches(&name, m->r->wanted, function, m->r->arena);
    return m->matches[row];
}

// Whether a function that was inlined at the instruction is asked for.
static bool is_wanted(struct memo *m, const struct instruction *i)
{
    for (u32 k = 0; k + 1 < i->nline; k++) {
        if (is_asked(m, i->line[k].function))
            return true;
    }
    return false;
}

// As objdump's reader has it: "work" for "work()", but "work(int)".
static struct str function_name(struct str symbol, struct arena *a)
{
    struct str name = demangle(symbol, DEMANGLE_BINUTILS, a);
    name.len -= str_ends(name, STR("()")) ? 2 : 0;
    return name;
}

// Code without a line of its own belongs to that before it.
static void find_source(struct row *to, const struct row *before, struct arena *a)
{
    const struct instruction *i = to->instruction;
    const struct symbol_line *innermost = i->nline ? &i->line[0] : NULL;
    if (innermost && innermost->line == 0 && before && before->line) {
        to->function = before->function;
        to->file = before->file;
        to->line = before->line;
    } else if (innermost) {
        to->function = function_name(innermost->function, a);
        to->file = innermost->filename.len ? path_base(innermost->filename) : STR("");
        to->line = innermost->line;
    }
}

// Samples between two instructions belong to the first.
static struct row *make_rows(const struct report *r, const struct graph *g,
                             const struct routine *routine, const struct instruction *i, u32 n)
{
    struct row *row = arena_new(r->arena, struct row, n);
    struct memo memo = {.r = r};
    bool any = false;
    u32 spot = 0;
    table_init(&memo.names, r->arena);
    arena_push(r->arena, memo.matches, memo.n, memo.cap);
    for (u32 k = 0; k < n; k++) {
        row[k].instruction = &i[k];
        find_source(&row[k], k ? &row[k - 1] : NULL, r->arena);
        u64 next = k + 1 < n ? i[k + 1].address : UINT64_MAX;
        for (; spot < routine->nspot && routine->spot[spot].linked < next; spot++)
            add_spot(&row[k], g, routine->spot[spot].node);
        row[k].is_hidden = routine->inlined.len && !is_wanted(&memo, &i[k]);
        any |= !row[k].is_hidden;
    }
    // The binary does not tell what was inlined, though the profile did.
    for (u32 k = 0; k < n && !any; k++)
        row[k].is_hidden = false;
    return row;
}

static void write_head(struct buf *out, const struct report *r, const struct routine *routine,
                       const struct row *row, u32 n)
{
    i64 flat = 0, cum = 0;
    for (u32 k = 0; k < n; k++) {
        flat += row[k].is_hidden ? 0 : row[k].flat;
        cum += row[k].is_hidden ? 0 : row[k].cum;
    }
    buf_printf(out, "ROUTINE ======================== %.*s\n", STR_ARG(routine->name[0]));
    for (u32 k = 1; k < routine->nname; k++)
        buf_printf(out, "    AKA ======================== %.*s\n", STR_ARG(routine->name[k]));
    if (routine->inlined.len)
        buf_printf(out, "INLINED ======================== %.*s\n", STR_ARG(routine->inlined));
    buf_right(out, str_of(report_amount(r, flat).text), 10);
    buf_char(out, ' ');
    buf_right(out, str_of(report_amount(r, cum).text), 10);
    buf_printf(out, " (flat, cum) %s of Total\n", unit_percent(cum, r->total).text);
}

// "work prog.c:12"; empty when it is that of the row before.
static struct str location_of(const struct row *row, const struct row *before, struct arena *a)
{
    bool is_same = before ? str_equal(row->function, before->function) &&
                                str_equal(row->file, before->file) && row->line == before->line
                          : row->function.len == 0 && row->file.len == 0 && row->line == 0;
    if (is_same)
        return STR("");
    struct str function =
        row->function.len ? arena_printf(a, "%.*s ", STR_ARG(row->function)) : STR("");
    if (row->file.len == 0 || row->line == 0)
        return arena_printf(a, "%.*s%.*s", STR_ARG(function), STR_ARG(row->file));
    return arena_printf(a, "%.*s%.*s:%lld", STR_ARG(function), STR_ARG(row->file),
                        (long long)row->line);
}

static void write_row(struct buf *out, const struct report *r, const struct row *row,
                      struct str location)
{
    struct str text = row->instruction->text;
    bool is_long = text.len >= SHORT_BYTES;
    if (location.len && is_long)
        buf_printf(out, "%*s;%.*s\n", LOCATION_COLUMN, "", STR_ARG(location));
    buf_right(out, str_of(report_amount_or_dot(r, divided(row->flat, row->flat_div)).text), 10);
    buf_char(out, ' ');
    buf_right(out, str_of(report_amount_or_dot(r, divided(row->cum, row->cum_div)).text), 10);
    buf_printf(out, " %10llx: ", (unsigned long long)row->instruction->address);
    if (location.len == 0 || is_long) {
        buf_add(out, text);
    } else {
        buf_left(out, text, SHORT_BYTES);
        buf_printf(out, ";%.*s", STR_ARG(location));
    }
    buf_char(out, '\n');
}

static void write_routine(struct buf *out, const struct report *r, const struct graph *g,
                          const struct routine *routine)
{
    u32 n;
    const struct instruction *i =
        disassembly_read(&routine->binary->code, routine->first, routine->end, &n);
    const struct row *row = make_rows(r, g, routine, i, n), *before = NULL;
    write_head(out, r, routine, row, n);
    for (u32 k = 0; k < n; k++) {
        if (row[k].is_hidden)
            continue;
        if (before && before + 1 != &row[k])
            buf_printf(out, "%*s\n", GAP_COLUMN, "...");
        write_row(out, r, &row[k], location_of(&row[k], before, r->arena));
        before = &row[k];
    }
}

bool report_disasm(struct buf *out, struct report *r, struct err *e)
{
    // A node for each address, whatever was inlined there.
    struct report outer = *r;
    struct granularity g = {false, true, true, true, r->config.showcolumns, true};
    outer.p = filter_aggregate(&r->p, g, r->arena);
    struct graph graph = report_nodes(&outer);
    struct binaries binaries;
    struct routines routines;
    binaries_init(&binaries, &r->p, r->config.intel_syntax, r->arena);
    bool done = routines_find(&routines, &binaries, &graph, r, e);
    if (done) {
        buf_text(out, "Total: ");
        report_value(out, r, r->total);
        buf_char(out, '\n');
    }
    for (u32 i = 0; done && i < routines.n; i++)
        write_routine(out, r, &graph, &routines.at[i]);
    binaries_close(&binaries);
    return done;
}
