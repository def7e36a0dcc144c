#include "profile/label.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/build.h"
#include "profile/unit.h"

// Samples share runs of labels, so what is asked of a run is asked once: a column by its first
// label.
enum { ASK, NO, YES };

// A unit that a key has besides the one that is used.
struct other_unit {
    struct str key, used, unit;
};

struct unit_search {
    struct label_units units;
    struct table known; // key, NUL, unit -> row of other
    struct other_unit *other;
    u32 nother, cap;
    struct arena *arena;
};

static void note_unit(struct unit_search *s, struct str key, struct str unit)
{
    struct label_units *u = &s->units;
    u32 row = table_add_shared(&u->keys, key);
    if (row == u->nunit)
        arena_push(s->arena, u->unit, u->nunit, u->cap);
    if (u->unit[row].len == 0)
        u->unit[row] = unit;
    if (unit.len == 0 || str_equal(unit, u->unit[row]))
        return;
    struct str pair = arena_printf(s->arena, "%.*s%c%.*s", STR_ARG(key), 0, STR_ARG(unit));
    if (table_add(&s->known, pair) == s->nother)
        *arena_push(s->arena, s->other, s->nother, s->cap) =
            (struct other_unit){key, u->unit[row], unit};
}

static int by_key_and_unit(const void *a, const void *b)
{
    const struct other_unit *l = a, *r = b;
    int order = str_compare(l->key, r->key);
    return order ? order : str_compare(l->unit, r->unit);
}

static void warn_units(struct unit_search *s, struct buf *warnings)
{
    qsort(s->other + 1, s->nother - 1, sizeof(*s->other), by_key_and_unit);
    for (u32 i = 1; i < s->nother; i++) {
        const struct other_unit *o = &s->other[i];
        if (str_equal(o->key, o[-1].key))
            buf_printf(warnings, ", %.*s", STR_ARG(o->unit));
        else
            buf_printf(warnings, "%sFor tag %.*s used unit %.*s, also encountered unit(s) %.*s",
                       i > 1 ? "\n" : "", STR_ARG(o->key), STR_ARG(o->used), STR_ARG(o->unit));
    }
    buf_text(warnings, s->nother > 1 ? "\n" : "");
}

static void search_units(struct unit_search *s, const struct profile *p)
{
    bool *seen = arena_new(s->arena, bool, p->nlabel);
    for (u32 i = 0; i < p->nsample; i++) {
        const struct label *l = profile_labels(p, &p->sample[i]);
        if (!l || seen[p->sample[i].label])
            continue;
        seen[p->sample[i].label] = true;
        for (u32 k = 0; k < p->sample[i].nlabel; k++) {
            if (!l[k].text)
                note_unit(s, profile_string(p, l[k].key), profile_string(p, l[k].unit));
        }
    }
}

struct label_units label_units(const struct profile *p, struct buf *warnings, struct arena *a)
{
    struct unit_search s = {.arena = a};
    struct label_units *u = &s.units;
    table_init(&u->keys, a);
    table_init(&s.known, a);
    arena_push(a, u->unit, u->nunit, u->cap);
    arena_push(a, s.other, s.nother, s.cap);
    search_units(&s, p);
    warn_units(&s, warnings);
    for (u32 row = 1; row < u->nunit; row++) {
        struct str key = u->keys.key[row];
        bool bytes = str_equal(key, STR("alignment")) || str_equal(key, STR("request"));
        if (u->unit[row].len == 0)
            u->unit[row] = bytes ? STR("bytes") : key;
    }
    return s.units;
}

struct str label_unit(const struct label_units *units, struct str key)
{
    return units->unit[table_find(&units->keys, key)];
}

struct label_filter {
    struct str key; // with has_key: of the labels that count
    bool has_key;
    bool is_range;
    double low, high; // in unit, both included
    struct str unit;
    struct alternative {
        struct regex *regex;
    } * alternative;
    u32 nalternative, cap;
};

// "[+-]digits" and a unit of letters; the rest of the text after them.
static bool parse_amount(struct str *text, i64 *amount, struct str *unit)
{
    size_t n = text->len && (text->ptr[0] == '+' || text->ptr[0] == '-'), digits = n;
    while (n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9')
        n++;
    if (n == digits || !str_i64(amount, (struct str){text->ptr, n}))
        return false;
    *text = str_skip(*text, n);
    n = 0;
    while (n < text->len && ((text->ptr[n] | 32) >= 'a' && (text->ptr[n] | 32) <= 'z'))
        n++;
    *unit = (struct str){text->ptr, n};
    *text = str_skip(*text, n);
    return true;
}

static bool parse_range(struct label_filter *f, struct str text)
{
    const struct str colon = STR(":");
    i64 amount;
    struct str unit, other;
    bool open_low = str_starts(text, colon);
    if (open_low)
        text = str_skip(text, 1);
    if (!parse_amount(&text, &amount, &unit))
        return false;
    double first = unit_scale(amount, unit, unit, &f->unit);
    f->low = open_low ? -HUGE_VAL : first;
    f->high = first;
    if (text.len == 0)
        return true;
    if (open_low || !str_starts(text, colon))
        return false;
    text = str_skip(text, 1);
    f->high = HUGE_VAL;
    if (text.len == 0)
        return true;
    if (!parse_amount(&text, &amount, &unit) || text.len)
        return false;
    f->high = unit_scale(amount, unit, f->unit, &other);
    return str_equal(other, f->unit);
}

void label_filter_free(struct label_filter *f)
{
    for (u32 i = 0; f && i < f->nalternative; i++)
        regex_free(f->alternative[i].regex);
}

bool label_filter_parse(struct label_filter **out, const char *name, struct str text,
                        struct buf *notes, struct arena *a, struct err *e)
{
    struct label_filter *f = arena_new(a, struct label_filter, 1);
    *out = f;
    i64 equals = str_find(text, STR("="));
    if (equals >= 0) {
        f->has_key = equals > 0; // an empty key counts as none
        f->key = (struct str){text.ptr, (size_t)equals};
        text = str_skip(text, (size_t)equals + 1);
    }
    f->is_range = parse_range(f, text);
    if (f->is_range) {
        buf_printf(notes, "%s:Interpreted '%.*s' as range, not regexp\n", name, STR_ARG(text));
        return true;
    }
    do {
        struct str one = str_cut(&text, ',');
        struct alternative *to = arena_push(a, f->alternative, f->nalternative, f->cap);
        to->regex = NULL;
        if (!regex_compile(&to->regex, one, e)) {
            label_filter_free(f);
            return err_prefix(e, "parsing %s regexp: ", name);
        }
    } while (text.len);
    return true;
}

static bool range_matches(const struct label_filter *f, const struct profile *p,
                          const struct label_units *units, const struct label *l)
{
    struct str key = profile_string(p, l->key), unit;
    if (l->text || (f->has_key && !str_equal(key, f->key)))
        return false;
    double amount = unit_scale(l->number, label_unit(units, key), f->unit, &unit);
    return str_equal(unit, f->unit) && amount >= f->low && amount <= f->high;
}

static bool text_matches(const struct label_filter *f, const struct regex *r,
                         const struct profile *p, const struct label *l)
{
    struct str key = profile_string(p, l->key), text = profile_string(p, l->text);
    if (!l->text || (f->has_key && !str_equal(key, f->key)))
        return false;
    if (f->has_key)
        return regex_match(r, text);
    char joined[1024];
    int n = snprintf(joined, sizeof(joined), "%.*s:%.*s", STR_ARG(key), STR_ARG(text));
    if (n >= 0 && (size_t)n < sizeof(joined))
        return regex_match(r, (struct str){joined, (size_t)n});
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    buf_printf(&b, "%.*s:%.*s", STR_ARG(key), STR_ARG(text));
    bool matched = regex_match(r, buf_str(&b));
    buf_free(&b);
    return matched;
}

static bool filter_matches(const struct label_filter *f, const struct profile *p,
                           const struct label_units *units, const struct label *l, u32 n)
{
    u32 matched = 0;
    for (u32 i = 0; i < n && f->is_range; i++) {
        if (range_matches(f, p, units, &l[i]))
            return true;
    }
    for (u32 r = 0; r < f->nalternative; r++) {
        bool one = false;
        for (u32 i = 0; i < n && !one; i++)
            one = text_matches(f, f->alternative[r].regex, p, &l[i]);
        matched += one;
    }
    return f->is_range ? false : f->has_key ? matched > 0 : matched == f->nalternative;
}

// Whether a sample's labels match; known has the answers so far, one more than there are labels:
// the last for samples without any.
static bool sample_matches(u8 *known, const struct label_filter *f, const struct profile *p,
                           const struct label_units *units, const struct sample *s)
{
    u8 *answer = &known[s->nlabel ? s->label : p->nlabel];
    if (*answer == ASK)
        *answer = filter_matches(f, p, units, profile_labels(p, s), s->nlabel) ? YES : NO;
    return *answer == YES;
}

struct profile label_filter_samples(const struct profile *p, const struct label_units *units,
                                    const struct label_filter *focus,
                                    const struct label_filter *ignore, bool *focused, bool *ignored,
                                    struct arena *a)
{
    struct profile out = *p;
    u8 *in = arena_new(a, u8, (size_t)p->nlabel + 1),
       *not = arena_new(a, u8, (size_t)p->nlabel + 1);
    struct sample *sample = arena_new(a, struct sample, p->nsample);
    i64 *value = arena_new(a, i64, (size_t)p->nsample * p->ntype);
    *focused = *ignored = false;
    out.nsample = 0;
    for (u32 i = 0; i < p->nsample; i++) {
        bool is_in = !focus || sample_matches(in, focus, p, units, &p->sample[i]);
        bool is_not = ignore && sample_matches(not, ignore, p, units, &p->sample[i]);
        *focused |= is_in;
        *ignored |= is_not;
        if (!is_in || is_not)
            continue;
        memcpy(value + (size_t)out.nsample * p->ntype, profile_values(p, i),
               p->ntype * sizeof(*value));
        sample[out.nsample++] = p->sample[i];
    }
    out.sample = sample;
    out.value = value;
    return out;
}

// Rewrites each run of labels: keep decides by label; the new runs are appended to a new table.
static struct profile rewrite_labels(const struct profile *p,
                                     bool (*keep)(void *context, const struct label *l),
                                     void *context, struct arena *a)
{
    struct profile out = *p;
    struct run {
        u32 label, nlabel;
        bool known;
    } *run = arena_new(a, struct run, p->nlabel);
    u32 cap = 0;
    out.sample = arena_new(a, struct sample, p->nsample);
    out.label = NULL;
    out.nlabel = 0;
    for (u32 i = 0; i < p->nsample; i++) {
        struct sample s = p->sample[i];
        const struct label *l = profile_labels(p, &s);
        struct run *r = l ? &run[s.label] : NULL;
        if (r && !r->known) {
            *r = (struct run){out.nlabel, 0, true};
            for (u32 k = 0; k < s.nlabel; k++) {
                if (!keep(context, &l[k]))
                    continue;
                *arena_push(a, out.label, out.nlabel, cap) = l[k];
                r->nlabel++;
            }
        }
        s.label = r ? r->label : 0;
        s.nlabel = r ? r->nlabel : 0;
        out.sample[i] = s;
    }
    return out;
}

struct key_filter {
    const struct profile *p;
    const struct regex *show, *hide;
    u8 *is_shown, *is_hidden; // by string
    bool any_shown, any_hidden;
};

static bool ask(u8 *known, const struct regex *r, const struct profile *p, u32 string)
{
    if (known[string] == ASK)
        known[string] = regex_match(r, profile_string(p, string)) ? YES : NO;
    return known[string] == YES;
}

static bool keep_key(void *context, const struct label *l)
{
    struct key_filter *f = context;
    bool show = !f->show || ask(f->is_shown, f->show, f->p, l->key);
    bool hide = f->hide && ask(f->is_hidden, f->hide, f->p, l->key);
    f->any_shown |= show;
    f->any_hidden |= hide;
    return show && !hide;
}

struct profile label_filter_keys(const struct profile *p, const struct regex *show,
                                 const struct regex *hide, bool *shown, bool *hidden,
                                 struct arena *a)
{
    struct key_filter f = {.p = p, .show = show, .hide = hide};
    f.is_shown = arena_new(a, u8, p->nstring);
    f.is_hidden = arena_new(a, u8, p->nstring);
    struct profile out = rewrite_labels(p, keep_key, &f, a);
    *shown = f.any_shown;
    *hidden = f.any_hidden;
    return out;
}

struct removed_key {
    const struct profile *p;
    struct str key;
};

static bool keep_other(void *context, const struct label *l)
{
    const struct removed_key *r = context;
    return !str_equal(profile_string(r->p, l->key), r->key);
}

// Whether any label has this key.
static bool has_key(const struct profile *p, struct str key)
{
    for (u32 i = 0; i < p->nlabel; i++) {
        if (str_equal(profile_string(p, p->label[i].key), key))
            return true;
    }
    return false;
}

const bool *label_marks(const struct profile *p, struct str key, struct str text, struct arena *a)
{
    if (!has_key(p, key))
        return NULL;
    bool *marked = arena_new(a, bool, p->nlabel);
    u32 *known = arena_new(a, u32, p->nlabel); // how many of a run's labels were looked at
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        const struct label *l = profile_labels(p, s);
        for (; s->nlabel && known[s->label] < s->nlabel; known[s->label]++) {
            const struct label *next = &l[known[s->label]];
            marked[s->label] |= next->text && str_equal(profile_string(p, next->key), key) &&
                                str_equal(profile_string(p, next->text), text);
        }
    }
    return marked;
}

struct profile label_remove(const struct profile *p, struct str key, struct arena *a)
{
    struct removed_key r = {p, key};
    if (!has_key(p, key))
        return *p;
    return rewrite_labels(p, keep_other, &r, a);
}

// Where a text label with this key belongs among sorted labels.
static u32 text_place(const struct profile *p, const struct label *l, u32 n, struct str key)
{
    u32 at = 0;
    while (at < n && l[at].text && str_compare(profile_string(p, l[at].key), key) <= 0)
        at++;
    return at;
}

struct profile label_set(const struct profile *p, struct str key, struct str text, struct arena *a)
{
    u32 key_row, text_row, cap = 0;
    struct profile out = label_remove(p, key, a);
    out = profile_with_string(&out, key, &key_row, a);
    out = profile_with_string(&out, text, &text_row, a);
    struct sample *sample = arena_new(a, struct sample, out.nsample);
    struct label *label = NULL;
    u32 nlabel = 0;
    u32 *moved = arena_new(a, u32, (size_t)out.nlabel + 1); // new run of an old one, + 1
    for (u32 i = 0; i < out.nsample; i++) {
        struct sample *s = &sample[i];
        *s = out.sample[i];
        u32 *to = &moved[s->nlabel ? s->label : out.nlabel];
        const struct label *l = profile_labels(&out, s);
        if (*to == 0) {
            u32 at = text_place(&out, l, s->nlabel, key);
            *to = nlabel + 1;
            for (u32 k = 0; k <= s->nlabel; k++)
                *arena_push(a, label, nlabel, cap) =
                    k == at ? (struct label){.key = key_row, .text = text_row}
                            : l[k < at ? k : k - 1];
        }
        s->label = *to - 1;
        s->nlabel++;
    }
    out.sample = sample;
    out.label = label;
    out.nlabel = nlabel;
    return out;
}

// Making frames of labels.
struct framing {
    const struct profile *p;
    struct str unit;
    struct build b;         // only its functions, locations, lines and strings are used
    struct table locations; // key, NUL, values -> position
    u32 *location;          // by position
    u32 nlocation, cap;
    u64 last_location, last_function; // ids
};

// The values of a key in a run of labels, by commas; *found: whether there are any.
static struct str key_values(struct framing *f, const struct label *l, u32 n, struct str key,
                             bool *found)
{
    struct buf b;
    u32 with_unit = 0, count = 0;
    buf_init(&b, SIZE_MAX / 2);
    for (u32 i = 0; i < n; i++) {
        bool is_it = !l[i].text && str_equal(profile_string(f->p, l[i].key), key);
        with_unit += is_it && l[i].unit;
    }
    for (u32 i = 0; i < n; i++) {
        if (!str_equal(profile_string(f->p, l[i].key), key))
            continue;
        buf_text(&b, count++ ? "," : "");
        if (l[i].text)
            buf_add(&b, profile_string(f->p, l[i].text));
        else if (with_unit)
            unit_label(&b, l[i].number, profile_string(f->p, l[i].unit), f->unit);
        else
            unit_label(&b, l[i].number, STR(""), STR(""));
    }
    *found |= count != 0;
    struct str values = arena_str(f->b.arena, buf_str(&b));
    buf_free(&b);
    return values;
}

static u32 label_location(struct framing *f, struct str key, struct str values)
{
    struct arena *a = f->b.arena;
    u32 position =
        table_add(&f->locations, arena_printf(a, "%.*s%c%.*s", STR_ARG(key), 0, STR_ARG(values)));
    if (position < f->nlocation)
        return f->location[position];
    u32 name = build_string(&f->b, values), file = build_string(&f->b, key);
    struct function *fn = build_function(&f->b);
    fn->id = ++f->last_function;
    fn->name = name;
    fn->filename = file;
    struct location *l = build_location(&f->b);
    l->id = ++f->last_location;
    build_line(&f->b)->function = f->b.p.nfunction - 1;
    *arena_push(a, f->location, f->nlocation, f->cap) = f->b.p.nlocation - 1;
    return f->b.p.nlocation - 1;
}

// Appends the frames of the keys to the sample at hand, the last key first.
static void add_label_frames(struct framing *f, const struct label *l, u32 n, const struct str *key,
                             u32 nkey, bool *found)
{
    for (u32 i = nkey; i > 0; i--) {
        u32 location = label_location(f, key[i - 1], key_values(f, l, n, key[i - 1], found));
        build_frame(&f->b, location);
    }
}

static u32 split_keys(struct str **out, struct str list, struct arena *a)
{
    u32 n = 0, cap = 0;
    while (list.len) {
        struct str key = str_cut(&list, ',');
        if (key.len)
            *arena_push(a, *out, n, cap) = key;
    }
    return n;
}

// Begins with copies of p's tables that grow.
static void copy_tables(struct framing *f, const struct profile *p, struct arena *a)
{
    build_init(&f->b, a);
    f->b.p.nstring = 0;
    for (u32 i = 0; i < p->nstring; i++)
        *arena_push(a, f->b.p.string, f->b.p.nstring, f->b.string_cap) = p->string[i];
    for (u32 i = 1; i < p->nfunction; i++) {
        *build_function(&f->b) = p->function[i];
        f->last_function =
            p->function[i].id > f->last_function ? p->function[i].id : f->last_function;
    }
    for (u32 i = 0; i < p->nline; i++)
        *arena_push(a, f->b.p.line, f->b.p.nline, f->b.line_cap) = p->line[i];
    for (u32 i = 1; i < p->nlocation; i++) {
        *build_location(&f->b) = p->location[i];
        f->last_location =
            p->location[i].id > f->last_location ? p->location[i].id : f->last_location;
    }
}

struct profile label_frames(const struct profile *p, struct str roots, struct str leaves,
                            struct str unit, bool *rooted, bool *leaved, struct arena *a)
{
    struct framing f = {.p = p, .unit = unit};
    struct str *root = NULL, *leaf = NULL;
    u32 nroot = split_keys(&root, roots, a), nleaf = split_keys(&leaf, leaves, a);
    *rooted = *leaved = false;
    if (nroot + nleaf == 0)
        return *p;
    copy_tables(&f, p, a);
    table_init(&f.locations, a);
    arena_push(a, f.location, f.nlocation, f.cap);
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        const struct label *l = profile_labels(p, s);
        struct sample *to = build_sample(&f.b);
        to->label = s->label;
        to->nlabel = s->nlabel;
        add_label_frames(&f, l, s->nlabel, leaf, nleaf, leaved);
        for (u32 k = 0; k < s->nframe; k++)
            build_frame(&f.b, p->frame[s->frame + k]);
        add_label_frames(&f, l, s->nlabel, root, nroot, rooted);
    }
    struct profile out = *p;
    out.string = f.b.p.string;
    out.nstring = f.b.p.nstring;
    out.function = f.b.p.function;
    out.nfunction = f.b.p.nfunction;
    out.line = f.b.p.line;
    out.nline = f.b.p.nline;
    out.location = f.b.p.location;
    out.nlocation = f.b.p.nlocation;
    out.sample = f.b.p.sample;
    out.frame = f.b.p.frame;
    out.nframe = f.b.p.nframe;
    return out;
}
