// sonde check: holds a profile against budgets, for pipelines: status 1 when one is broken, and a
// line that says which, by what.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "profile/filter.h"
#include "profile/unit.h"
#include "report/graph.h"
#include "sonde/command.h"
#include "sonde/fetch.h"

enum { MEMORY_LIMIT_GIB = 64, MOST_PROFILE_GIB = 2, STATUS_BROKEN = 1 };

enum budget_kind { BUDGET_TOTAL, BUDGET_GROWTH, BUDGET_FUNCTION, BUDGET_FUNCTION_GROWTH, BUDGETS };

static const struct {
    const char *name;
    bool of_growth, of_function;
} budgets[BUDGETS] = {
    [BUDGET_TOTAL] = {"max-inuse", false, false},
    [BUDGET_GROWTH] = {"max-growth", true, false},
    [BUDGET_FUNCTION] = {"max-function", false, true},
    [BUDGET_FUNCTION_GROWTH] = {"max-function-growth", true, true},
};

struct check {
    struct str limit[BUDGETS]; // as they were given; empty: none
    struct str sample_index;
    bool as_json;
    struct str base, source; // base is empty: there is none
};

// One column of a profile: its sum, and how much each function holds itself.
struct column {
    struct profile functions;
    struct graph graph;
    struct str type, unit;
    i64 total;
};

// What is over a budget.
struct breach {
    enum budget_kind kind;
    struct str function; // empty: it is the sum
    i64 value, limit, before;
};

struct breaches {
    struct breach *row;
    u32 n, cap;
};

static bool parse(struct check *c, char **argument, struct err *e)
{
    u32 at = 0;
    for (struct option o; argument[at] && option_next(&o, argument, &at);) {
        struct str *value = str_equal(o.name, STR("sample_index")) ? &c->sample_index : NULL;
        for (u32 i = 0; i < BUDGETS; i++)
            value = str_equal(o.name, str_of(budgets[i].name)) ? &c->limit[i] : value;
        if (str_equal(o.name, STR("json")))
            c->as_json = true;
        else if (!value)
            return err_set(e, EINVAL,
                           "check: flag provided but not defined: -%.*s; there are -max-inuse, "
                           "-max-growth, -max-function, -max-function-growth, -sample_index and "
                           "-json",
                           STR_ARG(o.name));
        else if (!option_value(value, &o, argument, &at, e))
            return false;
    }
    u32 n = 0;
    while (argument[at + n])
        n++;
    c->base = n == 2 ? str_of(argument[at]) : STR("");
    c->source = n ? str_of(argument[at + n - 1]) : STR("");
    return n == 1 || n == 2 ||
           err_set(e, EINVAL,
                   "check: usage: sonde check -max-inuse=SIZE [-max-growth=SIZE|N%%] "
                   "[BASE] NEW");
}

static bool demand_sense(const struct check *c, struct err *e)
{
    bool any = false;
    for (u32 i = 0; i < BUDGETS; i++) {
        any |= c->limit[i].len > 0;
        if (c->limit[i].len && budgets[i].of_growth && c->base.len == 0)
            return err_set(e, EINVAL, "check: -%s needs two profiles: BASE NEW", budgets[i].name);
    }
    return any || err_set(e, EINVAL,
                          "check: there is no budget to check; give -max-inuse=SIZE, or "
                          "-max-growth=SIZE with BASE and NEW");
}

// The column that is asked for, or what is in use, or the profile's own default.
static bool find_type(u32 *type, const struct check *c, const struct profile *p, struct err *e)
{
    struct err ignored;
    if (c->sample_index.len == 0 && profile_type_find(type, p, STR("inuse_space"), &ignored))
        return true;
    return profile_type_find(type, p, c->sample_index, e);
}

static bool read_column(struct column *out, const struct check *c, struct str source,
                        struct arena *a, struct err *e)
{
    const struct sourcing s = {.source = &source,
                               .nsource = 1,
                               .seconds = -1,
                               .timeout_s = -1,
                               .most_bytes = (u64)MOST_PROFILE_GIB << 30};
    struct profile p;
    u32 type;
    if (!fetch_profile(&p, &s, a, e) || !find_type(&type, c, &p, e))
        return false;
    out->functions =
        filter_aggregate(&p, (struct granularity){.inlines = true, .function = true}, a);
    struct places places = places_build(&out->functions, &(struct places_options){0}, a);
    out->graph =
        graph_nodes(&out->functions, (struct graph_values){.type = type}, places, false, a);
    out->type = profile_string(&p, p.type[type].type);
    out->unit = profile_string(&p, p.type[type].unit);
    out->total = 0;
    for (u32 i = 0; i < p.nsample; i++)
        out->total += profile_values(&p, i)[type];
    return true;
}

// The unit that a suffix names: "MB", and "MiB" and "M" where bytes are measured.
static struct str unit_of(struct str suffix, struct str unit, struct arena *a)
{
    bool is_short = suffix.len == 1 || (suffix.len == 3 && str_ends(suffix, STR("iB")));
    if (suffix.len == 0)
        return unit;
    return is_short && unit_alike(unit, STR("bytes")) && !unit_alike(suffix, unit)
               ? arena_printf(a, "%cB", suffix.ptr[0])
               : suffix;
}

// "64MB", "1.5s", "1000": a value in the unit.
static bool parse_value(i64 *out, struct str text, struct str unit, struct arena *a)
{
    struct str ignored;
    double number;
    size_t digits = 0;
    while (digits < text.len && strchr("0123456789.", text.ptr[digits]))
        digits++;
    struct str from = unit_of(str_skip(text, digits), unit, a);
    if (!str_double(&number, (struct str){text.ptr, digits}) || !unit_alike(from, unit))
        return false;
    *out = i64_of(number * unit_scale(1, from, unit, &ignored));
    return true;
}

// A budget of growth may be a part of what was there before: "10%".
static bool find_limit(i64 *limit, const struct check *c, enum budget_kind kind, i64 before,
                       struct str unit, struct arena *a, struct err *e)
{
    struct str text = c->limit[kind];
    double percent;
    if (budgets[kind].of_growth && str_ends(text, STR("%")) &&
        str_double(&percent, (struct str){text.ptr, text.len - 1})) {
        *limit = i64_of((double)before * percent / 100);
        return true;
    }
    return parse_value(limit, text, unit, a) ||
           err_set(e, EINVAL, "check: -%s=%.*s is not a value in %.*s, such as 64%s%s",
                   budgets[kind].name, STR_ARG(text), STR_ARG(unit),
                   unit_alike(unit, STR("bytes")) ? "MB" : "",
                   budgets[kind].of_growth ? ", or 10%" : "");
}

static bool judge(struct breaches *b, const struct check *c, struct breach what, struct str unit,
                  struct arena *a, struct err *e)
{
    if (!find_limit(&what.limit, c, what.kind, what.before, unit, a, e))
        return false;
    i64 over = budgets[what.kind].of_growth ? what.value - what.before : what.value;
    if (over > what.limit)
        *arena_push(a, b->row, b->n, b->cap) = what;
    return true;
}

// What each function held before, by name.
struct names {
    struct table table;
    i64 *flat;
};

static struct names names_of(const struct column *column, struct arena *a)
{
    struct names n;
    const struct graph *g = &column->graph;
    table_init(&n.table, a);
    n.flat = arena_new(a, i64, g->nnode + 1);
    for (u32 i = 1; i < g->nnode; i++)
        n.flat[table_add(&n.table, node_name(g, i))] += g->node[i].flat;
    return n;
}

static bool judge_functions(struct breaches *b, const struct check *c, enum budget_kind kind,
                            const struct column *base, const struct column *now, struct arena *a,
                            struct err *e)
{
    struct names before = {0}, after = names_of(now, a);
    if (base)
        before = names_of(base, a);
    for (u32 row = 1; row < after.table.nkey; row++) {
        struct breach what = {.kind = kind, .function = after.table.key[row]};
        what.value = after.flat[row];
        u32 known = base ? table_find(&before.table, what.function) : 0;
        what.before = known ? before.flat[known] : 0;
        if (!judge(b, c, what, now->unit, a, e))
            return false;
    }
    return true;
}

static bool judge_all(struct breaches *b, const struct check *c, const struct column *base,
                      const struct column *now, struct arena *a, struct err *e)
{
    for (enum budget_kind kind = 0; kind < BUDGETS; kind++) {
        struct breach sum = {.kind = kind, .value = now->total, .before = base ? base->total : 0};
        if (c->limit[kind].len == 0)
            continue;
        if (!(budgets[kind].of_function ? judge_functions(b, c, kind, base, now, a, e)
                                        : judge(b, c, sum, now->unit, a, e)))
            return false;
    }
    return true;
}

static void add_value(struct buf *out, i64 value, struct str unit)
{
    unit_label(out, value, unit, STR("auto"));
}

static void write_breach(struct buf *out, const struct check *c, const struct breach *b,
                         const struct column *now)
{
    struct str what = b->function.len ? b->function : now->type;
    bool of_growth = budgets[b->kind].of_growth;
    buf_printf(out, "%.*s %s ", STR_ARG(what), of_growth ? "grew by" : "is");
    add_value(out, of_growth ? b->value - b->before : b->value, now->unit);
    if (of_growth) {
        buf_text(out, " to ");
        add_value(out, b->value, now->unit);
    }
    buf_printf(out, ", more than -%s=%.*s allows\n", budgets[b->kind].name,
               STR_ARG(c->limit[b->kind]));
}

static void write_text(struct buf *out, const struct check *c, const struct breaches *b,
                       const struct column *base, const struct column *now)
{
    for (u32 i = 0; i < b->n; i++)
        write_breach(out, c, &b->row[i], now);
    if (b->n)
        return;
    buf_printf(out, "%.*s is ", STR_ARG(now->type));
    add_value(out, now->total, now->unit);
    if (base) {
        buf_text(out, " and was ");
        add_value(out, base->total, now->unit);
    }
    buf_text(out, ": within all budgets\n");
}

static void write_json(struct buf *out, const struct breaches *b, const struct column *base,
                       const struct column *now)
{
    struct json j;
    json_init(&j, out);
    json_begin_object(&j);
    json_key(&j, "within");
    json_bool(&j, b->n == 0);
    json_str_field(&j, "type", now->type);
    json_str_field(&j, "unit", now->unit);
    json_int_field(&j, "value", now->total);
    if (base)
        json_int_field(&j, "before", base->total);
    json_key(&j, "broken");
    json_begin_array(&j);
    for (u32 i = 0; i < b->n; i++) {
        const struct breach *x = &b->row[i];
        json_begin_object(&j);
        json_str_field(&j, "budget", str_of(budgets[x->kind].name));
        if (x->function.len)
            json_str_field(&j, "function", x->function);
        json_int_field(&j, "value", x->value);
        if (budgets[x->kind].of_growth)
            json_int_field(&j, "before", x->before);
        json_int_field(&j, "limit", x->limit);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
}

static bool check(bool *is_broken, char **argument, struct buf *out, struct arena *a, struct err *e)
{
    struct check c = {0};
    struct breaches broken = {0};
    struct column base_column, now;
    const struct column *base = NULL;
    if (!parse(&c, argument, e) || !demand_sense(&c, e))
        return false;
    if (c.base.len) {
        base = &base_column;
        if (!read_column(&base_column, &c, c.base, a, e))
            return false;
    }
    if (!read_column(&now, &c, c.source, a, e))
        return false;
    if (base && !unit_alike(base->unit, now.unit))
        return err_set(e, EINVAL, "check: the profiles measure different things, %.*s and %.*s",
                       STR_ARG(base->type), STR_ARG(now.type));
    if (!judge_all(&broken, &c, base, &now, a, e))
        return false;
    if (c.as_json)
        write_json(out, &broken, base, &now);
    else
        write_text(out, &c, &broken, base, &now);
    *is_broken = broken.n > 0;
    return true;
}

int command_check(char **argument)
{
    struct err e;
    struct arena a;
    struct buf out;
    bool is_broken = false;
    arena_init(&a, (size_t)MEMORY_LIMIT_GIB << 30);
    buf_init(&out, SIZE_MAX / 2);
    bool done = check(&is_broken, argument, &out, &a, &e);
    if (done && fwrite(out.data, 1, out.len, stdout) != out.len)
        done = err_set(&e, EIO, "standard output could not be written");
    int status = !done ? fail(&e) : is_broken ? STATUS_BROKEN : STATUS_OK;
    buf_free(&out);
    arena_free(&a);
    return status;
}
