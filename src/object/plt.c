#include "object/plt.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

enum { STUB_BYTES = 16, VERSION_MASK = 0x7fff };

struct reader {
    Elf *elf;
    struct arena *arena;
    struct plt out;
    struct str *version; // by number, of the symbols that other files define
    u32 nversion, version_cap;
    Elf_Data *symbols, *versions; // of .dynsym, by the same rows; NULL: there are none
    size_t texts;                 // the section with the names
};

static struct str text_at(const struct reader *r, size_t section, size_t offset)
{
    return str_of(elf_strptr(r->elf, section, offset));
}

static void add_version(struct reader *r, u32 number, struct str text)
{
    number &= VERSION_MASK;
    while (r->nversion <= number)
        arena_push(r->arena, r->version, r->nversion, r->version_cap);
    r->version[number] = text;
}

// A list of files, with a list of versions for each; both are linked by distances.
static void read_needed(struct reader *r, Elf_Scn *section, const GElf_Shdr *h)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Verneed file;
    size_t at = 0;
    while (data && at <= INT32_MAX && gelf_getverneed(data, (int)at, &file)) {
        size_t inner = at + file.vn_aux;
        GElf_Vernaux v;
        for (u32 i = 0; i < file.vn_cnt && inner <= INT32_MAX; i++) {
            if (!gelf_getvernaux(data, (int)inner, &v))
                break;
            add_version(r, v.vna_other, text_at(r, h->sh_link, v.vna_name));
            inner += v.vna_next;
        }
        if (file.vn_next == 0)
            break;
        at += file.vn_next;
    }
}

static Elf_Scn *find_section(const struct reader *r, u32 type, GElf_Shdr *h)
{
    for (Elf_Scn *s = elf_nextscn(r->elf, NULL); s; s = elf_nextscn(r->elf, s)) {
        if (gelf_getshdr(s, h) && h->sh_type == type)
            return s;
    }
    return NULL;
}

static void read_symbols(struct reader *r)
{
    GElf_Shdr h;
    Elf_Scn *s = find_section(r, SHT_DYNSYM, &h);
    if (s) {
        r->symbols = elf_getdata(s, NULL);
        r->texts = h.sh_link;
    }
    if ((s = find_section(r, SHT_GNU_versym, &h)) != NULL)
        r->versions = elf_getdata(s, NULL);
    if ((s = find_section(r, SHT_GNU_verneed, &h)) != NULL)
        read_needed(r, s, &h);
}

// "puts@GLIBC_2.2.5"; without a version where there is none, empty without a symbol.
static struct str symbol_text(const struct reader *r, size_t row)
{
    GElf_Sym symbol;
    GElf_Versym version;
    if (row == 0 || !gelf_getsym(r->symbols, (int)row, &symbol))
        return STR("");
    struct str text = text_at(r, r->texts, symbol.st_name);
    if (!r->versions || !gelf_getversym(r->versions, (int)row, &version) || text.len == 0)
        return text;
    u32 number = version & VERSION_MASK;
    if (number >= r->nversion || r->version[number].len == 0)
        return text;
    return arena_printf(r->arena, "%.*s@%.*s", STR_ARG(text), STR_ARG(r->version[number]));
}

static void read_words(struct reader *r)
{
    for (Elf_Scn *s = elf_nextscn(r->elf, NULL); s; s = elf_nextscn(r->elf, s)) {
        GElf_Shdr h;
        GElf_Rela rel;
        if (!gelf_getshdr(s, &h) || h.sh_type != SHT_RELA || !(h.sh_flags & SHF_ALLOC))
            continue;
        Elf_Data *data = elf_getdata(s, NULL);
        for (int i = 0; data && gelf_getrela(data, i, &rel); i++) {
            struct str text = symbol_text(r, GELF_R_SYM(rel.r_info));
            if (text.len)
                *arena_push(r->arena, r->out.word, r->out.nword, r->out.word_cap) =
                    (struct plt_entry){rel.r_offset, 8, text};
        }
    }
}

static int by_address(const void *a, const void *b)
{
    const struct plt_entry *l = a, *r = b;
    return (l->address > r->address) - (l->address < r->address);
}

static const struct plt_entry *find_word(const struct reader *r, u64 address)
{
    struct plt_entry key = {.address = address};
    return r->out.nword ? bsearch(&key, r->out.word, r->out.nword, sizeof(key), by_address) : NULL;
}

static u32 word32(const u8 *bytes)
{
    u32 w;
    memcpy(&w, bytes, sizeof(w));
    return w;
}

// The word that the stub at address jumps through; 0 when it is no stub.  There may be an endbr64
// before the jump, and a bnd before its opcode.
static u64 x86_target(const u8 *stub, size_t n, u64 address)
{
    static const u8 endbr[] = {0xf3, 0x0f, 0x1e, 0xfa};
    size_t at = n >= 4 && memcmp(stub, endbr, 4) == 0 ? 4 : 0;
    if (at < n && stub[at] == 0xf2)
        at++;
    if (at + 6 > n || stub[at] != 0xff || stub[at + 1] != 0x25) // jmp *disp(%rip)
        return 0;
    return address + at + 6 + (u64)(i64)(i32)word32(stub + at + 2);
}

// The same: bti c may come before adrp x16, page; ldr x17, [x16, #offset].
static u64 arm_target(const u8 *stub, size_t n, u64 address)
{
    size_t at = n >= 4 && word32(stub) == 0xd503245f ? 4 : 0;
    if (at + 8 > n)
        return 0;
    u32 adrp = word32(stub + at), ldr = word32(stub + at + 4);
    if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
        return 0;
    i64 pages = (i64)(i32)(((adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3)) << 11) >> 11;
    return ((address + at) & ~(u64)4095) + (u64)pages * 4096 + (ldr >> 10 & 0xfff) * 8;
}

static void add_stub(struct reader *r, u64 address, const struct plt_entry *word)
{
    struct str name = word->text;
    name = str_cut(&name, '@');
    *arena_push(r->arena, r->out.stub, r->out.nstub, r->out.stub_cap) =
        (struct plt_entry){address, STUB_BYTES, arena_printf(r->arena, "%.*s@plt", STR_ARG(name))};
}

static void read_stubs(struct reader *r, Elf_Scn *section, const GElf_Shdr *h, bool is_x86)
{
    Elf_Data *data = elf_getdata(section, NULL);
    const u8 *bytes = data ? data->d_buf : NULL;
    size_t step = is_x86 ? 8 : 4, n = bytes ? data->d_size : 0;
    for (size_t at = 0; at < n; at += step) {
        u64 address = h->sh_addr + at;
        u64 target = is_x86 ? x86_target(bytes + at, n - at, address)
                            : arm_target(bytes + at, n - at, address);
        const struct plt_entry *word = target ? find_word(r, target) : NULL;
        if (!word)
            continue;
        add_stub(r, address, word);
        at += STUB_BYTES / 2 - step; // past bti, so that its stub is seen once
    }
}

struct plt plt_read(Elf *elf, struct arena *a)
{
    struct reader r = {.elf = elf, .arena = a};
    GElf_Ehdr header;
    size_t names;
    if (!gelf_getehdr(elf, &header) || elf_getshdrstrndx(elf, &names) != 0 ||
        (header.e_machine != EM_X86_64 && header.e_machine != EM_AARCH64))
        return r.out;
    read_symbols(&r);
    if (!r.symbols)
        return r.out;
    read_words(&r);
    if (r.out.nword)
        qsort(r.out.word, r.out.nword, sizeof(*r.out.word), by_address);
    for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
        GElf_Shdr h;
        if (gelf_getshdr(s, &h) && h.sh_type == SHT_PROGBITS &&
            str_starts(text_at(&r, names, h.sh_name), STR(".plt")))
            read_stubs(&r, s, &h, header.e_machine == EM_X86_64);
    }
    return r.out;
}
