#include "report/stacks.h"

static size_t path_length(const struct profile *p, const struct places *places, u32 sample)
{
    const struct sample *s = &p->sample[sample];
    size_t n = 0;
    for (u32 k = s->frame; k < s->frame + s->nframe; k++)
        n += places->first[p->frame[k] + 1] - places->first[p->frame[k]];
    return n;
}

static void write_path(u32 *path, const struct profile *p, const struct places *places, u32 sample)
{
    const struct sample *s = &p->sample[sample];
    for (u32 k = s->nframe; k > 0; k--) {
        u32 location = p->frame[s->frame + k - 1], last = places->first[location + 1];
        for (u32 i = last; i > places->first[location]; i--)
            *path++ = places->of_line[i - 1] | (i == last ? 0 : INLINED_CALL);
    }
}

static u32 key_at(const struct stacks *s, u32 sample, size_t depth)
{
    size_t at = s->from[sample] + depth;
    return at < s->from[sample + 1] ? s->path[at] & ~INLINED_CALL : 0;
}

static void swap(u32 *a, u32 *b)
{
    u32 other = *a;
    *a = *b;
    *b = other;
}

// Stacks that are equal in their first depth places.
struct bundle {
    u32 *sample;
    size_t n, depth;
};

// Divides a bundle by its next place: less, equal (one deeper), more.
static void divide(const struct stacks *s, struct bundle whole, struct bundle part[3])
{
    u32 *sample = whole.sample, pivot = key_at(s, sample[whole.n / 2], whole.depth);
    size_t less = 0, at = 0, more = whole.n;
    while (at < more) {
        u32 key = key_at(s, sample[at], whole.depth);
        if (key < pivot)
            swap(&sample[less++], &sample[at++]);
        else if (key > pivot)
            swap(&sample[at], &sample[--more]);
        else
            at++;
    }
    part[0] = (struct bundle){sample, less, whole.depth};
    // Without a pivot all of these have ended.
    part[1] = (struct bundle){sample + less, pivot ? more - less : 0, whole.depth + 1};
    part[2] = (struct bundle){sample + more, whole.n - more, whole.depth};
}

// Multikey quicksort (Bentley and Sedgewick, "Fast algorithms for sorting and searching strings"):
// what is known to be equal is not compared again.  Only the largest part is not left to another
// call, so that there are never more than log2(n) of those.
static void sort_paths(const struct stacks *s, struct bundle b)
{
    while (b.n > 1) {
        struct bundle part[3];
        divide(s, b, part);
        u32 largest = 0;
        for (u32 i = 1; i < 3; i++)
            largest = part[i].n > part[largest].n ? i : largest;
        for (u32 i = 0; i < 3; i++) {
            if (i != largest)
                sort_paths(s, part[i]);
        }
        b = part[largest];
    }
}

struct stacks stacks_sort(const struct profile *p, struct places places, struct graph_values v,
                          struct arena *a)
{
    struct stacks s = {.places = places, .values = v, .p = p};
    size_t n = 0;
    s.from = arena_new(a, size_t, (size_t)p->nsample + 1);
    s.sample = arena_new(a, u32, p->nsample);
    for (u32 i = 0; i < p->nsample; i++) {
        s.from[i] = n;
        n += path_length(p, &places, i);
    }
    s.from[p->nsample] = n;
    s.path = arena_new(a, u32, n);
    for (u32 i = 0; i < p->nsample; i++) {
        const i64 *value = profile_values(p, i);
        write_path(s.path + s.from[i], p, &places, i);
        if (s.from[i] < s.from[i + 1] && (value[v.type] || (v.mean && value[0])))
            s.sample[s.n++] = i;
    }
    sort_paths(&s, (struct bundle){s.sample, s.n, 0});
    return s;
}

struct walk {
    const struct stack_visitor *visitor;
    struct stack_level *level; // 0: the root of all trees
    u32 depth;
    u32 entered;
};

// Leaves nodes until only depth of them are open.
static void leave_until(struct walk *w, u32 depth)
{
    for (; w->depth > depth; w->depth--) {
        struct stack_level *l = &w->level[w->depth];
        if (w->visitor->leave)
            w->visitor->leave(w->visitor->context, l);
        l[-1].cum += l->cum;
        l[-1].cum_div += l->cum_div;
    }
}

static void enter(struct walk *w, u32 place)
{
    struct stack_level *l = &w->level[++w->depth];
    *l = (struct stack_level){
        .place = place & ~INLINED_CALL, .serial = ++w->entered, .is_inline = place & INLINED_CALL};
    if (w->visitor->enter)
        w->visitor->enter(w->visitor->context, l);
}

static void walk_sample(struct walk *w, const struct stacks *s, u32 sample)
{
    const u32 *path = s->path + s->from[sample];
    u32 n = (u32)(s->from[sample + 1] - s->from[sample]), same = 0;
    while (same < n && same < w->depth &&
           w->level[same + 1].place == (path[same] & ~INLINED_CALL)) {
        w->level[same + 1].is_inline &= (path[same] & INLINED_CALL) != 0;
        same++;
    }
    leave_until(w, same);
    for (u32 i = same; i < n; i++)
        enter(w, path[i]);
    const i64 *value = profile_values(s->p, sample);
    i64 weight = value[s->values.type], div = s->values.mean ? value[0] : 0;
    struct stack_level *l = &w->level[n];
    l->flat += weight;
    l->flat_div += div;
    l->cum += weight;
    l->cum_div += div;
    if (w->visitor->sample)
        w->visitor->sample(w->visitor->context, l, n, sample);
}

void stacks_walk(const struct stacks *s, const struct stack_visitor *visitor)
{
    size_t deepest = 0;
    for (u32 i = 0; i < s->n; i++) {
        size_t n = s->from[s->sample[i] + 1] - s->from[s->sample[i]];
        deepest = n > deepest ? n : deepest;
    }
    struct arena scratch;
    arena_init(&scratch, SIZE_MAX);
    struct walk w = {.visitor = visitor};
    w.level = arena_new(&scratch, struct stack_level, deepest + 1);
    for (u32 i = 0; i < s->n; i++)
        walk_sample(&w, s, s->sample[i]);
    leave_until(&w, 0);
    arena_free(&scratch);
}
