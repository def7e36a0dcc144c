// sonde start, sonde stop: switch profilers of running programs on and off, and change their rates.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/switches.h"
#include "sonde/command.h"

static const char usage_of[2][80] = {
    "sonde stop heap|cpu|wall|locks|all PID...",
    "sonde start heap|cpu|wall|locks|all [-rate=RATE] PID...",
};

struct order {
    bool is_on;
    const char *name; // of the command
    struct str rate;  // empty: the usual one
    struct switches switches;
};

static bool parse_option(struct order *o, const struct option *option, char **argument, u32 *at,
                         struct err *e)
{
    bool is_rate = o->is_on && str_equal(option->name, STR("rate"));
    struct str value;
    if (!is_rate && !str_equal(option->name, STR("dir")))
        return err_set(e, EINVAL, "%s: flag provided but not defined: -%.*s; usage: %s", o->name,
                       STR_ARG(option->name), usage_of[o->is_on]);
    if (!option_value(&value, option, argument, at, e))
        return err_prefix(e, "%s: ", o->name);
    if (is_rate)
        o->rate = value;
    else
        setenv("SONDE_DIR", value.ptr, 1); // arguments end by NUL
    return !is_rate || value.len || err_set(e, EINVAL, "%s: -rate: there is no rate", o->name);
}

// The words that are no options, wherever those stand, end by NULL in word.
static bool parse(struct order *o, char **word, char **argument, struct err *e)
{
    u32 n = 0;
    for (u32 at = 0; argument[at];) {
        struct option option;
        if (!option_next(&option, argument, &at)) {
            if (argument[at])
                word[n++] = argument[at++];
        } else if (!parse_option(o, &option, argument, &at, e)) {
            return false;
        }
    }
    word[n] = NULL;
    if (n < 2)
        return err_set(e, EINVAL, "%s: %s; usage: %s", o->name,
                       n ? "of which process?" : "which profiler?", usage_of[o->is_on]);
    bool done = o->is_on ? switches_on(&o->switches, str_of(word[0]), o->rate, e)
                         : switches_off(&o->switches, str_of(word[0]), e);
    return done || err_prefix(e, "%s: ", o->name);
}

static bool apply(const struct order *o, const char *word, struct err *e)
{
    i64 pid;
    struct arena a;
    struct folder_record r;
    struct record_header header;
    if (!str_i64(&pid, str_of(word)) || pid <= 0 || pid > INT32_MAX)
        return err_set(e, EINVAL, "%s: \"%s\" is not the number of a process", o->name, word);
    arena_init(&a, (size_t)MIB(256));
    bool done = folder_find(&r, (u32)pid, &a, e) && switches_set(&header, &o->switches, &r, &a, e);
    arena_free(&a);
    if (!done)
        return false;
    struct buf out;
    buf_init(&out, 4096);
    switches_write(&out, &header);
    printf("process %d: %.*s\n", (int)pid, STR_ARG(buf_str(&out)));
    buf_free(&out);
    return true;
}

static int run(bool is_on, char **argument)
{
    struct order o = {.is_on = is_on, .name = is_on ? "start" : "stop"};
    struct err e;
    u32 n = 0;
    while (argument[n])
        n++;
    char **word = calloc(n + 1, sizeof(*word));
    bool done = word ? parse(&o, word, argument, &e) : err_set(&e, ENOMEM, "%s", strerror(ENOMEM));
    int status = done ? STATUS_OK : fail(&e);
    for (u32 i = 1; done && word[i]; i++) {
        if (!apply(&o, word[i], &e))
            status = fail(&e);
    }
    free(word);
    return status;
}

int command_start(char **argument)
{
    return run(true, argument);
}

int command_stop(char **argument)
{
    return run(false, argument);
}
