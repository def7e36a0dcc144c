// Disassembly against objdump's, instruction by instruction, on programs of tests/programs; and
// instructions that these may not have.
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "object/disassembly.h"
#include "object/syntax.h"

static struct arena arena;

static const char *program(const char *name)
{
    const char *build = getenv("BUILD");
    return arena_printf(&arena, "%s/tests/programs/%s", build ? build : "build", name).ptr;
}

// The text without what is in angle brackets: which of several symbols is named there is a matter
// of taste.
static void leave_symbols_out(char *text)
{
    char *to = text;
    int depth = 0;
    for (const char *from = text; *from; from++) {
        depth += *from == '<';
        if (depth == 0)
            *to++ = *from;
        depth -= *from == '>' && depth > 0;
    }
    *to = 0;
    while (to > text && to[-1] <= ' ')
        *--to = 0;
}

// Number of differences from objdump's lines in addresses, mnemonics and texts.
struct differences {
    u32 address, mnemonic, text, total;
    char example[400];
};

static void compare_text(struct differences *d, const char *wanted, const struct instruction *i)
{
    char want[1000], got[1000];
    snprintf(want, sizeof(want), "%s", wanted);
    snprintf(got, sizeof(got), "%.*s", STR_ARG(i->text));
    leave_symbols_out(want);
    leave_symbols_out(got);
    d->mnemonic +=
        strcspn(want, " ") != strcspn(got, " ") || memcmp(want, got, strcspn(got, " ")) != 0;
    if (strcmp(want, got) != 0 && d->text++ == 0)
        snprintf(d->example, sizeof(d->example), "%llx: %.150s, not %.150s",
                 (unsigned long long)i->address, got, want);
}

static struct differences compare(FILE *objdump, const struct instruction *i, u32 n)
{
    struct differences d = {0};
    char line[1000], *end;
    while (fgets(line, sizeof(line), objdump)) {
        u64 address = strtoull(line, &end, 16);
        if (line[0] != ' ' || end[0] != ':' || end[1] != '\t')
            continue;
        if (d.total >= n || i[d.total].address != address)
            d.address++;
        else
            compare_text(&d, end + 2, &i[d.total]);
        d.total++;
    }
    d.address += d.total != n;
    return d;
}

static void test_program(const char *name, bool is_intel)
{
    struct symbols *s;
    struct disassembly d;
    struct err e = {0};
    const char *path = program(name);
    bool opened = symbols_open(&s, path, STR(""), false, &arena, &e) &&
                  disassembly_open(&d, s, is_intel, &arena, &e);
    if (!ok(opened, "%s can be disassembled %s", name, e.text))
        return;
    u32 n;
    const struct instruction *i = disassembly_read(&d, 0, UINT64_MAX, &n);
    FILE *objdump = popen(arena_printf(&arena, "objdump -d --no-show-raw-insn --demangle %s %s",
                                       is_intel ? "-M intel" : "", path)
                              .ptr,
                          "r");
    struct differences found = compare(objdump, i, n);
    pclose(objdump);
    const char *syntax = is_intel ? "Intel's" : "AT&T's";
    ok(found.total > 50 && found.address == 0, "%s: all %u addresses are objdump's", name,
       found.total);
    ok(found.mnemonic == 0, "%s: its mnemonics too, in %s syntax", name, syntax);
    if (!is_intel)
        ok(found.text == 0, "%s: its operands too %s", name, found.example);
    disassembly_close(&d);
    symbols_close(s);
}

static u64 address_of(const struct symtab *t, const char *name)
{
    for (u32 row = 0; row < t->n; row++) {
        if (str_equal(t->at[row].text, str_of(name)))
            return t->at[row].address;
    }
    return 0;
}

// Whether the functions at an instruction of inlined.c are these.
static bool has_stack(const struct instruction *i, const char *const *name, u32 n)
{
    for (u32 k = 0; k < n && i->nline == n; k++) {
        if (!str_equal(i->line[k].function, str_of(name[k])) || i->line[k].line == 0 ||
            !str_ends(i->line[k].filename, STR("inlined.c")))
            return false;
    }
    return i->nline == n;
}

static void test_inlined(void)
{
    static const char *const stack[] = {"mix", "twice", "work"};
    struct symbols *s;
    struct disassembly d;
    struct err e;
    if (!symbols_open(&s, program("inlined"), STR(""), false, &arena, &e) ||
        !disassembly_open(&d, s, false, &arena, &e))
        return;
    u64 work = address_of(&d.symtab, "work");
    u32 row = symtab_find(&d.symtab, work + 3), n, found = 0;
    ok(work && symtab_next(&d.symtab, row) - row == 2 &&
           address_of(&d.symtab, "work_again") == work,
       "a function with two names has both");
    const struct instruction *i =
        disassembly_read(&d, work, d.symtab.at[symtab_next(&d.symtab, row)].address, &n);
    for (u32 k = 0; k < n; k++)
        found += has_stack(&i[k], stack, 3);
    ok(n > 10 && i[0].address == work && has_stack(&i[0], stack + 2, 1),
       "a function begins in its own lines");
    ok(found > 4 && found < n, "calls inlined into each other: %u of %u instructions", found, n);
    const struct instruction *middle = disassembly_read(&d, i[3].address, i[5].address, &n);
    ok(n == 2 && middle[0].address == i[3].address && middle[1].address == i[4].address,
       "a part of it has the instructions that begin there");
    struct str folder = symbols_folder(s, work);
    ok(str_starts(folder, STR("/")), "the compiler's folder: %.*s", STR_ARG(folder));
    disassembly_close(&d);
    symbols_close(s);
}

// One instruction, and how objdump writes it.
struct sample {
    const char *bytes; // in hex
    const char *text;
};

static void test_samples(const char *what, const struct sample *sample, size_t n, cs_arch arch,
                         cs_mode mode, cs_opt_value syntax, syntax_writer *write)
{
    csh handle;
    struct symtab none = {0};
    cs_open(arch, mode, &handle);
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    cs_option(handle, CS_OPT_SYNTAX, syntax);
    struct syntax s = {handle, &none, &arena};
    for (size_t k = 0; k < n; k++) {
        u8 code[16];
        size_t length = strlen(sample[k].bytes) / 2;
        for (size_t b = 0; b < length; b++) {
            unsigned byte;
            sscanf(sample[k].bytes + 2 * b, "%2x", &byte);
            code[b] = (u8)byte;
        }
        cs_insn *i;
        struct buf out;
        buf_init(&out, 1000);
        if (cs_disasm(handle, code, length, 0x1000, 1, &i) == 1) {
            write(&out, &s, i);
            cs_free(i, 1);
        }
        ok(str_equal(str_trim(buf_str(&out)), str_of(sample[k].text)), "%s: %s (%.*s)", what,
           sample[k].text, STR_ARG(buf_str(&out)));
        buf_free(&out);
    }
    cs_close(&handle);
}

static const struct sample att[] = {
    {"662e0f1f840000000000", "cs nopw 0x0(%rax,%rax,1)"},
    {"66662e0f1f840000000000", "data16 cs nopw 0x0(%rax,%rax,1)"},
    {"6690", "xchg   %ax,%ax"},
    {"f3c3", "repz ret"},
    {"f348ab", "rep stos %rax,%es:(%rdi)"},
    {"f2ae", "repnz scas %es:(%rdi),%al"},
    {"f3a6", "repz cmpsb %es:(%rdi),%ds:(%rsi)"},
    {"3effe0", "notrack jmp *%rax"},
    {"d1e8", "shr    %eax"},
    {"d328", "shrl   %cl,(%rax)"},
    {"4883c8ff", "or     $0xffffffffffffffff,%rax"},
    {"83daff", "sbb    $0xffffffff,%edx"},
    {"66480f6ec1", "movq   %rcx,%xmm0"},
    {"f20f2a00", "cvtsi2sdl (%rax),%xmm0"},
    {"66440f3a44c011", "pclmulhqhqdq %xmm0,%xmm8"},
    {"dec2", "faddp  %st,%st(2)"},
    {"dbe9", "fucomi %st(1),%st"},
    {"df6df8", "fildll -0x8(%rbp)"},
    {"64488b042528000000", "mov    %fs:0x28,%rax"},
    {"e8fb0f0000", "call   2000"},
    {"ff15c40f0000", "call   *0xfc4(%rip)        # 1fca"},
    {"96", "xchg   %eax,%esi"},
};

static const struct sample intel[] = {
    {"c745fc00000000", "mov    DWORD PTR [rbp-0x4],0x0"},
    {"488d0448", "lea    rax,[rax+rcx*2]"},
    {"488d0408", "lea    rax,[rax+rcx*1]"},
    {"660f1f440000", "nop    WORD PTR [rax+rax*1+0x0]"},
    {"f348ab", "rep stos QWORD PTR es:[rdi],rax"},
    {"64488b042528000000", "mov    rax,QWORD PTR fs:0x28"},
    {"d1e8", "shr    eax,1"},
    {"ff15c40f0000", "call   QWORD PTR [rip+0xfc4]        # 1fca"},
    {"dec2", "faddp  st(2),st"},
    {"db6df0", "fld    TBYTE PTR [rbp-0x10]"},
};

static const struct sample arm[] = {
    {"fd7bbfa9", "stp    x29, x30, [sp, #-16]!"},
    {"fd7bc2a8", "ldp    x29, x30, [sp], #32"},
    {"00058052", "mov    w0, #0x28  // #40"},
    {"00008092", "mov    x0, #0xffffffffffffffff  // #-1"},
    {"e07f40b2", "mov    x0, #0xffffffff  // #4294967295"},
    {"00fc66d3", "lsr    x0, x0, #38"},
    {"1f0c0071", "cmp    w0, #0x3"},
    {"61000054", "b.ne   100c  // b.any"},
    {"62000054", "b.cs   100c  // b.hs, b.nlast"},
    {"00008094", "bl     2001000"},
    {"e0179f1a", "cset   w0, eq  // eq = none"},
    {"0010601e", "fmov   d0, #2.000000000000000000e+00"},
    {"5f2403d5", "bti    c"},
    {"3f2303d5", "paciasp"},
    {"200080b9", "ldrsw  x0, [x1]"},
    {"20783ab8", "str    w0, [x1, x26, lsl #2]"},
    {"4000f837", "tbnz   w0, #31, 1008"},
    {"c0035fd6", "ret"},
};

static void test_lengths(void)
{
    static const u8 vex[] = {0xc5, 0xfb, 0x93, 0xc0}, // kmovd %k0,%eax
        evex[] = {0x62, 0xf3, 0x7d, 0x20, 0x3f, 0x47, 0x02, 0x00}, other[] = {0x06, 0x00};
    ok(x86_unknown_length(vex, sizeof(vex)) == 4 && x86_unknown_length(evex, sizeof(evex)) == 8,
       "what capstone does not know of vectors is passed over whole");
    ok(x86_unknown_length(other, sizeof(other)) == 1 && x86_unknown_length(vex, 2) == 1,
       "what is no instruction is passed over by the byte");
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(512));
    test_program("inlined", false);
    test_program("stacks", false);
    test_program("exceptions", false);
    test_program("exceptions", true);
    test_inlined();
    test_samples("AT&T", att, ARRAY_LEN(att), CS_ARCH_X86, CS_MODE_64, CS_OPT_SYNTAX_ATT,
                 syntax_att);
    test_samples("Intel", intel, ARRAY_LEN(intel), CS_ARCH_X86, CS_MODE_64, CS_OPT_SYNTAX_INTEL,
                 syntax_intel);
    test_samples("AArch64", arm, ARRAY_LEN(arm), CS_ARCH_ARM64, CS_MODE_ARM, CS_OPT_SYNTAX_DEFAULT,
                 syntax_arm);
    test_lengths();
    arena_free(&arena);
    return done();
}
