// Filters on many samples, which several threads work on, give what each sample gives alone.
#include "../profiles.h"
#include "../tap.h"
#include "profile/filter.h"

enum { SAMPLES = 90000, ALONE = 15000, FUNCTIONS = 60 };

static struct arena arena;
static u64 state = 88172645463325252;

static u32 next(u32 below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)((state >> 11) % below);
}

static struct profile many_samples(void)
{
    struct buf lines;
    buf_init(&lines, (size_t)MIB(64));
    for (u32 i = 0; i < SAMPLES; i++) {
        u32 depth = 1 + next(8);
        for (u32 k = 0; k < depth; k++) {
            buf_printf(&lines, "%sf%u", k ? ";" : "", next(FUNCTIONS));
            if (next(4) == 0)
                buf_printf(&lines, "+f%u", next(FUNCTIONS));
        }
        buf_printf(&lines, " %u %u\n", next(100), next(1000));
    }
    struct str text = arena_str(&arena, buf_str(&lines));
    buf_free(&lines);
    return profile_from_text("a/count b/bytes", text.ptr, &arena);
}

enum kind { FOCUS, IGNORE, HIDE, SHOW, ALL, SHOW_FROM, PRUNE_FROM };

static struct profile filtered(const struct profile *p, enum kind kind)
{
    struct err e;
    struct filter_matched m;
    struct regex *one, *two, *three;
    bool matched;
    regex_compile(&one, STR("^f1"), &e);
    regex_compile(&two, STR("^f2"), &e);
    regex_compile(&three, STR("^f.$"), &e);
    const struct filter_names names[] = {[FOCUS] = {.focus = one},
                                         [IGNORE] = {.ignore = one},
                                         [HIDE] = {.hide = one},
                                         [SHOW] = {.show = one},
                                         [ALL] = {one, two, three, NULL}};
    struct profile out = kind == SHOW_FROM    ? filter_show_from(p, one, &matched, &arena)
                         : kind == PRUNE_FROM ? filter_prune_from(p, one, &arena)
                                              : filter_names(p, &names[kind], &m, &arena);
    regex_free(one);
    regex_free(two);
    regex_free(three);
    return out;
}

static bool same_stack(const struct profile *p, u32 i, const struct profile *q, u32 k)
{
    const struct sample *s = &p->sample[i], *t = &q->sample[k];
    bool same = s->nframe == t->nframe;
    for (u32 n = 0; n < s->nframe && same; n++) {
        u32 here = p->frame[s->frame + n], there = q->frame[t->frame + n];
        same = here == there && p->location[here].nline == q->location[there].nline;
    }
    return same && memcmp(profile_values(p, i), profile_values(q, k), p->ntype * sizeof(i64)) == 0;
}

// So few samples that one thread filters them.
static void test(const struct profile *p, enum kind kind, const char *name)
{
    struct profile all = filtered(p, kind);
    u32 n = 0, differ = 0;
    for (u32 first = 0; first < SAMPLES; first += ALONE) {
        struct profile part = *p;
        part.sample += first;
        part.value += (size_t)first * p->ntype;
        part.nsample = ALONE;
        part = filtered(&part, kind);
        for (u32 i = 0; i < part.nsample; i++, n++)
            differ += n >= all.nsample || !same_stack(&all, n, &part, i);
    }
    ok(n == all.nsample && differ == 0 && n > SAMPLES / 10, "%s: %u samples, %u differ", name, n,
       differ);
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(4096));
    struct profile p = many_samples();
    test(&p, FOCUS, "focus");
    test(&p, IGNORE, "ignore");
    test(&p, HIDE, "hide");
    test(&p, SHOW, "show");
    test(&p, ALL, "focus, ignore and hide");
    test(&p, SHOW_FROM, "show_from");
    test(&p, PRUNE_FROM, "prune_from");
    arena_free(&arena);
    return done();
}
