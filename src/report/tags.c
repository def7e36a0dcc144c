// How much of the profile carries which labels, by key.
#include "report/tags.h"

#include <stdlib.h>

#include "report/columns.h"

static struct tag_key *find_key(struct tags *t, const struct report *r, struct str name)
{
    u32 row = table_add_shared(&t->names, name);
    if (row == t->nkey) {
        struct tag_key *k = arena_push(r->arena, t->key, t->nkey, t->cap);
        *k = (struct tag_key){.name = name};
        table_init(&k->names, r->arena);
        arena_push(r->arena, k->tag, k->ntag, k->cap);
    }
    return &t->key[row];
}

static void add(struct tags *t, const struct report *r, const struct label *l, i64 value)
{
    struct tag_key *k = find_key(t, r, profile_string(&r->p, l->key));
    struct buf name;
    buf_init(&name, SIZE_MAX / 2);
    if (l->text)
        buf_add(&name, profile_string(&r->p, l->text));
    else
        unit_label(&name, l->number, label_unit(&r->units, k->name), r->output_unit);
    u32 row = table_add(&k->names, buf_str(&name));
    if (row == k->ntag)
        *arena_push(r->arena, k->tag, k->ntag, k->cap) = (struct tag){.name = k->names.key[row]};
    buf_free(&name);
    k->tag[row].value += value;
    k->total += value;
}

static int by_name(const void *a, const void *b)
{
    return str_compare(((const struct tag_key *)a)->name, ((const struct tag_key *)b)->name);
}

static int by_value(const void *a, const void *b)
{
    const struct tag *l = a, *r = b;
    i64 ml = magnitude(l->value), mr = magnitude(r->value);
    return ml != mr ? (ml < mr ? 1 : -1) : str_compare(l->name, r->name);
}

// Samples share runs of labels: what each run weighs comes first.
struct tags tags_build(const struct report *r)
{
    struct tags t = {0};
    const struct profile *p = &r->p;
    table_init(&t.names, r->arena);
    arena_push(r->arena, t.key, t.nkey, t.cap);
    i64 *weight = arena_new(r->arena, i64, p->nlabel);
    struct sample *run = arena_new(r->arena, struct sample, p->nlabel);
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        if (s->nlabel) {
            weight[s->label] += profile_values(p, i)[r->values.type];
            run[s->label] = *s;
        }
    }
    for (u32 i = 0; i < p->nlabel; i++) {
        for (u32 k = 0; k < run[i].nlabel; k++)
            add(&t, r, &p->label[i + k], weight[i]);
    }
    qsort(t.key + 1, t.nkey - 1, sizeof(*t.key), by_name);
    for (u32 i = 1; i < t.nkey; i++)
        qsort(t.key[i].tag + 1, t.key[i].ntag - 1, sizeof(struct tag), by_value);
    return t;
}

// Appends " (25.00%)", where there is something to compare with.
static void add_percent(struct buf *out, i64 value, i64 total)
{
    if (total > 0)
        buf_printf(out, " (%s)", unit_percent(value, total).text);
}

// A key, and below it its values with what they amount to.
static void write_key(struct buf *out, const struct report *r, const struct tag_key *k)
{
    buf_printf(out, "%.*s:\t Total %s of %s", STR_ARG(k->name), report_amount(r, k->total).text,
               report_amount(r, r->total).text);
    add_percent(out, k->total, r->total);
    for (u32 i = 1; i < k->ntag; i++) {
        buf_printf(out, "\n \t%s", report_amount(r, k->tag[i].value).text);
        add_percent(out, k->tag[i].value, r->total);
        buf_printf(out, ":\t %.*s", STR_ARG(k->tag[i].name));
    }
    buf_text(out, "\n\n");
}

bool report_tags(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct tags t = tags_build(r);
    struct buf text;
    buf_init(&text, out->limit);
    for (u32 i = 1; i < t.nkey; i++)
        write_key(&text, r, &t.key[i]);
    columns_write(out, buf_str(&text), r->arena);
    out->full |= text.full;
    buf_free(&text);
    return true;
}
