// A small profile of the input's making, and what must hold of all that is done with it.
#include <string.h>

#include "profile/build.h"
#include "profile/filter.h"
#include "profile/label.h"
#include "profile/merge.h"
#include "properties.h"
#include "report/report.h"

// Where choices come from; when the input has ended, all of them are 0.
struct choices {
    const u8 *at, *end;
};

static u32 choose(struct choices *c, u32 n)
{
    return c->at < c->end ? *c->at++ % n : 0;
}

static const char *const words[] = {
    "main",        "work",      "std::map<int, char>::find(int) const",
    "operator()(", ".hidden",   "(anonymous namespace)::f(int)",
    "a.c",         "/src/b.cc", "./b.cc",
    "/bin/x",      "bytes",     "request",
    "true",        "",          "\xff\xfe",
    "1",           "kb",        "seconds",
};

static struct str choose_word(struct choices *c)
{
    return str_of(words[choose(c, ARRAY_LEN(words))]);
}

static u32 choose_string(struct choices *c, struct build *b)
{
    return build_string(b, choose_word(c));
}

static void make_functions(struct choices *c, struct build *b)
{
    for (u32 n = 1 + choose(c, 6); n > 0; n--) {
        struct function f = {.name = choose_string(c, b), .filename = choose_string(c, b)};
        f.system_name = choose(c, 4) ? f.name : choose_string(c, b);
        f.start_line = choose(c, 3);
        f.id = b->p.nfunction + choose(c, 2) * 100; // ids need not be rows
        *build_function(b) = f;
    }
}

static void make_locations(struct choices *c, struct build *b)
{
    for (u32 n = choose(c, 4); n > 0; n--) {
        struct mapping m = {.start = 0x1000 * choose(c, 8), .offset = 0x1000 * choose(c, 2)};
        m.filename = choose_string(c, b);
        m.build_id = choose_string(c, b);
        m.limit = m.start + 0x1000 * choose(c, 4);
        m.id = b->p.nmapping;
        m.has_functions = choose(c, 2);
        *build_mapping(b) = m;
    }
    for (u32 n = 1 + choose(c, 8); n > 0; n--) {
        struct location *l = build_location(b);
        l->address = 0x100 * choose(c, 64);
        l->mapping = choose(c, b->p.nmapping);
        l->is_folded = choose(c, 8) == 1;
        for (u32 k = choose(c, 4); k > 0; k--) {
            struct line line = {.function = 1 + choose(c, b->p.nfunction - 1)};
            line.line = choose(c, 4);
            line.column = choose(c, 2);
            *build_line(b) = line;
        }
    }
}

// By twos of the key, since labels with the same key may stand in any order.
static void make_labels(struct choices *c, struct build *b)
{
    for (u32 n = choose(c, 4), key = 0; n > 0; n--) {
        static const char *const keys[] = {"bytes", "key", "request", "thread"};
        key += choose(c, 2);
        struct label l = {.key = build_string(b, str_of(keys[key]))};
        l.text = build_string(b, choose_word(c));
        if (l.text)
            *build_label(b) = l;
    }
    if (choose(c, 3) == 1) {
        u32 key = build_string(b, STR("alignment")), unit = choose_string(c, b);
        *build_label(b) = (struct label){.key = key, .number = 1 + choose(c, 200), .unit = unit};
    }
}

static struct profile make(struct choices *c, struct arena *a)
{
    struct build b;
    build_init(&b, a);
    for (u32 n = 1 + choose(c, 3); n > 0; n--) {
        static const char *const types[] = {"samples", "cpu", "inuse_space"};
        build_type(&b, str_of(types[n - 1]), choose_word(c));
    }
    make_functions(c, &b);
    make_locations(c, &b);
    b.p.drop_frames = choose_string(c, &b);
    b.p.keep_frames = choose_string(c, &b);
    b.p.default_type = choose_string(c, &b);
    b.p.period = choose(c, 4);
    bool negative = choose(c, 4) == 1;
    for (u32 n = choose(c, 16); n > 0; n--) {
        build_sample(&b);
        for (u32 k = choose(c, 7); k > 0; k--)
            build_frame(&b, 1 + choose(c, b.p.nlocation - 1));
        for (u32 t = 0; t < b.p.ntype; t++)
            build_value(&b, (i64)choose(c, 100) - (negative ? 50 : 0));
        make_labels(c, &b);
    }
    return b.p;
}

// Sum of the values of one type; of samples with a stack, or of all.
static i64 sum(const struct profile *p, u32 type, bool all)
{
    i64 out = 0;
    for (u32 i = 0; i < p->nsample; i++)
        out += all || p->sample[i].nframe ? profile_values(p, i)[type] : 0;
    return out;
}

static void must_sum_up(const struct profile *p, const struct profile *q, const struct profile *all)
{
    must(p->nsample + q->nsample == all->nsample);
    for (u32 t = 0; t < all->ntype; t++)
        must(sum(p, t, true) + sum(q, t, true) == sum(all, t, true));
}

static struct regex *choose_regex(struct choices *c)
{
    static const char *const patterns[] = {"main",  "^work$", "b\\.cc", "x",   ".",     "std::",
                                           "a|map", "^$",     "nobody", "\\(", "[a-m]", "f"};
    struct regex *r;
    struct err e;
    must(regex_compile(&r, str_of(patterns[choose(c, ARRAY_LEN(patterns))]), &e));
    return r;
}

// p without the samples that have no stack.
static struct profile with_stacks(const struct profile *p, struct arena *a)
{
    struct profile out = *p;
    out.sample = arena_new(a, struct sample, p->nsample);
    out.value = arena_new(a, i64, (size_t)p->nsample * p->ntype);
    out.nsample = 0;
    for (u32 i = 0; i < p->nsample; i++) {
        if (p->sample[i].nframe == 0)
            continue;
        memcpy(out.value + (size_t)out.nsample * p->ntype, profile_values(p, i),
               p->ntype * sizeof(i64));
        out.sample[out.nsample++] = p->sample[i];
    }
    return out;
}

static void try_name_filters(struct choices *c, const struct profile *p, struct arena *a)
{
    struct filter_matched m;
    struct err e;
    bool found;
    struct regex *r = choose_regex(c), *s = choose_regex(c);
    struct profile all = with_stacks(p, a);
    struct profile in = filter_names(&all, &(struct filter_names){.focus = r}, &m, a);
    struct profile out = filter_names(&all, &(struct filter_names){.ignore = r}, &m, a);
    must_sum_up(&in, &out, &all); // focus(x) + ignore(x) = p
    struct profile shown =
        filter_names(p, &(struct filter_names){.hide = r, .show = s, .focus = s}, &m, a);
    struct profile from = filter_show_from(p, r, &found, a);
    struct profile below = filter_prune_from(p, r, a);
    must_be_valid(&in);
    must_be_valid(&out);
    must_be_valid(&shown);
    must_be_valid(&from);
    must_be_valid(&below);
    must(shown.nsample <= p->nsample && from.nsample <= p->nsample);
    for (u32 t = 0; t < p->ntype; t++)
        must(sum(&below, t, true) == sum(p, t, true)); // frames go, values stay
    struct profile dropped;
    if (filter_drop_frames(&dropped, p, a, &e)) {
        must_be_valid(&dropped);
        must(dropped.nsample == p->nsample);
    }
    must_come_again(&shown, a);
    regex_free(r);
    regex_free(s);
}

static void try_labels(struct choices *c, const struct profile *p, struct arena *a)
{
    static const char *const filters[] = {"1:100", "bytes=true", "work,main", "key=.", "5kb:", "a"};
    struct label_filter *f;
    struct buf notes;
    struct err e;
    bool one, two;
    buf_init(&notes, 65536);
    struct str text = str_of(filters[choose(c, ARRAY_LEN(filters))]);
    must(label_filter_parse(&f, "tagfocus", text, &notes, a, &e));
    struct label_units units = label_units(p, &notes, a);
    struct profile in = label_filter_samples(p, &units, f, NULL, &one, &two, a);
    struct profile out = label_filter_samples(p, &units, NULL, f, &one, &two, a);
    must_sum_up(&in, &out, p);
    label_filter_free(f);
    struct profile set = label_set(p, STR("key"), STR("new"), a);
    struct profile removed = label_remove(&set, STR("key"), a);
    struct profile framed =
        label_frames(p, STR("key,bytes"), STR("alignment"), STR("kb"), &one, &two, a);
    must_be_valid(&set);
    must_be_valid(&removed);
    must_be_valid(&framed);
    for (u32 i = 0; i < p->nsample; i++) {
        must(framed.sample[i].nframe == p->sample[i].nframe + 3);
        must(set.sample[i].nlabel == removed.sample[i].nlabel + 1);
    }
    must_come_again(&set, a);
    must_come_again(&framed, a);
    buf_free(&notes);
}

static void try_sums(const struct profile *p, struct arena *a)
{
    struct profile out, pair[2] = {profile_with_own_frames(p, a), profile_negative(p, a)};
    pair[1] = profile_with_own_frames(&pair[1], a);
    struct err e;
    must(profile_merge(&out, pair, 2, a, &e));
    must_be_valid(&out);
    must(out.nsample == 0); // p - p = 0
    for (u32 i = 0; i < 2; i++)
        pair[i] = profile_with_own_frames(p, a);
    must(profile_merge(&out, pair, 2, a, &e));
    must_be_valid(&out);
    must_come_again(&out, a);
    for (u32 t = 0; t < p->ntype; t++)
        must(sum(&out, t, true) == 2 * sum(p, t, true));
}

struct tree_sum {
    i64 flat;
    bool negative;
};

static void leave(void *context, struct stack_level *l)
{
    struct tree_sum *s = context;
    s->flat += l->flat;
    must(s->negative || l->cum >= l->flat);
    must(l->serial > l[-1].serial); // parents come first
}

static struct granularity choose_granularity(struct choices *c)
{
    u32 bits = choose(c, 64);
    return (struct granularity){bits & 1, bits & 2, bits & 4, bits & 8, bits & 16, bits & 32};
}

static void try_counts(struct choices *c, const struct profile *p, struct arena *a)
{
    struct profile q = filter_aggregate(p, choose_granularity(c), a);
    struct graph_values v = {.type = choose(c, p->ntype)};
    struct places places =
        places_build(&q, &(struct places_options){.keep_objfile = choose(c, 2)}, a);
    struct graph g = graph_nodes(&q, v, places, false, a);
    i64 total = sum(p, v.type, false), flat = 0;
    struct tree_sum tree = {0};
    for (u32 i = 0; i < p->nsample; i++)
        tree.negative |= profile_values(p, i)[v.type] < 0;
    for (u32 i = 1; i < g.nnode; i++) {
        flat += g.node[i].flat;
        must(tree.negative || g.node[i].cum >= g.node[i].flat);
    }
    must(flat == total);
    struct stacks s = stacks_sort(&q, places, v, a);
    stacks_walk(&s, &(struct stack_visitor){.context = &tree, .leave = leave});
    must(tree.flat == total);
    must_be_valid(&q);
}

static void choose_config(struct choices *c, struct config *config)
{
    static const char *const values[] = {"main", "work",  "true",  "1",     "0",      "5",
                                         "0.5",  "lines", "files", "cum",   "bytes",  "key",
                                         ".",    "1:10",  "auto",  "a|map", "minimum"};
    u32 nvariable = 0;
    struct err e;
    while (config_variables[nvariable].name)
        nvariable++;
    for (u32 n = choose(c, 8); n > 0; n--) {
        const struct config_variable *v = &config_variables[choose(c, nvariable)];
        struct str value = str_of(values[choose(c, ARRAY_LEN(values))]);
        if (strcmp(v->name, "source_path") != 0 && strcmp(v->name, "output") != 0)
            config_set(config, v, value, &e);
    }
}

// Reports that are neither pictures nor look for files.
static void try_report(struct choices *c, const struct profile *p, struct arena *a)
{
    static const char *const type[] = {"top",      "tree",     "dot",       "raw",
                                       "traces",   "tags",     "callgrind", "peek",
                                       "comments", "topproto", "proto"};
    const struct report_type *t = report_find(str_of(type[choose(c, ARRAY_LEN(type))]));
    struct config config;
    struct buf out, warnings;
    struct err e = {0};
    struct profile again;
    config_init(&config);
    choose_config(c, &config);
    buf_init(&out, (size_t)MIB(PROPERTY_LIMIT_MIB));
    buf_init(&warnings, 65536);
    bool done =
        report_write(&out, p, t, t->parameter ? STR(".") : STR(""), &config, &warnings, a, &e);
    must(done || (e.code && *e.text));
    if (done && str_ends(str_of(t->name), STR("proto")) && !out.full) {
        must(profile_read(&again, buf_str(&out), (size_t)MIB(PROPERTY_LIMIT_MIB), a, &e));
        must_be_valid(&again);
    }
    buf_free(&out);
    buf_free(&warnings);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct choices c = {data, data + n};
    struct arena a;
    arena_init(&a, (size_t)MIB(1024));
    struct profile p = make(&c, &a);
    must_be_valid(&p);
    switch (choose(&c, 5)) {
    case 0:
        try_name_filters(&c, &p, &a);
        break;
    case 1:
        try_labels(&c, &p, &a);
        break;
    case 2:
        try_sums(&p, &a);
        break;
    case 3:
        try_counts(&c, &p, &a);
        break;
    default:
        try_report(&c, &p, &a);
    }
    arena_free(&a);
    return 0;
}
