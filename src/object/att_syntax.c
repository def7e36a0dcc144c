// AT&T's syntax.  Capstone gives every instruction the suffix of its size, objdump only those whose
// operands do not tell it; capstone writes small numbers in decimal and leaves out what is zero.
#include <string.h>

#include "object/syntax.h"

enum { MNEMONIC_COLUMNS = 6 };

// "(%rax, %rbx)" as "(%rax,%rbx,1)".
static void write_brackets(struct buf *out, struct str text)
{
    u32 ncomma = 0;
    for (size_t i = 0; i < text.len; i++) {
        ncomma += text.ptr[i] == ',';
        if (text.ptr[i] == ')' && ncomma == 1)
            buf_text(out, ",1");
        if (text.ptr[i] != ' ')
            buf_char(out, text.ptr[i]);
    }
}

static bool is_register(struct str o)
{
    return str_starts(o, STR("%")) && str_find(o, STR(":")) < 0;
}

static bool is_memory(struct str o)
{
    return !is_register(o) && !str_starts(o, STR("$")) && !str_starts(o, STR("{"));
}

// Whether a register is one of those that tell a size: not of vectors, segments and the system.
static bool tells_size(struct str o)
{
    static const char *const others[] = {"%xmm", "%ymm", "%zmm", "%mm",  "%st",
                                         "%cr",  "%db",  "%dr",  "%bnd", "%k"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (str_starts(o, str_of(others[i])))
            return false;
    }
    bool is_segment = o.len == 3 && o.ptr[2] == 's';
    return is_register(o) && !is_segment;
}

static bool is_shift(const cs_insn *i)
{
    u8 opcode = i->detail->x86.opcode[0];
    return opcode >= 0xd0 && opcode <= 0xd3;
}

static bool is_stack(const cs_insn *i)
{
    return i->id == X86_INS_CALL || i->id == X86_INS_JMP || i->id == X86_INS_PUSH ||
           i->id == X86_INS_POP;
}

// The mnemonic without the suffix for its size where a register tells it, or nothing has to.
static struct str plain_mnemonic(struct str mnemonic, const struct syntax *s, const cs_insn *i,
                                 const struct operands *o)
{
    struct str name = str_of(cs_insn_name(s->capstone, i->id));
    if (x86_is_string(i))
        name = (struct str){mnemonic.ptr, mnemonic.len - 1};
    if (mnemonic.len != name.len + 1 || !str_starts(mnemonic, name) ||
        !strchr("bwlq", mnemonic.ptr[name.len]))
        return mnemonic;
    bool has_memory = false, has_register = false;
    for (u32 k = 0; k < o->n; k++) {
        has_memory |= is_memory(o->at[k]);
        has_register |= tells_size(o->at[k]) && !(is_shift(i) && k + 1 < o->n);
    }
    return has_memory && !has_register && !is_stack(i) ? mnemonic : name;
}

// "pclmulqdq $0x11" and its like have names of their own; NULL: this is none of them.
static const char *multiply_name(struct str mnemonic, const struct operands *o)
{
    static const char *const name[][3] = {
        {"$0", "pclmullqlqdq", "vpclmullqlqdq"},
        {"$1", "pclmulhqlqdq", "vpclmulhqlqdq"},
        {"$0x10", "pclmullqhqdq", "vpclmullqhqdq"},
        {"$0x11", "pclmulhqhqdq", "vpclmulhqhqdq"},
    };
    if (!str_ends(mnemonic, STR("pclmulqdq")))
        return NULL;
    for (size_t k = 0; k < ARRAY_LEN(name); k++) {
        if (str_equal(o->at[0], str_of(name[k][0])))
            return name[k][str_starts(mnemonic, STR("v")) ? 2 : 1];
    }
    return NULL;
}

// Names that differ from capstone's.
static struct str gnu_mnemonic(struct str mnemonic, const cs_insn *i)
{
    static const char *const name[][2] = {
        {"pushfq", "pushf"}, {"popfq", "popf"}, {"lretl", "lret"}, {"iretl", "iret"},
        {"wait", "fwait"},   {"sal", "shl"},    {"salb", "shlb"},  {"salw", "shlw"},
        {"sall", "shll"},    {"salq", "shlq"},
    };
    for (size_t k = 0; k < ARRAY_LEN(name); k++) {
        if (str_equal(mnemonic, str_of(name[k][0])))
            return str_of(name[k][1]);
    }
    if (str_equal(mnemonic, STR("movd")) && (i->detail->x86.rex & 8))
        return STR("movq");
    return x86_is_wide_nop(i) ? STR("xchg") : mnemonic;
}

// A place in memory: segment, distance, registers.
static void write_memory(struct buf *out, struct str o, const cs_insn *i)
{
    i64 colon = str_find(o, STR(":"));
    if (colon >= 0) {
        bool is_said = str_starts(o, STR("%cs")) || str_starts(o, STR("%ds")); // as a prefix
        if (!is_said)
            buf_add(out, (struct str){o.ptr, (size_t)colon + 1});
        o = str_skip(o, (size_t)colon + 1);
    } else if (x86_is_string(i)) {
        buf_text(out, str_find(o, STR("di)")) >= 0 ? "%es:" : "%ds:");
    }
    if (is_number(o))
        o = write_hex(out, o);
    else if (i->detail->x86.encoding.disp_size)
        buf_text(out, "0x0");
    write_brackets(out, o);
}

// A number of an instruction's own, in as many bytes as the place that it goes to has.
static void write_immediate(struct buf *out, struct str o, const cs_insn *i)
{
    const cs_x86 *x = &i->detail->x86;
    u32 size = x->op_count ? x->operands[x->op_count - 1].size : 8;
    buf_char(out, '$');
    if (!str_starts(o, STR("-"))) {
        write_hex(out, o);
        return;
    }
    for (u32 k = 0; k < x->op_count; k++) {
        if (x->operands[k].type != X86_OP_IMM)
            continue;
        u64 value = (u64)x->operands[k].imm;
        buf_printf(out, "0x%llx",
                   (unsigned long long)(size < 8 ? value & (((u64)1 << 8 * size) - 1) : value));
        return;
    }
}

static void write_operand(struct buf *out, struct str o, const cs_insn *i)
{
    if (str_starts(o, STR("*"))) {
        buf_char(out, '*');
        o = str_skip(o, 1);
    }
    if (is_register(o) || str_starts(o, STR("{")))
        write_brackets(out, o);
    else if (str_starts(o, STR("$")))
        write_immediate(out, str_skip(o, 1), i);
    else
        write_memory(out, o, i);
}

// Takes the first operand away.
static void drop_first(struct operands *o)
{
    o->n--;
    memmove(o->at, o->at + 1, o->n * sizeof(*o->at));
}

static void put_first(struct operands *o, struct str operand)
{
    memmove(o->at + 1, o->at, o->n * sizeof(*o->at));
    o->at[0] = operand;
    o->n++;
}

// Operands that objdump leaves out, or adds, or writes otherwise.
static void spell_operands(struct operands *o, const cs_insn *i, struct str mnemonic)
{
    u8 opcode = i->detail->x86.opcode[0];
    bool is_by_one = is_shift(i) && opcode < 0xd2 && o->n == 2; // of a form of its own
    if (is_by_one || multiply_name(mnemonic, o))
        drop_first(o);
    if (i->id == X86_INS_SHA256RNDS2 && o->n == 2)
        put_first(o, STR("%xmm0"));
    if (x86_is_wide_nop(i)) {
        o->at[0] = o->at[1] = STR("%ax");
        o->n = 2;
    }
    bool is_port = (opcode >= 0xec && opcode <= 0xef) || (opcode >= 0x6c && opcode <= 0x6f);
    for (u32 k = 0; k < o->n && is_port; k++) {
        if (str_equal(o->at[k], STR("%dx")))
            o->at[k] = STR("(%dx)");
    }
    if (opcode > 0x90 && opcode < 0x98 && o->n == 2) { // xchg of the accumulator
        struct str first = o->at[0];
        o->at[0] = o->at[1];
        o->at[1] = first;
    }
    x86_stack_operands(o, i, STR("%st"), true);
}

static void write_operands(struct buf *out, const struct syntax *s, const cs_insn *i,
                           const struct operands *o)
{
    for (u32 k = 0; k < o->n; k++) {
        buf_char(out, k ? ',' : ' ');
        if (x86_is_jump(i) && is_number(o->at[k]))
            symtab_write(out, s->symtab, (u64)i->detail->x86.operands[k].imm, s->arena);
        else
            write_operand(out, o->at[k], i);
    }
}

void syntax_att(struct buf *out, const struct syntax *s, const cs_insn *i)
{
    struct operands o = operands_split(str_of(i->op_str));
    size_t start = out->len;
    struct str mnemonic = x86_prefixes(out, i);
    const char *multiply = multiply_name(mnemonic, &o);
    if (multiply)
        buf_text(out, multiply);
    else
        buf_add(out, gnu_mnemonic(plain_mnemonic(mnemonic, s, i, &o), i));
    while (out->len < start + MNEMONIC_COLUMNS)
        buf_char(out, ' ');
    spell_operands(&o, i, mnemonic);
    write_operands(out, s, i, &o);
    x86_comment(out, s, i);
}
