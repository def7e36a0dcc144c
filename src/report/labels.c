// The labels of a sample as text.
#include <stdlib.h>

#include "report/report.h"

// How many labels from the first one on are of its kind and key.
static u32 same_key(const struct profile *p, const struct label *l, u32 n)
{
    u32 same = 1;
    while (same < n && (l[same].text == 0) == (l->text == 0) &&
           str_equal(profile_string(p, l[same].key), profile_string(p, l->key)))
        same++;
    return same;
}

u32 report_label_parts(struct str **part, const struct report *r, const struct sample *s,
                       bool texts, label_writer *write)
{
    const struct label *l = profile_labels(&r->p, s);
    u32 n = 0;
    *part = arena_new(r->arena, struct str, s->nlabel);
    for (u32 i = 0, same; i < s->nlabel; i += same) {
        same = same_key(&r->p, l + i, s->nlabel - i);
        if ((l[i].text != 0) != texts)
            continue;
        struct buf b;
        buf_init(&b, SIZE_MAX / 2);
        write(&b, r, l + i, same);
        (*part)[n++] = arena_str(r->arena, buf_str(&b));
        buf_free(&b);
    }
    qsort(*part, n, sizeof(**part), str_order);
    return n;
}
