#include "profile/merge_samples.h"

#include <string.h>

enum {
    LEAST_SAMPLES = 20000, // that are worth a thread
    PAGE_FRAMES = 4096 / sizeof(u32),
};

// The samples that are about to be added.
struct incoming {
    struct merger *m;
    struct sample_set *set;
    const struct profile *p;
    u32 *frame; // p's; in translate() their locations become rows of the merged ones
    u32 nframe; // of the samples that count
    u32 n;
    u32 *sample; // rows of p
    u32 *hash;   // of each one's frames and labels
    u32 *labels; // each one's row of m->run; NULL: none has any
    u32 base;    // merged samples before
    u32 *same;   // each one's row; before assign_rows() base + i is incoming number i
    u32 *new;    // which of them get the rows from base on
    u32 nnew;
    u32 shift; // from frames of p to where they are merged
    struct parallel_division division, new_division;
    struct {
        bool *seen; // by location of p
        u32 *row;   // locations, the first that appears first
        u32 n;
    } order[PARALLEL_MOST]; // by part
};

static struct arena *arena_of(const struct merger *m)
{
    return m->b.arena;
}

static bool is_zero(const i64 *value, u32 n)
{
    for (u32 t = 0; t < n; t++) {
        if (value[t])
            return false;
    }
    return true;
}

// Room for n frames more.
static void reserve_frames(struct merger *m, u32 n)
{
    while (m->b.frame_cap - m->b.p.nframe < n)
        m->b.p.frame = arena_grow(arena_of(m), m->b.p.frame, &m->b.frame_cap, sizeof(u32));
}

static void init_part(struct sample_part *part, u64 samples, struct arena *a)
{
    enum { LEAST = 4096, MOST = 1 << 24 };
    u32 slots = LEAST;
    while (slots < 2 * samples && slots < MOST)
        slots *= 2;
    part->mask = slots - 1;
    part->slot = arena_new(a, struct sample_slot, slots);
}

void sample_set_init(struct sample_set *set, struct merger *m, const struct profile *p, u32 n)
{
    struct build *b = &m->b;
    u64 samples = 0, frames = 0;
    u32 most = 0;
    for (u32 i = 0; i < n; i++) {
        samples += p[i].nsample;
        frames += (u64)p[i].nframe + PAGE_FRAMES;
        most = p[i].nsample > most ? p[i].nsample : most;
    }
    *set = (struct sample_set){.npart = 1};
    while (set->npart * 2 <= parallel_divide(most, LEAST_SAMPLES).n)
        set->npart *= 2;
    for (u32 i = 0; i < set->npart; i++)
        init_part(&set->part[i], samples / set->npart, b->arena);
    build_reserve_samples(b, samples);
    if (frames < UINT32_MAX / 2)
        b->frame_cap = (u32)frames;
    b->p.frame = arena_reserve(b->arena, b->frame_cap, sizeof(*b->p.frame));
}

static void double_slots(struct sample_part *part, struct arena *a)
{
    const struct sample_slot *old = part->slot;
    u32 old_mask = part->mask;
    part->mask = old_mask * 2 + 1;
    part->slot = arena_new(a, struct sample_slot, (size_t)part->mask + 1);
    for (u32 i = 0; i <= old_mask; i++) {
        u32 at = old[i].hash & part->mask;
        while (old[i].id && part->slot[at].id)
            at = (at + 1) & part->mask;
        if (old[i].id)
            part->slot[at] = old[i];
    }
}

// Which samples count.
static void list_samples(struct incoming *in, bool keep_zeroes)
{
    const struct profile *p = in->p;
    in->sample = arena_new(in->m->scratch, u32, p->nsample);
    for (u32 i = 0; i < p->nsample; i++) {
        if (!keep_zeroes && is_zero(profile_values(p, i), p->ntype))
            continue;
        in->sample[in->n++] = i;
        in->nframe += p->sample[i].nframe;
    }
    in->division = parallel_divide(in->n, LEAST_SAMPLES);
}

// Lists the locations of a part's samples in the order in which they appear; most have been seen
// long before the end.
static void order_part(void *incoming, u32 part)
{
    struct incoming *in = incoming;
    bool *seen = in->order[part].seen;
    u32 *row = in->order[part].row, n = 0, last = parallel_first(in->division, part + 1);
    for (u32 i = parallel_first(in->division, part); i < last && n + 1 < in->p->nlocation; i++) {
        const struct sample *s = &in->p->sample[in->sample[i]];
        for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
            u32 location = in->frame[k];
            if (!seen[location]) {
                seen[location] = true;
                row[n++] = location;
            }
        }
    }
    in->order[part].n = n;
}

// Maps the locations of the samples, in the order in which they appear.
static void map_locations(struct incoming *in)
{
    for (u32 i = 0; i < in->division.n; i++) {
        in->order[i].seen = arena_new(in->m->scratch, bool, in->p->nlocation);
        in->order[i].row = arena_new(in->m->scratch, u32, in->p->nlocation);
    }
    parallel_run(order_part, in, in->division.n);
    for (u32 i = 0; i < in->division.n; i++) {
        for (u32 k = 0; k < in->order[i].n; k++)
            merger_location(in->m, in->order[i].row[k]);
    }
}

static void map_labels(struct incoming *in)
{
    if (in->p->nlabel == 0)
        return;
    in->labels = arena_new(in->m->scratch, u32, in->n);
    for (u32 i = 0; i < in->n; i++)
        in->labels[i] = merger_labels(in->m, &in->p->sample[in->sample[i]]);
}

static void translate_part(void *incoming, u32 part)
{
    struct incoming *in = incoming;
    u32 last = parallel_first(in->division, part + 1);
    for (u32 i = parallel_first(in->division, part); i < last; i++) {
        const struct sample *s = &in->p->sample[in->sample[i]];
        u32 *frame = in->frame + s->frame, labels = in->labels ? in->labels[i] : 0;
        for (u32 k = 0; k < s->nframe; k++)
            frame[k] = in->m->location[frame[k]];
        in->hash[i] = (u32)hash_bytes(frame, s->nframe * sizeof(*frame)) + labels * 0x9e3779b9;
    }
}

static void translate(struct incoming *in)
{
    in->hash = arena_new(in->m->scratch, u32, in->n);
    parallel_run(translate_part, in, in->division.n);
}

// Whether the sample that has an id in the set is incoming sample number i.
static bool is_same(const struct incoming *in, u32 id, u32 i)
{
    const struct profile *sum = &in->m->b.p;
    bool is_old = id < in->base;
    const struct sample *s = &in->p->sample[in->sample[i]],
                        *other =
                            is_old ? &sum->sample[id] : &in->p->sample[in->sample[id - in->base]];
    const u32 *frame = (is_old ? sum->frame : in->frame) + other->frame;
    u32 labels = in->labels ? in->labels[i] : 0;
    bool same_labels = is_old ? other->nlabel == in->m->run[labels].nlabel &&
                                    (other->nlabel == 0 || other->label == in->m->run[labels].label)
                              : !in->labels || in->labels[id - in->base] == labels;
    return same_labels && s->nframe == other->nframe &&
           (s->nframe == 0 || memcmp(frame, in->frame + s->frame, s->nframe * sizeof(*frame)) == 0);
}

// Finds the samples of one part of the set.
static void find_part(void *incoming, u32 number)
{
    enum { AHEAD = 8 }; // a miss for each sample is most of the time otherwise
    struct incoming *in = incoming;
    struct sample_part *part = &in->set->part[number];
    u32 which = in->set->npart - 1, shift = (u32)__builtin_ctz(in->set->npart);
    for (u32 i = 0; i < in->n; i++) {
        if (i + AHEAD < in->n && (in->hash[i + AHEAD] & which) == number)
            __builtin_prefetch(&part->slot[in->hash[i + AHEAD] >> shift & part->mask]);
        u32 hash = in->hash[i] >> shift, at = hash & part->mask;
        if ((in->hash[i] & which) != number)
            continue;
        while (part->slot[at].id &&
               (part->slot[at].hash != hash || !is_same(in, part->slot[at].id - 1, i)))
            at = (at + 1) & part->mask;
        if (part->slot[at].id == 0) {
            part->slot[at] = (struct sample_slot){in->base + i + 1, hash};
            part->n++;
        }
        in->same[i] = part->slot[at].id - 1;
    }
}

// Finds out which samples are there already, or are another of the incoming ones.
static void find(struct incoming *in)
{
    struct sample_set *set = in->set;
    in->base = in->m->b.p.nsample;
    in->same = arena_new(in->m->scratch, u32, in->n);
    for (u32 i = 0; i < set->npart; i++) {
        while (set->part[i].n + in->n > set->part[i].mask / 2 + 1)
            double_slots(&set->part[i], arena_of(in->m));
    }
    parallel_run(find_part, in, set->npart);
}

// Gives each sample its row.
static void assign_rows(struct incoming *in)
{
    in->new = arena_new(in->m->scratch, u32, in->n);
    for (u32 i = 0; i < in->n; i++) {
        if (in->same[i] == in->base + i) {
            in->same[i] = in->base + in->nnew;
            in->new[in->nnew++] = i;
        } else if (in->same[i] >= in->base) {
            in->same[i] = in->same[in->same[i] - in->base];
        }
    }
    in->new_division = parallel_divide(in->nnew, LEAST_SAMPLES);
}

// Tells one part of the set the rows of the new samples.
static void settle_part(void *incoming, u32 number)
{
    struct incoming *in = incoming;
    struct sample_part *part = &in->set->part[number];
    u32 which = in->set->npart - 1, shift = (u32)__builtin_ctz(in->set->npart);
    for (u32 k = 0; k < in->nnew; k++) {
        u32 i = in->new[k];
        if ((in->hash[i] & which) != number)
            continue;
        u32 at = in->hash[i] >> shift & part->mask;
        while (part->slot[at].id != in->base + i + 1)
            at = (at + 1) & part->mask;
        part->slot[at].id = in->base + k + 1;
    }
}

static const struct sample *new_sample(const struct incoming *in, u32 k)
{
    return &in->p->sample[in->sample[in->new[k]]];
}

// Moves the frames, pages and all, with those that only samples have which were there before.
static void move_frames(struct incoming *in)
{
    struct profile *sum = &in->m->b.p;
    const struct sample *first = &in->p->sample[in->sample[0]],
                        *last = &in->p->sample[in->sample[in->n - 1]];
    u32 *from = in->frame + first->frame, n = last->frame + last->nframe - first->frame;
    reserve_frames(in->m, n + PAGE_FRAMES);
    u32 at = sum->nframe + (u32)(arena_gap(sum->frame + sum->nframe, from) / sizeof(u32));
    arena_move(sum->frame + at, from, n * sizeof(u32));
    in->shift = at - first->frame;
    sum->nframe = at + n;
}

static void make_part(void *incoming, u32 part)
{
    struct incoming *in = incoming;
    const struct profile *sum = &in->m->b.p;
    u32 last = parallel_first(in->new_division, part + 1);
    for (u32 k = parallel_first(in->new_division, part); k < last; k++) {
        const struct sample *s = new_sample(in, k);
        const struct label_run *run = &in->m->run[in->labels ? in->labels[in->new[k]] : 0];
        sum->sample[in->base + k] =
            (struct sample){s->frame + in->shift, s->nframe, run->label, run->nlabel};
        memcpy(sum->value + (size_t)(in->base + k) * sum->ntype,
               profile_values(in->p, in->sample[in->new[k]]), sum->ntype * sizeof(i64));
    }
}

static void copy_frames(struct incoming *in)
{
    struct profile *sum = &in->m->b.p;
    for (u32 i = in->base; i < sum->nsample; i++) {
        struct sample *s = &sum->sample[i];
        reserve_frames(in->m, s->nframe);
        if (s->nframe)
            memcpy(sum->frame + sum->nframe, in->frame + s->frame, s->nframe * sizeof(u32));
        s->frame = sum->nframe;
        sum->nframe += s->nframe;
    }
}

// Whether most frames are those of new samples.
static bool most_are_new(const struct incoming *in)
{
    u64 n = 0;
    for (u32 k = 0; k < in->nnew; k++)
        n += new_sample(in, k)->nframe;
    return n > in->nframe / 2 && (u64)in->m->b.p.nframe + in->p->nframe < UINT32_MAX / 2;
}

static void make_samples(struct incoming *in)
{
    bool moves = most_are_new(in);
    if (moves)
        move_frames(in);
    build_more_samples(&in->m->b, in->nnew);
    parallel_run(make_part, in, in->new_division.n);
    if (!moves)
        copy_frames(in);
}

// Adds the values of the samples that are not new.
static void add_values(struct incoming *in)
{
    struct profile *sum = &in->m->b.p;
    for (u32 i = 0; i < in->n; i++) {
        u32 row = in->same[i];
        if (row >= in->base && in->new[row - in->base] == i)
            continue;
        const i64 *value = profile_values(in->p, in->sample[i]);
        for (u32 t = 0; t < sum->ntype; t++)
            sum->value[(size_t)row * sum->ntype + t] += value[t];
    }
}

void merge_samples(struct merger *m, struct sample_set *set, bool keep_zeroes)
{
    struct incoming in = {.m = m, .set = set, .p = m->from, .frame = m->from->frame};
    list_samples(&in, keep_zeroes);
    map_locations(&in);
    map_labels(&in);
    translate(&in);
    find(&in);
    assign_rows(&in);
    make_samples(&in);
    if (in.nnew < in.n) {
        parallel_run(settle_part, &in, set->npart);
        add_values(&in);
    }
}
