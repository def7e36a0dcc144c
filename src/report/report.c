#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/filter.h"

enum { NODES_OF_PICTURES = 80 };

static void override_config(struct config *c, const struct report_type *type)
{
    bool trim = c->trim && !type->is_untrimmed;
    if (type->granularity)
        c->granularity = str_of(type->granularity);
    if (c->granularity.len == 0)
        c->granularity = str_of(type->usual_granularity);
    if (c->nodecount == -1 && type->nodecount)
        c->nodecount = type->nodecount;
    else if (c->nodecount == -1)
        c->nodecount = type->shows_all_nodes ? 0 : NODES_OF_PICTURES;
    if (!trim) {
        c->nodecount = 0;
        c->nodefraction = c->edgefraction = 0;
    }
    c->noinlines = (c->noinlines || type->never_inlines) && !type->always_inlines;
    c->call_tree &= type->takes_call_tree;
}

// Expressions of the config, compiled.
struct expressions {
    struct regex *focus, *ignore, *hide, *show, *show_from, *prune_from, *tagshow, *taghide;
    struct label_filter *tagfocus, *tagignore;
};

static bool compile(struct regex **out, const char *name, struct str pattern, struct err *e)
{
    return pattern.len == 0 || regex_compile(out, pattern, e) ||
           err_prefix(e, "parsing %s regexp: ", name);
}

static bool compile_label(struct label_filter **out, const char *name, struct str text,
                          struct report *r, struct err *e)
{
    return text.len == 0 || label_filter_parse(out, name, text, r->warnings, r->arena, e);
}

static bool compile_all(struct expressions *x, struct report *r, struct err *e)
{
    const struct config *c = &r->config;
    return compile(&x->focus, "focus", c->focus, e) &&
           compile(&x->ignore, "ignore", c->ignore, e) && compile(&x->hide, "hide", c->hide, e) &&
           compile(&x->show, "show", c->show, e) &&
           compile(&x->show_from, "show_from", c->show_from, e) &&
           compile_label(&x->tagfocus, "tagfocus", c->tagfocus, r, e) &&
           compile_label(&x->tagignore, "tagignore", c->tagignore, r, e) &&
           compile(&x->prune_from, "prune_from", c->prune_from, e) &&
           compile(&x->tagshow, "tagshow", c->tagshow, e) &&
           compile(&x->taghide, "taghide", c->taghide, e);
}

static void free_all(struct expressions *x)
{
    regex_free(x->focus);
    regex_free(x->ignore);
    regex_free(x->hide);
    regex_free(x->show);
    regex_free(x->show_from);
    regex_free(x->prune_from);
    regex_free(x->tagshow);
    regex_free(x->taghide);
    label_filter_free(x->tagfocus);
    label_filter_free(x->tagignore);
}

static void warn_unmatched(struct report *r, bool is_asked, bool matched, const char *name)
{
    if (is_asked && !matched)
        buf_printf(r->warnings, "%s expression matched no samples\n", name);
}

static void filter_by_names(struct report *r, const struct expressions *x)
{
    struct filter_names names = {x->focus, x->ignore, x->hide, x->show, r->type->skips_hidden};
    struct filter_matched matched;
    r->p = filter_names(&r->p, &names, &matched, r->arena);
    warn_unmatched(r, x->focus, matched.focus, "Focus");
    warn_unmatched(r, x->ignore, matched.ignore, "Ignore");
    warn_unmatched(r, x->hide, matched.hide, "Hide");
    warn_unmatched(r, x->show, matched.show, "Show");
    if (x->show_from) {
        bool found;
        r->p = filter_show_from(&r->p, x->show_from, &found, r->arena);
        warn_unmatched(r, true, found, "ShowFrom");
    }
}

static void filter_by_labels(struct report *r, const struct expressions *x)
{
    bool in, out;
    if (x->tagfocus || x->tagignore) {
        r->p =
            label_filter_samples(&r->p, &r->units, x->tagfocus, x->tagignore, &in, &out, r->arena);
        warn_unmatched(r, x->tagfocus, in, "TagFocus");
        warn_unmatched(r, x->tagignore, out, "TagIgnore");
    }
    if (x->tagshow || x->taghide) {
        r->p = label_filter_keys(&r->p, x->tagshow, x->taghide, &in, &out, r->arena);
        warn_unmatched(r, x->tagshow, in, "TagShow");
        warn_unmatched(r, x->taghide, out, "TagHide");
    }
}

static bool apply_filters(struct report *r, struct err *e)
{
    struct expressions x = {0};
    bool done = compile_all(&x, r, e);
    if (done) {
        filter_by_names(r, &x);
        filter_by_labels(r, &x);
        if (x.prune_from)
            r->p = filter_prune_from(&r->p, x.prune_from, r->arena);
    }
    free_all(&x);
    return done;
}

static void list_filters(struct report *r)
{
    const struct config *c = &r->config;
    const struct {
        const char *name;
        struct str value;
    } filter[] = {
        {"focus", c->focus},         {"ignore", c->ignore},       {"hide", c->hide},
        {"show", c->show},           {"show_from", c->show_from}, {"tagfocus", c->tagfocus},
        {"tagignore", c->tagignore}, {"tagshow", c->tagshow},     {"taghide", c->taghide}};
    for (u32 i = 0; i < ARRAY_LEN(filter); i++) {
        if (filter[i].value.len)
            r->filter[r->nfilter++] =
                arena_printf(r->arena, "%s=%.*s", filter[i].name, STR_ARG(filter[i].value));
    }
}

static void make_label_frames(struct report *r)
{
    const struct config *c = &r->config;
    bool rooted, leaved;
    r->p = label_frames(&r->p, c->tagroot, c->tagleaf, c->unit, &rooted, &leaved, r->arena);
    warn_unmatched(r, c->tagroot.len != 0, rooted, "TagRoot");
    warn_unmatched(r, c->tagleaf.len != 0, leaved, "TagLeaf");
}

// A sum of magnitudes, and of what it is to be divided by.
struct sum {
    i64 value, div;
};

static void add_to(struct sum *s, i64 value, i64 div)
{
    s->value += magnitude(value);
    s->div += div;
}

// Where there is a base that a difference is to be seen against, it is all of the total.
i64 report_total(const struct report *r, u32 type)
{
    struct sum all = {0}, base = {0};
    const struct profile *p = &r->whole;
    const bool *is_base = label_marks(p, STR(REPORT_BASE_LABEL), STR("true"), r->arena);
    for (u32 i = 0; i < p->nsample; i++) {
        const i64 *value = profile_values(p, i);
        i64 div = r->values.mean ? value[0] : 0;
        add_to(&all, value[type], div);
        if (is_base && p->sample[i].nlabel && is_base[p->sample[i].label])
            add_to(&base, value[type], div);
    }
    return base.value > 0 ? divided(base.value, base.div) : divided(all.value, all.div);
}

static void compute_total(struct report *r)
{
    r->whole = r->p;
    r->has_base = label_marks(&r->p, STR(REPORT_BASE_LABEL), STR("true"), r->arena) != NULL;
    r->total = report_total(r, r->values.type);
}

static struct granularity granularity_of(const struct config *c)
{
    struct granularity g = {.inlines = !c->noinlines, .column = c->showcolumns};
    struct str name = c->granularity;
    bool addresses = str_equal(name, STR("addresses")), lines = str_equal(name, STR("lines"));
    if (addresses && g.inlines) // as they are, columns too
        return (struct granularity){true, true, true, true, true, true};
    g.function = !str_equal(name, STR("files"));
    g.filename = name.len && !str_equal(name, STR("functions"));
    g.line = addresses || lines;
    g.address = addresses;
    return g;
}

static bool choose_values(struct report *r, struct err *e)
{
    const struct config *c = &r->config;
    r->values.mean = c->mean;
    if (r->p.ntype == 0)
        return err_set(e, EINVAL, "profile has no samples");
    if (!profile_type_find(&r->values.type, &r->p, c->sample_index, e))
        return false;
    if (c->divide_by == 0)
        return err_set(e, EINVAL, "zero divisor specified");
    const struct value_type *t = &r->p.type[r->values.type];
    r->sample_type = arena_printf(r->arena, "%s%.*s", c->mean ? "mean_" : "",
                                  STR_ARG(profile_string(&r->p, t->type)));
    r->sample_unit = profile_string(&r->p, t->unit);
    r->output_unit = c->unit;
    list_filters(r);
    return true;
}

static bool compile_parameter(struct report *r, struct err *e)
{
    return r->parameter.len == 0 || r->type->standard_parameter ||
           regex_compile(&r->wanted, r->parameter, e) ||
           err_prefix(e, "parsing argument regexp %.*s: ", STR_ARG(r->parameter));
}

// The order in which the filters, the total and the aggregation follow each other decides the
// percentages.
static bool prepare(struct report *r, struct err *e)
{
    bool relative = r->config.relative_percentages;
    override_config(&r->config, r->type);
    r->units = label_units(&r->p, r->warnings, r->arena);
    make_label_frames(r);
    if (relative && !apply_filters(r, e))
        return false;
    if (!choose_values(r, e) || !compile_parameter(r, e))
        return false;
    compute_total(r);
    if (!relative && !apply_filters(r, e))
        return false;
    r->p = filter_aggregate(&r->p, granularity_of(&r->config), r->arena);
    return true;
}

static bool write_prepared(struct buf *out, struct report *r, struct err *e)
{
    bool done = prepare(r, e) && r->type->write(out, r, e);
    regex_free(r->wanted);
    if (done && out->full)
        done = err_set(e, EFBIG, "the %s report needs more than %zu MiB", r->type->name,
                       out->limit >> 20);
    return done;
}

bool report_write(struct buf *out, const struct profile *p, const struct report_type *type,
                  struct str parameter, const struct config *c, struct buf *warnings,
                  struct arena *a, struct err *e)
{
    struct report r = {.type = type,
                       .config = *c,
                       .p = *p,
                       .arena = a,
                       .parameter = parameter.len ? parameter : str_of(type->standard_parameter),
                       .warnings = warnings};
    return write_prepared(out, &r, e);
}

bool report_write_flame(struct buf *out, const struct profile *p,
                        const struct report_preface *preface, const struct config *c,
                        struct buf *warnings, struct arena *a, struct err *e)
{
    // Not the table's row, which would bring all other reports, and their libraries, into every
    // program with this one.
    static const struct report_type flame = {.name = "flame",
                                             .write = report_flame,
                                             .is_untrimmed = true,
                                             .skips_hidden = true,
                                             .usual_granularity = "filefunctions"};
    struct report r = {.preface = preface,
                       .type = &flame,
                       .config = *c,
                       .p = *p,
                       .arena = a,
                       .warnings = warnings};
    return write_prepared(out, &r, e);
}

bool report_greeting(struct buf *out, const struct profile *p, const struct config *c, i64 *total,
                     struct buf *warnings, struct arena *a, struct err *e)
{
    struct report r = {.config = *c, .p = *p, .arena = a, .warnings = warnings};
    r.units = label_units(p, warnings, a);
    if (!choose_values(&r, e))
        return false;
    compute_total(&r);
    *total = r.total;
    report_profile_labels(out, &r, "\n");
    return true;
}
