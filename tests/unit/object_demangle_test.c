// Names as people write them, in pprof's modes.
#include "object/demangle.h"

#include <stdlib.h>
#include <string.h>

#include "../tap.h"

struct fact {
    const char *symbol, *plain, *templates, *full;
};

static const struct fact facts[] = {
    // C++
    {"_ZN3foo3barIiE3bazERKSs", "foo::bar::baz", "foo::bar<int>::baz",
     "foo::bar<int>::baz(std::string const&)"},
    {"_Z3maxIiET_S0_S0_", "max", "max<int>", "int max<int>(int, int)"},
    {"_ZN1AlsIiEERS_T_", "A::operator<<", "A::operator<< <int>", "A& A::operator<< <int>(int)"},
    {"_ZNK1AltERKS_", "A::operator<", "A::operator<", "A::operator<(A const&) const"},
    {"_ZNK1AclEi", "A::operator()", "A::operator()", "A::operator()(int) const"},
    {"_ZNSt6vectorIS_IiSaIiEESaIS1_EED1Ev", "std::vector::~vector",
     "std::vector<std::vector<int, std::allocator<int> >, std::allocator<std::vector<int, "
     "std::allocator<int> > > >::~vector",
     "std::vector<std::vector<int, std::allocator<int> >, std::allocator<std::vector<int, "
     "std::allocator<int> > > >::~vector()"},
    {"_ZZNK1AclEiENKUlcE_clEc", "A::operator()() const::{lambda(char)#1}::operator()",
     "A::operator()() const::{lambda(char)#1}::operator()",
     "A::operator()(int) const::{lambda(char)#1}::operator()(char) const"},
    {"_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f", "(anonymous namespace)::f",
     "(anonymous namespace)::f()"},
    {"_ZN8optionalIiECI14baseIiEEi", "optional::optional", "optional<int>::base",
     "optional<int>::base(int)"},
    {"_Z1fv.constprop.0", "f", "f", "f()"},
    {"__Z1fv", "f", "f", "f()"}, // as on macOS
    {"_ZN9hasECInfo4hereEv", "hasECInfo::here", "hasECInfo::here", "hasECInfo::here()"},
    // Rust
    {"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad",
     "core::fmt::Formatter::pad", "core::fmt::Formatter::pad"},
    {"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.123", "core::fmt::Formatter::pad",
     "core::fmt::Formatter::pad", "core::fmt::Formatter::pad"},
    {"_RNvMs_NtCs1_5alloc3vecINtB4_3VechE4push", "<alloc::vec::Vec<>>::push",
     "<alloc::vec::Vec<u8>>::push", "<alloc::vec::Vec<u8>>::push"},
    // D
    {"_D3abc3fooFiZv", "abc.foo", "abc.foo", "abc.foo(int)"},
    // What is no symbol of these: plain names, names that were demangled, other languages'.
    {"main", "main", "main", "main"},
    {"_DYNAMIC", "_DYNAMIC", "_DYNAMIC", "_DYNAMIC"},
    {"_ZN3fo", "_ZN3fo", "_ZN3fo", "_ZN3fo"},
    {"std::map<int, char>::find(int)", "std::map::find", "std::map<int, char>::find",
     "std::map<int, char>::find(int)"},
    {"a::b)(", "a::b)(", "a::b)(", "a::b)("},
    {"net/http.(*conn).serve", "net/http.(*conn).serve", "net/http.(*conn).serve",
     "net/http.(*conn).serve"},
    {"main.(*list[...]).push", "main.(*list[...]).push", "main.(*list[...]).push",
     "main.(*list[...]).push"},
    {"java.util.List.<init>", "java.util.List.<init>", "java.util.List.<init>",
     "java.util.List.<init>"},
    {"", "", "", ""},
};

static void check(const char *symbol, enum demangle_mode mode, const char *wanted, struct arena *a)
{
    struct str name = demangle(str_of(symbol), mode, a);
    bool same = str_equal(name, str_of(wanted));
    ok(same, "mode %d: %s", (int)mode, symbol);
    if (!same)
        printf("#  got: %.*s\n# want: %s\n", STR_ARG(name), wanted);
}

// A symbol of some hundred bytes stands for a name of 2^n parts: A<A<...>, A<...>>.
static void hostile_names(struct arena *a)
{
    enum { PARTS = 34, DEPTH = 20000 };
    char symbol[16 * PARTS] = "_Z1f1AIiiE";
    size_t n = strlen(symbol);
    for (int i = 0; i < PARTS; i++) {
        char last = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i];
        n += (size_t)snprintf(symbol + n, sizeof(symbol) - n, "S_IS%c_S%c_E", last, last);
    }
    struct str few = demangle((struct str){symbol, 40}, DEMANGLE_FULL, a);
    ok(str_starts(few, STR("f(A<int, int>, A<A<int, int>, ")), "a symbol that refers to itself");
    struct str name = demangle((struct str){symbol, n}, DEMANGLE_FULL, a);
    ok(str_equal(name, (struct str){symbol, n}), "the same, too often: its name has no end");

    char *deep = malloc(DEPTH + 8);
    memcpy(deep, "_Z1f", 4);
    memset(deep + 4, 'P', DEPTH);
    memcpy(deep + 4 + DEPTH, "i", 2);
    name = demangle(str_of(deep), DEMANGLE_FULL, a);
    ok(name.len >= DEPTH, "pointers to pointers, twenty thousand times");
    free(deep);
}

static u32 random_byte(void)
{
    static const char common[] = "_ZNSt3IEKRPcvT0_Li1EUlvE_D1Ev17h.R5CsB_";
    return rand() % 8 ? (u8)common[(u32)rand() % (sizeof(common) - 1)] : (u32)rand() & 255;
}

static void random_names(struct arena *a)
{
    size_t longest = 0;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        char symbol[80] = "_Z";
        size_t n = 2 + (u32)rand() % 76;
        for (size_t k = 2; k < n; k++)
            symbol[k] = (char)random_byte();
        symbol[1] = i % 4 ? 'Z' : 'R';
        struct str name = demangle((struct str){symbol, n}, (enum demangle_mode)(i % 3), a);
        longest = name.len > longest ? name.len : longest;
    }
    ok(longest < 1 << 18, "20000 random symbols end; the longest name has %zu bytes", longest);
}

int main(void)
{
    struct arena a;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        check(facts[i].symbol, DEMANGLE_DEFAULT, facts[i].plain, &a);
        check(facts[i].symbol, DEMANGLE_TEMPLATES, facts[i].templates, &a);
        check(facts[i].symbol, DEMANGLE_FULL, facts[i].full, &a);
        check(facts[i].symbol, DEMANGLE_NONE, facts[i].symbol, &a);
    }
    hostile_names(&a);
    random_names(&a);
    arena_free(&a);
    return done();
}
