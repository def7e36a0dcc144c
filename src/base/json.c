#include "base/json.h"

void json_init(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out};
}

// What comes before a value or a key; opens: it is an object or an array.
static void begin_item(struct json *j, bool opens)
{
    u64 level = (u64)1 << j->depth;
    if (j->has_key) {
        j->has_key = false;
        return;
    }
    if (j->has_items & level)
        buf_char(j->out, ',');
    j->has_items |= level;
    if (j->depth == 1 || (j->is_array & level && opens)) {
        buf_char(j->out, '\n');
        j->has_lines |= level;
    }
}

static void open_level(struct json *j, bool is_array)
{
    begin_item(j, true);
    buf_char(j->out, is_array ? '[' : '{');
    j->depth++;
    u64 level = (u64)1 << j->depth;
    j->has_items &= ~level;
    j->has_lines &= ~level;
    j->is_array = is_array ? j->is_array | level : j->is_array & ~level;
}

void json_begin_object(struct json *j)
{
    open_level(j, false);
}

void json_begin_array(struct json *j)
{
    open_level(j, true);
}

void json_end(struct json *j)
{
    u64 level = (u64)1 << j->depth;
    if (j->has_lines & level)
        buf_char(j->out, '\n');
    buf_char(j->out, j->is_array & level ? ']' : '}');
    j->depth--;
    if (j->depth == 0)
        buf_char(j->out, '\n');
}

// Bytes of the character of UTF-8 at the beginning of s, which is not empty; 0: it is none (RFC
// 3629).
static u32 character_bytes(struct str s)
{
    const u8 *p = (const u8 *)s.ptr;
    if (p[0] < 0x80)
        return 1;
    u32 n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (n > s.len)
        return 0;
    for (u32 i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool is_long = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool is_none = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return is_long || is_none ? 0 : n;
}

static bool is_plain(char c)
{
    return (u8)c >= ' ' && (u8)c < 0x80 && c != '"' && c != '\\' && c != '<';
}

// A character that cannot stand for itself, or is not of one byte.
static size_t add_character(struct buf *out, struct str s)
{
    char c = s.ptr[0];
    u32 n = character_bytes(s);
    if (n == 0)
        buf_text(out, "\xef\xbf\xbd");
    else if (n > 1)
        buf_add(out, (struct str){s.ptr, n});
    else if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c == '\n' || c == '\t')
        buf_text(out, c == '\n' ? "\\n" : "\\t");
    else
        buf_printf(out, "\\u%04x", c);
    return n ? n : 1;
}

static void add_text(struct buf *out, struct str s)
{
    buf_char(out, '"');
    for (size_t at = 0, plain; at < s.len;) {
        for (plain = at; plain < s.len && is_plain(s.ptr[plain]); plain++)
            ;
        buf_add(out, (struct str){s.ptr + at, plain - at});
        at = plain;
        if (at < s.len)
            at += add_character(out, str_skip(s, at));
    }
    buf_char(out, '"');
}

void json_key_str(struct json *j, struct str key)
{
    begin_item(j, false);
    add_text(j->out, key);
    buf_char(j->out, ':');
    j->has_key = true;
}

void json_key(struct json *j, const char *key)
{
    json_key_str(j, str_of(key));
}

void json_str(struct json *j, struct str s)
{
    begin_item(j, false);
    add_text(j->out, s);
}

void json_int(struct json *j, i64 value)
{
    begin_item(j, false);
    buf_printf(j->out, "%lld", (long long)value);
}

void json_double(struct json *j, double value)
{
    begin_item(j, false);
    buf_double(j->out, value);
}

void json_bool(struct json *j, bool value)
{
    begin_item(j, false);
    buf_text(j->out, value ? "true" : "false");
}

void json_str_field(struct json *j, const char *key, struct str value)
{
    json_key(j, key);
    json_str(j, value);
}

void json_int_field(struct json *j, const char *key, i64 value)
{
    json_key(j, key);
    json_int(j, value);
}
