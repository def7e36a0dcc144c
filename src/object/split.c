#include "object/split.h"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object/sections.h"

enum {
    INDEX_HEADER_BYTES = 16,
    MOST_COLUMNS = 16,
};

static Elf *open_elf(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe would make it wait
    if (fd < 0)
        return NULL;
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    Elf *elf = is_file ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
    if (elf && (elf_kind(elf) != ELF_K_ELF || elf_cntl(elf, ELF_C_FDREAD) != 0)) {
        elf_end(elf);
        elf = NULL;
    }
    close(fd);
    return elf;
}

static struct str section_named(Elf *elf, const char *wanted)
{
    size_t strings;
    if (elf_getshdrstrndx(elf, &strings) != 0)
        return STR("");
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        GElf_Shdr h;
        if (!gelf_getshdr(s, &h) ||
            !str_equal(str_of(elf_strptr(elf, strings, h.sh_name)), str_of(wanted)))
            continue;
        Elf_Data *data = elf_rawdata(s, NULL);
        return data && data->d_buf ? (struct str){data->d_buf, data->d_size} : STR("");
    }
    return STR("");
}

void split_open_package(struct split_file *f, struct str path, struct arena *a)
{
    *f = (struct split_file){.elf = open_elf(arena_printf(a, "%.*s.dwp", STR_ARG(path)).ptr)};
    if (!f->elf)
        return;
    sections_read(&f->whole, f->elf, true, a);
    f->index = section_named(f->elf, ".debug_cu_index");
}

void split_close(struct split_file *f)
{
    if (f->elf)
        elf_end(f->elf);
    f->elf = NULL;
}

// The package's table: slots of a hash table, then a row of offsets and one of sizes for each unit
// (https://dwarfstd.org/doc/DWARF5.pdf, 7.3.5.3; version 2 is GNU's, for DWARF 4).
struct package_index {
    struct str bytes;
    bool swap;
    u32 version, ncolumn, nunit, nslot;
};

static u32 number_at(const struct package_index *x, u64 offset)
{
    struct cursor c = cursor_at(x->bytes, offset, x->swap);
    return cursor_u32(&c);
}

static bool read_index(struct package_index *x, const struct split_file *f)
{
    struct cursor c = cursor_at(f->index, 0, f->whole.swap);
    *x = (struct package_index){.bytes = f->index, .swap = f->whole.swap};
    u32 version = cursor_u32(&c); // 32 bits, or from 5 on 16 bits and padding
    x->version = version > UINT16_MAX ? version >> 16 : version;
    x->ncolumn = cursor_u32(&c);
    x->nunit = cursor_u32(&c);
    x->nslot = cursor_u32(&c);
    return !c.bad && (x->version == 2 || x->version == 5) && x->ncolumn <= MOST_COLUMNS &&
           x->nslot <= f->index.len / 12;
}

// The unit's row, from 1 on; 0 when the package does not have it.
static u32 find_row(const struct package_index *x, u64 id)
{
    u32 mask = x->nslot - 1, step = (u32)(id >> 32 & mask) | 1, slot = (u32)id & mask;
    for (u32 i = 0; i < x->nslot; i++, slot = (slot + step) & mask) {
        struct cursor c = cursor_at(x->bytes, INDEX_HEADER_BYTES + 8 * (u64)slot, x->swap);
        u32 row = number_at(x, INDEX_HEADER_BYTES + 8 * (u64)x->nslot + 4 * (u64)slot);
        if (row == 0)
            return 0;
        if (cursor_u64(&c) == id)
            return row;
    }
    return 0;
}

// The section that a column is of; DWARF_NSECTION when it is not needed.
static u32 column_section(const struct package_index *x, u32 id)
{
    switch (id) {
    case 1:
        return DWARF_INFO;
    case 3:
        return DWARF_ABBREV;
    case 6:
        return DWARF_STR_OFFSETS;
    case 8:
        return x->version == 5 ? DWARF_RNGLISTS : DWARF_NSECTION;
    default:
        return DWARF_NSECTION;
    }
}

// Cuts the unit's part out of each section of the package.
static bool cut_unit(struct dwarf *out, const struct split_file *f, u64 id)
{
    struct package_index x;
    u32 row = read_index(&x, f) && x.nslot ? find_row(&x, id) : 0;
    if (row == 0 || row > x.nunit)
        return false;
    *out = f->whole;
    u64 ids = INDEX_HEADER_BYTES + 12 * (u64)x.nslot, offsets = ids + 4 * (u64)x.ncolumn;
    for (u32 i = 0; i < x.ncolumn; i++) {
        u64 cell = 4 * ((u64)(row - 1) * x.ncolumn + i);
        u32 section = column_section(&x, number_at(&x, ids + 4 * (u64)i));
        if (section == DWARF_NSECTION)
            continue;
        struct str part = str_skip(f->whole.section[section], number_at(&x, offsets + cell));
        u32 bytes = number_at(&x, offsets + 4 * (u64)x.nunit * x.ncolumn + cell);
        out->section[section] = (struct str){part.ptr, bytes < part.len ? bytes : part.len};
    }
    return true;
}

static bool find_in_package(struct split *s, const struct split_file *package,
                            const struct dwarf_unit *skeleton, struct arena *a)
{
    if (!package->elf || !cut_unit(&s->dwarf, package, skeleton->dwo_id))
        return false;
    s->unit = dwarf_open_split(&s->dwarf, skeleton, a);
    return s->unit;
}

static bool find_in_file(struct split *s, const struct dwarf_unit *skeleton, struct str path,
                         struct arena *a)
{
    s->file.elf = open_elf(arena_str(a, path).ptr);
    if (!s->file.elf)
        return false;
    s->dwarf = (struct dwarf){0};
    sections_read(&s->dwarf, s->file.elf, true, a);
    s->unit = dwarf_open_split(&s->dwarf, skeleton, a);
    if (!s->unit)
        split_close(&s->file);
    return s->unit;
}

void split_find(struct split *s, const struct split_file *package,
                const struct dwarf_unit *skeleton, struct str path, struct arena *a)
{
    struct str name = skeleton->dwo_name, beside = str_folder(path);
    *s = (struct split){0};
    if (find_in_package(s, package, skeleton, a))
        return;
    if (name.ptr[0] == '/'
            ? find_in_file(s, skeleton, name, a)
            : find_in_file(s, skeleton,
                           arena_printf(a, "%.*s/%.*s", STR_ARG(skeleton->folder), STR_ARG(name)),
                           a))
        return;
    // The program and its parts may have been moved together.
    if (find_in_file(s, skeleton, arena_printf(a, "%.*s%.*s", STR_ARG(beside), STR_ARG(name)), a))
        return;
    name = str_basename(name);
    find_in_file(s, skeleton, arena_printf(a, "%.*s%.*s", STR_ARG(beside), STR_ARG(name)), a);
}
