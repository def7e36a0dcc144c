#include "object/simplify.h"

#include <string.h>

// Text that is made of another, at most twice as long.
struct output {
    char *text;
    size_t len;
};

static struct output output_for(struct str name, struct arena *a)
{
    return (struct output){arena_alloc(a, 2 * name.len + 1, 1), 0};
}

static void add(struct output *o, const char *bytes, size_t n)
{
    memcpy(o->text + o->len, bytes, n);
    o->len += n;
}

static void add_char(struct output *o, char c)
{
    o->text[o->len++] = c;
}

static struct str output_str(const struct output *o)
{
    return (struct str){o->text, o->len};
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c & 0x80);
}

// The bytes of an operator function's name at the start of s, as "operator<<"; 0 when it is none.
static size_t operator_length(struct str s)
{
    static const char *const longest_first[] = {"<=>", "<<=", ">>=", "->*", "->", "<<", ">>",
                                                "<=",  ">=",  "()",  "[]",  "<",  ">"};
    const struct str word = STR("operator");
    if (!str_starts(s, word))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(longest_first); i++) {
        struct str symbols = str_of(longest_first[i]);
        if (str_starts(str_skip(s, word.len), symbols))
            return word.len + symbols.len;
    }
    return 0;
}

// Length of the operator's name that begins at i, which is not inside of a word.
static size_t operator_at(struct str s, size_t i)
{
    bool begins = s.ptr[i] == 'o' && (i == 0 || !is_word(s.ptr[i - 1]));
    return begins ? operator_length(str_skip(s, i)) : 0;
}

struct str simplify_templates(struct str name, struct arena *a)
{
    struct output o = output_for(name, a);
    size_t depth = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        size_t length = operator_at(name, i);
        if (length) {
            if (depth == 0)
                add(&o, name.ptr + i, length);
            i += length - 1;
            // A blank keeps an operator's bracket from its template's.
            if (str_starts(str_skip(name, i + 1), STR(" <")))
                i++;
        } else if (c == '<') {
            depth++;
        } else if (c == '>' && depth && name.ptr[i - 1] != '-') {
            depth--;
        } else if (depth == 0) {
            add_char(&o, c);
        }
    }
    while (o.len && o.text[o.len - 1] == ' ')
        o.len--;
    return output_str(&o);
}

// The place behind the bracket that closes the one at i; the end when none does.
static size_t behind_pair(struct str s, size_t i, char open, char close)
{
    size_t depth = 0;
    for (; i < s.len; i++) {
        if (s.ptr[i] == open)
            depth++;
        else if (s.ptr[i] == close && --depth == 0)
            return i + 1;
    }
    return s.len;
}

// Whether a scope follows, behind a function's qualifiers.
static bool has_scope(struct str s)
{
    static const char *const qualifier[] = {" const", " volatile", "&"};
    for (size_t i = 0; i < ARRAY_LEN(qualifier); i++) {
        if (str_starts(s, str_of(qualifier[i])))
            s = str_skip(s, strlen(qualifier[i]));
    }
    return str_starts(s, STR("::"));
}

// Whether the parenthesis at i opens the parameters of a function that something is inside of.
static bool is_enclosing(struct str s, size_t i)
{
    struct str before = {s.ptr, i};
    return !str_starts(str_skip(s, i), STR("(anonymous ")) && !str_ends(before, STR("decltype")) &&
           has_scope(str_skip(s, behind_pair(s, i, '(', ')')));
}

struct str simplify_enclosing(struct str name, struct arena *a)
{
    struct output o = output_for(name, a);
    for (size_t i = 0; i < name.len; i++) {
        size_t length = operator_at(name, i);
        if (length) {
            add(&o, name.ptr + i, length);
            i += length - 1;
        } else if (name.ptr[i] == '(' && is_enclosing(name, i)) {
            add(&o, "()", 2);
            i = behind_pair(name, i, '(', ')') - 1;
        } else {
            add_char(&o, name.ptr[i]);
        }
    }
    return output_str(&o);
}

struct str simplify_brackets(struct str name, struct arena *a)
{
    struct output o = output_for(name, a);
    for (size_t i = 0; i < name.len; i++) {
        size_t length = operator_at(name, i);
        if (o.len && name.ptr[i] == '>' && o.text[o.len - 1] == '>')
            add(&o, " ", 1);
        add(&o, name.ptr + i, length ? length : 1);
        i += length ? length - 1 : 0;
    }
    return output_str(&o);
}

struct str simplify_clones(struct str name)
{
    i64 at = str_find(name, STR(" [clone "));
    if (at >= 0)
        name.len = (size_t)at;
    return name;
}

// Length of the name without its last part, and the "::" before that; 0 when there is but one.
static size_t scope_length(struct str name)
{
    for (size_t i = name.len; i >= 2; i--) {
        if (name.ptr[i - 1] == ':' && name.ptr[i - 2] == ':')
            return i - 2;
    }
    return 0;
}

struct str simplify_constructor(struct str name, struct arena *a)
{
    struct str class = {name.ptr, scope_length(name)};
    size_t outer = scope_length(class);
    if (class.len == 0)
        return name;
    return arena_printf(a, "%.*s::%.*s", STR_ARG(class),
                        STR_ARG(str_skip(class, outer ? outer + 2 : 0)));
}

// The place behind the bracket that closes the one at i, which an arrow does not.
static size_t behind_angles(struct str s, size_t i)
{
    size_t depth = 0;
    for (; i < s.len; i++) {
        if (s.ptr[i] == '<')
            depth++;
        else if (s.ptr[i] == '>' && s.ptr[i - 1] != '-' && --depth == 0)
            return i + 1;
    }
    return s.len;
}

struct str simplify_generics(struct str name, struct arena *a)
{
    struct output o = output_for(name, a);
    for (size_t i = 0; i < name.len; i++) {
        // Brackets at the start of a path are its type's: "<T as Trait>::f".
        if (name.ptr[i] == '<' && i && (is_word(name.ptr[i - 1]) || name.ptr[i - 1] == ':')) {
            add(&o, "<>", 2);
            i = behind_angles(name, i) - 1;
        } else {
            add_char(&o, name.ptr[i]);
        }
    }
    return output_str(&o);
}

struct str simplify_d(struct str name, bool keep_templates, struct arena *a)
{
    struct output o = output_for(name, a);
    for (size_t i = 0; i < name.len; i++) {
        bool is_template = i && name.ptr[i - 1] == '!';
        if (name.ptr[i] != '(') {
            add_char(&o, name.ptr[i]);
            continue;
        }
        size_t end = behind_pair(name, i, '(', ')');
        if (is_template && keep_templates)
            add(&o, name.ptr + i, end - i);
        else if (is_template)
            o.len--;
        i = end - 1;
    }
    return output_str(&o);
}

struct str simplify_pairs(struct str name, char open, char close, struct arena *a)
{
    struct output o = output_for(name, a);
    size_t depth = 0, first = 0; // where the open pair begins, in the output
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        add_char(&o, c);
        if (c == open && depth++ == 0)
            first = o.len - 1;
        if (c != close)
            continue;
        if (depth == 0) {
            add(&o, name.ptr + i + 1, name.len - i - 1);
            break;
        }
        if (--depth == 0)
            o.len = first;
    }
    return output_str(&o);
}
