// The rules are pprof's profile/merge.go, profile/compatible types, internal/measurement
// ScaleProfiles.
#include "profile/merge.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "profile/merge_samples.h"
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

struct profile profile_negative(const struct profile *p, struct arena *a)
{
    double *minus = arena_new(a, double, p->ntype);
    for (u32 t = 0; t < p->ntype; t++)
        minus[t] = -1;
    return profile_scale(p, minus, a);
}

struct profile profile_with_own_frames(const struct profile *p, struct arena *a)
{
    struct profile copy = *p;
    copy.frame = arena_new(a, u32, p->nframe);
    if (p->nframe)
        memcpy(copy.frame, p->frame, p->nframe * sizeof(*p->frame));
    return copy;
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

static void merge_headers(struct build *b, const struct profile *p, u32 n)
{
    struct profile *out = &b->p;
    for (u32 t = 0; t < p[0].ntype; t++)
        build_type(b, profile_string(&p[0], p[0].type[t].type),
                   profile_string(&p[0], p[0].type[t].unit));
    out->drop_frames = build_string(b, profile_string(&p[0], p[0].drop_frames));
    out->keep_frames = build_string(b, profile_string(&p[0], p[0].keep_frames));
    out->period_type.type = build_string(b, profile_string(&p[0], p[0].period_type.type));
    out->period_type.unit = build_string(b, profile_string(&p[0], p[0].period_type.unit));
    struct table comments;
    table_init(&comments, b->arena);
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
                build_comment(b, comment);
        }
        if (out->default_type == 0)
            out->default_type = build_string(b, profile_string(&p[i], p[i].default_type));
        if (out->doc_url == 0)
            out->doc_url = build_string(b, profile_string(&p[i], p[i].doc_url));
    }
}

// Merges, and keeps samples that cancel each other out; with keep_zeroes also those that are zero
// before.
static struct profile merge_all(const struct profile *p, u32 n, bool keep_zeroes, struct arena *a)
{
    enum { SCRATCH_MIB = 4 };
    struct merger m;
    struct sample_set samples;
    merger_init(&m, a);
    merge_headers(&m.b, p, n);
    sample_set_init(&samples, &m, p, n);
    struct arena scratch;
    arena_init(&scratch, SIZE_MAX);
    arena_take_released(&scratch, a);
    for (u32 i = 0; i < n; i++) {
        merger_start(&m, &p[i], &scratch);
        merge_samples(&m, &samples, keep_zeroes);
        if (arena_used_bytes(&scratch) > MIB(SCRATCH_MIB)) // small profiles share what they need
            arena_reset(&scratch);
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

static bool is_zero(const i64 *value, u32 n)
{
    for (u32 t = 0; t < n; t++) {
        if (value[t])
            return false;
    }
    return true;
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
