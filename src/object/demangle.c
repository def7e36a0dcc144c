#include "object/demangle.h"

#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

// Length of the operator's symbols that s begins with and that hold an angle bracket, such as "<<="
// or "->"; 0 when it has none.
static size_t operator_length(struct str s)
{
    static const char *const longest_first[] = {"<=>", "<<=", ">>=", "->*", "->", "<<",
                                                ">>",  "<=",  ">=",  "<",   ">"};
    for (size_t i = 0; i < ARRAY_LEN(longest_first); i++) {
        struct str symbols = str_of(longest_first[i]);
        if (str_starts(s, symbols))
            return symbols.len;
    }
    return 0;
}

// Leaves out the arguments of templates: "std::vector<int>::push_back" becomes
// "std::vector::push_back".
static struct str strip_templates(struct str s, struct arena *a)
{
    const struct str word = STR("operator");
    char *out = arena_alloc(a, s.len + 1, 1);
    size_t n = 0, depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (depth == 0 && str_starts(str_skip(s, i), word)) {
            // An operator's own brackets are no template's; a template's follow them after a blank.
            size_t length = word.len + operator_length(str_skip(s, i + word.len));
            memcpy(out + n, s.ptr + i, length);
            n += length;
            i += length - 1;
        } else if (c == '<') {
            depth++;
        } else if (c == '>' && depth) {
            depth--;
        } else if (depth == 0) {
            out[n++] = c;
        }
    }
    while (n && out[n - 1] == ' ')
        n--;
    return (struct str){out, n};
}

static bool is_rust(const char *symbol)
{
    // Legacy names end with "17h" and 16 hexadecimal digits and an E.
    size_t n = strlen(symbol);
    return strncmp(symbol, "_R", 2) == 0 ||
           (strncmp(symbol, "_ZN", 3) == 0 && n > 20 && strncmp(symbol + n - 20, "17h", 3) == 0 &&
            symbol[n - 1] == 'E' && strspn(symbol + n - 17, "0123456789abcdef") == 16);
}

// The symbol as libiberty writes it with these options; as it is when it is no mangled name.
static struct str plain(struct str symbol, int options, struct arena *a)
{
    if (!str_starts(symbol, STR("_Z")) && !str_starts(symbol, STR("_R")))
        return symbol;
    const char *text = arena_str(a, symbol).ptr;
    char *found = is_rust(text) ? rust_demangle(text, options) : cplus_demangle_v3(text, options);
    struct str name = found ? arena_str(a, str_of(found)) : symbol;
    free(found);
    return name;
}

struct str demangle(struct str symbol, struct arena *a)
{
    struct str name = plain(symbol, DMGL_NO_OPTS, a);
    bool is_plain = name.ptr == symbol.ptr || is_rust(arena_str(a, symbol).ptr);
    return is_plain ? name : strip_templates(name, a);
}

struct str demangle_templates(struct str symbol, struct arena *a)
{
    return plain(symbol, DMGL_NO_OPTS, a);
}

struct str demangle_whole(struct str symbol, struct arena *a)
{
    return plain(symbol, DMGL_ANSI | DMGL_PARAMS, a);
}
