// Lines into functions: what belongs to one name and lies close together is shown as one.
#include <stdlib.h>

#include "report/listing.h"

enum { MERGED_LINES = 20, AROUND_LINES = 5 };

static int by_line(const void *a, const void *b)
{
    const struct listing_entry *l = a, *r = b;
    if (l->line != r->line)
        return l->line < r->line ? -1 : 1;
    if (l->instruction != r->instruction)
        return l->instruction < r->instruction ? -1 : 1;
    return (l->ncall > r->ncall) - (l->ncall < r->ncall);
}

// The line of the entries from first to the next line's; *end is that one's first.
static struct listing_function take_line(const struct listing_file *f, const struct listing *l,
                                         const struct listing_names *names, u32 first, u32 *end)
{
    const struct listing_entry *e = &f->entry[first];
    u32 row = table_find(&names->system, e->function);
    struct listing_function line = {row ? names->pretty[row] : e->function, e->line, e->line + 1, 0,
                                    0};
    u32 i = first;
    for (; i < f->nentry && f->entry[i].line == e->line; i++) {
        line.flat += l->instruction[f->entry[i].instruction].flat;
        line.cum += l->instruction[f->entry[i].instruction].cum;
    }
    *end = i;
    return line;
}

static bool belongs_to(const struct listing_function *f, const struct listing_function *line)
{
    return line->first - f->end < MERGED_LINES && str_equal(f->name, line->name);
}

static void add_line(struct listing_file *f, struct listing_function line, struct arena *a)
{
    u32 n = f->nfunction;
    if (n == 0 || !belongs_to(&f->function[n - 1], &line)) {
        *arena_push(a, f->function, f->nfunction, f->function_cap) = line;
        return;
    }
    f->function[n - 1].end = line.end;
    f->function[n - 1].flat += line.flat;
    f->function[n - 1].cum += line.cum;
}

// Shows what is around, without showing a line twice.  Line 0, of code without one, stays alone.
static void widen(struct listing_file *f)
{
    for (u32 i = 0; i < f->nfunction; i++) {
        struct listing_function *to = &f->function[i], *before = i ? to - 1 : NULL;
        i64 half = before ? (to->first - before->end) / 2 : AROUND_LINES;
        half = half < AROUND_LINES ? half : AROUND_LINES;
        if (before)
            before->end += half;
        if (before || to->first > AROUND_LINES)
            to->first -= half;
        else if (to->first > 1)
            to->first = 1;
    }
    if (f->nfunction)
        f->function[f->nfunction - 1].end += AROUND_LINES;
}

void listing_divide(struct listing_file *f, const struct listing *l,
                    const struct listing_names *names, struct arena *a)
{
    if (f->nentry)
        qsort(f->entry, f->nentry, sizeof(*f->entry), by_line);
    for (u32 i = 0; i < f->nentry;)
        add_line(f, take_line(f, l, names, i, &i), a);
    widen(f);
}
