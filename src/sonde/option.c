#include <errno.h>

#include "sonde/command.h"

bool option_next(struct option *o, char **argument, u32 *at)
{
    struct str text = str_of(argument[*at]);
    if (text.len < 2 || text.ptr[0] != '-')
        return false;
    ++*at;
    if (str_equal(text, STR("--")))
        return false;
    text = str_skip(text, text.ptr[1] == '-' ? 2 : 1);
    struct str rest = text;
    o->name = str_cut(&rest, '=');
    o->has_value = o->name.len < text.len;
    o->value = rest;
    return true;
}

bool option_value(struct str *value, const struct option *o, char **argument, u32 *at,
                  struct err *e)
{
    if (o->has_value) {
        *value = o->value;
        return true;
    }
    if (!argument[*at])
        return err_set(e, EINVAL, "flag needs an argument: -%.*s", STR_ARG(o->name));
    *value = str_of(argument[(*at)++]);
    return true;
}

bool option_bool(bool *out, struct str text)
{
    static const char *const word[2][6] = {{"0", "f", "F", "false", "FALSE", "False"},
                                           {"1", "t", "T", "true", "TRUE", "True"}};
    for (u32 i = 0; i < 2; i++) {
        for (u32 k = 0; k < ARRAY_LEN(word[i]); k++) {
            if (str_equal(text, str_of(word[i][k]))) {
                *out = i;
                return true;
            }
        }
    }
    return false;
}
