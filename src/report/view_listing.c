// Source lines with what they hold, and the instructions that they were made into.
#include <stdlib.h>

#include "report/listing.h"
#include "report/source.h"
#include "report/view.h"

enum { MOST_FUNCTIONS = 50 }; // as pprof's page

struct writer {
    struct json j;
    const struct report *r;
    const struct listing *listing;
    struct sources sources;
};

// A function of a file.
struct part {
    const struct listing_file *file;
    const struct listing_function *function;
};

static int by_cum(const void *a, const void *b)
{
    const struct part *l = a, *r = b;
    i64 left = magnitude(l->function->cum), right = magnitude(r->function->cum);
    if (left != right)
        return left < right ? 1 : -1;
    int order = str_compare(l->file->name, r->file->name);
    return order ? order
                 : (l->function->first > r->function->first) -
                       (l->function->first < r->function->first);
}

static const struct listing_instruction *instruction_of(const struct writer *w,
                                                        const struct listing_entry *e)
{
    return &w->listing->instruction[e->instruction];
}

static void write_values(struct writer *w, i64 flat, i64 cum)
{
    json_int_field(&w->j, "flat", report_divided(w->r, flat));
    json_int_field(&w->j, "cum", report_divided(w->r, cum));
}

// The calls that were inlined where an instruction is, outermost first.
static void write_calls(struct writer *w, const struct listing_entry *e)
{
    if (e->ncall == 0)
        return;
    json_key(&w->j, "calls");
    json_begin_array(&w->j);
    for (u32 i = 0; i < e->ncall; i++) {
        struct str place =
            arena_printf(w->r->arena, "%.*s:%lld", STR_ARG(path_base(e->call[i].file)),
                         (long long)e->call[i].line);
        json_str(&w->j, place);
    }
    json_end(&w->j);
}

static void write_instruction(struct writer *w, const struct listing_entry *e)
{
    const struct listing_instruction *i = instruction_of(w, e);
    json_begin_object(&w->j);
    write_values(w, i->flat, i->cum);
    json_str_field(&w->j, "address",
                   arena_printf(w->r->arena, "%llx", (unsigned long long)i->linked));
    json_str_field(&w->j, "text", i->text);
    write_calls(w, e);
    json_end(&w->j);
}

// A line, and those of the file's entries from *at on that are of it.
static void write_line(struct writer *w, const struct listing_file *f, const struct source_file *s,
                       i64 number, u32 *at)
{
    u32 first = *at;
    i64 flat = 0, cum = 0;
    for (; *at < f->nentry && f->entry[*at].line == number; ++*at) {
        flat += instruction_of(w, &f->entry[*at])->flat;
        cum += instruction_of(w, &f->entry[*at])->cum;
    }
    bool is_known = number > 0 && number < s->nline;
    if (!is_known && *at == first)
        return;
    json_begin_object(&w->j);
    json_int_field(&w->j, "line", number);
    write_values(w, flat, cum);
    json_str_field(&w->j, "text",
                   is_known ? s->line[number]
                   : number ? STR("???")
                            : STR("(line not known)"));
    json_key(&w->j, "code");
    json_begin_array(&w->j);
    for (u32 i = first; i < *at; i++) {
        if (instruction_of(w, &f->entry[i])->text.len)
            write_instruction(w, &f->entry[i]);
    }
    json_end(&w->j);
    json_end(&w->j);
}

static void write_function(struct writer *w, const struct part *p)
{
    const struct listing_file *f = p->file;
    const struct source_file *s = sources_find_built(&w->sources, f->name, f->folder);
    u32 at = 0;
    json_begin_object(&w->j);
    json_str_field(&w->j, "name", p->function->name);
    json_str_field(&w->j, "file", f->name);
    if (s->error.code)
        json_str_field(&w->j, "error", str_of(s->error.text));
    write_values(w, p->function->flat, p->function->cum);
    json_key(&w->j, "lines");
    json_begin_array(&w->j);
    while (at < f->nentry && f->entry[at].line < p->function->first)
        at++;
    for (i64 number = p->function->first; number < p->function->end; number++)
        write_line(w, f, s, number, &at);
    json_end(&w->j);
    json_end(&w->j);
}

// The functions that hold something, the heaviest first.
static struct part *parts_of(const struct writer *w, u32 *n)
{
    struct part *part = NULL;
    u32 cap = 0;
    *n = 0;
    for (u32 i = 0; i < w->listing->nfile; i++) {
        const struct listing_file *f = w->listing->file[i];
        for (u32 k = 0; k < f->nfunction; k++) {
            if (f->function[k].cum)
                *arena_push(w->r->arena, part, *n, cap) = (struct part){f, &f->function[k]};
        }
    }
    if (*n)
        qsort(part, *n, sizeof(*part), by_cum);
    return part;
}

static void write_document(struct writer *w)
{
    u32 n;
    const struct part *part = parts_of(w, &n);
    json_begin_object(&w->j);
    json_header(&w->j, w->r);
    json_key(&w->j, "trouble");
    json_begin_array(&w->j);
    for (u32 i = 0; i < w->listing->ntrouble; i++)
        json_str(&w->j, str_of(w->listing->trouble[i].text));
    json_end(&w->j);
    json_int_field(&w->j, "matched", n);
    json_key(&w->j, "functions");
    json_begin_array(&w->j);
    for (u32 i = 0; i < n && i < MOST_FUNCTIONS; i++)
        write_function(w, &part[i]);
    json_end(&w->j);
    json_end(&w->j);
}

bool report_source_view(struct buf *out, struct report *r, struct err *e)
{
    struct binaries binaries;
    struct listing listing;
    struct writer w = {.r = r, .listing = &listing};
    if (!sources_init(&w.sources, &r->config, &r->p, r->arena, e))
        return false;
    json_init(&w.j, out);
    binaries_init(&binaries, &r->p, r->config.intel_syntax, r->arena);
    bool done = listing_build(&listing, &binaries, r, e);
    if (done)
        write_document(&w);
    binaries_close(&binaries);
    return done;
}
