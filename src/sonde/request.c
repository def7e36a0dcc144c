#include "sonde/request.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sonde/command.h"

enum { MOST_PROFILE_GIB = 2 };

const char request_help[] =
    "  Source options:\n"
    "    -seconds              Duration for time-based profile collection\n"
    "    -timeout              Timeout in seconds for profile collection\n"
    "    -buildid              Override build id for main binary\n"
    "    -add_comment          Free-form annotation to add to the profile\n"
    "                          Displayed on some reports or with sonde -comments\n"
    "    -diff_base source     Source of base profile for comparison; may be repeated\n"
    "    -base source          Source of base profile for profile subtraction; may be repeated\n"
    "    -symbolize=           Controls source of symbol information\n"
    "      none                  Do not attempt symbolization\n"
    "      local                 Examine only local binaries\n"
    "      fastlocal             Only get function names from local binaries\n"
    "      remote                Do not examine local binaries\n"
    "      force                 Force re-symbolization\n"
    "    -max_size             Largest profile to read, unpacked (2GiB)\n"
    "    -tls_cert             TLS client certificate file for fetching profile and symbols\n"
    "    -tls_key              TLS private key file for fetching profile and symbols\n"
    "    -tls_ca               TLS CA certs file for fetching profile and symbols\n"
    "\n"
    "  Misc options:\n"
    "    -http                 Serve pages at [host]:[port]: localhost, and any free port\n"
    "    -no_browser           Open no browser on them\n"
    "    -all_frames           Ignore drop_frames and keep_frames regexps in the profile\n"
    "    -tools                Accepted for pprof's sake: sonde needs no object tools\n"
    "\n"
    "  Legacy convenience options:\n"
    "    -inuse_space          Same as -sample_index=inuse_space\n"
    "    -inuse_objects        Same as -sample_index=inuse_objects\n"
    "    -alloc_space          Same as -sample_index=alloc_space\n"
    "    -alloc_objects        Same as -sample_index=alloc_objects\n"
    "    -total_delay          Same as -sample_index=delay\n"
    "    -contentions          Same as -sample_index=contentions\n"
    "    -mean_delay           Same as -mean -sample_index=delay\n";

// Options that are neither reports nor variables of the config.
enum flag_type { FLAG_BOOL, FLAG_TEXT, FLAG_INT, FLAG_SIZE, FLAG_NOTHING };

static const struct flag {
    const char *name;
    enum flag_type type;
    size_t offset; // in struct request
} flags[] = {
    {"symbolize", FLAG_TEXT, offsetof(struct request, sourcing.symbolize)},
    {"buildid", FLAG_TEXT, offsetof(struct request, sourcing.build_id)},
    {"timeout", FLAG_INT, offsetof(struct request, sourcing.timeout_s)},
    {"seconds", FLAG_INT, offsetof(struct request, sourcing.seconds)},
    {"add_comment", FLAG_TEXT, offsetof(struct request, sourcing.comment)},
    {"all_frames", FLAG_BOOL, offsetof(struct request, sourcing.all_frames)},
    {"max_size", FLAG_SIZE, offsetof(struct request, sourcing.most_bytes)},
    {"tls_cert", FLAG_TEXT, offsetof(struct request, sourcing.tls_cert)},
    {"tls_key", FLAG_TEXT, offsetof(struct request, sourcing.tls_key)},
    {"tls_ca", FLAG_TEXT, offsetof(struct request, sourcing.tls_ca)},
    {"http", FLAG_TEXT, offsetof(struct request, http)},
    {"no_browser", FLAG_BOOL, offsetof(struct request, no_browser)},
    {"tools", FLAG_NOTHING, 0},
};

// Flags that stand for a sample type; in pprof's order, since the first one that is set counts.
static const struct {
    const char *name, *type;
} type_flags[] = {
    {"total_delay", "delay"},           {"mean_delay", "delay"},
    {"contentions", "contentions"},     {"inuse_space", "inuse_space"},
    {"inuse_objects", "inuse_objects"}, {"alloc_space", "alloc_space"},
    {"alloc_objects", "alloc_objects"},
};
enum { MEAN_DELAY = 1 };

struct parser {
    struct request *q;
    char **argument;
    u32 at;
    struct option o; // at hand
    struct arena *arena;
    u32 base_cap, diff_cap, source_cap;
    struct str *diff;
    u32 ndiff;
    bool type_flag[ARRAY_LEN(type_flags)];
    struct str choices[2]; // of one variable, that exclude each other
};

static bool bad_value(const struct parser *p, struct str value, const char *what, struct err *e)
{
    return err_set(e, EINVAL, "invalid %svalue \"%.*s\" for -%.*s: parse error", what,
                   STR_ARG(value), STR_ARG(p->o.name));
}

// A bool's value: true without one.
static bool take_bool(struct parser *p, bool *out, struct err *e)
{
    *out = true;
    return !p->o.has_value || option_bool(out, p->o.value) ||
           bad_value(p, p->o.value, "boolean ", e);
}

static bool take_text(struct parser *p, struct str *out, struct err *e)
{
    return option_value(out, &p->o, p->argument, &p->at, e);
}

static bool take_report(struct parser *p, const struct report_type *t, struct err *e)
{
    bool is_set = true;
    struct str parameter = {0};
    if (t->parameter && (p->o.has_value || !t->standard_parameter)) {
        if (!take_text(p, &parameter, e))
            return false;
        is_set = parameter.len != 0;
    } else if (!take_bool(p, &is_set, e)) {
        return false;
    }
    if (!is_set)
        return true;
    if (p->q->type && p->q->type != t)
        return err_set(e, EINVAL, "must set at most one output format");
    p->q->type = t;
    p->q->parameter = parameter;
    return true;
}

static bool take_choice(struct parser *p, const struct config_variable *v, struct str choice,
                        struct err *e)
{
    struct str *now = (struct str *)((char *)&p->q->config + v->offset);
    struct str *chosen = &p->choices[str_equal(str_of(v->name), STR("sort"))];
    bool is_set;
    if (!take_bool(p, &is_set, e))
        return false;
    if (!is_set)
        return true;
    if (chosen->len && !str_equal(*chosen, choice))
        return err_set(e, EINVAL, "conflicting options set: [%.*s %.*s]", STR_ARG(*chosen),
                       STR_ARG(choice));
    *now = *chosen = choice;
    return true;
}

static bool take_variable(struct parser *p, const struct config_variable *v, struct err *e)
{
    void *field = (char *)&p->q->config + v->offset;
    struct str value;
    if (v->type == CONFIG_BOOL)
        return take_bool(p, field, e);
    if (!take_text(p, &value, e))
        return false;
    if (config_set(&p->q->config, v, value, e))
        return true;
    return bad_value(p, value, "", e);
}

static bool take_flag(struct parser *p, const struct flag *f, struct err *e)
{
    void *field = (char *)p->q + f->offset;
    struct str value;
    if (f->type == FLAG_BOOL)
        return take_bool(p, field, e);
    if (!take_text(p, &value, e))
        return false;
    switch (f->type) {
    case FLAG_TEXT:
        *(struct str *)field = value;
        return true;
    case FLAG_INT:
        return str_i64(field, value) || bad_value(p, value, "", e);
    case FLAG_SIZE:
        return str_size(field, value) ||
               err_set(e, EINVAL, "-%s: \"%.*s\" is not a size such as 4GiB", f->name,
                       STR_ARG(value));
    case FLAG_BOOL:
    case FLAG_NOTHING:
        break;
    }
    return true;
}

static bool take_base(struct parser *p, bool is_diff, struct err *e)
{
    struct sourcing *s = &p->q->sourcing;
    struct str name;
    if (!take_text(p, &name, e))
        return false;
    if (name.len && is_diff)
        *arena_push(p->arena, p->diff, p->ndiff, p->diff_cap) = name;
    else if (name.len)
        *arena_push(p->arena, s->base, s->nbase, p->base_cap) = name;
    return true;
}

static bool take_option(struct parser *p, struct err *e)
{
    struct str choice;
    const struct report_type *type = report_find(p->o.name);
    const struct config_variable *v = config_find(p->o.name, &choice);
    if (type)
        return take_report(p, type, e);
    if (v && choice.len)
        return take_choice(p, v, choice, e);
    if (v && v->type != CONFIG_CHOICE)
        return take_variable(p, v, e);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (str_equal(p->o.name, str_of(flags[i].name)))
            return take_flag(p, &flags[i], e);
    }
    for (size_t i = 0; i < ARRAY_LEN(type_flags); i++) {
        if (str_equal(p->o.name, str_of(type_flags[i].name)))
            return take_bool(p, &p->type_flag[i], e);
    }
    if (str_equal(p->o.name, STR("base")) || str_equal(p->o.name, STR("diff_base")))
        return take_base(p, p->o.name.len != 4, e);
    return err_set(e, EINVAL, "flag provided but not defined: -%.*s; \"sonde help\" lists all",
                   STR_ARG(p->o.name));
}

static void choose_type(struct parser *p)
{
    struct config *c = &p->q->config;
    for (size_t i = 0; i < ARRAY_LEN(type_flags); i++) {
        if (p->type_flag[i] && c->sample_index.len)
            fprintf(stderr, "Multiple value selections, ignoring -%s\n", type_flags[i].name);
        else if (p->type_flag[i])
            c->sample_index = str_of(type_flags[i].type);
    }
    c->mean |= p->type_flag[MEAN_DELAY];
}

static bool is_elf(struct str name, struct arena *a)
{
    char magic[SELFMAG];
    int fd = open(arena_str(a, name).ptr, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_it = read(fd, magic, SELFMAG) == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0;
    close(fd);
    return is_it;
}

// What does not go together.
static bool check(const struct parser *p, struct err *e)
{
    const struct request *q = p->q;
    if (q->type && q->http.len)
        return err_set(e, EINVAL,
                       "-http is not compatible with an output format on the command line");
    if (q->no_browser && q->http.len == 0)
        return err_set(e, EINVAL, "-no_browser only makes sense with -http");
    if (q->sourcing.nbase && p->ndiff)
        return err_set(e, EINVAL, "-base and -diff_base flags cannot both be specified");
    if (q->config.normalize && q->sourcing.nbase + p->ndiff == 0)
        return err_set(e, EINVAL, "must have base profile to normalize by");
    return true;
}

bool request_parse(struct request *q, char **argument, struct arena *a, struct err *e)
{
    *q = (struct request){
        .sourcing = {.most_bytes = (u64)MOST_PROFILE_GIB << 30, .timeout_s = -1, .seconds = -1}};
    config_init(&q->config);
    struct parser p = {.q = q, .argument = argument, .arena = a};
    struct sourcing *s = &q->sourcing;
    while (argument[p.at] && option_next(&p.o, argument, &p.at)) {
        if (!take_option(&p, e))
            return false;
    }
    while (argument[p.at])
        *arena_push(a, s->source, s->nsource, p.source_cap) = str_of(argument[p.at++]);
    if (s->nsource == 0)
        return err_set(e, EINVAL,
                       "no profile source specified; \"sonde help\" tells how to name one");
    if (s->nsource > 1 && is_elf(s->source[0], a)) {
        s->binary = *s->source++;
        s->nsource--;
    }
    choose_type(&p);
    if (!check(&p, e))
        return false;
    if (p.ndiff) {
        s->base = p.diff;
        s->nbase = p.ndiff;
        s->is_diff = true;
    }
    s->normalize = q->config.normalize;
    return true;
}
