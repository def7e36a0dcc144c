#include "base/str.h"

#include <stdlib.h>
#include <string.h>

struct str str_of(const char *text)
{
    return (struct str){text ? text : "", text ? strlen(text) : 0};
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int str_compare(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

int str_order(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_equal((struct str){s.ptr, prefix.len}, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_equal(str_skip(s, s.len - suffix.len), suffix);
}

i64 str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    const char *at = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at ? at - s.ptr : -1;
}

struct str str_skip(struct str s, size_t n)
{
    if (n > s.len)
        n = s.len;
    return (struct str){s.ptr + n, s.len - n};
}

struct str str_basename(struct str path)
{
    const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
    return slash ? str_skip(path, (size_t)(slash + 1 - path.ptr)) : path;
}

struct str str_folder(struct str path)
{
    return (struct str){path.ptr, path.len - str_basename(path).len};
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
    while (s.len && str_is_blank(s.ptr[0]))
        s = str_skip(s, 1);
    while (s.len && str_is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

size_t str_characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((u8)s.ptr[i] & 0xc0) != 0x80;
    return n;
}

bool str_i64(i64 *out, struct str s)
{
    bool negative = s.len && s.ptr[0] == '-';
    if (s.len && (s.ptr[0] == '-' || s.ptr[0] == '+'))
        s = str_skip(s, 1);
    i64 value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.ptr[i] - '0', &value))
            return false;
    }
    // Counted downwards, since the least number has no positive twin.
    if (s.len == 0 || (!negative && value == INT64_MIN))
        return false;
    *out = negative ? value : -value;
    return true;
}

bool str_double(double *out, struct str s)
{
    char text[64], *end;
    if (s.len == 0 || s.len >= sizeof(text) || str_is_blank(s.ptr[0]))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    *out = strtod(text, &end);
    return *end == 0;
}

bool str_size(u64 *out, struct str s)
{
    static const struct {
        const char *name;
        u8 shift;
    } unit[] = {{"", 0},     {"b", 0},   {"k", 10},   {"kb", 10}, {"kib", 10},
                {"m", 20},   {"mb", 20}, {"mib", 20}, {"g", 30},  {"gb", 30},
                {"gib", 30}, {"t", 40},  {"tb", 40},  {"tib", 40}};
    size_t digits = 0;
    while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
        digits++;
    i64 value;
    if (!str_i64(&value, (struct str){s.ptr, digits}))
        return false;
    struct str name = str_skip(s, digits);
    for (size_t i = 0; i < ARRAY_LEN(unit); i++) {
        if (name.len == strlen(unit[i].name) &&
            (name.len == 0 || strncasecmp(name.ptr, unit[i].name, name.len) == 0)) {
            *out = (u64)value << unit[i].shift;
            return *out >> unit[i].shift == (u64)value;
        }
    }
    return false;
}

static u64 mix(u64 a, u64 b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (u64)product ^ (u64)(product >> 64);
}

static u64 load64(const u8 *p)
{
    u64 value;
    memcpy(&value, p, sizeof(value));
    return value;
}

u64 hash_bytes(const void *bytes, size_t n)
{
    const u8 *p = bytes;
    u64 hash = 0x9e3779b97f4a7c15 ^ n;
    for (; n >= 8; p += 8, n -= 8)
        hash = mix(hash ^ load64(p), 0xd6e8feb86659fd93);
    u64 tail = 0;
    if (n)
        memcpy(&tail, p, n);
    return mix(hash ^ tail, 0xa0761d6478bd642f);
}
