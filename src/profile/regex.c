#include "profile/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum { MATCH_LIMIT = 1000000 };

struct regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

enum { WHOLE, REST, CHARACTER, NOTHING };

// RE2's sentences for the mistakes that people make, and which part of the pattern they show.
static const struct {
    int code;
    const char *sentence;
    int shown;
} mistakes[] = {
    {PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS, "missing closing )", WHOLE},
    {PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS, "unexpected )", WHOLE},
    {PCRE2_ERROR_MISSING_SQUARE_BRACKET, "missing closing ]", REST},
    {PCRE2_ERROR_QUANTIFIER_INVALID, "missing argument to repetition operator", CHARACTER},
    {PCRE2_ERROR_END_BACKSLASH, "trailing backslash at end of expression", NOTHING},
};

static bool explain(int code, struct str pattern, size_t at, struct err *e)
{
    char reason[256];
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        if (mistakes[i].code != code)
            continue;
        const char *open = pattern.len ? memrchr(pattern.ptr, '[', pattern.len) : NULL;
        struct str part = pattern;
        if (mistakes[i].shown == REST && open)
            part = str_skip(pattern, (size_t)(open - pattern.ptr));
        else if (mistakes[i].shown == CHARACTER && at < pattern.len)
            part = (struct str){pattern.ptr + at, 1};
        else if (mistakes[i].shown == NOTHING)
            part = STR("");
        return err_set(e, EINVAL, "error parsing regexp: %s: `%.*s`", mistakes[i].sentence,
                       STR_ARG(part));
    }
    pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
    return err_set(e, EINVAL, "error parsing regexp: %s at character %zu: `%.*s`", reason, at,
                   STR_ARG(pattern));
}

bool regex_compile(struct regex **out, struct str pattern, struct err *e)
{
    const u32 options =
        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    int error;
    PCRE2_SIZE at;
    // PCRE2 rejects NULL even when the length is 0.
    const char *text = pattern.len ? pattern.ptr : "";
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, pattern.len, options, &error, &at, NULL);
    if (!code)
        return explain(error, pattern, at, e);
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    struct regex *r = malloc(sizeof(*r));
    if (!r)
        abort();
    r->code = code;
    r->data = pcre2_match_data_create_from_pattern(code, NULL);
    r->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(r->context, MATCH_LIMIT);
    *out = r;
    return true;
}

void regex_free(struct regex *r)
{
    if (!r)
        return;
    pcre2_match_data_free(r->data);
    pcre2_match_context_free(r->context);
    pcre2_code_free(r->code);
    free(r);
}

bool regex_match(const struct regex *r, struct str text)
{
    return pcre2_match(r->code, (PCRE2_SPTR)(text.len ? text.ptr : ""), text.len, 0, 0, r->data,
                       r->context) >= 0;
}

bool regex_groups(const struct regex *r, struct str text, i64 *start, i64 *end, u32 n)
{
    int found = pcre2_match(r->code, (PCRE2_SPTR)(text.len ? text.ptr : ""), text.len, 0, 0,
                            r->data, r->context);
    if (found < 0)
        return false;
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(r->data);
    for (u32 i = 0; i < n; i++) {
        bool took_part = i < (u32)found && place[2 * i] != PCRE2_UNSET;
        start[i] = took_part ? (i64)place[2 * i] : -1;
        end[i] = took_part ? (i64)place[2 * i + 1] : -1;
    }
    return true;
}
