#include "xml.h"

#include <stdlib.h>
#include <string.h>

enum tag_kind { TAG_START, TAG_END, TAG_EMPTY, TAG_OTHER };

struct tag {
    enum tag_kind kind;
    struct str name; // without its namespace
    const char *start, *end;
};

static bool is_name_end(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '/' || c == '>';
}

static struct str local_name(const char *from, const char *end)
{
    const char *p = from;
    while (p < end && !is_name_end(*p))
        p++;
    struct str name = {from, (size_t)(p - from)};
    const char *colon = name.len ? memchr(name.ptr, ':', name.len) : NULL;
    return colon ? str_skip(name, (size_t)(colon + 1 - from)) : name;
}

// Where a tag ends: the first '>' that no attribute holds; a comment ends at "-->".  NULL: nowhere.
static const char *tag_end(const char *p, const char *end)
{
    char quote = 0;
    if (end - p >= 4 && memcmp(p, "<!--", 4) == 0) {
        const char *close = memmem(p + 4, (size_t)(end - p - 4), "-->", 3);
        return close ? close + 3 : NULL;
    }
    for (p++; p < end; p++) {
        if (quote)
            quote = *p == quote ? 0 : quote;
        else if (*p == '"' || *p == '\'')
            quote = *p;
        else if (*p == '>')
            return p + 1;
    }
    return NULL;
}

static bool next_tag(struct tag *t, struct str *rest)
{
    const char *end = rest->ptr + rest->len;
    t->start = rest->len ? memchr(rest->ptr, '<', rest->len) : NULL;
    t->end = t->start ? tag_end(t->start, end) : NULL;
    if (!t->end)
        return false;
    *rest = (struct str){t->end, (size_t)(end - t->end)};
    const char *p = t->start + 1;
    t->kind = TAG_START;
    if (*p == '?' || *p == '!')
        t->kind = TAG_OTHER;
    else if (*p == '/')
        t->kind = TAG_END;
    else if (t->end[-2] == '/')
        t->kind = TAG_EMPTY;
    t->name = local_name(p + (t->kind == TAG_END), t->end);
    return true;
}

struct str xml_next(struct str *rest, const char *name)
{
    struct tag t;
    const char *inner = NULL;
    unsigned depth = 0; // of elements of that name within one another
    while (next_tag(&t, rest)) {
        if (t.kind == TAG_OTHER || !str_equal(t.name, str_of(name)))
            continue;
        if (t.kind == TAG_EMPTY && !inner)
            return (struct str){t.end, 0};
        if (t.kind == TAG_START && depth++ == 0)
            inner = t.end;
        if (t.kind == TAG_END && inner && --depth == 0)
            return (struct str){inner, (size_t)(t.start - inner)};
    }
    return (struct str){0};
}

static size_t put_utf8(char out[4], unsigned long code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[n] | code);
    return n;
}

static size_t decode_number(char out[4], struct str digits)
{
    char text[9] = "", *end;
    bool is_hex = digits.len && digits.ptr[0] == 'x';
    digits = str_skip(digits, is_hex);
    if (digits.len == 0 || digits.len >= sizeof(text))
        return 0;
    memcpy(text, digits.ptr, digits.len);
    unsigned long code = strtoul(text, &end, is_hex ? 16 : 10);
    bool is_character = !*end && code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return is_character ? put_utf8(out, code) : 0;
}

// "&amp;" and the like; 0: it is none.
static size_t decode_entity(char out[4], struct str name)
{
    static const struct {
        const char *name;
        char c;
    } entity[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    if (name.len && name.ptr[0] == '#')
        return decode_number(out, str_skip(name, 1));
    for (size_t i = 0; i < ARRAY_LEN(entity); i++)
        if (str_equal(name, str_of(entity[i].name))) {
            out[0] = entity[i].c;
            return 1;
        }
    return 0;
}

bool xml_text(struct str xml, const char *name, char *out, size_t cap)
{
    struct str in = xml_next(&xml, name);
    size_t n = 0;
    bool is_there = in.ptr;
    while (in.len && *in.ptr != '<') {
        char c[4] = {*in.ptr};
        size_t nc = 1, taken = 1;
        const char *semicolon = *in.ptr == '&' ? memchr(in.ptr, ';', in.len) : NULL;
        if (semicolon) {
            size_t decoded =
                decode_entity(c, (struct str){in.ptr + 1, (size_t)(semicolon - in.ptr - 1)});
            taken = decoded ? (size_t)(semicolon + 1 - in.ptr) : 1;
            nc = decoded ? decoded : 1;
        }
        if (n + nc >= cap)
            break;
        memcpy(out + n, c, nc);
        n += nc;
        in = str_skip(in, taken);
    }
    out[n] = 0;
    return is_there;
}
