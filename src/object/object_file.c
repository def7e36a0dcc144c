#include "object/object_file.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parallel.h"
#include "object/build_id.h"
#include "object/sections.h"

#define KERNEL_HALF 0x8000000000000000 // of the address space

// Whether a file refers to a pipe or a device, to open which might take for ever.  Names may be
// relative to the file's folder.
static bool is_special(const char *name, const char *file)
{
    struct stat st;
    char path[PATH_MAX];
    struct str folder = *name == '/' ? STR("") : str_folder(str_of(file));
    return (size_t)snprintf(path, sizeof(path), "%.*s%s", STR_ARG(folder), name) >= sizeof(path) ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
}

// What .gnu_debuglink or .gnu_debugaltlink names.
static int find_debug(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                      const char *file, const char *link, GElf_Word crc, char **found)
{
    if (link && is_special(link, file ? file : name))
        return -1;
    return dwfl_standard_find_debuginfo(module, user, name, base, file, link, crc, found);
}

static bool open_module(struct object_file *f, struct err *e)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = find_debug,
        .section_address = dwfl_offline_section_address,
    };
    const char *path = f->path.ptr;
    struct stat st;
    if (stat(path, &st) != 0)
        return err_errno(e, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, EINVAL, "%s is not a file", path);
    if (access(path, R_OK) != 0)
        return err_errno(e, errno, "%s", path);
    f->dwfl = dwfl_begin(&callbacks);
    if (!f->dwfl)
        return err_set(e, ENOMEM, "%s: %s", path, dwfl_errmsg(-1));
    dwfl_report_begin(f->dwfl);
    f->module = dwfl_report_elf(f->dwfl, path, path, -1, 0, false);
    dwfl_report_end(f->dwfl, NULL, NULL);
    if (f->module)
        f->elf = dwfl_module_getelf(f->module, &f->bias);
    if (!f->elf)
        return err_set(e, EBADMSG, "%s: %s", path, dwfl_errmsg(-1));
    return true;
}

static void read_build_id(struct object_file *f)
{
    const unsigned char *id;
    GElf_Addr place;
    int n = dwfl_module_build_id(f->module, &id, &place);
    if (n > 0)
        f->build_id = build_id_hex(id, (size_t)n, f->arena);
}

static void read_segments(struct object_file *f)
{
    size_t n;
    GElf_Ehdr header;
    if (!gelf_getehdr(f->elf, &header) || elf_getphdrnum(f->elf, &n) != 0)
        return;
    struct load_segment *segment = arena_new(f->arena, struct load_segment, n);
    f->load = (struct load){.segment = segment, .type = header.e_type};
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr h;
        if (gelf_getphdr(f->elf, (int)i, &h) && h.p_type == PT_LOAD)
            segment[f->load.nsegment++] = (struct load_segment){
                .offset = h.p_offset,
                .file_bytes = h.p_filesz,
                .address = h.p_vaddr,
                .memory_bytes = h.p_memsz,
                .is_code = h.p_flags & PF_X,
            };
    }
}

// How good a name is: functions before labels, what the program's other files see, and the first.
static u32 rank_of(const GElf_Sym *symbol, u32 row)
{
    enum { ROW_BITS = 28 };
    u32 binding = (u32)GELF_ST_BIND(symbol->st_info);
    u32 rank =
        (GELF_ST_TYPE(symbol->st_info) != STT_NOTYPE ? 4U : 0U) + (binding == STB_GLOBAL ? 2U
                                                                   : binding == STB_WEAK ? 1U
                                                                                         : 0U);
    return (rank + 1) << ROW_BITS | (~row & ((1U << ROW_BITS) - 1));
}

static bool is_code_symbol(const GElf_Sym *symbol, const char *name)
{
    u32 type = (u32)GELF_ST_TYPE(symbol->st_info);
    // "$x" and the like mark what instruction set follows.
    return name && *name && *name != '$' && symbol->st_shndx != SHN_UNDEF &&
           (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

// Without the version that symbols of libraries have: "memcpy@@GLIBC_2.14".
static struct str without_version(const char *name)
{
    struct str text = str_of(name);
    return str_cut(&text, '@');
}

// The end of the section that a symbol is in, by libdwfl's addresses.
static u64 section_end(Elf *elf, const GElf_Sym *symbol, GElf_Word section, u64 address)
{
    GElf_Shdr h;
    if (!elf || section >= SHN_LORESERVE || !gelf_getshdr(elf_getscn(elf, section), &h))
        return address;
    return address + (h.sh_addr + h.sh_size - symbol->st_value);
}

static void read_name(struct object_file *f, int row)
{
    GElf_Sym symbol;
    GElf_Addr address;
    GElf_Word section = 0;
    Elf *elf = NULL;
    const char *text =
        dwfl_module_getsym_info(f->module, row, &symbol, &address, &section, &elf, NULL);
    if (!is_code_symbol(&symbol, text))
        return;
    struct name *name = names_add(&f->names);
    name->address = address - f->bias;
    name->is_sized = symbol.st_size != 0;
    name->end = name->is_sized ? name->address + symbol.st_size
                               : section_end(elf, &symbol, section, name->address);
    name->rank = rank_of(&symbol, (u32)row);
    name->text = without_version(text);
}

static void read_names(struct object_file *f)
{
    for (int row = 0; row < f->nsymbol; row++)
        read_name(f, row);
    names_sort(&f->names);
}

// The symbol that a kernel's mapping begins at.
static void find_kernel_text(struct object_file *f)
{
    for (u32 i = 0; i < f->load.nsegment; i++) {
        const struct load_segment *s = &f->load.segment[i];
        if (!s->is_code || s->address < KERNEL_HALF)
            continue;
        for (u32 row = 1; row < f->names.nname && f->load.kernel_text == 0; row++) {
            if (str_equal(f->names.name[row].text, STR("_stext")))
                f->load.kernel_text = f->names.name[row].address;
        }
        return;
    }
}

// dwz moves what several files share into one more file.
static void read_alt(struct object_file *f, Dwarf *dwarf)
{
    const char *name;
    const void *id;
    if (dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id) <= 0)
        return;
    Dwarf *alt = is_special(name, f->debug_path.ptr) ? NULL : dwarf_getalt(dwarf);
    if (!alt) {
        f->lost = arena_str(f->arena, str_of(name));
        return;
    }
    sections_read(&f->alt, dwarf_getelf(alt), false, f->arena);
    dwarf_open(&f->alt, f->arena);
    f->dwarf.alt = &f->alt;
}

static void find_dwarf(struct object_file *f)
{
    Dwarf_Addr bias = f->bias;
    const char *main_path = NULL, *debug_path = NULL;
    Dwarf *dwarf = dwfl_module_getdwarf(f->module, &bias);
    Elf *elf = dwarf ? dwarf_getelf(dwarf) : f->elf;
    f->dwarf_shift = f->bias - bias;
    sections_add_code(&f->code, elf);
    extents_sort(&f->code);
    f->dwarf.code = f->code.nextent ? &f->code : NULL;
    sections_read(&f->dwarf, elf, false, f->arena);
    dwfl_module_info(f->module, NULL, NULL, NULL, NULL, NULL, &main_path, &debug_path);
    f->debug_path = arena_str(f->arena, debug_path ? str_of(debug_path) : f->path);
    if (dwarf)
        read_alt(f, dwarf);
}

// The two things that take long in large files, at the same time.  Only the first asks libdwfl.
static void read_part(void *context, u32 part)
{
    struct object_file *f = context;
    if (part == 0)
        read_names(f);
    else
        dwarf_open(&f->dwarf, f->arena);
}

bool object_file_open(struct object_file *f, const char *path, bool names_only, struct arena *a,
                      struct err *e)
{
    *f = (struct object_file){.arena = a, .path = arena_str(a, str_of(path))};
    arena_init(&f->names_arena, SIZE_MAX);
    names_init(&f->names, &f->names_arena);
    extents_init(&f->code, a);
    elf_version(EV_CURRENT);
    if (!open_module(f, e)) {
        object_file_close(f);
        return false;
    }
    read_build_id(f);
    read_segments(f);
    f->nsymbol = dwfl_module_getsymtab(f->module);
    if (!names_only)
        find_dwarf(f);
    parallel_run(read_part, f, names_only ? 1 : 2);
    find_kernel_text(f);
    return true;
}

void object_file_close(struct object_file *f)
{
    if (f->dwfl)
        dwfl_end(f->dwfl);
    f->dwfl = NULL;
    arena_free(&f->names_arena);
}
