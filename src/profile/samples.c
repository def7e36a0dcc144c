#include "profile/samples.h"

#include <setjmp.h>

#include "base/buf.h"
#include "base/parallel.h"
#include "profile/wire.h"

enum { MOST_PARTS = 8, LEAST_SAMPLES = 20000 }; // of a part that is worth a thread

// Samples share their labels: the run of an earlier sample whose labels have the same bytes.
struct label_runs {
    struct table bytes; // a sample's label messages, each with its length in front -> row of run
    struct run {
        u32 label, nlabel;
    } * run;
    u32 nrun, run_cap;
    struct label *label;
    u32 nlabel, label_cap;
};

struct part {
    const u8 *at, *end; // fields of samples, other fields between them
    u32 sample, last;   // numbers of the first and of the one behind the last
    struct profile *p;  // shared; each part writes its own rows
    u32 nstored;        // values that are kept of a sample: all, or none when there cannot be room
    u32 frame, nframe;  // the part's own run of p->frame, and how much of it is used
    struct label_runs labels;
    struct buf label_bytes; // of the sample at hand
    struct sample_references refs;
    struct arena arena;
    jmp_buf full; // back to decode_part
    bool is_full;
};

static u32 string_index(struct part *t, struct reader *r, const struct field *f)
{
    u64 index = field_number(r, f);
    if (index > t->refs.most_string)
        t->refs.most_string = index;
    return (u32)index;
}

static void decode_label(struct part *t, struct reader r)
{
    struct label l = {0};
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1)
            l.key = string_index(t, &r, &f);
        else if (f.number == 2)
            l.text = string_index(t, &r, &f);
        else if (f.number == 3)
            l.number = (i64)field_number(&r, &f);
        else if (f.number == 4)
            l.unit = string_index(t, &r, &f);
    }
    t->refs.bad |= r.bad;
    if (l.text)
        l.number = 0, l.unit = 0;
    // As in pprof: a number 0 without a unit is no label at all.
    if (l.text || l.number || l.unit)
        *arena_push(&t->arena, t->labels.label, t->labels.nlabel, t->labels.label_cap) = l;
}

static void decode_labels(struct part *t, struct sample *s)
{
    struct label_runs *l = &t->labels;
    u32 row = table_add(&l->bytes, buf_str(&t->label_bytes));
    if (row == l->nrun) {
        u32 first = l->nlabel;
        struct reader r = reader_of(buf_str(&t->label_bytes));
        while (r.at < r.end)
            decode_label(t, read_bytes(&r));
        *arena_push(&t->arena, l->run, l->nrun, l->run_cap) =
            (struct run){first, l->nlabel - first};
    }
    s->label = l->run[row].label;
    s->nlabel = l->run[row].nlabel;
}

// With the length in front, so that labels cannot run into each other.
static void keep_label(struct part *t, struct reader label)
{
    struct str bytes = reader_rest(&label);
    size_t rest = bytes.len;
    for (; rest >= 0x80; rest >>= 7)
        buf_char(&t->label_bytes, (char)(rest | 0x80));
    buf_char(&t->label_bytes, (char)rest);
    buf_add(&t->label_bytes, bytes);
}

static u32 far_frame(struct part *t, u64 id)
{
    return FAR_LOCATION | table_add(&t->refs.far, (struct str){(char *)&id, sizeof(id)});
}

static void add_frame(struct part *t, u64 id)
{
    u32 *frame = t->p->frame + t->frame + t->nframe++;
    if (unlikely(id >= FAR_LOCATION)) {
        *frame = far_frame(t, id);
        return;
    }
    *frame = (u32)id;
    t->refs.zero_location |= id == 0;
    if (id > t->refs.most_location)
        t->refs.most_location = id;
}

// The loop in which most of the time goes: nearly all ids have one to three bytes.
static void add_packed_frames(struct part *t, struct reader r)
{
    u32 *frame = t->p->frame + t->frame + t->nframe, *to = frame;
    const u8 *at = r.at;
    u32 most = 0;
    bool zero = false;
    while (r.end - at >= 4) {
        u32 id = at[0] & 0x7f;
        if (at[0] < 0x80) {
            at += 1;
        } else if (at[1] < 0x80) {
            id |= (u32)at[1] << 7;
            at += 2;
        } else if (at[2] < 0x80) {
            id |= (u32)(at[1] & 0x7f) << 7 | (u32)at[2] << 14;
            at += 3;
        } else {
            break;
        }
        zero |= id == 0;
        most = id > most ? id : most;
        *to++ = id;
    }
    t->nframe += (u32)(to - frame);
    t->refs.zero_location |= zero;
    if (most > t->refs.most_location)
        t->refs.most_location = most;
    for (r.at = at; r.at < r.end;) {
        u64 id = read_varint(&r);
        if (!r.bad)
            add_frame(t, id);
    }
    t->refs.bad |= r.bad;
}

static void add_value(struct part *t, u32 sample, u32 *nvalue, i64 value)
{
    if (*nvalue < t->nstored)
        t->p->value[(size_t)sample * t->nstored + *nvalue] = value;
    ++*nvalue;
}

static void add_values(struct part *t, u32 sample, u32 *nvalue, struct reader *r,
                       const struct field *f)
{
    if (f->wire != 2) {
        add_value(t, sample, nvalue, (i64)field_number(r, f));
        return;
    }
    struct reader packed = f->bytes;
    while (packed.at < packed.end)
        add_value(t, sample, nvalue, (i64)read_varint(&packed));
    r->bad |= packed.bad;
}

static void decode_sample(struct part *t, u32 sample, struct reader r)
{
    struct sample *s = &t->p->sample[sample];
    u32 nvalue = 0, first = t->nframe;
    t->label_bytes.len = 0;
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1 && f.wire == 2)
            add_packed_frames(t, f.bytes);
        else if (f.number == 1)
            add_frame(t, field_number(&r, &f));
        else if (f.number == 2)
            add_values(t, sample, &nvalue, &r, &f);
        else if (f.number == 3)
            keep_label(t, field_message(&r, &f));
    }
    t->refs.bad |= r.bad;
    s->frame = t->frame + first;
    s->nframe = t->nframe - first;
    if (t->label_bytes.len)
        decode_labels(t, s);
    if (nvalue != t->p->ntype && !t->refs.values_differ) {
        t->refs.values_differ = true;
        t->refs.nvalue = nvalue;
        t->refs.first_differing = sample;
    }
}

static void decode_samples(struct part *t)
{
    struct reader r = {t->at, t->end, false};
    u32 sample = t->sample;
    for (struct field f; sample < t->last && read_field(&r, &f);) {
        if (f.number == 2)
            decode_sample(t, sample++, f.bytes);
    }
    t->refs.bad |= r.bad || t->label_bytes.full;
}

// A thread cannot leave for another one's function, so it only tells.
static void leave(struct arena *a)
{
    struct part *t = a->context;
    longjmp(t->full, 1);
}

static void decode_part(void *parts, u32 number)
{
    struct part *t = (struct part *)parts + number;
    t->arena.full = leave;
    t->arena.context = t;
    t->is_full = true;
    if (setjmp(t->full) == 0) {
        table_init(&t->refs.far, &t->arena);
        table_init(&t->labels.bytes, &t->arena);
        arena_push(&t->arena, t->labels.run, t->labels.nrun, t->labels.run_cap);
        decode_samples(t);
        t->is_full = false;
    }
}

// Cuts the samples into parts of about as many each.  Each frame takes a byte at least, which
// bounds their number.  The parts share what is left of a's limit.
static u32 cut(struct part *part, struct profile *p, const struct sample_mark *mark, u32 nmark,
               const u8 *end, const struct arena *a)
{
    u32 n = p->nsample / LEAST_SAMPLES, frame = 0;
    if (n > 1 && n > parallel_width())
        n = parallel_width();
    if (n > MOST_PARTS)
        n = MOST_PARTS;
    if (n == 0)
        n = 1;
    for (u32 i = 0; i < n; i++) {
        const struct sample_mark *from = &mark[(u64)nmark * i / n],
                                 *to = &mark[(u64)nmark * (i + 1) / n];
        bool is_last = i + 1 == n;
        part[i] = (struct part){.p = p, .at = from->at, .sample = from->sample, .frame = frame};
        part[i].end = is_last ? end : to->at;
        part[i].last = is_last ? p->nsample : to->sample;
        frame += (u32)(part[i].end - part[i].at);
        arena_part(&part[i].arena, a);
        part[i].arena.limit_bytes /= n;
        buf_init(&part[i].label_bytes, (size_t)(part[i].end - part[i].at) + 16);
    }
    return n;
}

static void join_references(struct sample_references *refs, const struct part *t)
{
    const struct sample_references *from = &t->refs;
    if (from->most_string > refs->most_string)
        refs->most_string = from->most_string;
    if (from->most_location > refs->most_location)
        refs->most_location = from->most_location;
    refs->zero_location |= from->zero_location;
    refs->bad |= from->bad;
    if (from->values_differ && !refs->values_differ) {
        refs->values_differ = true;
        refs->nvalue = from->nvalue;
        refs->first_differing = from->first_differing;
    }
}

// Far ids of a part get their rows in the common table.
static void join_far(struct sample_references *refs, const struct part *t)
{
    for (u32 i = t->frame; i < t->frame + t->nframe && t->refs.far.nkey > 1; i++) {
        u32 *frame = &t->p->frame[i];
        if (*frame & FAR_LOCATION)
            *frame = FAR_LOCATION | table_add(&refs->far, t->refs.far.key[*frame & ~FAR_LOCATION]);
    }
}

static void join_labels(struct part *t, struct arena *a, u32 *cap)
{
    struct profile *p = t->p;
    u32 before = p->nlabel;
    for (u32 i = 0; i < t->labels.nlabel; i++)
        *arena_push(a, p->label, p->nlabel, *cap) = t->labels.label[i];
    for (u32 i = t->sample; i < t->last && before; i++)
        p->sample[i].label += p->sample[i].nlabel ? before : 0;
}

static void free_part(struct part *t)
{
    buf_free(&t->label_bytes);
    arena_free(&t->arena);
}

// A value takes a byte at least: where there are not so many bytes, some sample has too few values.
static u32 stored_values(const struct profile *p, size_t bytes)
{
    return (u64)p->nsample * p->ntype <= bytes ? p->ntype : 0;
}

void samples_decode(struct profile *p, struct sample_references *refs,
                    const struct sample_mark *mark, u32 nmark, const u8 *end, struct arena *a)
{
    struct part part[MOST_PARTS];
    *refs = (struct sample_references){0};
    table_init(&refs->far, a);
    if (p->nsample == 0)
        return;
    size_t bytes = (size_t)(end - mark[0].at);
    u32 nstored = stored_values(p, bytes), label_cap = 0;
    p->sample = arena_new(a, struct sample, p->nsample);
    p->value = arena_new(a, i64, (size_t)p->nsample * nstored);
    p->frame = arena_new(a, u32, bytes + 1);
    u32 n = cut(part, p, mark, nmark, end, a);
    for (u32 i = 0; i < n; i++)
        part[i].nstored = nstored;
    parallel_run(decode_part, part, n);
    bool is_full = false;
    for (u32 i = 0; i < n; i++)
        is_full |= part[i].is_full;
    for (u32 i = 0; i < n; i++) {
        if (!is_full) {
            join_references(refs, &part[i]);
            join_far(refs, &part[i]);
            join_labels(&part[i], a, &label_cap);
            p->nframe = part[i].frame + part[i].nframe;
        }
        free_part(&part[i]);
    }
    if (is_full)
        a->full(a);
}
