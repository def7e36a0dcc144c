// The rules are pprof's profile/merge.go, profile/compatible types, internal/measurement
// ScaleProfiles.
#include "profile/merge.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "profile/build.h"
#include "profile/unit.h"

struct profile profile_scale(const struct profile *p, const double *ratio, struct arena *a)
{
    struct profile out = *p;
    bool all_ones = true;
    for (u32 t = 0; t < p->ntype; t++)
        all_ones &= ratio[t] == 1;
    if (all_ones)
        return out;
    out.sample = arena_new(a, struct sample, p->nsample);
    out.value = arena_new(a, i64, (size_t)p->nsample * p->ntype);
    out.nsample = 0;
    for (u32 i = 0; i < p->nsample; i++) {
        const i64 *from = profile_values(p, i);
        i64 *to = out.value + (size_t)out.nsample * p->ntype;
        bool keep = false; // decided by the types that change alone, as in pprof
        for (u32 t = 0; t < p->ntype; t++) {
            to[t] = ratio[t] == 1 ? from[t] : i64_of(round((double)from[t] * ratio[t]));
            keep |= ratio[t] != 1 && to[t] != 0;
        }
        if (keep)
            out.sample[out.nsample++] = p->sample[i];
    }
    return out;
}

static bool same_type(const struct profile *p, const struct value_type *t, const struct profile *q,
                      const struct value_type *u)
{
    return str_equal(profile_string(p, t->type), profile_string(q, u->type)) &&
           str_equal(profile_string(p, t->unit), profile_string(q, u->unit));
}

static bool check_compatible(const struct profile *p, const struct profile *q, struct err *e)
{
    bool same = p->ntype == q->ntype;
    if (!same_type(p, &p->period_type, q, &q->period_type))
        return err_set(e, EINVAL, "incompatible period types {%.*s %.*s} and {%.*s %.*s}",
                       STR_ARG(profile_string(p, p->period_type.type)),
                       STR_ARG(profile_string(p, p->period_type.unit)),
                       STR_ARG(profile_string(q, q->period_type.type)),
                       STR_ARG(profile_string(q, q->period_type.unit)));
    for (u32 i = 0; i < p->ntype && same; i++)
        same = same_type(p, &p->type[i], q, &q->type[i]);
    return same ||
           err_set(e, EINVAL, "incompatible sample types: the profiles do not measure the same");
}

bool profile_normalize(struct profile *out, const struct profile *p, const struct profile *base,
                       struct arena *a, struct err *e)
{
    double *ratio = arena_new(a, double, p->ntype);
    if (!check_compatible(p, base, e))
        return false;
    for (u32 t = 0; t < p->ntype; t++) {
        i64 sum = 0, base_sum = 0;
        for (u32 i = 0; i < p->nsample; i++)
            sum += profile_values(p, i)[t];
        for (u32 i = 0; i < base->nsample; i++)
            base_sum += profile_values(base, i)[t];
        ratio[t] = sum ? (double)base_sum / (double)sum : 0;
    }
    *out = profile_scale(p, ratio, a);
    return true;
}

// Column of the type called name, or ntype.
static u32 type_column(const struct profile *p, struct str name)
{
    u32 t = 0;
    while (t < p->ntype && !str_equal(profile_string(p, p->type[t].type), name))
        t++;
    return t;
}

// p with only the types of these names, in their order.
static struct profile select_types(const struct profile *p, const struct str *name, u32 n,
                                   struct arena *a)
{
    struct profile out = *p;
    u32 *column = arena_new(a, u32, n);
    bool same = n == p->ntype, has_default = false;
    for (u32 t = 0; t < n; t++) {
        column[t] = type_column(p, name[t]);
        same &= column[t] == t;
        has_default |= str_equal(name[t], profile_string(p, p->default_type));
    }
    if (same)
        return out;
    out.type = arena_new(a, struct value_type, n);
    out.value = arena_new(a, i64, (size_t)p->nsample * n);
    out.ntype = n;
    for (u32 t = 0; t < n; t++)
        out.type[t] = p->type[column[t]];
    if (!has_default)
        out.default_type = out.type[0].type;
    for (u32 i = 0; i < p->nsample; i++) {
        for (u32 t = 0; t < n; t++)
            out.value[(size_t)i * n + t] = profile_values(p, i)[column[t]];
    }
    return out;
}

// The names of the types that all profiles have, in the first one's order.
static u32 common_types(struct str *name, const struct profile *p, u32 n)
{
    u32 common = 0;
    for (u32 t = 0; t < p[0].ntype; t++) {
        struct str candidate = profile_string(&p[0], p[0].type[t].type);
        bool everywhere = true;
        for (u32 i = 1; i < n && everywhere; i++)
            everywhere = type_column(&p[i], candidate) < p[i].ntype;
        if (everywhere)
            name[common++] = candidate;
    }
    return common;
}

// "samples" and "sample" are the same measure.
static struct str singular(struct str name)
{
    if (name.len && name.ptr[name.len - 1] == 's')
        name.len--;
    return name;
}

// The finest unit among the profiles' types in one column; column -1 is the period's.
static bool finest_unit(struct str *unit, const struct profile *p, u32 n, i64 column, struct err *e)
{
    struct str type = {0}, ignored;
    for (u32 i = 0; i < n; i++) {
        const struct value_type *t = column < 0 ? &p[i].period_type : &p[i].type[column];
        struct str other_type = profile_string(&p[i], t->type),
                   other = profile_string(&p[i], t->unit);
        if (i == 0) {
            type = other_type;
            *unit = other;
            continue;
        }
        if (!str_equal(singular(type), singular(other_type)) || !unit_alike(*unit, other))
            return err_set(e, EINVAL, "%s: incompatible types: {%.*s %.*s} {%.*s %.*s}",
                           column < 0 ? "period type" : "sample types", STR_ARG(type),
                           STR_ARG(*unit), STR_ARG(other_type), STR_ARG(other));
        if (unit_scale(1, other, *unit, &ignored) < 1) {
            *unit = other;
            type = other_type;
        }
    }
    return true;
}

// Adds a string to p, whose strings are copied before the first, with room for most more.
static u32 add_string(struct profile *p, struct str s, bool *is_copied, u32 most, struct arena *a)
{
    if (!*is_copied) {
        struct str *string = arena_new(a, struct str, (size_t)p->nstring + most);
        memcpy(string, p->string, p->nstring * sizeof(*string));
        p->string = string;
        *is_copied = true;
    }
    p->string[p->nstring] = s;
    return p->nstring++;
}

static struct value_type *copy_types(const struct profile *p, struct arena *a)
{
    struct value_type *type = arena_new(a, struct value_type, p->ntype);
    memcpy(type, p->type, p->ntype * sizeof(*type));
    return type;
}

// All profiles in the same, the finest units.
static bool unify_units(struct profile *p, u32 n, struct arena *a, struct err *e)
{
    struct str unit, ignored;
    double *ratio = arena_new(a, double, (size_t)n *(p[0].ntype + 1));
    bool *is_copied = arena_new(a, bool, n);
    u32 most = p[0].ntype + 1; // units that a profile may need
    if (!finest_unit(&unit, p, n, -1, e))
        return false;
    for (u32 i = 0; i < n; i++) {
        p[i].type = copy_types(&p[i], a);
        p[i].period = i64_of(
            unit_scale(p[i].period, profile_string(&p[i], p[i].period_type.unit), unit, &ignored));
        if (!str_equal(profile_string(&p[i], p[i].period_type.unit), unit))
            p[i].period_type.unit = add_string(&p[i], unit, &is_copied[i], most, a);
    }
    for (u32 t = 0; t < p[0].ntype; t++) {
        if (!finest_unit(&unit, p, n, t, e))
            return false;
        for (u32 i = 0; i < n; i++) {
            struct str from = profile_string(&p[i], p[i].type[t].unit);
            ratio[i * p[0].ntype + t] = unit_scale(1, from, unit, &ignored);
            if (str_equal(from, unit))
                continue;
            p[i].type[t].unit = add_string(&p[i], unit, &is_copied[i], most, a);
        }
    }
    for (u32 i = 0; i < n; i++)
        p[i] = profile_scale(&p[i], ratio + i * p[0].ntype, a);
    return true;
}

// The tables that are being made, and where the rows of the profile at hand went.
struct merger {
    struct build b;
    struct table mappings, functions, locations, label_runs;
    struct sample *run; // of label_runs: .label and .nlabel only
    u32 nrun, run_cap;
    struct sample_slot {
        u32 row;  // of a sample, + 1; 0: free
        u32 hash; // of its frames and labels
    } * slot;
    u32 mask; // slots - 1
    const struct profile *from;
    u32 *string, *mapping, *function, *location,
        *label_run;        // by row of from (label_run: by first label); 0: not yet
    i64 *moved;            // by mapping of from: what is added to its addresses
    struct arena *scratch; // for the columns above
};

static u32 map_string(struct merger *m, u32 string)
{
    if (string && m->string[string] == 0)
        m->string[string] = 1 + build_string(&m->b, profile_string(m->from, string));
    return string ? m->string[string] - 1 : 0;
}

static u32 map_mapping(struct merger *m, u32 row)
{
    enum { ROUNDING = 0x1000 };
    if (row == 0 || m->mapping[row])
        return m->mapping[row];
    const struct mapping *from = &m->from->mapping[row];
    u64 size = from->limit - from->start + ROUNDING - 1;
    u32 id = map_string(m, from->build_id), file = map_string(m, from->filename);
    struct {
        u64 size, offset;
        u32 name, zero;
    } key = {size - size % ROUNDING, from->offset, id ? id : file, 0};
    u32 to = table_add(&m->mappings, (struct str){(char *)&key, sizeof(key)});
    if (to == m->b.p.nmapping) {
        struct mapping *copy = build_mapping(&m->b);
        u64 number = copy->id;
        *copy = *from;
        copy->id = number;
        copy->filename = file;
        copy->build_id = id;
    }
    m->moved[row] = (i64)(m->b.p.mapping[to].start - from->start);
    return m->mapping[row] = to;
}

static u32 map_function(struct merger *m, u32 row)
{
    if (row == 0 || m->function[row])
        return m->function[row];
    const struct function *from = &m->from->function[row];
    struct {
        i64 start_line;
        u32 name, system_name, filename, zero;
    } key = {from->start_line, map_string(m, from->name), map_string(m, from->system_name),
             map_string(m, from->filename), 0};
    u32 to = table_add(&m->functions, (struct str){(char *)&key, sizeof(key)});
    if (to == m->b.p.nfunction) {
        struct function *copy = build_function(&m->b);
        copy->start_line = key.start_line;
        copy->name = key.name;
        copy->system_name = key.system_name;
        copy->filename = key.filename;
    }
    return m->function[row] = to;
}

// What makes two locations the same.  Of the columns only the last line's counts, as in pprof.
static struct str location_key(struct merger *m, const struct location *l, u64 address, u32 mapping)
{
    size_t n = 4 + 2 * (size_t)l->nline;
    i64 *key = arena_new(m->scratch, i64, n);
    key[0] = (i64)(address - m->b.p.mapping[mapping].start);
    key[1] = mapping;
    key[2] = l->is_folded;
    for (u32 i = 0; i < l->nline; i++) {
        const struct line *line = &m->from->line[l->line + i];
        key[4 + 2 * i] = map_function(m, line->function);
        key[5 + 2 * i] = line->line;
        key[3] = line->column;
    }
    return (struct str){(char *)key, n * sizeof(*key)};
}

static u32 map_location(struct merger *m, u32 row)
{
    if (m->location[row])
        return m->location[row];
    const struct location *from = &m->from->location[row];
    u32 mapping = map_mapping(m, from->mapping);
    u64 address = from->address + (u64)(from->mapping ? m->moved[from->mapping] : 0);
    struct str key = location_key(m, from, address, mapping);
    u32 to = table_add(&m->locations, key);
    if (to == m->b.p.nlocation) {
        struct location *copy = build_location(&m->b);
        copy->mapping = mapping;
        copy->address = address;
        copy->is_folded = from->is_folded;
        for (u32 i = 0; i < from->nline; i++) {
            const struct line *line = &m->from->line[from->line + i];
            *build_line(&m->b) =
                (struct line){map_function(m, line->function), line->line, line->column};
        }
    }
    return m->location[row] = to;
}

// Row of run with the labels of a sample; 0: it has none.
static u32 map_labels(struct merger *m, const struct sample *s)
{
    if (s->nlabel == 0)
        return 0;
    if (m->label_run[s->label])
        return m->label_run[s->label];
    struct label *key = arena_new(m->scratch, struct label, s->nlabel);
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &m->from->label[s->label + i];
        key[i].key = map_string(m, l->key);
        key[i].text = map_string(m, l->text);
        key[i].unit = map_string(m, l->unit);
        key[i].number = l->number;
    }
    u32 to = table_add(&m->label_runs, (struct str){(char *)key, s->nlabel * sizeof(*key)});
    if (to == m->nrun) {
        struct sample *run = arena_push(m->b.arena, m->run, m->nrun, m->run_cap);
        run->label = m->b.p.nlabel;
        run->nlabel = s->nlabel;
        for (u32 i = 0; i < s->nlabel; i++)
            *arena_push(m->b.arena, m->b.p.label, m->b.p.nlabel, m->b.label_cap) = key[i];
    }
    return m->label_run[s->label] = to;
}

static bool same_sample(const struct merger *m, u32 sample, const u32 *frame, u32 nframe,
                        const struct sample *run)
{
    const struct sample *s = &m->b.p.sample[sample];
    return s->nframe == nframe && s->nlabel == run->nlabel &&
           (s->nlabel == 0 || s->label == run->label) &&
           (nframe == 0 || memcmp(m->b.p.frame + s->frame, frame, nframe * sizeof(*frame)) == 0);
}

static void double_sample_slots(struct merger *m)
{
    const struct sample_slot *old = m->slot;
    u32 old_mask = m->mask;
    m->mask = old_mask * 2 + 1;
    m->slot = arena_new(m->b.arena, struct sample_slot, (size_t)m->mask + 1);
    for (u32 i = 0; i <= old_mask; i++) {
        u32 at = old[i].hash & m->mask;
        while (old[i].row && m->slot[at].row)
            at = (at + 1) & m->mask;
        if (old[i].row)
            m->slot[at] = old[i];
    }
}

// Samples of a profile that are about to be merged, with their frames as rows of the merged
// locations: at the end of the merged frames, one sample's after the other's.
struct incoming {
    const struct profile *p;
    u32 *frame;
    u32 nframe;
    u32 n;
    u32 *sample; // rows of p
    u32 *first;  // of each one's frames
    u64 *hash;   // of each one's frames
    const u32 *location;
    struct parallel_division division; // of samples
    struct {
        bool *seen; // by location of p
        u32 *row;   // locations, the first that appears first
        u32 n;
    } order[PARALLEL_MOST]; // by part
};

static bool is_zero(const i64 *value, u32 n)
{
    for (u32 t = 0; t < n; t++) {
        if (value[t])
            return false;
    }
    return true;
}

// Which samples count, and where each one's frames go.
static void list_samples(struct merger *m, struct incoming *in, bool keep_zeroes)
{
    enum { LEAST_SAMPLES = 20000 };
    const struct profile *p = in->p;
    in->sample = arena_new(m->scratch, u32, p->nsample);
    in->first = arena_new(m->scratch, u32, p->nsample);
    for (u32 i = 0; i < p->nsample; i++) {
        if (!keep_zeroes && is_zero(profile_values(p, i), p->ntype))
            continue;
        in->sample[in->n] = i;
        in->first[in->n++] = in->nframe;
        in->nframe += p->sample[i].nframe;
    }
    in->division = parallel_divide(in->n, LEAST_SAMPLES);
}

// Lists the locations of a part's samples in the order in which they appear.
static void order_part(void *incoming, u32 part)
{
    struct incoming *in = incoming;
    bool *seen = in->order[part].seen;
    u32 *row = in->order[part].row, n = 0, last = parallel_first(in->division, part + 1);
    for (u32 i = parallel_first(in->division, part); i < last; i++) {
        const struct sample *s = &in->p->sample[in->sample[i]];
        for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
            u32 location = in->p->frame[k];
            if (!seen[location]) {
                seen[location] = true;
                row[n++] = location;
            }
        }
    }
    in->order[part].n = n;
}

// Maps the locations of the samples, in the order in which they appear.
static void map_locations(struct merger *m, struct incoming *in)
{
    for (u32 i = 0; i < in->division.n; i++) {
        in->order[i].seen = arena_new(m->scratch, bool, in->p->nlocation);
        in->order[i].row = arena_new(m->scratch, u32, in->p->nlocation);
    }
    parallel_run(order_part, in, in->division.n);
    for (u32 i = 0; i < in->division.n; i++) {
        for (u32 k = 0; k < in->order[i].n; k++) {
            if (m->location[in->order[i].row[k]] == 0)
                map_location(m, in->order[i].row[k]);
        }
    }
}

static void translate_part(void *incoming, u32 part)
{
    struct incoming *in = incoming;
    u32 last = parallel_first(in->division, part + 1);
    for (u32 i = parallel_first(in->division, part); i < last; i++) {
        const struct sample *s = &in->p->sample[in->sample[i]];
        u32 *to = in->frame + in->first[i];
        for (u32 k = 0; k < s->nframe; k++)
            to[k] = in->location[in->p->frame[s->frame + k]];
        in->hash[i] = hash_bytes(to, s->nframe * sizeof(*to));
    }
}

static void translate(struct merger *m, struct incoming *in)
{
    struct profile *p = &m->b.p;
    while (m->b.frame_cap - p->nframe < in->nframe)
        p->frame = arena_grow(m->b.arena, p->frame, &m->b.frame_cap, sizeof(*p->frame));
    in->frame = p->frame ? p->frame + p->nframe : NULL;
    in->hash = arena_new(m->scratch, u64, in->n);
    in->location = m->location;
    parallel_run(translate_part, in, in->division.n);
}

// Adds a sample: its values go to the sample with the same frames and labels, which is made when
// there is none.
static void merge_sample(struct merger *m, const struct incoming *in, u32 i)
{
    struct profile *p = &m->b.p;
    const struct sample *s = &in->p->sample[in->sample[i]];
    const i64 *value = profile_values(in->p, in->sample[i]);
    const u32 *frame = in->frame + in->first[i];
    u32 labels = map_labels(m, s);
    u32 hash = (u32)in->hash[i] + labels * 0x9e3779b9;
    u32 at = hash & m->mask;
    while (m->slot[at].row &&
           (m->slot[at].hash != hash ||
            !same_sample(m, m->slot[at].row - 1, frame, s->nframe, &m->run[labels])))
        at = (at + 1) & m->mask;
    if (m->slot[at].row) {
        i64 *to = p->value + (size_t)(m->slot[at].row - 1) * p->ntype;
        for (u32 t = 0; t < p->ntype; t++)
            to[t] += value[t];
        return;
    }
    u32 *to_frame = p->frame + p->nframe;
    if (s->nframe && to_frame != frame) // those before it were there already
        memmove(to_frame, frame, s->nframe * sizeof(*frame));
    struct sample *to = build_sample(&m->b);
    *to = (struct sample){p->nframe, s->nframe, m->run[labels].label, m->run[labels].nlabel};
    p->nframe += s->nframe;
    for (u32 t = 0; t < p->ntype; t++)
        build_value(&m->b, value[t]);
    m->slot[at] = (struct sample_slot){p->nsample, hash};
    if (p->nsample > m->mask / 2)
        double_sample_slots(m);
}

static void merge_one(struct merger *m, const struct profile *p, bool keep_zeroes,
                      struct arena *scratch)
{
    enum { AHEAD = 8 };
    struct incoming in = {.p = p};
    m->scratch = scratch;
    m->from = p;
    m->string = arena_new(scratch, u32, p->nstring);
    m->mapping = arena_new(scratch, u32, p->nmapping);
    m->moved = arena_new(scratch, i64, p->nmapping);
    m->function = arena_new(scratch, u32, p->nfunction);
    m->location = arena_new(scratch, u32, p->nlocation);
    m->label_run = arena_new(scratch, u32, p->nlabel);
    if (m->b.p.nmapping == 1 && p->nmapping > 1)
        map_mapping(m, 1); // the first mapping is the program
    list_samples(m, &in, keep_zeroes);
    map_locations(m, &in);
    translate(m, &in);
    for (u32 i = 0; i < in.n; i++) {
        if (i + AHEAD < in.n) // a miss for each sample is most of the time otherwise
            __builtin_prefetch(&m->slot[(u32)in.hash[i + AHEAD] & m->mask]);
        merge_sample(m, &in, i);
    }
}

static void merge_headers(struct merger *m, const struct profile *p, u32 n)
{
    struct profile *out = &m->b.p;
    for (u32 t = 0; t < p[0].ntype; t++)
        build_type(&m->b, profile_string(&p[0], p[0].type[t].type),
                   profile_string(&p[0], p[0].type[t].unit));
    out->drop_frames = build_string(&m->b, profile_string(&p[0], p[0].drop_frames));
    out->keep_frames = build_string(&m->b, profile_string(&p[0], p[0].keep_frames));
    out->period_type.type = build_string(&m->b, profile_string(&p[0], p[0].period_type.type));
    out->period_type.unit = build_string(&m->b, profile_string(&p[0], p[0].period_type.unit));
    struct table comments;
    table_init(&comments, m->b.arena);
    for (u32 i = 0; i < n; i++) {
        if (out->time_ns == 0 || p[i].time_ns < out->time_ns)
            out->time_ns = p[i].time_ns;
        out->duration_ns += p[i].duration_ns;
        if (out->period == 0 || out->period < p[i].period)
            out->period = p[i].period;
        for (u32 c = 0; c < p[i].ncomment; c++) {
            struct str comment = profile_string(&p[i], p[i].comment[c]);
            u32 known = comments.nkey;
            if (table_add(&comments, comment) == known)
                build_comment(&m->b, comment);
        }
        if (out->default_type == 0)
            out->default_type = build_string(&m->b, profile_string(&p[i], p[i].default_type));
        if (out->doc_url == 0)
            out->doc_url = build_string(&m->b, profile_string(&p[i], p[i].doc_url));
    }
}

// Slots for all samples, as if all were different; a power of 2.
static u32 slots_for(const struct profile *p, u32 n)
{
    enum { LEAST = 4096, MOST = 1 << 24 };
    u64 samples = 0;
    u32 slots = LEAST;
    for (u32 i = 0; i < n; i++)
        samples += p[i].nsample;
    while (slots < 2 * samples && slots < MOST)
        slots *= 2;
    return slots;
}

// Frames of all samples, as if all were different.
static u32 frames_for(const struct profile *p, u32 n)
{
    u64 frames = 0;
    for (u32 i = 0; i < n; i++)
        frames += p[i].nframe;
    return frames < UINT32_MAX / 2 ? (u32)frames : 0;
}

// Merges, and keeps samples that cancel each other out; with keep_zeroes also those that are zero
// before.
static struct profile merge_all(const struct profile *p, u32 n, bool keep_zeroes, struct arena *a)
{
    enum { SCRATCH_MIB = 4 };
    struct merger m = {.mask = slots_for(p, n) - 1};
    m.slot = arena_new(a, struct sample_slot, (size_t)m.mask + 1);
    build_init(&m.b, a);
    m.b.frame_cap = frames_for(p, n);
    m.b.p.frame = arena_new(a, u32, m.b.frame_cap);
    table_init(&m.mappings, a);
    table_init(&m.functions, a);
    table_init(&m.locations, a);
    table_init(&m.label_runs, a);
    arena_push(a, m.run, m.nrun, m.run_cap);
    merge_headers(&m, p, n);
    // Small profiles share what they need; large ones give it back.
    struct arena scratch;
    arena_init(&scratch, SIZE_MAX);
    for (u32 i = 0; i < n; i++) {
        merge_one(&m, &p[i], keep_zeroes, &scratch);
        if (scratch.mapped_bytes > MIB(SCRATCH_MIB))
            arena_free(&scratch);
    }
    arena_free(&scratch);
    return m.b.p;
}

// Many profiles are merged in parts, and then the parts.  What appears first is first all the same,
// since parts are neighbours and keep what became zero.
struct parts {
    const struct profile *p;
    struct parallel_division division;
    struct profile sum[PARALLEL_MOST];
    struct arena arena[PARALLEL_MOST];
};

static void merge_part(void *context, u32 i)
{
    struct parts *parts = context;
    u32 first = parallel_first(parts->division, i), last = parallel_first(parts->division, i + 1);
    parts->sum[i] = merge_all(parts->p + first, last - first, false, &parts->arena[i]);
}

static struct profile merge_in_parts(const struct profile *p, struct parallel_division division,
                                     struct arena *a)
{
    struct parts parts = {.p = p, .division = division};
    for (u32 i = 0; i < division.n; i++)
        arena_init(&parts.arena[i], SIZE_MAX);
    parallel_run(merge_part, &parts, division.n);
    struct profile out = merge_all(parts.sum, division.n, true, a);
    for (u32 i = 0; i < division.n; i++)
        arena_free(&parts.arena[i]);
    return out;
}

static struct profile merge(const struct profile *p, u32 n, struct arena *a)
{
    enum { LEAST_PROFILES = 8 };
    struct parallel_division division = parallel_divide(n, LEAST_PROFILES);
    struct profile out =
        division.n > 1 ? merge_in_parts(p, division, a) : merge_all(p, n, false, a);
    bool has_zeroes = false;
    for (u32 i = 0; i < out.nsample; i++)
        has_zeroes |= is_zero(profile_values(&out, i), out.ntype);
    // Once more without the samples that cancelled each other out, and what only they referred to.
    return has_zeroes ? merge_all(&out, 1, false, a) : out;
}

bool profile_merge(struct profile *out, const struct profile *p, u32 n, struct arena *a,
                   struct err *e)
{
    if (n == 1) {
        *out = p[0];
        return p[0].ntype != 0 || err_set(e, EINVAL, "profiles have empty common sample type list");
    }
    struct arena scratch;
    arena_init(&scratch, SIZE_MAX);
    struct profile *same = arena_new(&scratch, struct profile, n);
    struct str *name = arena_new(&scratch, struct str, p[0].ntype);
    u32 nname = common_types(name, p, n);
    bool done = nname || err_set(e, EINVAL, "profiles have empty common sample type list");
    for (u32 i = 0; i < n && done; i++)
        same[i] = select_types(&p[i], name, nname, &scratch);
    done = done && unify_units(same, n, &scratch, e);
    for (u32 i = 1; i < n && done; i++)
        done = check_compatible(&same[0], &same[i], e);
    if (done)
        *out = merge(same, n, a);
    arena_free(&scratch);
    return done;
}
