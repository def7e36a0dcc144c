#include "object/syntax.h"

#include <stdlib.h>
#include <string.h>

struct operands operands_split(struct str text)
{
    struct operands o = {0};
    size_t start = 0;
    int depth = 0;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.ptr[i] : ',';
        depth += c == '(' || c == '{' || c == '[';
        depth -= c == ')' || c == '}' || c == ']';
        if (c != ',' || (depth > 0 && i < text.len) || o.n == SYNTAX_OPERANDS)
            continue;
        struct str part = str_trim((struct str){text.ptr + start, i - start});
        if (part.len)
            o.at[o.n++] = part;
        start = i + 1;
    }
    return o;
}

bool is_number(struct str s)
{
    if (str_starts(s, STR("-")))
        s = str_skip(s, 1);
    return s.len && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

struct str write_hex(struct buf *out, struct str text)
{
    char copy[32] = "", *end;
    memcpy(copy, text.ptr, text.len < sizeof(copy) - 1 ? text.len : sizeof(copy) - 1);
    bool is_negative = copy[0] == '-';
    buf_printf(out, "%s0x%llx", is_negative ? "-" : "", strtoull(copy + is_negative, &end, 0));
    return str_skip(text, (size_t)(end - copy));
}
