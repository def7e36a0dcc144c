#include "object/disassembly.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <string.h>

#include "object/syntax.h"

enum { MOST_LINES = 256, ARM_BYTES = 4, LEAST_ZEROS = 8 };

bool disassembly_open(struct disassembly *d, struct symbols *s, bool is_intel, struct arena *a,
                      struct err *e)
{
    GElf_Addr bias;
    GElf_Ehdr header;
    *d = (struct disassembly){.symbols = s, .arena = a, .is_intel = is_intel};
    Elf *elf = dwfl_module_getelf(symbols_module(s), &bias);
    if (!elf || !gelf_getehdr(elf, &header))
        return err_set(e, EBADMSG, "no ELF file");
    d->machine = header.e_machine;
    cs_err failed;
    if (d->machine == EM_X86_64)
        failed = cs_open(CS_ARCH_X86, CS_MODE_64, &d->capstone);
    else if (d->machine == EM_386)
        failed = cs_open(CS_ARCH_X86, CS_MODE_32, &d->capstone);
    else if (d->machine == EM_AARCH64)
        failed = cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &d->capstone);
    else
        return err_set(e, ENOTSUP, "code of ELF machine %d is not known: only x86 and AArch64 are",
                       d->machine);
    if (failed)
        return err_set(e, ENOMEM, "capstone: %s", cs_strerror(failed));
    cs_option(d->capstone, CS_OPT_DETAIL, CS_OPT_ON);
    if (d->machine != EM_AARCH64)
        cs_option(d->capstone, CS_OPT_SYNTAX, is_intel ? CS_OPT_SYNTAX_INTEL : CS_OPT_SYNTAX_ATT);
    d->symtab = symtab_read(s, a);
    return true;
}

void disassembly_close(struct disassembly *d)
{
    if (d->capstone)
        cs_close(&d->capstone);
}

// A section of code, or a part of one.
struct code {
    const u8 *bytes;
    u64 first, end; // addresses
};

// The section that has code at address, or else the first one after it; none when end is 0.
static struct code find_code(const struct disassembly *d, u64 address)
{
    GElf_Addr bias;
    struct code found = {0};
    Elf *elf = dwfl_module_getelf(symbols_module(d->symbols), &bias);
    for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
        GElf_Shdr h;
        if (!gelf_getshdr(s, &h) || h.sh_type != SHT_PROGBITS || !(h.sh_flags & SHF_EXECINSTR))
            continue;
        Elf_Data *data = elf_rawdata(s, NULL);
        if (!data || !data->d_buf || address >= h.sh_addr + data->d_size ||
            (found.end && h.sh_addr >= found.first))
            continue;
        found = (struct code){data->d_buf, h.sh_addr, h.sh_addr + data->d_size};
    }
    return found;
}

// Where decoding can begin so that it is in step at address: the last name before it.
static u64 start_before(const struct disassembly *d, const struct code *c, u64 address)
{
    u32 row = symtab_find(&d->symtab, address);
    u64 start = row < d->symtab.n ? d->symtab.at[row].address : 0;
    return start > c->first ? start : c->first;
}

// The next name after address, where decoding begins anew.
static u64 next_start(const struct disassembly *d, const struct code *c, u64 address)
{
    u32 row = symtab_find(&d->symtab, address);
    u32 next = row < d->symtab.n ? symtab_next(&d->symtab, row) : 0;
    u64 start = next < d->symtab.n ? d->symtab.at[next].address : c->end;
    return start > address && start < c->end ? start : c->end;
}

// Instructions while they are read.
struct reading {
    struct disassembly *d;
    struct instruction *out;
    u32 n, cap;
    u64 from;
    struct buf text;
    cs_insn *insn; // capstone's, used again and again
};

static void add_instruction(struct reading *r, u64 address, u32 length)
{
    struct disassembly *d = r->d;
    struct symbol_line line[MOST_LINES];
    if (address < r->from)
        return;
    struct instruction *i = arena_push(d->arena, r->out, r->n, r->cap);
    i->address = address;
    i->length = length;
    i->text = arena_str(d->arena, str_trim(buf_str(&r->text)));
    i->nline = symbols_find(d->symbols, address, line, MOST_LINES, d->arena);
    i->line = arena_new(d->arena, struct symbol_line, i->nline);
    memcpy(i->line, line, i->nline * sizeof(*line));
}

// What cannot be decoded, as objdump shows it; returns its length.
static u32 write_unknown(struct reading *r, const u8 *code, u64 left)
{
    if (r->d->machine != EM_AARCH64 || left < ARM_BYTES) {
        buf_text(&r->text, "(bad)");
        return r->d->machine == EM_X86_64 ? x86_unknown_length(code, left) : 1;
    }
    u32 word;
    memcpy(&word, code, sizeof(word));
    if (word <= UINT16_MAX)
        buf_printf(&r->text, "udf    #%u", word);
    else
        buf_printf(&r->text, ".inst  0x%08x ; undefined", word);
    return ARM_BYTES;
}

// Length of the run of zeros that is left out: padding, which would read as instructions.
static u32 zeros(const u8 *code, u64 left)
{
    u32 n = 0;
    while (n < left && code[n] == 0)
        n++;
    return n >= LEAST_ZEROS || n == left ? n & ~(u32)3 : 0;
}

static u32 read_one(struct reading *r, const struct code *c, u64 address, u64 end)
{
    const u8 *code = c->bytes + (address - c->first);
    size_t left = end - address;
    u64 at = address;
    u32 padding = zeros(code, left);
    if (padding)
        return padding;
    struct syntax syntax = {r->d->capstone, &r->d->symtab, r->d->arena};
    syntax_writer *write = r->d->machine == EM_AARCH64 ? syntax_arm
                           : r->d->is_intel            ? syntax_intel
                                                       : syntax_att;
    r->text.len = 0;
    u32 length;
    if (cs_disasm_iter(r->d->capstone, &code, &left, &at, r->insn)) {
        write(&r->text, &syntax, r->insn);
        length = r->insn->size;
    } else {
        length = write_unknown(r, code, left);
    }
    add_instruction(r, address, length);
    return length;
}

struct instruction *disassembly_read(struct disassembly *d, u64 from, u64 to, u32 *n)
{
    struct reading r = {.d = d, .from = from, .insn = cs_malloc(d->capstone)};
    buf_init(&r.text, KIB(64));
    for (u64 at = from; at < to;) {
        struct code c = find_code(d, at);
        if (c.end == 0 || c.first >= to)
            break;
        at = at > c.first ? start_before(d, &c, at) : c.first;
        u64 next = at;
        while (at < to && at < c.end) {
            if (at >= next)
                next = next_start(d, &c, at);
            at += read_one(&r, &c, at, next);
        }
    }
    cs_free(r.insn, 1);
    buf_free(&r.text);
    *n = r.n;
    return r.out;
}
