#include "profile/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

// What one match may cost: a step that PCRE2 counts can hide a scan of the whole text, so the steps
// are fewer the longer the text is.  Each match that is given up halves what the next ones may
// cost, so that an expression from a hostile profile takes a second, not the number of its
// functions in seconds.
enum {
    MOST_WORK = 1 << 27,
    LEAST_WORK = 1 << 16,
    MOST_STEPS = 1000000,
    LEAST_STEPS = 100,
    FIRST_STACK = 32 << 10, // bytes, of the JIT's code
    MOST_STACK = 16 << 20   // a repeated group takes some for each time around
};

struct regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    u32 *work; // what is left of MOST_WORK; apart, since matching changes nothing else
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

static bool compile(struct regex **out, struct str pattern, u32 options, struct err *e)
{
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
    *r = (struct regex){.code = code, .work = malloc(sizeof(*r->work))};
    if (!r->work)
        abort();
    *r->work = MOST_WORK;
    r->data = pcre2_match_data_create_from_pattern(code, NULL);
    r->context = pcre2_match_context_create(NULL);
    r->stack = pcre2_jit_stack_create(FIRST_STACK, MOST_STACK, NULL);
    pcre2_jit_stack_assign(r->context, NULL, r->stack);
    *out = r;
    return true;
}

bool regex_compile(struct regex **out, struct str pattern, struct err *e)
{
    return compile(
        out, pattern,
        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, e);
}

bool regex_compile_bytes(struct regex **out, struct str pattern, struct err *e)
{
    return compile(out, pattern, PCRE2_DOLLAR_ENDONLY, e);
}

void regex_free(struct regex *r)
{
    if (!r)
        return;
    pcre2_match_data_free(r->data);
    pcre2_match_context_free(r->context);
    pcre2_jit_stack_free(r->stack);
    pcre2_code_free(r->code);
    free(r->work);
    free(r);
}

static u32 most_steps(const struct regex *r, size_t len)
{
    size_t steps = *r->work / (len + 1);
    return steps > MOST_STEPS ? MOST_STEPS : steps < LEAST_STEPS ? LEAST_STEPS : (u32)steps;
}

// What pcre2_match returns.
static int match(const struct regex *r, struct str text)
{
    pcre2_set_match_limit(r->context, most_steps(r, text.len));
    int found = pcre2_match(r->code, (PCRE2_SPTR)(text.len ? text.ptr : ""), text.len, 0, 0,
                            r->data, r->context);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH && *r->work > LEAST_WORK)
        *r->work /= 2;
    return found;
}

bool regex_match(const struct regex *r, struct str text)
{
    return match(r, text) >= 0;
}

bool regex_groups(const struct regex *r, struct str text, i64 *start, i64 *end, u32 n)
{
    int found = match(r, text);
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
