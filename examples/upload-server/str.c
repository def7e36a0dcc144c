#include "str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct str str_of(const char *text)
{
    return (struct str){text ? text : "", text ? strlen(text) : 0};
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_equal_nocase(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_equal((struct str){s.ptr, prefix.len}, prefix);
}

struct str str_skip(struct str s, size_t n)
{
    if (n > s.len)
        n = s.len;
    return n ? (struct str){s.ptr + n, s.len - n} : s;
}

struct str str_cut(struct str *rest, char separator)
{
    const char *at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct str head = {rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len};
    *rest = str_skip(*rest, at ? head.len + 1 : head.len);
    return head;
}

struct str str_trim(struct str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool str_u64(uint64_t *out, struct str s)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
            return false;
    }
    *out = value;
    return s.len > 0;
}

// Bytes of the UTF-8 character that s begins with; 0 when it begins with none (Unicode 15.0, table
// 3-7).
static size_t utf8_bytes(struct str s)
{
    static const struct {
        uint8_t first, last, bytes, second_least, second_most;
    } form[] = {
        {0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
        {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
        {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f}};
    const uint8_t *p = (const uint8_t *)s.ptr;
    for (size_t i = 0; i < ARRAY_LEN(form); i++) {
        if (p[0] < form[i].first || p[0] > form[i].last)
            continue;
        if (form[i].bytes > s.len)
            return 0;
        bool is_whole =
            form[i].bytes == 1 || (p[1] >= form[i].second_least && p[1] <= form[i].second_most);
        for (size_t k = 2; k < form[i].bytes; k++)
            is_whole &= (p[k] & 0xc0) == 0x80;
        return is_whole ? form[i].bytes : 0;
    }
    return 0;
}

char *str_utf8(struct str s)
{
    size_t cap;
    if (__builtin_mul_overflow(s.len, 3, &cap) || __builtin_add_overflow(cap, 1, &cap))
        return NULL;
    char *text = malloc(cap), *to = text;
    while (text && s.len) {
        size_t n = utf8_bytes(s);
        memcpy(to, n ? s.ptr : "\xef\xbf\xbd", n ? n : 3);
        to += n ? n : 3;
        s = str_skip(s, n ? n : 1);
    }
    if (text)
        *to = 0;
    return text;
}
