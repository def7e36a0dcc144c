// What holds for every profile, whoever made it; abort() where it does not.
#ifndef TESTS_FUZZ_PROPERTIES_H
#define TESTS_FUZZ_PROPERTIES_H

#include <stdio.h>
#include <stdlib.h>

#include "profile/encode.h"
#include "profile/perf.h"
#include "profile/read.h"

enum { PROPERTY_LIMIT_MIB = 64 };

#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline void must_be_label(const struct profile *p, const struct label *l)
{
    must(l->key < p->nstring && l->text < p->nstring && l->unit < p->nstring);
    must(l->text == 0 || (l->number == 0 && l->unit == 0));
}

// Whether label a may stand before b: texts by key, then numbers by key.
static inline bool is_in_order(const struct profile *p, const struct label *a,
                               const struct label *b)
{
    if ((a->text == 0) != (b->text == 0))
        return a->text != 0;
    return str_compare(profile_string(p, a->key), profile_string(p, b->key)) <= 0;
}

static inline void must_be_samples(const struct profile *p)
{
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        must((u64)s->frame + s->nframe <= p->nframe || s->nframe == 0);
        must((u64)s->label + s->nlabel <= p->nlabel || s->nlabel == 0);
        for (u32 k = 0; k < s->nframe; k++)
            must(p->frame[s->frame + k] > 0 && p->frame[s->frame + k] < p->nlocation);
        for (u32 k = 0; k < s->nlabel; k++) {
            must_be_label(p, &p->label[s->label + k]);
            must(k == 0 || is_in_order(p, &p->label[s->label + k - 1], &p->label[s->label + k]));
        }
    }
}

// Every row that is referred to is there.
static inline void must_be_valid(const struct profile *p)
{
    must(p->nstring > 0 && p->nmapping > 0 && p->nlocation > 0 && p->nfunction > 0);
    for (u32 i = 0; i < p->ntype; i++)
        must(p->type[i].type < p->nstring && p->type[i].unit < p->nstring);
    for (u32 i = 1; i < p->nmapping; i++)
        must(p->mapping[i].filename < p->nstring && p->mapping[i].build_id < p->nstring);
    for (u32 i = 1; i < p->nlocation; i++) {
        const struct location *l = &p->location[i];
        must(l->mapping < p->nmapping && ((u64)l->line + l->nline <= p->nline || l->nline == 0));
    }
    for (u32 i = 0; i < p->nline; i++)
        must(p->line[i].function < p->nfunction);
    for (u32 i = 1; i < p->nfunction; i++) {
        const struct function *f = &p->function[i];
        must(f->name < p->nstring && f->system_name < p->nstring && f->filename < p->nstring);
    }
    must_be_samples(p);
}

// Whether some label is lost on the way, as in pprof: the number 0 without a unit, an empty text.
static inline bool has_nothing_label(const struct profile *p)
{
    for (u32 i = 0; i < p->nlabel; i++) {
        const struct label *l = &p->label[i];
        if (!profile_string(p, l->text).len && !l->number && !profile_string(p, l->unit).len)
            return true;
    }
    return false;
}

// decode(encode(p)) = p, seen by what they encode to.
static inline void must_come_again(const struct profile *p, struct arena *a)
{
    struct buf once, twice;
    struct profile again;
    struct err e;
    if (p->nsample && p->ntype == 0)
        return;
    buf_init(&once, (size_t)MIB(PROPERTY_LIMIT_MIB));
    buf_init(&twice, (size_t)MIB(PROPERTY_LIMIT_MIB));
    profile_encode(&once, p);
    must(profile_read(&again, buf_str(&once), (size_t)MIB(PROPERTY_LIMIT_MIB), a, &e));
    must_be_valid(&again);
    profile_encode(&twice, &again);
    must(str_equal(buf_str(&once), buf_str(&twice)) || has_nothing_label(p));
    buf_free(&once);
    buf_free(&twice);
}

// Reading with little memory either does with it, or fails with a sentence and keeps nothing.
static inline void must_read_with_little(struct str bytes)
{
    struct arena a;
    struct err e = {0};
    struct profile p;
    if (perf_is(bytes)) // keeps to the arena's own limit
        return;
    arena_init(&a, (size_t)KIB(300) + bytes.len % 8 * KIB(100));
    bool done = profile_read(&p, bytes, KIB(64), &a, &e);
    must(done || (e.code && *e.text));
    must(a.mapped_bytes <= a.limit_bytes);
    if (done)
        must_be_valid(&p);
    arena_free(&a);
}

#endif
