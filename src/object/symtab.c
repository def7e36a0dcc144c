#include "object/symtab.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>

#include "object/demangle.h"
#include "object/plt.h"

// How well a symbol tells what is at its address, in the order in which objdump prefers them.
enum rank { FUNCTION, OBJECT, OTHER };
enum { NOT_GLOBAL = 4 };

static u8 rank_of(const GElf_Sym *symbol)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    u8 rank = type == STT_FUNC || type == STT_GNU_IFUNC ? FUNCTION
              : type == STT_OBJECT                      ? OBJECT
                                                        : OTHER;
    return GELF_ST_BIND(symbol->st_info) == STB_GLOBAL ? rank : rank | NOT_GLOBAL;
}

static int by_address(const void *a, const void *b)
{
    const struct symtab_name *l = a, *r = b;
    if (l->address != r->address)
        return l->address < r->address ? -1 : 1;
    if ((l->rank ^ r->rank) & ~NOT_GLOBAL)
        return (l->rank & ~NOT_GLOBAL) - (r->rank & ~NOT_GLOBAL);
    if (l->size != r->size)
        return l->size > r->size ? -1 : 1;
    return l->rank != r->rank ? l->rank - r->rank : str_compare(l->text, r->text);
}

// Marks in the code of ARM that tell instructions from data ("$x"), and what is no place.
static bool is_wanted(const GElf_Sym *symbol, const char *text, GElf_Word section)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    return text && *text && *text != '$' && section != SHN_UNDEF && section != SHN_ABS &&
           type != STT_SECTION && type != STT_FILE && type != STT_TLS;
}

static void add_symbols(struct symtab *t, u32 *cap, Dwfl_Module *module, GElf_Addr bias,
                        struct arena *a)
{
    int n = dwfl_module_getsymtab(module);
    for (int i = 0; i < n; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        GElf_Word section;
        const char *text =
            dwfl_module_getsym_info(module, i, &symbol, &address, &section, NULL, NULL);
        if (is_wanted(&symbol, text, section))
            *arena_push(a, t->at, t->n, *cap) = (struct symtab_name){
                address - bias, symbol.st_size, arena_str(a, str_of(text)), rank_of(&symbol)};
    }
}

static void add_stubs(struct symtab *t, u32 *cap, const struct plt *plt, struct arena *a)
{
    for (u32 i = 0; i < plt->nstub; i++)
        *arena_push(a, t->at, t->n, *cap) = (struct symtab_name){
            plt->stub[i].address, plt->stub[i].size, plt->stub[i].text, FUNCTION};
}

static void add_words(struct symtab *t, const struct plt *plt, struct arena *a)
{
    t->word = arena_new(a, struct symtab_name, plt->nword);
    t->nword = plt->nword;
    for (u32 i = 0; i < plt->nword; i++)
        t->word[i] = (struct symtab_name){plt->word[i].address, plt->word[i].size,
                                          plt->word[i].text, OBJECT};
}

struct symtab symtab_read(const struct symbols *s, struct arena *a)
{
    struct symtab t = {0};
    u32 cap = 0;
    GElf_Addr bias;
    Dwfl_Module *module = symbols_module(s);
    Elf *elf = dwfl_module_getelf(module, &bias);
    add_symbols(&t, &cap, module, bias, a);
    if (elf) {
        struct plt plt = plt_read(elf, a);
        add_stubs(&t, &cap, &plt, a);
        add_words(&t, &plt, a);
    }
    if (t.n)
        qsort(t.at, t.n, sizeof(*t.at), by_address);
    return t;
}

// The first row of n whose address is above.
static u32 upper_bound(const struct symtab_name *at, u32 n, u64 address)
{
    u32 low = 0, high = n;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (at[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

u32 symtab_find(const struct symtab *t, u64 address)
{
    u32 row = upper_bound(t->at, t->n, address);
    if (row == 0)
        return t->n;
    for (row--; row && t->at[row - 1].address == t->at[row].address;)
        row--;
    return row;
}

u32 symtab_next(const struct symtab *t, u32 row)
{
    return upper_bound(t->at, t->n, t->at[row].address);
}

// What the loader puts into the word at address; NULL: it is no such word.
static const struct symtab_name *find_word(const struct symtab *t, u64 address)
{
    u32 row = upper_bound(t->word, t->nword, address);
    return row && t->word[row - 1].address == address ? &t->word[row - 1] : NULL;
}

// As people write it; what the linker added ("@plt") stays behind it.
static void write_name(struct buf *out, struct str text, struct arena *a)
{
    i64 at = str_find(text, STR("@"));
    struct str symbol = at > 0 ? (struct str){text.ptr, (size_t)at} : text;
    buf_add(out, demangle(symbol, DEMANGLE_BINUTILS, a));
    buf_add(out, str_skip(text, symbol.len));
}

void symtab_write(struct buf *out, const struct symtab *t, u64 address, struct arena *a)
{
    u32 row = symtab_find(t, address);
    const struct symtab_name *name = row < t->n ? &t->at[row] : NULL;
    const struct symtab_name *word = find_word(t, address);
    if (word && (!name || name->address != address))
        name = word;
    buf_printf(out, "%llx", (unsigned long long)address);
    if (!name)
        return;
    buf_text(out, " <");
    write_name(out, name->text, a);
    if (name->address != address)
        buf_printf(out, "+0x%llx", (unsigned long long)(address - name->address));
    buf_char(out, '>');
}
