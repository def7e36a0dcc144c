#include "profile/filter.h"

#include <string.h>

#include "base/parallel.h"

// Answers of one expression for strings, each asked once.
struct memo {
    const struct profile *p;
    const struct regex *regex;
    u8 *answer; // by string: 0 not asked, 1 no, 2 yes
};

static struct memo memo_of(const struct profile *p, const struct regex *r, struct arena *a)
{
    return (struct memo){p, r, arena_new(a, u8, p->nstring)};
}

static bool matches(const struct memo *m, u32 string)
{
    if (m->answer[string] == 0)
        m->answer[string] = regex_match(m->regex, profile_string(m->p, string)) ? 2 : 1;
    return m->answer[string] == 2;
}

static bool line_matches(const struct memo *m, const struct line *line)
{
    const struct function *f = &m->p->function[line->function];
    return matches(m, f->name) || matches(m, f->filename);
}

static bool mapping_matches(const struct memo *m, const struct location *l)
{
    return l->mapping && matches(m, m->p->mapping[l->mapping].filename);
}

static bool location_matches(const struct memo *m, const struct location *l)
{
    for (u32 i = 0; i < l->nline; i++) {
        if (line_matches(m, &m->p->line[l->line + i]))
            return true;
    }
    return mapping_matches(m, l);
}

static struct location *copy_locations(const struct profile *p, struct arena *a)
{
    struct location *copy = arena_new(a, struct location, p->nlocation);
    memcpy(copy, p->location, p->nlocation * sizeof(*copy));
    return copy;
}

// A run of a sample's frames that is kept of it.
struct kept {
    u32 frame, nframe; // UINT32_MAX frames: the sample is left out
};

enum { LEFT_OUT = UINT32_MAX, LEAST_SAMPLES = 20000, MOST_PARTS = PARALLEL_MOST };

// Samples and frames about to be left out.
struct choice {
    const struct profile *p;
    struct kept (*choose)(const struct sample *s, const struct choice *c);
    const u8 *column;   // by location, for choose
    bool may_ignore;    // some are to be ignored
    const bool *hidden; // by location: frames that are left out; NULL: none are
    bool copies;        // the other frames; otherwise hidden ones are left out at the ends alone
    struct kept *kept;  // by sample
    struct parallel_division division;
    struct profile out;
    u32 first_sample[MOST_PARTS + 1], first_frame[MOST_PARTS]; // of out, by part
};

// Copies the frames that are shown; returns their number.
static u32 copy_shown(const struct choice *c, const struct kept *k, u32 *to)
{
    const u32 *frame = &c->p->frame[k->frame];
    u32 n = 0;
    for (u32 i = 0; i < k->nframe; i++) {
        to[n] = frame[i];
        n += !c->hidden[frame[i]];
    }
    return n;
}

// A run of frames without those at its ends that are hidden.
static struct kept trim_hidden(const struct choice *c, struct kept k)
{
    const u32 *frame = c->p->frame;
    while (k.nframe && c->hidden[frame[k.frame]]) {
        k.frame++;
        k.nframe--;
    }
    while (k.nframe && c->hidden[frame[k.frame + k.nframe - 1]])
        k.nframe--;
    return k;
}

// Leaves out what is hidden of a sample's frames; those that are copied go to the given place.
static struct kept without_hidden(const struct choice *c, struct kept k, u32 at)
{
    if (!c->copies)
        return trim_hidden(c, k);
    return (struct kept){.frame = at, .nframe = copy_shown(c, &k, c->out.frame + at)};
}

// Chooses for a part of the samples, and writes their frames where some are hidden.
static void choose_part(void *choice, u32 part)
{
    struct choice *c = choice;
    u32 end = parallel_first(c->division, part + 1), samples = 0, at = c->first_frame[part];
    for (u32 i = parallel_first(c->division, part); i < end; i++) {
        struct kept *k = &c->kept[i];
        *k = c->choose(&c->p->sample[i], c);
        if (k->nframe == LEFT_OUT)
            continue;
        if (c->hidden) {
            *k = without_hidden(c, *k, at);
            at += c->copies ? k->nframe : 0;
            if (k->nframe == 0) {
                k->nframe = LEFT_OUT;
                continue;
            }
        }
        samples++;
    }
    c->first_sample[part + 1] = samples;
}

// Writes what is kept of a part of the samples to its place.
static void write_part(void *choice, u32 part)
{
    struct choice *c = choice;
    const struct profile *p = c->p;
    u32 end = parallel_first(c->division, part + 1), at = c->first_sample[part];
    for (u32 i = parallel_first(c->division, part); i < end; i++) {
        const struct kept *k = &c->kept[i];
        if (k->nframe == LEFT_OUT)
            continue;
        struct sample *s = &c->out.sample[at];
        *s = p->sample[i];
        s->frame = k->frame;
        s->nframe = k->nframe;
        memcpy(c->out.value + (size_t)at++ * p->ntype, profile_values(p, i),
               p->ntype * sizeof(*p->value));
    }
}

// Room for the frames of each part's samples, were none of them hidden.
static void make_frames(struct choice *c, struct arena *a)
{
    u32 n = 0;
    for (u32 part = 0; part < c->division.n; part++) {
        c->first_frame[part] = n;
        for (u32 i = parallel_first(c->division, part); i < parallel_first(c->division, part + 1);
             i++)
            n += c->p->sample[i].nframe;
    }
    c->out.nframe = n;
    c->out.frame = arena_new(a, u32, n);
}

// p with what the choice leaves of its samples; their frames are p's where none is copied.
static struct profile select_samples(struct choice *c, struct arena *a)
{
    const struct profile *p = c->p;
    c->kept = arena_new(a, struct kept, p->nsample);
    c->division = parallel_divide(p->nsample, LEAST_SAMPLES);
    u32 n = c->division.n;
    if (c->hidden && c->copies)
        make_frames(c, a);
    parallel_run(choose_part, c, n);
    for (u32 i = 0; i < n; i++)
        c->first_sample[i + 1] += c->first_sample[i];
    c->out.nsample = c->first_sample[n];
    c->out.sample = arena_new(a, struct sample, c->out.nsample);
    c->out.value = arena_new(a, i64, (size_t)c->out.nsample * p->ntype);
    parallel_run(write_part, c, n);
    arena_release(a, (struct str){(char *)c->kept, p->nsample * sizeof(*c->kept)});
    return c->out;
}

enum { NEUTRAL, FOCUSED, IGNORED };

// By location: FOCUSED, IGNORED or neither.
static u8 *focus_column(const struct profile *p, const struct filter_names *f,
                        struct filter_matched *m, struct arena *a)
{
    struct memo focus = memo_of(p, f->focus, a), ignore = memo_of(p, f->ignore, a);
    u8 *column = arena_new(a, u8, p->nlocation);
    for (u32 row = 1; row < p->nlocation; row++) {
        if (f->ignore && location_matches(&ignore, &p->location[row])) {
            m->ignore = true;
            column[row] = IGNORED;
        } else if (!f->focus || location_matches(&focus, &p->location[row])) {
            m->focus = true;
            column[row] = FOCUSED;
        }
    }
    return column;
}

// All of a sample that is focused on, and not ignored.
static struct kept choose_focused(const struct sample *s, const struct choice *c)
{
    bool focused = false, ignored = false;
    for (u32 k = s->frame; k < s->frame + s->nframe && !ignored; k++) {
        u8 kind = c->column[c->p->frame[k]];
        ignored = kind == IGNORED;
        focused |= kind == FOCUSED;
        if (focused && !c->may_ignore)
            break;
    }
    return (struct kept){.frame = s->frame, .nframe = focused && !ignored ? s->nframe : LEFT_OUT};
}

// The lines that a filter writes anew.
struct lines {
    struct profile p; // with them
    u32 line_cap;
    struct arena *arena;
};

// Leaves out lines of a location whose match is (hide) or is not (show) wanted; a mapping's match
// counts for all of its lines.
static void filter_lines(struct lines *o, const struct memo *m, struct location *l, bool wanted)
{
    u32 first = o->p.nline, n = 0;
    bool whole = mapping_matches(m, l);
    for (u32 i = 0; i < l->nline; i++) {
        struct line line = o->p.line[l->line + i];
        bool matched = whole || line_matches(m, &line);
        if (matched != wanted)
            continue;
        *arena_push(o->arena, o->p.line, o->p.nline, o->line_cap) = line;
        n++;
    }
    l->line = first;
    l->nline = n;
}

// Applies hide and show to the locations; returns the column of those that are hidden as a whole.
static bool *hide_lines(struct lines *o, const struct profile *p, const struct filter_names *f,
                        struct filter_matched *m)
{
    struct memo hide = memo_of(p, f->hide, o->arena), show = memo_of(p, f->show, o->arena);
    bool *hidden = arena_new(o->arena, bool, p->nlocation);
    struct location *location = copy_locations(p, o->arena);
    // Lines are appended behind a copy of the old ones.
    struct line *line = arena_new(o->arena, struct line, p->nline);
    if (p->nline)
        memcpy(line, p->line, p->nline * sizeof(*line));
    o->p.line = line;
    o->line_cap = p->nline;
    o->p.location = location;
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &location[row];
        if (f->hide && location_matches(&hide, &p->location[row])) {
            m->hide = true;
            filter_lines(o, &hide, l, false);
            hidden[row] |= l->nline == 0;
        }
        if (f->show) {
            filter_lines(o, &show, l, true);
            hidden[row] |= l->nline == 0;
            m->show |= l->nline != 0;
        }
        l->is_hidden = hidden[row] && f->marks_hidden;
    }
    return hidden;
}

struct profile filter_names(const struct profile *p, const struct filter_names *f,
                            struct filter_matched *m, struct arena *a)
{
    *m = (struct filter_matched){.focus = true};
    if (!f->focus && !f->ignore && !f->hide && !f->show)
        return *p;
    m->focus = false;
    struct lines o = {.p = *p, .arena = a};
    const u8 *column = focus_column(p, f, m, a);
    const bool *hidden = f->hide || f->show ? hide_lines(&o, p, f, m) : NULL;
    bool hides = false;
    for (u32 row = 1; row < p->nlocation && hidden; row++)
        hides |= hidden[row];
    struct choice c = {.p = p,
                       .choose = choose_focused,
                       .column = column,
                       .may_ignore = m->ignore,
                       .hidden = hides ? hidden : NULL,
                       .copies = !f->marks_hidden,
                       .out = o.p};
    return select_samples(&c, a);
}

// From the match that is nearest to the root.
static struct kept choose_from(const struct sample *s, const struct choice *c)
{
    u32 n = s->nframe;
    while (n > 0 && !c->column[c->p->frame[s->frame + n - 1]])
        n--;
    return (struct kept){.frame = s->frame, .nframe = n ? n : LEFT_OUT};
}

struct profile filter_show_from(const struct profile *p, const struct regex *show_from,
                                bool *matched, struct arena *a)
{
    struct memo m = memo_of(p, show_from, a);
    struct location *location = copy_locations(p, a);
    u8 *found = arena_new(a, u8, p->nlocation);
    *matched = false;
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &location[row];
        found[row] = !l->is_hidden && mapping_matches(&m, l);
        for (u32 i = l->nline; i > 0 && !found[row]; i--) {
            if (line_matches(&m, &p->line[l->line + i - 1])) {
                l->nline = i;
                found[row] = true;
            }
        }
        *matched |= found[row];
    }
    struct choice c = {.p = p, .choose = choose_from, .column = found, .out = *p};
    c.out.location = location;
    return select_samples(&c, a);
}

// A function's name without what may follow it: cut at the first parenthesis that is not part of a
// C++ name.
static struct str simple_name(struct str name)
{
    const struct str space = STR("(anonymous namespace)"), call = STR("operator()");
    if (str_starts(name, STR(".")))
        name = str_skip(name, 1);
    for (size_t i = 0; i < name.len;) {
        struct str rest = str_skip(name, i);
        if (str_starts(rest, space))
            i += space.len;
        else if (str_starts(rest, call))
            i += call.len;
        else if (name.ptr[i] == '(')
            return (struct str){name.ptr, i};
        else
            i++;
    }
    return name;
}

// By function: whether its name is to be dropped.
static bool *drop_column(const struct profile *p, const struct regex *drop,
                         const struct regex *keep, struct arena *a)
{
    bool *column = arena_new(a, bool, p->nfunction);
    for (u32 row = 1; row < p->nfunction; row++) {
        struct str name = profile_string(p, p->function[row].name);
        struct str simple = simple_name(name);
        column[row] = name.len && regex_match(drop, simple) && !(keep && regex_match(keep, simple));
    }
    return column;
}

// Up to the match that is nearest to the leaf, or all.
static struct kept choose_up_to(const struct sample *s, const struct choice *c)
{
    u32 skip = 0;
    while (skip < s->nframe && !c->column[c->p->frame[s->frame + skip]])
        skip++;
    if (skip == s->nframe)
        skip = 0;
    return (struct kept){.frame = s->frame + skip, .nframe = s->nframe - skip};
}

struct profile filter_prune_from(const struct profile *p, const struct regex *prune_from,
                                 struct arena *a)
{
    const bool *drop = drop_column(p, prune_from, NULL, a);
    struct location *location = copy_locations(p, a);
    u8 *found = arena_new(a, u8, p->nlocation);
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &location[row];
        for (u32 i = 0; i < l->nline && !found[row]; i++) {
            if (drop[p->line[l->line + i].function]) {
                found[row] = true;
                l->line += i;
                l->nline -= i;
            }
        }
    }
    struct choice c = {.p = p, .choose = choose_up_to, .column = found, .out = *p};
    c.out.location = location;
    return select_samples(&c, a);
}

enum { PRUNE_NOT, PRUNE_BELOW, PRUNE_WHOLE };

// By location: whether a stack is cut there, and whether the location itself goes too.  Cuts the
// location's own lines.
static u8 *prune_column(const struct profile *p, struct location *location, const bool *drop,
                        struct arena *a)
{
    u8 *column = arena_new(a, u8, p->nlocation);
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &location[row];
        u32 i = l->nline;
        while (i > 0 && !drop[p->line[l->line + i - 1].function])
            i--;
        if (i == 0)
            continue;
        column[row] = i == l->nline ? PRUNE_WHOLE : PRUNE_BELOW;
        if (i < l->nline) {
            l->line += i;
            l->nline -= i;
        }
    }
    return column;
}

static struct profile prune(const struct profile *p, const bool *drop, struct arena *a)
{
    struct profile out = *p;
    struct location *location = copy_locations(p, a);
    struct sample *sample = arena_new(a, struct sample, p->nsample);
    const u8 *column = prune_column(p, location, drop, a);
    for (u32 i = 0; i < p->nsample; i++) {
        struct sample s = p->sample[i];
        bool user = false;
        for (u32 k = s.nframe; k > 0; k--) {
            u8 cut = column[p->frame[s.frame + k - 1]];
            user |= cut == PRUNE_NOT;
            if (cut == PRUNE_NOT || !user)
                continue;
            u32 leave_out = cut == PRUNE_WHOLE ? k : k - 1;
            s.frame += leave_out;
            s.nframe -= leave_out;
            break;
        }
        sample[i] = s;
    }
    out.location = location;
    out.sample = sample;
    return out;
}

static bool compile_whole(struct regex **out, struct str pattern, struct arena *a, struct err *e)
{
    return regex_compile(out, arena_printf(a, "^(%.*s)$", STR_ARG(pattern)), e) ||
           err_prefix(e, "failed to compile regexp %.*s: ", STR_ARG(pattern));
}

bool filter_drop_frames(struct profile *out, const struct profile *p, struct arena *a,
                        struct err *e)
{
    *out = *p;
    struct str drop = profile_string(p, p->drop_frames), keep = profile_string(p, p->keep_frames);
    struct regex *drop_regex = NULL, *keep_regex = NULL;
    if (drop.len == 0)
        return true;
    bool done = compile_whole(&drop_regex, drop, a, e) &&
                (keep.len == 0 || compile_whole(&keep_regex, keep, a, e));
    if (done)
        *out = prune(p, drop_column(p, drop_regex, keep_regex, a), a);
    regex_free(drop_regex);
    regex_free(keep_regex);
    return done;
}

static struct function *blank_functions(const struct profile *p, struct granularity g,
                                        struct arena *a)
{
    struct function *function = arena_new(a, struct function, p->nfunction);
    memcpy(function, p->function, p->nfunction * sizeof(*function));
    for (u32 row = 0; row < p->nfunction; row++) {
        if (!g.function)
            function[row].name = function[row].system_name = 0;
        if (!g.filename)
            function[row].filename = 0;
    }
    return function;
}

static struct line *blank_lines(const struct profile *p, struct granularity g, struct arena *a)
{
    struct line *line = arena_new(a, struct line, p->nline);
    for (u32 i = 0; i < p->nline; i++) {
        line[i] = p->line[i];
        if (!g.line)
            line[i].line = 0;
        if (!g.line || !g.column)
            line[i].column = 0;
    }
    return line;
}

struct profile filter_aggregate(const struct profile *p, struct granularity g, struct arena *a)
{
    struct profile out = *p;
    if (!g.function || !g.filename)
        out.function = blank_functions(p, g, a);
    if (!g.line || !g.column)
        out.line = blank_lines(p, g, a);
    struct location *location = copy_locations(p, a);
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &location[row];
        if (!g.inlines && l->nline > 1) {
            l->line += l->nline - 1;
            l->nline = 1;
        }
        if (!g.address)
            l->address = 0;
    }
    out.location = location;
    struct mapping *mapping = arena_new(a, struct mapping, p->nmapping);
    memcpy(mapping, p->mapping, p->nmapping * sizeof(*mapping));
    for (u32 row = 1; row < p->nmapping; row++) {
        mapping[row].has_inline_frames &= g.inlines;
        mapping[row].has_functions &= g.function;
        mapping[row].has_filenames &= g.filename;
        mapping[row].has_line_numbers &= g.line;
    }
    out.mapping = mapping;
    return out;
}
