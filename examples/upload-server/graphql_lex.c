#include "graphql_lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static struct graphql_token bad(struct graphql_lexer *l,
                                                                      size_t offset,
                                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->problem->text, sizeof(l->problem->text), format, args);
    va_end(args);
    l->problem->offset = (uint32_t)offset;
    return (struct graphql_token){.kind = GRAPHQL_TOKEN_BAD, .offset = (uint32_t)offset};
}

// The byte i places ahead; 0 at the end, which is no byte of any token.
static char ahead(const struct graphql_lexer *l, size_t i)
{
    return i < l->source.len - l->at ? l->source.ptr[l->at + i] : 0;
}

static bool is_ahead(const struct graphql_lexer *l, struct str s)
{
    return str_starts(str_skip(l->source, l->at), s);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct graphql_token token(struct graphql_lexer *l, int kind, size_t start)
{
    return (struct graphql_token){kind, (uint32_t)start, {l->source.ptr + start, l->at - start}};
}

static void skip_ignored(struct graphql_lexer *l)
{
    for (;;) {
        if (is_ahead(l, STR("\xef\xbb\xbf")))
            l->at += 3;
        else if (ahead(l, 0) && strchr(" \t\r\n,", ahead(l, 0)))
            l->at++;
        else if (ahead(l, 0) == '#')
            while (l->at < l->source.len && !strchr("\r\n", l->source.ptr[l->at]))
                l->at++;
        else
            return;
    }
}

static struct graphql_token lex_name(struct graphql_lexer *l)
{
    size_t start = l->at;
    while (is_name_start(ahead(l, 0)) || is_digit(ahead(l, 0)))
        l->at++;
    return token(l, GRAPHQL_TOKEN_NAME, start);
}

// At least one digit.
static bool skip_digits(struct graphql_lexer *l)
{
    size_t start = l->at;
    while (is_digit(ahead(l, 0)))
        l->at++;
    return l->at > start;
}

static struct graphql_token lex_number(struct graphql_lexer *l)
{
    size_t start = l->at;
    int kind = GRAPHQL_TOKEN_INT;
    l->at += ahead(l, 0) == '-';
    bool is_good = ahead(l, 0) != '0' || !is_digit(ahead(l, 1));
    is_good = is_good && skip_digits(l);
    if (is_good && ahead(l, 0) == '.') {
        l->at++;
        kind = GRAPHQL_TOKEN_FLOAT;
        is_good = skip_digits(l);
    }
    if (is_good && (ahead(l, 0) == 'e' || ahead(l, 0) == 'E')) {
        l->at += ahead(l, 1) == '+' || ahead(l, 1) == '-' ? 2 : 1;
        kind = GRAPHQL_TOKEN_FLOAT;
        is_good = skip_digits(l);
    }
    if (!is_good || is_name_start(ahead(l, 0)) || ahead(l, 0) == '.')
        return bad(l, l->at, "Invalid number");
    return token(l, kind, start);
}

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// A code unit of four digits at l->at + i; -1: there is none.
static long code_unit(const struct graphql_lexer *l, size_t i)
{
    long unit = 0;
    for (size_t k = i; k < i + 4; k++) {
        if (hex(ahead(l, k)) < 0)
            return -1;
        unit = unit * 16 + hex(ahead(l, k));
    }
    return unit;
}

// Bytes of the escape at l->at; 0: it is none.  A surrogate stands only in a pair of them.
static size_t escape_bytes(const struct graphql_lexer *l)
{
    if (ahead(l, 1) != 'u')
        return ahead(l, 1) && strchr("\"\\/bfnrt", ahead(l, 1)) ? 2 : 0;
    long unit = code_unit(l, 2);
    if (unit < 0 || (unit >= 0xdc00 && unit < 0xe000))
        return 0;
    if (unit < 0xd800 || unit >= 0xe000)
        return 6;
    long low = ahead(l, 6) == '\\' && ahead(l, 7) == 'u' ? code_unit(l, 8) : -1;
    return low >= 0xdc00 && low < 0xe000 ? 12 : 0;
}

static struct graphql_token lex_string(struct graphql_lexer *l)
{
    size_t start = l->at++;
    while (ahead(l, 0) != '"') {
        size_t n = ahead(l, 0) == '\\' ? escape_bytes(l) : 1;
        if (l->at == l->source.len || ahead(l, 0) == '\n' || ahead(l, 0) == '\r')
            return bad(l, start, "Unterminated string");
        if (n == 0)
            return bad(l, l->at, "Invalid character escape sequence");
        if ((unsigned char)ahead(l, 0) < 0x20 && ahead(l, 0) != '\t')
            return bad(l, l->at, "Invalid character within String: 0x%02x", (unsigned)ahead(l, 0));
        l->at += n;
    }
    struct graphql_token t = token(l, GRAPHQL_TOKEN_STRING, start);
    t.text = str_skip(t.text, 1);
    l->at++;
    return t;
}

static struct graphql_token lex_block_string(struct graphql_lexer *l)
{
    size_t start = l->at;
    l->at += 3;
    while (!is_ahead(l, STR("\"\"\""))) {
        if (l->at == l->source.len)
            return bad(l, start, "Unterminated string");
        if ((unsigned char)ahead(l, 0) < 0x20 && !(ahead(l, 0) && strchr("\t\r\n", ahead(l, 0))))
            return bad(l, l->at, "Invalid character within String: 0x%02x", (unsigned)ahead(l, 0));
        l->at += is_ahead(l, STR("\\\"\"\"")) ? 4 : 1;
    }
    struct graphql_token t = token(l, GRAPHQL_TOKEN_BLOCK_STRING, start);
    t.text = str_skip(t.text, 3);
    l->at += 3;
    return t;
}

struct graphql_token graphql_lex(struct graphql_lexer *l)
{
    skip_ignored(l);
    char c = ahead(l, 0);
    if (l->at == l->source.len)
        return token(l, GRAPHQL_TOKEN_END, l->at);
    if (is_name_start(c))
        return lex_name(l);
    if (is_digit(c) || c == '-')
        return lex_number(l);
    if (c == '"')
        return is_ahead(l, STR("\"\"\"")) ? lex_block_string(l) : lex_string(l);
    size_t start = l->at;
    if (is_ahead(l, STR("..."))) {
        l->at += 3;
        return token(l, GRAPHQL_TOKEN_SPREAD, start);
    }
    if (!c || !strchr("!$&():=@[]{|}", c))
        return bad(l, start,
                   c > ' ' && c < 127 ? "Cannot parse the unexpected character '%c'"
                                      : "Cannot parse the unexpected character 0x%02x",
                   (unsigned char)c);
    l->at++;
    return token(l, c, start);
}

const char *graphql_token_name(int kind, char text[2])
{
    static const char *const name[] = {"<EOF>", "<Invalid>", "...",    "Name",
                                       "Int",   "Float",     "String", "BlockString"};
    if (kind >= GRAPHQL_TOKEN_END)
        return name[kind - GRAPHQL_TOKEN_END];
    text[0] = (char)kind;
    text[1] = 0;
    return text;
}
