#include "options.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "s3_url.h"
#include "store_s3.h"
#include "str.h"

enum kind { TEXT, ANY_TEXT, SIZE, COUNT, SECONDS, SWITCH, PUT, STYLE };

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
    {"s3-endpoint", ANY_TEXT, offsetof(struct options, s3_endpoint), "",
     "URL of an S3 service, as https://s3.eu-west-1.amazonaws.com; files go there, not to a "
     "folder"},
    {"s3-bucket", ANY_TEXT, offsetof(struct options, s3_bucket), "", "its bucket"},
    {"s3-prefix", ANY_TEXT, offsetof(struct options, s3_prefix), "", "what keys begin with"},
    {"s3-region", ANY_TEXT, offsetof(struct options, s3_region), "",
     "its region; AWS_REGION, or us-east-1"},
    {"s3-style", STYLE, offsetof(struct options, s3_style), "path",
     "path: https://HOST/BUCKET/KEY; host: https://BUCKET.HOST/KEY"},
    {"s3-credentials", ANY_TEXT, offsetof(struct options, s3_credentials), "",
     "file with aws_access_key_id and aws_secret_access_key; else AWS_ACCESS_KEY_ID and\n"
     "        AWS_SECRET_ACCESS_KEY, else ~/.aws/credentials"},
    {"s3-timeout", SECONDS, offsetof(struct options, s3_timeout_s), "30s", "longest silence of S3"},
    {"part-size", SIZE, offsetof(struct options, part_size), "5MB",
     "size of the parts that go to S3"},
    {"file-memory", SIZE, offsetof(struct options, file_memory), "8MB",
     "memory for the parts of one file, being filled or sent"},
    {"buffer-memory", SIZE, offsetof(struct options, buffer_memory), "32MB",
     "memory for the parts of all files; clients wait when it is used up"},
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
    {"min-rate", SIZE, offsetof(struct options, min_rate), "1KB",
     "least that a client sends a second, behind the first ten seconds"},
    {"grace", SECONDS, offsetof(struct options, grace_s), "10s",
     "longest wait for uploads after SIGTERM"},
    {"debug", ANY_TEXT, offsetof(struct options, debug), "",
     "HOST:PORT to serve the server's own profiles at, as localhost:6060, in a process that Sonde\n"
     "        records"},
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

// The words of a choice, in the order of its enum.
static const char *const put_word[] = {"stream", "readall"}, *const style_word[] = {"path", "host"};

static bool set_choice(uint64_t *to, const struct option *o, const char *value, struct err *e)
{
    const char *const *word = o->kind == PUT ? put_word : style_word;
    char wanted[32];
    for (*to = 0; *to < 2; ++*to)
        if (strcmp(value, word[*to]) == 0)
            return true;
    snprintf(wanted, sizeof(wanted), "%s or %s", word[0], word[1]);
    return fail(e, o, value, wanted);
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
    case ANY_TEXT:
        *(const char **)to = value;
        return true;
    case SWITCH:
        return set_switch(to, o, value, e);
    case PUT:
    case STYLE:
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

static bool check_s3(const struct options *o, struct err *e)
{
    if (!*o->s3_endpoint)
        return !*o->s3_bucket || err_set(e, "-s3-bucket needs -s3-endpoint");
    if (!s3_endpoint_is(o->s3_endpoint))
        return err_set(e, "-s3-endpoint=%s is wrong: it takes http://HOST:PORT or https://HOST",
                       o->s3_endpoint);
    if (!*o->s3_bucket || strpbrk(o->s3_bucket, "/?#%"))
        return err_set(e, "-s3-endpoint needs -s3-bucket, the name of a bucket");
    if (is_given(o, STR("store")))
        return err_set(e, "-store and -s3-endpoint exclude each other");
    if (o->part_size < STORE_S3_LEAST_PART)
        return err_set(e, "part size must be at least %d bytes", STORE_S3_LEAST_PART);
    if (o->buffer_memory < o->part_size || o->file_memory < o->part_size)
        return err_set(e, "-file-memory and -buffer-memory have to hold at least one part, see "
                          "-part-size");
    return strlen(o->s3_prefix) + ULID_TEXT <= S3_KEY_TEXT ||
           err_set(e, "-s3-prefix is too long: a key has at most 1024 bytes");
}

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

// S3 takes 10,000 parts of a file, so the largest files may need larger ones.
static void fit_parts(struct options *o)
{
    uint64_t least = o->max_upload_size / STORE_S3_MOST_PARTS + 1;
    if (least > o->part_size)
        o->part_size = least;
    if (o->file_memory < o->part_size)
        o->file_memory = o->part_size;
    if (o->buffer_memory < o->part_size)
        o->buffer_memory = o->part_size;
}

bool options_parse(struct options *o, int argc, char **argv, struct err *e)
{
    *o = (struct options){.temp = environment("TMPDIR", "/tmp")};
    for (size_t i = 0; i < ARRAY_LEN(option); i++)
        if (!set(o, &option[i], option[i].initial, e))
            return false;
    for (int i = 1; i < argc; i++)
        if (!take(o, &i, argc, argv, e))
            return false;
    if (!*o->s3_region)
        o->s3_region = environment("AWS_REGION", environment("AWS_DEFAULT_REGION", "us-east-1"));
    if (is_given(o, STR("put")) && !is_given(o, STR("stream")))
        o->stream = false;
    if (o->stream && o->put == OPTIONS_PUT_READALL)
        return err_set(
            e, "-put=readall reads a file that was received first, so it needs -stream=false");
    if (!check_s3(o, e))
        return false;
    fit_parts(o);
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
