// Folded stacks: "root;child;leaf value", a line for each stack that is printed differently, sorted
// by its frames' names (https://github.com/brendangregg/FlameGraph).
#include <stdlib.h>

#include "report/report.h"
#include "report/stacks.h"

#define NO_STACK "[no stack]"

// A place's name as a frame: what separates frames and lines is something else in it.
static struct str frame_name(struct str name, struct arena *a)
{
    char *copy = arena_new(a, char, name.len);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        copy[i] = c == ';' ? ':' : (u8)c < ' ' ? ' ' : c;
    }
    return (struct str){copy, name.len};
}

static int by_name(const void *a, const void *b, void *names)
{
    const struct str *name = names;
    return str_compare(name[*(const u32 *)a], name[*(const u32 *)b]);
}

// The places numbered by their frames' names, in the names' order: those of one name are one.
static struct places name_places(const struct places *ps, u32 nlocation, struct arena *a)
{
    struct places out = *ps;
    struct str *name = arena_new(a, struct str, ps->nplace);
    u32 *order = arena_new(a, u32, ps->nplace), *rank = arena_new(a, u32, ps->nplace);
    for (u32 i = 1; i < ps->nplace; i++) {
        name[i] = frame_name(ps->name[i], a);
        order[i - 1] = i;
    }
    qsort_r(order, ps->nplace - 1, sizeof(*order), by_name, name);
    out.name = arena_new(a, struct str, ps->nplace);
    out.nplace = 1;
    for (u32 i = 0; i + 1 < ps->nplace; i++) {
        if (out.nplace == 1 || !str_equal(name[order[i]], out.name[out.nplace - 1]))
            out.name[out.nplace++] = name[order[i]];
        rank[order[i]] = out.nplace - 1;
    }
    u32 nline = ps->first[nlocation];
    out.of_line = arena_new(a, u32, nline);
    for (u32 i = 0; i < nline; i++)
        out.of_line[i] = rank[ps->of_line[i]];
    return out;
}

// A sum of values, and of what it is to be divided by.
struct sum {
    i64 value, div;
};

static void add_sample(struct sum *s, const struct report *r, u32 sample)
{
    const i64 *value = profile_values(&r->p, sample);
    s->value += value[r->values.type];
    s->div += r->values.mean ? value[0] : 0;
}

static void write_value(struct buf *out, const struct report *r, struct sum s)
{
    buf_printf(out, " %lld\n", (long long)report_divided(r, divided(s.value, s.div)));
}

static bool counts(const struct report *r, struct sum s)
{
    return s.value && !(r->config.drop_negative && s.value < 0);
}

static bool same_path(const struct stacks *s, u32 l, u32 r)
{
    const u32 *left = s->path + s->from[l], *right = s->path + s->from[r];
    size_t n = s->from[l + 1] - s->from[l];
    if (n != s->from[r + 1] - s->from[r])
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((left[i] & ~INLINED_CALL) != (right[i] & ~INLINED_CALL))
            return false;
    }
    return true;
}

static void write_path(struct buf *out, const struct stacks *s, u32 sample)
{
    for (size_t i = s->from[sample]; i < s->from[sample + 1]; i++) {
        if (i > s->from[sample])
            buf_char(out, ';');
        buf_add(out, s->places.name[s->path[i] & ~INLINED_CALL]);
    }
}

// What has no stack is told of in a line of its own, so that the lines add up to the total.
static void write_stackless(struct buf *out, const struct report *r)
{
    struct sum sum = {0};
    for (u32 i = 0; i < r->p.nsample; i++) {
        if (r->p.sample[i].nframe == 0)
            add_sample(&sum, r, i);
    }
    if (counts(r, sum)) {
        buf_text(out, NO_STACK);
        write_value(out, r, sum);
    }
}

bool report_folded(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct places_options o = {false, true, r->config.trim_path, r->config.source_path};
    struct places all = places_build(&r->p, &o, r->arena);
    struct places places = name_places(&all, r->p.nlocation, r->arena);
    struct stacks s = stacks_sort(&r->p, places, r->values, r->arena);
    write_stackless(out, r);
    for (u32 i = 0, next; i < s.n; i = next) {
        struct sum sum = {0};
        for (next = i; next < s.n && same_path(&s, s.sample[i], s.sample[next]); next++)
            add_sample(&sum, r, s.sample[next]);
        if (!counts(r, sum))
            continue;
        write_path(out, &s, s.sample[i]);
        write_value(out, r, sum);
    }
    return true;
}
