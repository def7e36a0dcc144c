#include "http/text.h"

#include <stdlib.h>
#include <string.h>

#include "record/read.h"

enum { TAB = 8, CELLS = 3 };

struct text_form {
    const struct profile *p;
    struct str name;
    u32 *order; // samples, as they are printed
    struct arena *arena;
};

// What a row is sorted by: the largest first.
static i64 weight(const struct profile *p, u32 sample)
{
    const i64 *value = profile_values(p, sample);
    return value[p->ntype - 1];
}

static int by_weight(const void *a, const void *b, void *context)
{
    u32 x = *(const u32 *)a, y = *(const u32 *)b;
    i64 wx = weight(context, x), wy = weight(context, y);
    return wx != wy ? (wx < wy) - (wx > wy) : (x > y) - (x < y);
}

static u32 *sorted(const struct profile *p, struct arena *a)
{
    u32 *order = arena_new(a, u32, p->nsample + 1);
    for (u32 i = 0; i < p->nsample; i++)
        order[i] = i;
    qsort_r(order, p->nsample, sizeof(*order), by_weight, (void *)(uintptr_t)p);
    return order;
}

static i64 sum(const struct profile *p, u32 type)
{
    i64 total = 0;
    for (u32 i = 0; i < p->nsample; i++)
        total += profile_values(p, i)[type];
    return total;
}

// Go's addresses here are those of return, one behind the call's.
static void add_addresses(struct buf *out, const struct profile *p, const struct sample *s)
{
    buf_text(out, " @");
    for (u32 i = 0; i < s->nframe; i++) {
        u64 address = p->location[p->frame[s->frame + i]].address;
        buf_printf(out, " %#llx", (unsigned long long)(address ? address + 1 : 0));
    }
    buf_char(out, '\n');
}

// Labels in one line, as Go prints those of goroutines.
static void add_labels(struct buf *out, const struct profile *p, const struct sample *s)
{
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &p->label[s->label + i];
        buf_printf(out, "%s\"%.*s\":", i ? ", " : "# labels: {",
                   STR_ARG(profile_string(p, l->key)));
        if (l->text)
            buf_printf(out, "\"%.*s\"", STR_ARG(profile_string(p, l->text)));
        else
            buf_printf(out, "\"%lld %.*s\"", (long long)l->number,
                       STR_ARG(profile_string(p, l->unit)));
    }
    if (s->nlabel)
        buf_text(out, "}\n");
}

struct frame_line {
    struct str cell[CELLS]; // address, function, place
};

// The functions of a stack, one a line, inlined ones with the address of their caller.
static u32 frame_lines(struct frame_line **out, const struct profile *p, const struct sample *s,
                       struct arena *a)
{
    u32 n = 0, most = 0;
    for (u32 i = 0; i < s->nframe; i++) {
        u32 nline = p->location[p->frame[s->frame + i]].nline;
        most += nline ? nline : 1;
    }
    *out = arena_new(a, struct frame_line, most + 1);
    for (u32 i = 0; i < s->nframe; i++) {
        const struct location *l = &p->location[p->frame[s->frame + i]];
        struct str address = arena_printf(a, "%#llx", (unsigned long long)l->address);
        if (l->nline == 0)
            (*out)[n++].cell[0] = address;
        for (u32 k = 0; k < l->nline; k++) {
            const struct line *line = &p->line[l->line + k];
            const struct function *f = &p->function[line->function];
            struct str file = profile_string(p, f->filename);
            (*out)[n++] = (struct frame_line){{
                address,
                profile_string(p, f->name),
                file.len ? arena_printf(a, "%.*s:%lld", STR_ARG(file), (long long)line->line)
                         : file,
            }};
        }
    }
    return n;
}

// Columns are as wide as their longest cell, in tabs of eight.
static void add_frames(struct buf *out, const struct profile *p, const struct sample *s,
                       struct arena *a)
{
    struct frame_line *line;
    u32 n = frame_lines(&line, p, s, a);
    size_t width[CELLS] = {0};
    for (u32 i = 0; i < n; i++) {
        for (u32 c = 0; c < CELLS; c++) {
            size_t need = (line[i].cell[c].len / TAB + 1) * TAB;
            width[c] = need > width[c] ? need : width[c];
        }
    }
    for (u32 i = 0; i < n; i++) {
        buf_text(out, "#\t");
        u32 last = line[i].cell[2].len ? 2 : line[i].cell[1].len ? 1 : 0;
        for (u32 c = 0; c <= last; c++) {
            buf_add(out, line[i].cell[c]);
            for (size_t at = line[i].cell[c].len / TAB * TAB; c < last && at < width[c]; at += TAB)
                buf_char(out, '\t');
        }
        buf_char(out, '\n');
    }
    buf_char(out, '\n');
}

static void add_stack(struct buf *out, const struct profile *p, const struct sample *s,
                      struct arena *a)
{
    add_addresses(out, p, s);
    add_labels(out, p, s);
    add_frames(out, p, s, a);
}

// What is in use, and in brackets what was allocated.  The rate is given as one byte: the numbers
// are estimates already, and readers must not scale them once more.
static void write_heap(struct buf *out, const struct text_form *t)
{
    const struct profile *p = t->p;
    u32 inuse = p->ntype - 2;
    bool has_alloc = p->ntype == 4;
    buf_printf(out, "heap profile: %lld: %lld [%lld: %lld] @ heap/2\n", (long long)sum(p, inuse),
               (long long)sum(p, inuse + 1), has_alloc ? (long long)sum(p, 0) : 0LL,
               has_alloc ? (long long)sum(p, 1) : 0LL);
    for (u32 i = 0; i < p->nsample; i++) {
        const i64 *v = profile_values(p, t->order[i]);
        buf_printf(out, "%lld: %lld [%lld: %lld]", (long long)v[inuse], (long long)v[inuse + 1],
                   has_alloc ? (long long)v[0] : 0LL, has_alloc ? (long long)v[1] : 0LL);
        add_stack(out, p, &p->sample[t->order[i]], t->arena);
    }
}

// Cycles are nanoseconds here.
static void write_contention(struct buf *out, const struct text_form *t)
{
    const struct profile *p = t->p;
    bool is_mutex = str_equal(t->name, STR("mutex"));
    buf_printf(out, "--- %s:\ncycles/second=1000000000\n", is_mutex ? "mutex" : "contention");
    if (is_mutex)
        buf_text(out, "sampling period=1\n");
    for (u32 i = 0; i < p->nsample; i++) {
        const i64 *v = profile_values(p, t->order[i]);
        buf_printf(out, "%lld %lld", (long long)v[1], (long long)v[0]);
        add_stack(out, p, &p->sample[t->order[i]], t->arena);
    }
}

static void write_counts(struct buf *out, const struct text_form *t)
{
    const struct profile *p = t->p;
    buf_printf(out, "%.*s profile: total %lld\n", STR_ARG(t->name), (long long)sum(p, 0));
    for (u32 i = 0; i < p->nsample; i++) {
        buf_printf(out, "%lld", (long long)profile_values(p, t->order[i])[0]);
        add_stack(out, p, &p->sample[t->order[i]], t->arena);
    }
}

static void write_mappings(struct buf *out, const struct profile *p)
{
    buf_text(out, "--- Memory map: ---\n");
    for (u32 i = 1; i < p->nmapping; i++) {
        const struct mapping *m = &p->mapping[i];
        buf_printf(out, "%08llx-%08llx r-xp %08llx 00:00 0 %.*s\n", (unsigned long long)m->start,
                   (unsigned long long)m->limit, (unsigned long long)m->offset,
                   STR_ARG(profile_string(p, m->filename)));
    }
}

void text_write(struct buf *out, const struct profile *p, struct str name, struct arena *a)
{
    struct text_form t = {.p = p, .name = name, .order = sorted(p, a), .arena = a};
    if (p->ntype >= 2 && str_equal(profile_string(p, p->type[1].type), STR("delay")))
        write_contention(out, &t);
    else if (p->ntype >= 2)
        write_heap(out, &t);
    else
        write_counts(out, &t);
    for (u32 i = 0; i < p->ncomment; i++)
        buf_printf(out, "# %.*s\n", STR_ARG(profile_string(p, p->comment[i])));
    write_mappings(out, p);
}

static void add_total(struct buf *out, const char *name, u64 value)
{
    buf_printf(out, "# %s = %llu\n", name, (unsigned long long)value);
}

void text_write_totals(struct buf *out, const struct record_header *h)
{
    const struct record_allocator *a = &h->allocator;
    add_total(out, "LiveBytes", h->live_bytes);
    add_total(out, "TotalAlloc", h->alloc_bytes);
    add_total(out, "PeakBytes", h->peak_bytes);
    add_total(out, "Samples", h->nsample);
    if (a->time_ns == 0 || a->kind > RECORD_ALLOCATOR_MIMALLOC)
        return;
    buf_printf(out, "# Allocator = %s\n", record_allocator_name(a->kind, "unknown"));
    add_total(out, "AllocatorSystem", a->system_bytes);
    add_total(out, "AllocatorInuse", a->used_bytes);
    add_total(out, "AllocatorRetained", a->free_bytes);
    add_total(out, "AllocatorMapped", a->mapped_bytes);
}
