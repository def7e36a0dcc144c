#include "options.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

enum kind { TEXT, SIZE, COUNT, SECONDS, SWITCH, PUT };

static const struct option {
    const char *name;
    enum kind kind;
    size_t offset; // in struct options
    const char *initial, *help;
} option[] = {
    {"listen", TEXT, offsetof(struct options, listen), "localhost:8080",
     "HOST:PORT to serve at; port 0 takes any"},
    {"store", TEXT, offsetof(struct options, store), "uploads",
     "folder for the files; made when it is missing"},
    {"max-upload-size", SIZE, offsetof(struct options, max_upload_size), "32MB",
     "largest body of a request"},
    {"stream", SWITCH, offsetof(struct options, stream), "true",
     "send files to the store while they arrive; -max-memory and -put are without meaning then"},
    {"max-memory", SIZE, offsetof(struct options, max_memory), "32MB",
     "hold the files of requests below this size in memory, others in temporary files"},
    {"put", PUT, offsetof(struct options, put), "stream",
     "stream: copy a file to the store in pieces; readall: read it whole first; implies "
     "-stream=false"},
    {"batch", SWITCH, offsetof(struct options, batch), "true",
     "take several operations in one request, as a list"},
    {"max-connections", COUNT, offsetof(struct options, max_connections), "256",
     "most clients at a time"},
    {"timeout", SECONDS, offsetof(struct options, timeout_s), "60s", "longest silence of a client"},
    {"grace", SECONDS, offsetof(struct options, grace_s), "10s",
     "longest wait for uploads after SIGTERM"},
    {"help", SWITCH, offsetof(struct options, help), "false", "print this"},
};

// A number and a unit of a table; units are powers of 1024 or seconds.
static bool read_quantity(uint64_t *out, struct str text, bool is_size)
{
    static const struct {
        const char *name;
        bool is_size;
        uint64_t factor;
    } unit[] = {{"", true, 1},          {"B", true, 1},         {"KB", true, 1 << 10},
                {"KiB", true, 1 << 10}, {"MB", true, 1 << 20},  {"MiB", true, 1 << 20},
                {"GB", true, 1 << 30},  {"GiB", true, 1 << 30}, {"s", false, 1},
                {"m", false, 60},       {"h", false, 3600}};
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!str_u64(out, (struct str){text.ptr, digits}))
        return false;
    struct str name = str_skip(text, digits);
    for (size_t i = 0; i < ARRAY_LEN(unit); i++)
        if (unit[i].is_size == is_size && str_equal(name, str_of(unit[i].name)))
            return !__builtin_mul_overflow(*out, unit[i].factor, out);
    return false;
}

static bool fail(struct err *e, const struct option *o, const char *value, const char *wanted)
{
    return err_set(e, "-%s=%s is wrong: it takes %s", o->name, value, wanted);
}

static bool set_number(uint64_t *to, const struct option *o, const char *value, struct err *e)
{
    switch (o->kind) {
    case SIZE:
        return (read_quantity(to, str_of(value), true) && *to < INT64_MAX) ||
               fail(e, o, value, "a size, as 80MB or 512KB or 4096");
    case COUNT:
        return (str_u64(to, str_of(value)) && *to > 0 && *to <= INT_MAX) ||
               fail(e, o, value, "a number of at least 1");
    default:
        return (read_quantity(to, str_of(value), false) && *to <= INT_MAX) ||
               fail(e, o, value, "a time, as 30s or 2m");
    }
}

static bool set_choice(uint64_t *to, const struct option *o, const char *value, struct err *e)
{
    bool is_readall = strcmp(value, "readall") == 0;
    *to = is_readall ? OPTIONS_PUT_READALL : OPTIONS_PUT_STREAM;
    return is_readall || strcmp(value, "stream") == 0 || fail(e, o, value, "stream or readall");
}

static bool set_switch(bool *to, const struct option *o, const char *value, struct err *e)
{
    *to = strcmp(value, "true") == 0;
    return *to || strcmp(value, "false") == 0 || fail(e, o, value, "true or false");
}

static bool set(struct options *options, const struct option *o, const char *value, struct err *e)
{
    void *to = (char *)options + o->offset;
    switch (o->kind) {
    case TEXT:
        *(const char **)to = value;
        return *value || fail(e, o, value, "a text");
    case SWITCH:
        return set_switch(to, o, value, e);
    case PUT:
        return set_choice(to, o, value, e);
    default:
        return set_number(to, o, value, e);
    }
}

static const struct option *find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(option); i++)
        if (str_equal(name, str_of(option[i].name)))
            return &option[i];
    return str_equal(name, STR("h")) ? find(STR("help")) : NULL;
}

// Takes the argument at *i, and the one behind it when that is its value.
static bool take(struct options *options, int *i, int argc, char **argv, struct err *e)
{
    struct str rest = str_of(argv[*i]);
    if (rest.len < 2 || rest.ptr[0] != '-')
        return err_set(e, "%s is not an option, and there is nothing else to give", argv[*i]);
    rest = str_skip(rest, rest.ptr[1] == '-' ? 2 : 1);
    struct str name = str_cut(&rest, '=');
    const struct option *o = find(name);
    if (!o)
        return err_set(e, "there is no option -%.*s; -help prints those that there are",
                       STR_ARG(name));
    options->given |= 1u << (o - option);
    if (rest.ptr != name.ptr + name.len)
        return set(options, o, rest.ptr, e);
    if (o->kind == SWITCH)
        return set(options, o, "true", e);
    if (++*i >= argc)
        return err_set(e, "-%s needs a value", o->name);
    return set(options, o, argv[*i], e);
}

static bool is_given(const struct options *o, struct str name)
{
    return o->given & 1u << (find(name) - option);
}

bool options_parse(struct options *o, int argc, char **argv, struct err *e)
{
    *o = (struct options){.temp = getenv("TMPDIR")};
    if (!o->temp || !*o->temp)
        o->temp = "/tmp";
    for (size_t i = 0; i < ARRAY_LEN(option); i++)
        if (!set(o, &option[i], option[i].initial, e))
            return false;
    for (int i = 1; i < argc; i++)
        if (!take(o, &i, argc, argv, e))
            return false;
    if (is_given(o, STR("put")) && !is_given(o, STR("stream")))
        o->stream = false;
    if (o->stream && o->put == OPTIONS_PUT_READALL)
        return err_set(
            e, "-put=readall reads a file that was received first, so it needs -stream=false");
    return true;
}

void options_print_help(FILE *out)
{
    fprintf(out,
            "usage: upload-server [-option=value ...]\n"
            "Receives files by GraphQL multipart requests (POST /graphql) and stores them.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(option); i++)
        fprintf(out, "  -%s=%s\n        %s\n", option[i].name, option[i].initial, option[i].help);
}
