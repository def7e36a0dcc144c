#include "graphql_string.h"

#include <stdlib.h>
#include <string.h>

// At most 4 bytes.
static size_t put_utf8(char *to, unsigned long c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((0xf00 >> n) | c);
    return n;
}

static unsigned long code_unit(const char *digits)
{
    char text[5] = "";
    memcpy(text, digits, 4);
    return strtoul(text, NULL, 16);
}

// Cuts one escape off *raw; the lexer made sure that it is whole.
static size_t put_escape(char *to, struct str *raw)
{
    static const char code[] = "b\bf\fn\nr\rt\t";
    char c = raw->ptr[1];
    if (c != 'u') {
        *raw = str_skip(*raw, 2);
        *to = c;
        for (size_t i = 0; i + 1 < sizeof(code); i += 2)
            if (code[i] == c)
                *to = code[i + 1];
        return 1;
    }
    unsigned long unit = code_unit(raw->ptr + 2);
    bool is_pair = unit >= 0xd800 && unit < 0xdc00;
    if (is_pair)
        unit = 0x10000 + ((unit - 0xd800) << 10) + (code_unit(raw->ptr + 8) - 0xdc00);
    *raw = str_skip(*raw, is_pair ? 12 : 6);
    return put_utf8(to, unit);
}

bool graphql_string_decode(struct str *out, struct str raw, struct arena *a)
{
    *out = raw;
    if (raw.len == 0 || !memchr(raw.ptr, '\\', raw.len))
        return true;
    char *text = arena_alloc(a, raw.len), *to = text; // an escape is longer than what it stands for
    if (!text)
        return false;
    while (raw.len) {
        if (raw.ptr[0] == '\\') {
            to += put_escape(to, &raw);
        } else {
            *to++ = raw.ptr[0];
            raw = str_skip(raw, 1);
        }
    }
    *out = (struct str){text, (size_t)(to - text)};
    return true;
}

// Cuts the first line off *rest.  False: there is no more.
static bool cut_line(struct str *line, struct str *rest)
{
    if (!rest->ptr)
        return false;
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != '\n' && rest->ptr[n] != '\r')
        n++;
    *line = (struct str){rest->ptr, n};
    bool is_last = n == rest->len;
    bool is_crlf = n + 1 < rest->len && rest->ptr[n] == '\r' && rest->ptr[n + 1] == '\n';
    *rest = is_last ? (struct str){NULL, 0} : str_skip(*rest, n + (is_crlf ? 2 : 1));
    return true;
}

static size_t indent_of(struct str line)
{
    size_t n = 0;
    while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t'))
        n++;
    return n;
}

static size_t common_indent(struct str raw)
{
    struct str line;
    size_t common = SIZE_MAX;
    cut_line(&line, &raw); // the first line starts behind the quotes, not at a margin
    while (cut_line(&line, &raw)) {
        size_t indent = indent_of(line);
        if (indent < line.len && indent < common)
            common = indent;
    }
    return common;
}

static char *put_block_line(char *to, struct str line)
{
    while (line.len) {
        bool is_quotes = str_starts(line, STR("\\\"\"\""));
        *to++ = line.ptr[is_quotes];
        line = str_skip(line, is_quotes ? 2 : 1);
    }
    return to;
}

bool graphql_string_decode_block(struct str *out, struct str raw, struct arena *a)
{
    size_t indent = common_indent(raw);
    char *text = arena_alloc(a, raw.len + 1), *to = text, *end = text;
    if (!text)
        return false;
    struct str line;
    bool is_first = true;
    while (cut_line(&line, &raw)) {
        bool is_blank = indent_of(line) == line.len;
        line = is_first ? line : str_skip(line, indent);
        is_first = false;
        if (is_blank && to == text)
            continue;
        if (to > text)
            *to++ = '\n';
        to = put_block_line(to, line);
        if (!is_blank)
            end = to;
    }
    *out = (struct str){text, (size_t)(end - text)};
    return true;
}
