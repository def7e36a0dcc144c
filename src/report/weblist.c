// A listing as one page of HTML that needs nothing else.  Its text is laid out as pprof's.
#include "base/html.h"
#include "report/asset.h"
#include "report/listing.h"
#include "report/source.h"

enum { INDENT = 4, TAB = 8, CODE_COLUMNS = 80 };

struct writer {
    struct buf *out;
    const struct report *r;
    const struct listing *listing;
    struct sources sources;
};

// Bytes that cannot be in a page as they are are replaced.
static void write_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((u8)c >= ' ' || c == '\t' || c == '\n')
            html_text(out, (struct str){text.ptr + i, 1});
        else
            buf_text(out, "\uFFFD");
    }
}

static void write_blanks(struct buf *out, size_t n)
{
    while (n--)
        buf_char(out, ' ');
}

// Columns before the first that is not blank.
static size_t indentation(struct str line)
{
    size_t column = 0;
    for (size_t i = 0; i < line.len && (line.ptr[i] == ' ' || line.ptr[i] == '\t'); i++)
        column = line.ptr[i] == ' ' ? column + 1 : column - column % TAB + TAB;
    return column;
}

// Text behind so many blanks, filled up to the width of code; tabs become blanks.
static void write_padded(struct buf *out, size_t indent, struct str text)
{
    size_t column = indent;
    write_blanks(out, indent);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\t') {
            write_text(out, (struct str){text.ptr + i, 1});
            column += ((u8)text.ptr[i] & 0xc0) != 0x80; // characters, not bytes
            continue;
        }
        size_t stop = column - column % TAB + TAB;
        write_blanks(out, stop - column);
        column = stop;
    }
    if (column < CODE_COLUMNS)
        write_blanks(out, CODE_COLUMNS - column);
}

// "       1.2s        2.4s", dots for nothing.
static void write_values(struct writer *w, i64 flat, i64 cum)
{
    buf_right(w->out, str_of(report_amount_or_dot(w->r, flat).text), 10);
    buf_char(w->out, ' ');
    buf_right(w->out, str_of(report_amount_or_dot(w->r, cum).text), 10);
}

static bool same_call(const struct listing_call *a, const struct listing_call *b)
{
    return a->line == b->line && str_equal(a->file, b->file);
}

static const struct source_file *source_of(struct writer *w, struct str name,
                                           const struct listing_file *f)
{
    return sources_find_built(&w->sources, name, f->folder);
}

static bool has_line(const struct source_file *s, i64 line)
{
    return line > 0 && line < s->nline;
}

// The calls that lead to an instruction, without those that led to the one before it too.
static void write_calls(struct writer *w, const struct listing_file *f,
                        const struct listing_entry *e, const struct listing_entry *before,
                        size_t indent)
{
    u32 i = 0;
    while (before && i < e->ncall && i < before->ncall && same_call(&e->call[i], &before->call[i]))
        i++;
    for (; i < e->ncall; i++) {
        const struct listing_call *c = &e->call[i];
        const struct source_file *s = source_of(w, c->file, f);
        struct str text = has_line(s, c->line) ? str_trim(s->line[c->line]) : STR("");
        write_blanks(w->out, 42);
        buf_text(w->out, "<span class=inlinesrc>");
        write_padded(w->out, indent + INDENT + (size_t)INDENT * i, text);
        buf_text(w->out, "</span> <span class=unimportant>");
        write_text(w->out, path_base(c->file));
        buf_printf(w->out, ":%lld</span>\n", (long long)c->line);
    }
}

static const struct listing_instruction *instruction_of(const struct writer *w,
                                                        const struct listing_entry *e)
{
    return &w->listing->instruction[e->instruction];
}

// Whether there is other code between two instructions.
static bool are_apart(const struct listing_instruction *a, const struct listing_instruction *b)
{
    return a->address + a->length != b->address;
}

static void write_instruction(struct writer *w, const struct listing_file *f,
                              const struct listing_entry *e, const struct listing_entry *before,
                              size_t indent)
{
    const struct listing_instruction *i = instruction_of(w, e);
    if (before && are_apart(instruction_of(w, before), i))
        buf_printf(w->out, "%37s⋮\n", "");
    write_calls(w, f, e, before, indent);
    if (i->text.len == 0)
        return;
    write_blanks(w->out, 10);
    write_values(w, i->flat, i->cum);
    buf_printf(w->out, " %8llx: ", (unsigned long long)i->linked);
    write_padded(w->out, indent + INDENT + (size_t)INDENT * e->ncall, i->text);
    buf_text(w->out, " <span class=unimportant>");
    if (i->file.len) {
        write_text(w->out, path_base(i->file));
        buf_printf(w->out, ":%lld", (long long)i->line);
    }
    buf_text(w->out, "</span>\n");
}

// Instructions of one line: a run of the file's entries.
struct shown_line {
    const struct listing_entry *entry;
    u32 n;
    i64 flat, cum;
    bool has_code; // some instruction, or call, can be shown
};

static struct shown_line take_line(const struct writer *w, const struct listing_file *f, u32 first,
                                   i64 number)
{
    struct shown_line line = {.entry = f->entry + first};
    for (u32 k = first; k < f->nentry && f->entry[k].line == number; k++) {
        const struct listing_instruction *i = instruction_of(w, &f->entry[k]);
        line.flat += i->flat;
        line.cum += i->cum;
        line.has_code |= i->text.len != 0 || f->entry[k].ncall != 0;
        line.n++;
    }
    return line;
}

static void write_source(struct writer *w, i64 number, const struct shown_line *line,
                         struct str text)
{
    const char *kind = line->n == 0 ? "nop" : line->has_code ? "livesrc" : "deadsrc";
    buf_printf(w->out, "<span class=line> %6lld</span> <span class=%s>  ", (long long)number, kind);
    write_values(w, line->flat, line->cum);
    write_blanks(w->out, 11);
    write_text(w->out, text);
    buf_text(w->out, " </span>\n");
}

// A line of source; its instructions are shown when it is opened.
static void write_line(struct writer *w, const struct listing_file *f, i64 number,
                       const struct shown_line *line, struct str text)
{
    if (!line->has_code) {
        buf_text(w->out, "<div>");
        write_source(w, number, line, text);
        buf_text(w->out, "</div>");
        return;
    }
    buf_printf(w->out, "<details><summary%s>", line->cum || line->flat ? " class=valued" : "");
    write_source(w, number, line, text);
    buf_text(w->out, "</summary><div class=asm>");
    for (u32 i = 0; i < line->n; i++)
        write_instruction(w, f, &line->entry[i], i ? &line->entry[i - 1] : NULL, indentation(text));
    buf_text(w->out, "</div></details>");
}

static void write_lines(struct writer *w, const struct listing_file *f,
                        const struct listing_function *function, const struct source_file *s)
{
    u32 at = 0;
    while (at < f->nentry && f->entry[at].line < function->first)
        at++;
    for (i64 number = function->first; number < function->end; number++) {
        struct shown_line line = take_line(w, f, at, number);
        at += line.n;
        if (has_line(s, number))
            write_line(w, f, number, &line, s->line[number]);
        else if (line.n)
            write_line(w, f, number, &line,
                       number ? STR("???") : STR("<instructions with unknown line numbers>"));
    }
}

static void write_function(struct writer *w, const struct listing_file *f,
                           const struct listing_function *function, u32 number)
{
    const struct source_file *s = source_of(w, f->name, f);
    buf_printf(w->out, "<h2 id=\"f%u\">", number);
    write_text(w->out, function->name);
    buf_text(w->out, "</h2><p class=\"filename\">");
    write_text(w->out, f->name.len ? f->name : STR("(its source file is not known)"));
    buf_text(w->out, "</p>\n");
    if (f->name.len && s->error.code) {
        buf_text(w->out, "<p class=\"error\">");
        write_text(w->out, str_of(s->error.text));
        buf_text(w->out, "</p>\n");
    }
    buf_text(w->out, "<div class=\"code\"><div>  Total:  ");
    buf_right(w->out, str_of(report_amount(w->r, function->flat).text), 10);
    buf_char(w->out, ' ');
    buf_right(w->out, str_of(report_amount(w->r, function->cum).text), 10);
    buf_printf(w->out, " (flat, cum) %s\n</div>", unit_percent(function->cum, w->r->total).text);
    write_lines(w, f, function, s);
    buf_text(w->out, "</div>\n");
}

typedef void function_writer(struct writer *w, const struct listing_file *f,
                             const struct listing_function *function, u32 number);

// Writes each function that holds something; returns their number.
static u32 each_function(struct writer *w, function_writer *write)
{
    u32 n = 0;
    for (u32 i = 0; i < w->listing->nfile; i++) {
        const struct listing_file *f = w->listing->file[i];
        for (u32 k = 0; k < f->nfunction; k++) {
            if (f->function[k].cum)
                write(w, f, &f->function[k], ++n);
        }
    }
    return n;
}

static void write_link(struct writer *w, const struct listing_file *f,
                       const struct listing_function *function, u32 number)
{
    write_values(w, function->flat, function->cum);
    buf_printf(w->out, "  <a href=\"#f%u\">", number);
    write_text(w->out, function->name);
    buf_text(w->out, "</a> <span class=unimportant>");
    write_text(w->out, path_base(f->name));
    buf_text(w->out, "</span>\n");
}

static void write_legend(struct writer *w)
{
    struct buf labels;
    buf_init(&labels, KIB(64));
    report_profile_labels(&labels, w->r, "\n");
    buf_text(w->out, "<div class=\"legend\">");
    for (struct str rest = buf_str(&labels); rest.len;) {
        write_text(w->out, str_cut(&rest, '\n'));
        buf_text(w->out, rest.len ? "<br>\n" : "<br>");
    }
    buf_printf(w->out, "Total: %s</div>\n", report_amount(w->r, w->r->total).text);
    for (u32 i = 0; i < w->listing->ntrouble; i++) {
        buf_text(w->out, "<p class=\"error\">No assembly: ");
        write_text(w->out, str_of(w->listing->trouble[i].text));
        buf_text(w->out, "</p>\n");
    }
    buf_free(&labels);
}

static void write_head(struct writer *w)
{
    struct str file = report_title(w->r);
    buf_text(w->out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html_policy(w->out, ASSET(listing_js), ASSET(listing_css));
    buf_text(w->out, "<title>");
    write_text(w->out, file.len ? file : STR("unknown"));
    buf_char(w->out, ' ');
    write_text(w->out, w->r->sample_type);
    buf_text(w->out, "</title>\n<style>");
    buf_add(w->out, ASSET(listing_css));
    buf_text(w->out, "</style>\n</head>\n<body>\n");
}

static void write_page(struct writer *w)
{
    write_head(w);
    write_legend(w);
    buf_text(w->out,
             "<p class=\"help\">A line opens to its instructions: click it, or press Enter. "
             "n, p: next and previous line with a value. "
             "<button id=\"toggle\">Open or close all (a)</button></p>\n"
             "<details class=\"contents\"><summary>Functions</summary><pre>\n");
    each_function(w, write_link);
    buf_text(w->out, "</pre></details>\n");
    each_function(w, write_function);
    buf_text(w->out, "<script>");
    buf_add(w->out, ASSET(listing_js));
    buf_text(w->out, "</script>\n</body>\n</html>\n");
}

bool report_weblist(struct buf *out, struct report *r, struct err *e)
{
    struct binaries binaries;
    struct listing listing;
    struct writer w = {.out = out, .r = r, .listing = &listing};
    if (!sources_init(&w.sources, &r->config, &r->p, r->arena, e))
        return false;
    binaries_init(&binaries, &r->p, r->config.intel_syntax, r->arena);
    bool done = listing_build(&listing, &binaries, r, e);
    if (done)
        write_page(&w);
    binaries_close(&binaries);
    return done;
}
