#include "report/flametree.h"

#include <stdio.h>
#include <stdlib.h>

#include "../profiles.h"
#include "../tap.h"
#include "profile/filter.h"

enum { SAMPLES = 400, MOST_FRAMES = 12, NAMES = 5, MANY = 100000 };

static struct arena arena;
static u64 state = 88172645463325252;

static u32 next(u32 below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)((state >> 11) % below);
}

// By functions, as reports have it.
static struct profile functions_of(const char *types, const char *lines)
{
    struct profile p = profile_from_text(types, lines, &arena);
    return filter_aggregate(&p, (struct granularity){.inlines = true, .function = true}, &arena);
}

// Stacks over a few names, some of them inlined, so that many begin alike; values of both signs.
static struct profile random_profile(void)
{
    struct buf lines;
    buf_init(&lines, (size_t)MIB(16));
    for (u32 i = 0; i < SAMPLES; i++) {
        u32 n = next(MOST_FRAMES);
        for (u32 k = 0; k < n; k++)
            buf_printf(&lines, "%s%c", k == 0 ? "" : next(4) ? ";" : "+", 'a' + (int)next(NAMES));
        buf_printf(&lines, " %u %d\n", next(3), (int)next(2000) - 500);
    }
    struct str text = arena_str(&arena, buf_str(&lines));
    buf_free(&lines);
    return functions_of("samples/count cpu/nanoseconds", text.ptr);
}

static const u32 both[] = {0, 1};

static struct flametree build(const struct profile *p, bool from_leaf, u32 most, double least)
{
    struct places places = places_build(p, &(struct places_options){0}, &arena);
    struct flametree_options o = {both, 2, from_leaf, most, least};
    return flametree_build(p, &places, &o, &arena);
}

// The places of a sample, root first, or leaf first; returns their number.
static u32 path_of(u32 *path, const struct profile *p, const struct places *ps, u32 sample,
                   bool from_leaf)
{
    const struct sample *s = &p->sample[sample];
    u32 n = 0;
    for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
        for (u32 i = ps->first[p->frame[k]]; i < ps->first[p->frame[k] + 1]; i++)
            path[n++] = ps->of_line[i];
    }
    for (u32 i = 0; i < n / 2 && !from_leaf; i++) {
        u32 other = path[i];
        path[i] = path[n - 1 - i];
        path[n - 1 - i] = other;
    }
    return n;
}

// Whether a row's amounts are those of the samples whose paths begin with its own.
static bool row_holds(const struct flametree *t, u32 row, const struct profile *p,
                      const struct places *ps, bool from_leaf)
{
    u32 want[MOST_FRAMES * 2], n = 0, path[MOST_FRAMES * 2];
    struct flame_amount self = {0}, total = {0};
    for (u32 i = row; i; i = t->parent[i])
        n++;
    for (u32 i = row, at = n; i; i = t->parent[i])
        want[--at] = t->place[i];
    for (u32 i = 0; i < p->nsample; i++) {
        u32 length = path_of(path, p, ps, i, from_leaf);
        if (length < n || (n && memcmp(path, want, n * sizeof(*path)) != 0))
            continue;
        i64 value = profile_values(p, i)[1];
        total.value += value;
        total.magnitude += magnitude(value);
        self.value += length == n ? value : 0;
        self.magnitude += length == n ? magnitude(value) : 0;
    }
    return memcmp(&flametree_self(t, row)[1], &self, sizeof(self)) == 0 &&
           memcmp(&flametree_total(t, row)[1], &total, sizeof(total)) == 0;
}

static void test_whole(const struct profile *p, bool from_leaf)
{
    struct places ps = places_build(p, &(struct places_options){0}, &arena);
    struct flametree t = build(p, from_leaf, MANY, 0);
    u32 wrong = 0, disordered = 0, rests = 0;
    for (u32 i = 0; i < t.n; i++) {
        wrong += !row_holds(&t, i, p, &ps, from_leaf);
        disordered += i && t.parent[i] >= i;
        rests += i && t.place[i] == 0;
    }
    const char *name = from_leaf ? "callers" : "callees";
    ok(wrong == 0 && t.n > SAMPLES, "%s: %u rows hold what the samples below them do", name, t.n);
    ok(disordered == 0, "%s: parents come first", name);
    ok(rests == 0, "%s: nothing is left out when there is room", name);
}

static int by_magnitude(const void *a, const void *b)
{
    double l = *(const double *)a, r = *(const double *)b;
    return (l < r) - (l > r);
}

// The rows' shares, the heaviest first; returns their number.
static u32 shares(double *share, const struct flametree *t)
{
    u32 n = 0;
    for (u32 i = 0; i < t->n; i++) {
        double most = 0;
        for (u32 k = 0; k < 2; k++) {
            double part = (double)flametree_total(t, i)[k].magnitude /
                          (double)flametree_total(t, 0)[k].magnitude;
            most = part > most ? part : most;
        }
        if (i == 0 || t->place[i])
            share[n++] = most;
    }
    qsort(share, n, sizeof(*share), by_magnitude);
    return n;
}

static void test_heaviest(const struct profile *p, u32 most)
{
    struct flametree all = build(p, false, MANY, 0), few = build(p, false, most, 0);
    double *of_all = arena_new(&arena, double, all.n), *of_few = arena_new(&arena, double, few.n);
    shares(of_all, &all);
    u32 n = shares(of_few, &few);
    ok(n == most + 1, "of a limit of %u nodes all are there (%u)", most, n - 1);
    ok(memcmp(of_all, of_few, n * sizeof(*of_few)) == 0, "they are the heaviest");
    ok(memcmp(flametree_total(&all, 0), flametree_total(&few, 0), 2 * sizeof(*few.total)) == 0,
       "and with the rest they add up to the same");
}

static void test_least(const struct profile *p)
{
    struct flametree t = build(p, false, MANY, 0.05);
    double *share = arena_new(&arena, double, t.n);
    u32 n = shares(share, &t);
    ok(n > 5 && share[n - 1] >= 0.05, "nodes have the least share (%u, %f)", n, share[n - 1]);
}

static void test_small(void)
{
    struct profile p = functions_of("samples/count cpu/nanoseconds",
                                    "main;f+g 1 10\nmain;f 1 5\nmain;f+g 1 -4\n 1 3\nmain;h 0 0\n");
    struct flametree t = build(&p, false, MANY, 0);
    ok(t.n == 4, "main, f, g: what weighs nothing is no node");
    ok(t.is_inline[3] && !t.is_inline[2], "g is inlined, f is not");
    ok(flametree_self(&t, 3)[1].value == 6 && flametree_self(&t, 3)[1].magnitude == 14,
       "a difference has a value, and a magnitude");
    ok(flametree_self(&t, 0)[1].value == 3, "what has no stack is the root's own");
    p = functions_of("samples/count", "");
    struct flametree_options o = {both, 1, false, MANY, 0};
    struct places places = places_build(&p, &(struct places_options){0}, &arena);
    ok(flametree_build(&p, &places, &o, &arena).n == 1, "of no samples there is the root");
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(4096));
    struct profile p = random_profile();
    test_whole(&p, false);
    test_whole(&p, true);
    for (u32 most = 1; most < 300; most += 97)
        test_heaviest(&p, most);
    test_least(&p);
    test_small();
    arena_free(&arena);
    return done();
}
