#include "object/sections.h"

#include <gelf.h>

#include "base/compress.h"

enum { MOST_BYTES_GIB = 16, ZSTD = 2 }; // of a section; ELFCOMPRESS_ZSTD, newer than some elf.h

// Behind ".debug_", or GNU's older ".zdebug_".
static const char *const names[DWARF_NSECTION] = {
    [DWARF_INFO] = "info", [DWARF_ABBREV] = "abbrev",     [DWARF_LINE] = "line",
    [DWARF_STR] = "str",   [DWARF_LINE_STR] = "line_str", [DWARF_STR_OFFSETS] = "str_offsets",
    [DWARF_ADDR] = "addr", [DWARF_RANGES] = "ranges",     [DWARF_RNGLISTS] = "rnglists",
};

// The row of a section's name; DWARF_NSECTION when it is none of them.
static u32 find_name(struct str name, bool is_split)
{
    const struct str split = STR(".dwo");
    if (str_ends(name, split) != is_split)
        return DWARF_NSECTION;
    if (is_split)
        name.len -= split.len;
    if (str_starts(name, STR(".debug_")))
        name = str_skip(name, 7);
    else if (str_starts(name, STR(".zdebug_")))
        name = str_skip(name, 8);
    else
        return DWARF_NSECTION;
    u32 row = 0;
    while (row < DWARF_NSECTION && !str_equal(name, str_of(names[row])))
        row++;
    return row;
}

static struct str data_of(Elf_Scn *section)
{
    Elf_Data *data = elf_getdata(section, NULL);
    return data && data->d_buf ? (struct str){data->d_buf, data->d_size} : STR("");
}

static struct str unpack_zstd(Elf_Scn *section, const GElf_Chdr *h, Elf *elf, struct arena *a)
{
    struct str bytes = data_of(section), out;
    size_t header = gelf_getclass(elf) == ELFCLASS64 ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
    struct err e;
    return bytes.len > header && zstd_decode(&out, str_skip(bytes, header), h->ch_size, a, &e)
               ? out
               : STR("");
}

// The section's bytes.  Libelf knows zlib, and from version 0.189 on zstd.
static struct str contents(Elf_Scn *section, Elf *elf, struct arena *a)
{
    GElf_Shdr h;
    GElf_Chdr packed;
    if (!gelf_getshdr(section, &h) || h.sh_type == SHT_NOBITS)
        return STR("");
    if (!(h.sh_flags & SHF_COMPRESSED) || !gelf_getchdr(section, &packed))
        return data_of(section);
    if (packed.ch_size >> 30 >= MOST_BYTES_GIB)
        return STR("");
    if (elf_compress(section, 0, 0) >= 0)
        return data_of(section);
    return packed.ch_type == ZSTD ? unpack_zstd(section, &packed, elf, a) : STR("");
}

void sections_read(struct dwarf *d, Elf *elf, bool is_split, struct arena *a)
{
    const char *ident = elf_getident(elf, NULL);
    size_t strings;
    d->swap =
        ident && ident[EI_DATA] != (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB);
    if (elf_getshdrstrndx(elf, &strings) != 0)
        return;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        GElf_Shdr h;
        if (!gelf_getshdr(s, &h))
            continue;
        struct str name = str_of(elf_strptr(elf, strings, h.sh_name));
        u32 row = find_name(name, is_split);
        if (row == DWARF_NSECTION || d->section[row].len)
            continue;
        if (str_starts(name, STR(".z")))
            elf_compress_gnu(s, 0, 0);
        d->section[row] = contents(s, elf, a);
    }
}

void sections_add_code(struct extents *code, Elf *elf)
{
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        GElf_Shdr h;
        const u64 wanted = SHF_ALLOC | SHF_EXECINSTR;
        if (gelf_getshdr(s, &h) && (h.sh_flags & wanted) == wanted)
            extents_add(code, h.sh_addr, h.sh_addr + h.sh_size, 1);
    }
}
