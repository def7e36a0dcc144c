#include "report/candidates.h"

void candidates_init(struct candidates *h, struct arena *a)
{
    *h = (struct candidates){.arena = a};
    arena_push(a, h->row, h->n, h->cap);
}

// Runs do not overlap, so that the order is the same each time.
bool candidate_is_heavier(const struct candidate *l, const struct candidate *r)
{
    return l->share != r->share ? l->share > r->share : l->begin < r->begin;
}

void candidates_push(struct candidates *h, struct candidate c)
{
    arena_push(h->arena, h->row, h->n, h->cap);
    u32 i = h->n - 1;
    for (; i > 1 && candidate_is_heavier(&c, &h->row[i / 2]); i /= 2)
        h->row[i] = h->row[i / 2];
    h->row[i] = c;
}

struct candidate candidates_pop(struct candidates *h)
{
    struct candidate top = h->row[1], last = h->row[--h->n];
    u32 i = 1;
    for (u32 below = 2; below < h->n; below = 2 * i) {
        below += below + 1 < h->n && candidate_is_heavier(&h->row[below + 1], &h->row[below]);
        if (!candidate_is_heavier(&h->row[below], &last))
            break;
        h->row[i] = h->row[below];
        i = below;
    }
    h->row[i] = last;
    return top;
}
