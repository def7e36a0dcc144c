#include "report/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AT(field) offsetof(struct config, field)

const struct config_variable config_variables[] = {
    {"compact_labels", CONFIG_BOOL, AT(compact_labels), "false", NULL, "Show minimal headers"},
    {"divide_by", CONFIG_FLOAT, AT(divide_by), "1", NULL,
     "Ratio to divide all samples before visualization"},
    {"drop_negative", CONFIG_BOOL, AT(drop_negative), "false", NULL, "Ignore negative differences"},
    {"edgefraction", CONFIG_FLOAT, AT(edgefraction), "0.001", NULL, "Hide edges below <f>*total"},
    {"focus", CONFIG_TEXT, AT(focus), "", NULL,
     "Restricts to samples going through a node matching regexp"},
    {"granularity", CONFIG_CHOICE, AT(granularity), "",
     "functions filefunctions files lines addresses", "How much of each location is told apart"},
    {"hide", CONFIG_TEXT, AT(hide), "", NULL, "Skips nodes matching regexp"},
    {"ignore", CONFIG_TEXT, AT(ignore), "", NULL,
     "Skips paths going through any nodes matching regexp"},
    {"mean", CONFIG_BOOL, AT(mean), "false", NULL, "Average sample value over first value (count)"},
    {"nodecount", CONFIG_INT, AT(nodecount), "-1", NULL, "Max number of nodes to show"},
    {"nodefraction", CONFIG_FLOAT, AT(nodefraction), "0.005", NULL, "Hide nodes below <f>*total"},
    {"noinlines", CONFIG_BOOL, AT(noinlines), "false", NULL, "Ignore inlines."},
    {"output", CONFIG_TEXT, AT(output), "", NULL, "Output filename for file-based outputs"},
    {"prune_from", CONFIG_TEXT, AT(prune_from), "", NULL,
     "Drops any functions below the matched frame."},
    {"relative_percentages", CONFIG_BOOL, AT(relative_percentages), "false", NULL,
     "Show percentages relative to focused subgraph"},
    {"sample_index", CONFIG_TEXT, AT(sample_index), "", NULL,
     "Sample value to report (0-based index or name)"},
    {"show", CONFIG_TEXT, AT(show), "", NULL, "Only show nodes matching regexp"},
    {"show_from", CONFIG_TEXT, AT(show_from), "", NULL,
     "Drops functions above the highest matched frame."},
    {"showcolumns", CONFIG_BOOL, AT(showcolumns), "false", NULL,
     "Show column numbers at the source code line level."},
    {"sort", CONFIG_CHOICE, AT(sort), "flat", "cum flat", "Order of the entries"},
    {"trim", CONFIG_BOOL, AT(trim), "true", NULL,
     "Honor nodefraction/edgefraction/nodecount defaults"},
    {"unit", CONFIG_TEXT, AT(unit), "minimum", NULL, "Measurement units to display"},
    {0},
};

void config_init(struct config *c)
{
    struct err ignored;
    *c = (struct config){0};
    for (const struct config_variable *v = config_variables; v->name; v++)
        config_set(c, v, str_of(v->standard), &ignored);
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

static bool parse_float(double *out, struct str value, struct err *e)
{
    char text[64], *end;
    if (value.len == 0 || value.len >= sizeof(text))
        return err_set(e, EINVAL, "\"%.*s\" is not a number", STR_ARG(value));
    memcpy(text, value.ptr, value.len);
    text[value.len] = 0;
    *out = strtod(text, &end);
    return *end == 0 || err_set(e, EINVAL, "\"%.*s\" is not a number", STR_ARG(value));
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
        return parse_float(field, value, e);
    case CONFIG_CHOICE:
        if (value.len && !is_choice(v, value))
            return err_set(e, EINVAL, "invalid \"%s\" value \"%.*s\"", v->name, STR_ARG(value));
        *(struct str *)field = value;
        return true;
    }
    return false;
}
