#include "report/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VARIABLE(type, name, standard, url, saved, choices, help)                                  \
    {                                                                                              \
#name, type, offsetof(struct config, name), standard, url, saved, choices, help            \
    }
#define TEXT(name, standard, url, saved, help)                                                     \
    VARIABLE(CONFIG_TEXT, name, standard, url, saved, NULL, help)
#define BOOL(name, standard, url, saved, help)                                                     \
    VARIABLE(CONFIG_BOOL, name, standard, url, saved, NULL, help)
#define FLOAT(name, standard, url, saved, help)                                                    \
    VARIABLE(CONFIG_FLOAT, name, standard, url, saved, NULL, help)
#define CHOICE(name, standard, url, saved, choices)                                                \
    VARIABLE(CONFIG_CHOICE, name, standard, url, saved, choices, NULL)

#define TAG_EXAMPLES                                                                               \
    "Use name=value syntax to limit the matching to a specific tag.\n"                             \
    "Numeric tag filter examples: 1kb, 1kb:10kb, memory=32mb:\n"                                   \
    "String tag filter examples: foo, foo.*bar, mytag=foo.*bar\n"
#define MATCHING "Matching includes the function name, filename or object name.\n"

const struct config_variable config_variables[] = {
    BOOL(call_tree, "false", "calltree", true,
         "Create a context-sensitive call tree\n"
         "Treat locations reached through different paths as separate.\n"),
    BOOL(compact_labels, "false", "compact", true, "Show minimal headers"),
    FLOAT(divide_by, "1", NULL, false,
          "Ratio to divide all samples before visualization\n"
          "Divide all samples values by a constant, eg the number of processors or jobs.\n"),
    BOOL(drop_negative, "false", "dropneg", true,
         "Ignore negative differences\n"
         "Do not show any locations with values <0.\n"),
    FLOAT(edgefraction, "0.001", "ef", true, "Hide edges below <f>*total"),
    TEXT(focus, "", "f", true,
         "Restricts to samples going through a node matching regexp\n"
         "Discard samples that do not include a node matching this regexp.\n" MATCHING),
    CHOICE(granularity, "", "g", true, "functions filefunctions files lines addresses"),
    TEXT(hide, "", "h", true,
         "Skips nodes matching regexp\n"
         "Discard nodes that match this location.\n"
         "Other nodes from samples that include this location will be shown.\n" MATCHING),
    TEXT(ignore, "", "i", true,
         "Skips paths going through any nodes matching regexp\n"
         "If set, discard samples that include a node matching this regexp.\n" MATCHING),
    BOOL(intel_syntax, "false", "intel", true,
         "Show assembly in Intel syntax\n"
         "Only applicable to commands `disasm` and `weblist`\n"),
    BOOL(mean, "false", "mean", true,
         "Average sample value over first value (count)\n"
         "For memory profiles, report average memory per allocation.\n"
         "For time-based profiles, report average time per event.\n"),
    VARIABLE(CONFIG_INT, nodecount, "-1", "n", true, NULL,
             "Max number of nodes to show\n"
             "Uses heuristics to limit the number of locations to be displayed.\n"
             "On graphs, dotted edges represent paths through nodes that have been removed.\n"),
    FLOAT(nodefraction, "0.005", "nf", true, "Hide nodes below <f>*total"),
    BOOL(noinlines, "false", "noinlines", true,
         "Ignore inlines.\n"
         "Attributes inlined functions to their first out-of-line caller.\n"),
    BOOL(normalize, "false", "norm", true, "Scales profile based on the base profile.\n"),
    TEXT(output, "", NULL, false, "Output filename for file-based outputs\n"),
    TEXT(prune_from, "", "prunefrom", true,
         "Drops any functions below the matched frame.\n"
         "If set, any frames matching the specified regexp and any frames\n"
         "below it will be dropped from each sample.\n"),
    BOOL(relative_percentages, "false", "rel", true,
         "Show percentages relative to focused subgraph\n"
         "If unset, percentages are relative to full graph before focusing\n"
         "to facilitate comparison with original graph.\n"),
    TEXT(sample_index, "", "si", false,
         "Sample value to report (0-based index or name)\n"
         "Profiles contain multiple values per sample.\n"
         "Use sample_index=i to select the ith value (starting at 0).\n"),
    TEXT(show, "", "s", true,
         "Only show nodes matching regexp\n"
         "If set, only show nodes that match this location.\n" MATCHING),
    TEXT(show_from, "", "sf", true,
         "Drops functions above the highest matched frame.\n"
         "If set, all frames above the highest match are dropped from every sample.\n" MATCHING),
    BOOL(showcolumns, "false", "showcolumns", true,
         "Show column numbers at the source code line level.\n"),
    CHOICE(sort, "flat", "sort", true, "cum flat"),
    TEXT(source_path, "", NULL, false, "Search path for source files"),
    TEXT(tagfocus, "", "tf", true,
         "Restricts to samples with tags in range or matched by regexp\n" TAG_EXAMPLES),
    TEXT(taghide, "", "th", true,
         "Skip tags matching this regexp\n"
         "Discard tags that match this regexp\n"),
    TEXT(tagignore, "", "ti", true,
         "Discard samples with tags in range or matched by regexp\n" TAG_EXAMPLES),
    TEXT(tagleaf, "", "tagleaf", true,
         "Adds pseudo stack frames for labels key/value pairs at the callstack leaf.\n"
         "A comma-separated list of label keys.\n"
         "The last key creates frames at the new leaf.\n"),
    TEXT(tagroot, "", "tagroot", true,
         "Adds pseudo stack frames for labels key/value pairs at the callstack root.\n"
         "A comma-separated list of label keys.\n"
         "The first key creates frames at the new root.\n"),
    TEXT(tagshow, "", "ts", true,
         "Only consider tags matching this regexp\n"
         "Discard tags that do not match this regexp\n"),
    BOOL(trim, "true", "trim", true,
         "Honor nodefraction/edgefraction/nodecount defaults\n"
         "Set to false to get the full profile, without any trimming.\n"),
    TEXT(trim_path, "", NULL, false, "Path to trim from source paths before search"),
    TEXT(unit, "minimum", "unit", true,
         "Measurement units to display\n"
         "Scale the sample values to this unit.\n"
         "For time-based profiles, use seconds, milliseconds, nanoseconds, etc.\n"
         "For memory profiles, use megabytes, kilobytes, bytes, etc.\n"
         "Using auto will scale each value independently to the most natural unit.\n"),
    {0},
};

static const struct {
    const char *name, *help;
} choice_help[] = {
    {"flat", "Sort entries based on own weight\n"},
    {"cum", "Sort entries based on cumulative weight\n"},
    {"functions", "Aggregate at the function level.\n"
                  "Ignores the filename where the function was defined.\n"},
    {"filefunctions", "Aggregate at the function level.\n"
                      "Takes into account the filename where the function was defined.\n"},
    {"files", "Aggregate at the file level."},
    {"lines", "Aggregate at the source code line level."},
    {"addresses", "Aggregate at the address level.\n"
                  "Includes functions' addresses in the output.\n"},
};

void config_init(struct config *c)
{
    struct err ignored;
    *c = (struct config){0};
    for (const struct config_variable *v = config_variables; v->name; v++) {
        if (*v->standard)
            config_set(c, v, str_of(v->standard), &ignored);
    }
}

static bool is_choice(const struct config_variable *v, struct str value)
{
    struct str rest = str_of(v->choices);
    while (rest.len) {
        if (str_equal(str_cut(&rest, ' '), value))
            return true;
    }
    return false;
}

const struct config_variable *config_find(struct str name, struct str *choice)
{
    *choice = STR("");
    for (const struct config_variable *v = config_variables; v->name; v++) {
        if (str_equal(str_of(v->name), name))
            return v;
        if (v->type == CONFIG_CHOICE && is_choice(v, name)) {
            *choice = name;
            return v;
        }
    }
    return NULL;
}

const char *config_help(struct str name)
{
    struct str choice;
    const struct config_variable *v = config_find(name, &choice);
    for (size_t i = 0; i < ARRAY_LEN(choice_help); i++) {
        if (str_equal(str_of(choice_help[i].name), name))
            return choice_help[i].help;
    }
    return v ? v->help : NULL;
}

static bool parse_bool(bool *out, struct str value, struct err *e)
{
    static const char *const word[2][5] = {{"false", "f", "no", "n", "0"},
                                           {"true", "t", "yes", "y", "1"}};
    for (u32 i = 0; i < 2; i++) {
        for (u32 k = 0; k < ARRAY_LEN(word[i]); k++) {
            if (value.len == strlen(word[i][k]) &&
                strncasecmp(value.ptr, word[i][k], value.len) == 0) {
                *out = i;
                return true;
            }
        }
    }
    if (value.len == 0) {
        *out = true;
        return true;
    }
    return err_set(e, EINVAL, "illegal value \"%.*s\" for bool variable", STR_ARG(value));
}

bool config_set(struct config *c, const struct config_variable *v, struct str value, struct err *e)
{
    void *field = (char *)c + v->offset;
    switch (v->type) {
    case CONFIG_TEXT:
        *(struct str *)field = value;
        return true;
    case CONFIG_BOOL:
        return parse_bool(field, value, e);
    case CONFIG_INT:
        return str_i64(field, value) ||
               err_set(e, EINVAL, "\"%.*s\" is not a whole number", STR_ARG(value));
    case CONFIG_FLOAT:
        return str_double(field, value) ||
               err_set(e, EINVAL, "\"%.*s\" is not a number", STR_ARG(value));
    case CONFIG_CHOICE:
        if (!is_choice(v, value))
            return err_set(e, EINVAL, "invalid \"%s\" value \"%.*s\"", v->name, STR_ARG(value));
        *(struct str *)field = value;
        return true;
    }
    return false;
}

void config_value(struct buf *out, const struct config *c, const struct config_variable *v)
{
    const void *field = (const char *)c + v->offset;
    switch (v->type) {
    case CONFIG_TEXT:
    case CONFIG_CHOICE:
        buf_add(out, *(const struct str *)field);
        break;
    case CONFIG_BOOL:
        buf_text(out, *(const bool *)field ? "true" : "false");
        break;
    case CONFIG_INT:
        buf_printf(out, "%lld", (long long)*(const i64 *)field);
        break;
    case CONFIG_FLOAT:
        buf_double(out, *(const double *)field);
    }
}
