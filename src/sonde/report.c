// sonde -FORMAT [OPTIONS] SOURCE
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sonde/command.h"

enum { MEMORY_LIMIT_GIB = 64, OUTPUT_LIMIT_GIB = 16, PROFILE_LIMIT_GIB = 2 };

struct request {
    const struct report_type *type; // NULL: none named
    struct str parameter;
    struct config config;
    struct source_options source;
    struct str source_name;
};

// Flags that stand for a sample type.
static const char *const type_flags[] = {"inuse_space", "inuse_objects", "alloc_space",
                                         "alloc_objects"};

static bool set_report(struct request *q, const struct report_type *t, const struct option *o,
                       char **argument, u32 *at, struct err *e)
{
    if (q->type)
        return err_set(e, EINVAL, "must set at most one output format");
    q->type = t;
    return !t->parameter || option_value(&q->parameter, o, argument, at, e);
}

static bool set_variable(struct request *q, const struct config_variable *v, struct str choice,
                         const struct option *o, char **argument, u32 *at, struct err *e)
{
    const struct str *now = (const struct str *)((const char *)&q->config + v->offset);
    struct str value = choice;
    if (choice.len) {
        if (now->len && !str_equal(*now, choice) && !str_equal(*now, str_of(v->standard)))
            return err_set(e, EINVAL, "conflicting options set: [%.*s %.*s]", STR_ARG(*now),
                           STR_ARG(choice));
    } else if (v->type == CONFIG_BOOL) {
        value = o->has_value ? o->value : STR("true");
    } else if (!option_value(&value, o, argument, at, e)) {
        return false;
    }
    return config_set(&q->config, v, value, e) || err_prefix(e, "-%s: ", v->name);
}

static bool set_source_option(struct request *q, const struct option *o, char **argument, u32 *at,
                              struct err *e)
{
    struct str value;
    for (size_t i = 0; i < ARRAY_LEN(type_flags); i++) {
        if (!str_equal(o->name, str_of(type_flags[i])))
            continue;
        if (q->config.sample_index.len)
            fprintf(stderr, "Multiple value selections, ignoring -%s\n", type_flags[i]);
        else
            q->config.sample_index = str_of(type_flags[i]);
        return true;
    }
    if (str_equal(o->name, STR("symbolize")))
        return option_value(&q->source.symbolize, o, argument, at, e);
    if (str_equal(o->name, STR("timeout")))
        return option_value(&value, o, argument, at, e) &&
               (str_i64(&q->source.timeout_s, value) ||
                err_set(e, EINVAL, "-timeout: \"%.*s\" is not a number of seconds",
                        STR_ARG(value)));
    if (str_equal(o->name, STR("max_size"))) {
        u64 bytes;
        if (!option_value(&value, o, argument, at, e))
            return false;
        if (!str_size(&bytes, value))
            return err_set(e, EINVAL, "-max_size: \"%.*s\" is not a size such as 4GiB",
                           STR_ARG(value));
        q->source.most_bytes = (size_t)bytes;
        return true;
    }
    return err_set(e, EINVAL, "flag provided but not defined: -%.*s; \"sonde help\" lists all",
                   STR_ARG(o->name));
}

static bool set_option(struct request *q, const struct option *o, char **argument, u32 *at,
                       struct err *e)
{
    struct str choice;
    const struct report_type *type = report_find(o->name);
    if (type)
        return set_report(q, type, o, argument, at, e);
    const struct config_variable *v = config_find(o->name, &choice);
    if (v && !(v->type == CONFIG_CHOICE && choice.len == 0))
        return set_variable(q, v, choice, o, argument, at, e);
    return set_source_option(q, o, argument, at, e);
}

static bool parse(struct request *q, char **argument, struct err *e)
{
    u32 at = 0;
    config_init(&q->config);
    q->source =
        (struct source_options){.most_bytes = (size_t)PROFILE_LIMIT_GIB << 30, .timeout_s = -1};
    for (struct option o; argument[at] && option_next(&o, argument, &at);) {
        if (!set_option(q, &o, argument, &at, e))
            return false;
    }
    if (!argument[at])
        return err_set(e, EINVAL,
                       "no profile source specified; \"sonde help\" tells how to name one");
    q->source_name = str_of(argument[at]);
    if (argument[at + 1])
        return err_set(e, EINVAL, "more than one profile source: %s and %s", argument[at],
                       argument[at + 1]);
    if (!q->type)
        q->type = report_find(STR("top"));
    return true;
}

// A new file profile001.SUFFIX in the current folder: bytes for programs do not go to a terminal.
static bool choose_file(struct str *path, const char *suffix, struct arena *a, struct err *e)
{
    for (int i = 1; i < 10000; i++) {
        *path = arena_printf(a, "profile%03d.%s", i, suffix);
        int fd = open(path->ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        if (errno != EEXIST)
            return err_errno(e, errno, "%s", path->ptr);
    }
    return err_set(e, EEXIST,
                   "there are 9999 files profileNNN.%s here; -output=FILE names another one",
                   suffix);
}

static bool write_output(const struct request *q, struct str bytes, struct arena *a, struct err *e)
{
    struct str path = q->config.output;
    if (path.len == 0 && q->type->destination == REPORT_OFF_TERMINAL && isatty(STDOUT_FILENO) &&
        !choose_file(&path, q->type->suffix, a, e))
        return false;
    if (path.len) {
        fprintf(stderr, "Generating report in %.*s\n", STR_ARG(path));
        return file_write(arena_str(a, path).ptr, bytes, e);
    }
    if (bytes.len == 0 ||
        (fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len && fflush(stdout) == 0))
        return true;
    return err_errno(e, errno, "standard output");
}

static bool run(const struct request *q, struct arena *a, struct err *e)
{
    struct profile p;
    struct buf out, warnings;
    if (!source_fetch(&p, q->source_name, &q->source, a, e))
        return false;
    buf_init(&out, (size_t)OUTPUT_LIMIT_GIB << 30);
    buf_init(&warnings, 1 << 20);
    bool done = report_write(&out, &p, q->type, q->parameter, &q->config, &warnings, a, e);
    if (warnings.len)
        fwrite(warnings.data, 1, warnings.len, stderr);
    done = done && write_output(q, buf_str(&out), a, e);
    buf_free(&out);
    buf_free(&warnings);
    return done;
}

int command_report(char **argument)
{
    struct request q = {0};
    struct err e;
    struct arena a;
    arena_init(&a, (size_t)MEMORY_LIMIT_GIB << 30);
    bool done = parse(&q, argument, &e) && run(&q, &a, &e);
    arena_free(&a);
    return done ? STATUS_OK : fail(&e);
}
