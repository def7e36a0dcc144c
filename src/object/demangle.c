#include "object/demangle.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

#include "base/buf.h"
#include "object/simplify.h"

enum {
    MOST_NAME_BYTES = 1 << 16, // of a source name: a short symbol can stand for one without end
    MOST_D_BYTES = 1 << 10,    // of a symbol of D, whose demangler cannot be stopped
};

// What libiberty prints, until it is too much.
struct printing {
    struct buf text;
    jmp_buf too_long;
};

static void on_text(const char *text, size_t n, void *printing)
{
    struct printing *p = printing;
    buf_add(&p->text, (struct str){text, n});
    if (p->text.full)
        longjmp(p->too_long, 1);
}

typedef int print_function(const char *symbol, int options, demangle_callbackref on_text,
                           void *context);

// What one of libiberty's demanglers makes of the symbol; false when it is nothing.
static bool print(struct str *name, print_function *function, const char *symbol, int options,
                  struct arena *a)
{
    struct printing p;
    volatile bool done = false; // across longjmp(); they allocate on the stack alone
    buf_init(&p.text, MOST_NAME_BYTES);
    if (setjmp(p.too_long) == 0)
        done = function(symbol, options, on_text, &p) != 0;
    if (done)
        *name = arena_str(a, buf_str(&p.text));
    buf_free(&p.text);
    return done;
}

// Legacy names end with "17h", 16 hexadecimal digits and an E, and what the compiler then adds.
static bool is_legacy_rust(struct str symbol)
{
    enum { HASH = 20 };
    while (symbol.len && symbol.ptr[symbol.len - 1] != 'E')
        symbol.len--;
    const char *end = symbol.ptr + symbol.len;
    return str_starts(symbol, STR("_ZN")) && symbol.len > HASH + 3 &&
           memcmp(end - HASH, "17h", 3) == 0 && strspn(end - HASH + 3, "0123456789abcdef") == 16;
}

static bool demangle_rust(struct str *name, struct str symbol, enum demangle_mode mode,
                          struct arena *a)
{
    bool is_v0 = str_starts(symbol, STR("_R"));
    if ((!is_v0 && !is_legacy_rust(symbol)) ||
        !print(name, rust_demangle_callback, symbol.ptr, DMGL_NO_OPTS, a))
        return false;
    if (is_v0 && mode == DEMANGLE_DEFAULT)
        *name = simplify_generics(*name, a);
    return true;
}

// Whether it is a template's constructor that was inherited ("CI1", "CI2", "CI4" behind the
// template), which libiberty calls by the name of the class that it is from.
static bool is_inherited(struct str symbol)
{
    const struct str mark = STR("ECI");
    i64 at = str_find(symbol, mark);
    struct str kind = str_skip(symbol, at < 0 ? symbol.len : (size_t)at + mark.len);
    return kind.len && kind.ptr[0] >= '1' && kind.ptr[0] <= '5';
}

static bool demangle_cplus(struct str *name, struct str symbol, enum demangle_mode mode,
                           struct arena *a)
{
    bool is_full = mode == DEMANGLE_FULL || mode == DEMANGLE_BINUTILS;
    int options = is_full ? DMGL_PARAMS | DMGL_ANSI : DMGL_NO_OPTS;
    if ((!str_starts(symbol, STR("_Z")) && !str_starts(symbol, STR("_GLOBAL_"))) ||
        !print(name, cplus_demangle_v3_callback, symbol.ptr, options, a))
        return false;
    if (mode == DEMANGLE_BINUTILS)
        return true;
    *name = simplify_clones(*name);
    if (mode == DEMANGLE_DEFAULT)
        *name = simplify_templates(*name, a);
    else
        *name = simplify_brackets(*name, a);
    if (mode != DEMANGLE_FULL)
        *name = simplify_enclosing(*name, a);
    if (mode == DEMANGLE_DEFAULT && is_inherited(symbol))
        *name = simplify_constructor(*name, a);
    return true;
}

static bool demangle_d(struct str *name, struct str symbol, enum demangle_mode mode,
                       struct arena *a)
{
    bool is_d = mode != DEMANGLE_BINUTILS && str_starts(symbol, STR("_D")) && symbol.len > 3 &&
                symbol.len <= MOST_D_BYTES && strchr("0123456789m", symbol.ptr[2]);
    char *plain = is_d ? dlang_demangle(symbol.ptr, DMGL_NO_OPTS) : NULL;
    if (!plain)
        return false;
    *name = arena_str(a, str_of(plain));
    free(plain);
    if (mode != DEMANGLE_FULL)
        *name = simplify_d(*name, mode == DEMANGLE_TEMPLATES, a);
    return true;
}

static bool demangle_any(struct str *name, struct str symbol, enum demangle_mode mode,
                         struct arena *a)
{
    return demangle_rust(name, symbol, mode, a) || demangle_cplus(name, symbol, mode, a) ||
           demangle_d(name, symbol, mode, a);
}

// As pprof guesses it, sparing names of Java ("a.<init>") and Go ("a.(*B[...]).c").
static bool looks_like_cplus(struct str name)
{
    if (str_find(name, STR(".<")) >= 0 || str_find(name, STR("]).")) >= 0)
        return false;
    return str_find(name, STR("::")) >= 0 || memchr(name.ptr, '<', name.len) ||
           memchr(name.ptr, '>', name.len) || memchr(name.ptr, '[', name.len) ||
           memchr(name.ptr, ']', name.len);
}

struct str demangle(struct str symbol, enum demangle_mode mode, struct arena *a)
{
    struct str name;
    if (mode == DEMANGLE_NONE || symbol.len == 0)
        return symbol;
    if (symbol.ptr[0] == '_') {
        symbol = arena_str(a, symbol);
        // Some systems put another '_' in front.
        if (demangle_any(&name, symbol, mode, a) ||
            demangle_any(&name, str_skip(symbol, 1), mode, a))
            return name;
    }
    if (mode == DEMANGLE_FULL || mode == DEMANGLE_BINUTILS || !looks_like_cplus(symbol))
        return symbol;
    name = simplify_pairs(symbol, '(', ')', a);
    return mode == DEMANGLE_DEFAULT ? simplify_pairs(name, '<', '>', a) : name;
}
