// What is held under each set of labels: which route, which upload, how many bytes each.
#include <stdlib.h>

#include "base/buf.h"
#include "base/table.h"
#include "oom/oom.h"

// When the oldest and the newest live block of a stack were allocated, by its word offset.
struct age {
    u32 first_s, last_s;
    bool is_known;
};

static struct age *find_ages(const struct oom *o, struct arena *a)
{
    u32 nword = o->v.header.section[RECORD_STACK_WORD].nrow;
    struct age *age = arena_new(a, struct age, nword);
    for (u32 i = 0; i < o->nblock; i++) {
        const struct record_live *l = &o->block[i].live;
        if (l->stack >= nword)
            continue;
        struct age *x = &age[l->stack];
        if (!x->is_known || l->second < x->first_s)
            x->first_s = l->second;
        if (!x->is_known || l->second > x->last_s)
            x->last_s = l->second;
        x->is_known = true;
    }
    return age;
}

// "route=/graphql upload=7"
static struct str text_of(const struct profile *p, const struct sample *s, struct buf *text)
{
    text->len = 0;
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &p->label[s->label + i];
        buf_printf(text, "%s%.*s=%.*s", i ? " " : "", STR_ARG(profile_string(p, l->key)),
                   STR_ARG(profile_string(p, l->text)));
    }
    return buf_str(text);
}

static void add_heap(struct oom_labels *l, const i64 *value, const struct age *age)
{
    if (value[OOM_COLUMN] == 0)
        return;
    if (l->blocks == 0 || age->first_s < l->first_s)
        l->first_s = age->first_s;
    if (l->blocks == 0 || age->last_s > l->last_s)
        l->last_s = age->last_s;
    l->heap_bytes += value[OOM_COLUMN];
    l->blocks += (u64)value[OOM_COLUMN - 1];
}

static int by_bytes(const void *a, const void *b)
{
    const struct oom_labels *l = a, *r = b;
    i64 left = l->heap_bytes + l->mapped_bytes, right = r->heap_bytes + r->mapped_bytes;
    return (left < right) - (left > right);
}

// Leaves out what holds nothing.
static u32 sort(struct oom_labels *labels, u32 n)
{
    u32 kept = 0;
    for (u32 i = 0; i < n; i++) {
        if (labels[i].heap_bytes + labels[i].mapped_bytes > 0)
            labels[kept++] = labels[i];
    }
    qsort(labels, kept, sizeof(*labels), by_bytes);
    return kept;
}

u32 oom_labels(struct oom_labels **out, const struct oom *o, struct arena *a)
{
    struct table texts;
    struct buf text;
    const struct age *age = find_ages(o, a);
    *out = arena_new(a, struct oom_labels, o->end[RECORD_PART_MAPPED] + 1);
    table_init(&texts, a);
    buf_init(&text, 1 << 16);
    for (u32 i = 0; i < o->end[RECORD_PART_MAPPED]; i++) {
        const struct sample *s = &o->all.sample[i];
        u32 row = s->nlabel ? table_add(&texts, text_of(&o->all, s, &text)) : 0;
        if (row == 0)
            continue;
        struct oom_labels *l = &(*out)[row - 1];
        l->text = texts.key[row];
        if (i < o->end[RECORD_PART_HEAP])
            add_heap(l, profile_values(&o->all, i), &age[o->stack_of[i]]);
        else
            l->mapped_bytes += profile_values(&o->all, i)[OOM_COLUMN];
    }
    buf_free(&text);
    return sort(*out, texts.nkey - 1);
}
