#include "object/symbols.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object/build_id.h"

struct symbols {
    struct arena *arena;
    Dwfl *dwfl;
    Dwfl_Module *module;
    Elf *elf;
    GElf_Addr bias; // of the module's addresses against the file's own
    bool has_lines;
    struct {
        GElf_Addr first, end;
        const char *name;
    } last; // symbol that was found, since libdwfl looks through all of them each time
};

static bool check_build_id(struct symbols *s, const char *path, struct str wanted, struct err *e)
{
    const unsigned char *id;
    GElf_Addr place;
    int n = dwfl_module_build_id(s->module, &id, &place);
    if (n <= 0 || wanted.len == 0)
        return true;
    struct str hex = build_id_hex(id, (size_t)n, s->arena);
    return str_equal(hex, wanted) ||
           err_set(e, EBADMSG, "%s is not the file that ran: build id %.*s, wanted %.*s", path,
                   STR_ARG(hex), STR_ARG(wanted));
}

static bool open_module(struct symbols *s, const char *path, struct err *e)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = dwfl_standard_find_debuginfo,
        .section_address = dwfl_offline_section_address,
    };
    s->dwfl = dwfl_begin(&callbacks);
    if (!s->dwfl)
        return err_set(e, ENOMEM, "%s: %s", path, dwfl_errmsg(-1));
    dwfl_report_begin(s->dwfl);
    s->module = dwfl_report_elf(s->dwfl, path, path, -1, 0, false);
    dwfl_report_end(s->dwfl, NULL, NULL);
    if (s->module)
        s->elf = dwfl_module_getelf(s->module, &s->bias);
    if (!s->elf)
        return err_set(e, EBADMSG, "%s: %s", path, dwfl_errmsg(-1));
    return true;
}

bool symbols_open(struct symbols **out, const char *path, struct str build_id, struct arena *a,
                  struct err *e)
{
    if (access(path, R_OK) != 0)
        return err_errno(e, errno, "%s", path);
    struct symbols *s = arena_new(a, struct symbols, 1);
    s->arena = a;
    if (!open_module(s, path, e) || !check_build_id(s, path, build_id, e)) {
        symbols_close(s);
        return false;
    }
    Dwarf_Addr dwarf_bias;
    s->has_lines = dwfl_module_getdwarf(s->module, &dwarf_bias) != NULL;
    *out = s;
    return true;
}

void symbols_close(struct symbols *s)
{
    if (s->dwfl)
        dwfl_end(s->dwfl);
    s->dwfl = NULL;
}

bool symbols_have_lines(const struct symbols *s)
{
    return s->has_lines;
}

bool symbols_linked(const struct symbols *s, u64 offset, u64 *address)
{
    size_t n;
    if (elf_getphdrnum(s->elf, &n) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr h;
        if (!gelf_getphdr(s->elf, (int)i, &h) || h.p_type != PT_LOAD)
            continue;
        // From the page's start on, as the kernel maps it.
        GElf_Off start = h.p_offset & ~(GElf_Off)4095;
        if (offset >= start && offset < h.p_offset + h.p_filesz) {
            *address = h.p_vaddr + (offset - h.p_offset);
            return true;
        }
    }
    return false;
}

static struct str keep(struct symbols *s, const char *text)
{
    return text ? arena_str(s->arena, str_of(text)) : STR("");
}

// The symbol that the linker would give, if there is one: declarations of C++ have it, C does not
// need it.
static const char *die_name(Dwarf_Die *die)
{
    static const unsigned int attribute[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
                                             DW_AT_name};
    for (size_t i = 0; i < ARRAY_LEN(attribute); i++) {
        Dwarf_Attribute memory;
        const char *name = dwarf_formstring(dwarf_attr_integrate(die, attribute[i], &memory));
        if (name)
            return name;
    }
    return NULL;
}

static i64 die_number(Dwarf_Die *die, unsigned int attribute)
{
    Dwarf_Attribute memory;
    Dwarf_Word value;
    return dwarf_formudata(dwarf_attr_integrate(die, attribute, &memory), &value) == 0 ? (i64)value
                                                                                       : 0;
}

// Where an inlined function was called: this is the line of the function around it.
static void call_place(struct symbols *s, Dwarf_Die *unit, Dwarf_Die *inlined,
                       struct symbol_line *caller)
{
    Dwarf_Files *files;
    size_t n;
    i64 file = die_number(inlined, DW_AT_call_file);
    caller->line = die_number(inlined, DW_AT_call_line);
    caller->column = die_number(inlined, DW_AT_call_column);
    if (file > 0 && dwarf_getsrcfiles(unit, &files, &n) == 0 && (size_t)file < n)
        caller->filename = keep(s, dwarf_filesrc(files, (size_t)file, NULL, NULL));
}

static void innermost_place(struct symbols *s, Dwarf_Die *unit, Dwarf_Addr address,
                            struct symbol_line *out)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    int number = 0, column = 0;
    if (!line)
        return;
    dwarf_lineno(line, &number);
    dwarf_linecol(line, &column);
    out->line = number;
    out->column = column;
    out->filename = keep(s, dwarf_linesrc(line, NULL, NULL));
}

// What is around an address, innermost first, as it lies in memory: libdw's scopes alone leave the
// code behind at an inlined call, for the source around the callee.
static int find_scopes(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes)
{
    Dwarf_Die *innermost = NULL;
    int n = dwarf_getscopes(unit, address, &innermost);
    n = n > 0 ? dwarf_getscopes_die(&innermost[0], scopes) : 0;
    free(innermost);
    return n;
}

// Functions from DWARF; 0 when it knows nothing of the address.
static u32 find_in_dwarf(struct symbols *s, GElf_Addr address, struct symbol_line *out, u32 cap)
{
    Dwarf_Addr bias;
    Dwarf_Die *unit = dwfl_module_addrdie(s->module, address, &bias);
    Dwarf_Die *scopes = NULL;
    int nscope = unit ? find_scopes(unit, address - bias, &scopes) : 0;
    u32 n = 0;
    if (unit)
        innermost_place(s, unit, address - bias, &out[0]);
    for (int i = 0; i < nscope && n < cap; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
            continue;
        out[n].function = keep(s, die_name(&scopes[i]));
        out[n].start_line = die_number(&scopes[i], DW_AT_decl_line);
        n++;
        if (tag == DW_TAG_subprogram)
            break;
        if (n < cap)
            call_place(s, unit, &scopes[i], &out[n]);
    }
    free(scopes);
    return n;
}

static const char *find_symbol(struct symbols *s, GElf_Addr address)
{
    if (address >= s->last.first && address < s->last.end)
        return s->last.name;
    GElf_Off distance;
    GElf_Sym symbol;
    const char *name =
        dwfl_module_addrinfo(s->module, address, &distance, &symbol, NULL, NULL, NULL);
    s->last.first = address - (name ? distance : 0);
    s->last.end = name ? s->last.first + symbol.st_size : 0;
    s->last.name = name;
    return name;
}

u32 symbols_at(struct symbols *s, u64 address, struct symbol_line *out, u32 cap)
{
    if (cap == 0)
        return 0;
    memset(out, 0, cap * sizeof(*out));
    address += s->bias;
    u32 n = s->has_lines ? find_in_dwarf(s, address, out, cap) : 0;
    const char *name = find_symbol(s, address);
    if (n == 0 && !name)
        return 0;
    // The outermost function is the one that has the symbol, whose name says more than that of a
    // declaration in C.
    if (n == 0)
        n = 1;
    if (name && (out[n - 1].function.len == 0 || strncmp(name, "_Z", 2) == 0))
        out[n - 1].function = keep(s, name);
    return n;
}

u32 symbols_find(struct symbols *s, u64 offset, struct symbol_line *out, u32 cap)
{
    u64 address;
    return symbols_linked(s, offset, &address) ? symbols_at(s, address, out, cap) : 0;
}

struct str symbols_folder(struct symbols *s, u64 address)
{
    Dwarf_Addr bias;
    Dwarf_Attribute memory;
    Dwarf_Die *unit =
        s->has_lines ? dwfl_module_addrdie(s->module, address + s->bias, &bias) : NULL;
    return unit ? keep(s, dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &memory))) : STR("");
}

struct Dwfl_Module *symbols_module(const struct symbols *s)
{
    return s->module;
}
