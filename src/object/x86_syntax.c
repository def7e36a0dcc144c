#include <string.h>

#include "object/syntax.h"

// Bytes before the opcode that change what it means; REX is not one of them.
static bool is_prefix(u8 byte)
{
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
        return true;
    default:
        return false;
    }
}

static u32 count_prefixes(const cs_insn *i)
{
    u32 n = 0;
    while (n < i->size && is_prefix(i->bytes[n]))
        n++;
    return n;
}

bool x86_is_jump(const cs_insn *i)
{
    for (u32 g = 0; g < i->detail->groups_count; g++) {
        if (i->detail->groups[g] == CS_GRP_BRANCH_RELATIVE)
            return true;
    }
    return false;
}

bool x86_is_string(const cs_insn *i)
{
    u8 opcode = i->detail->x86.opcode[0];
    return (opcode >= 0xa4 && opcode <= 0xaf && opcode != 0xa8 && opcode != 0xa9) ||
           (opcode >= 0x6c && opcode <= 0x6f);
}

bool x86_is_wide_nop(const cs_insn *i)
{
    return i->id == X86_INS_NOP && i->bytes[i->size - 1] == 0x90 &&
           memchr(i->bytes, 0x66, i->size) != NULL;
}

static bool is_wide(const cs_insn *i)
{
    return i->detail->x86.rex & 8;
}

// How many operand size prefixes change nothing: compilers lengthen instructions with them.
static u32 count_needless(const cs_insn *i)
{
    u32 n = 0, nprefix = count_prefixes(i);
    for (u32 k = 0; k < nprefix; k++)
        n += i->bytes[k] == 0x66;
    if (x86_is_jump(i) || (i->id == X86_INS_LEA && is_wide(i)))
        return n;
    return n && (i->id == X86_INS_LEA || i->id == X86_INS_NOP) ? n - 1 : 0;
}

static const char *padding_name(const cs_insn *i, u8 prefix)
{
    bool is_branch = i->id == X86_INS_JMP || i->id == X86_INS_CALL;
    bool is_return = i->id == X86_INS_RET;
    switch (prefix) {
    case 0x2e:
        return "cs ";
    case 0x3e:
        return is_branch ? "notrack " : "ds ";
    case 0xf2:
        return is_return ? "bnd " : "";
    case 0xf3:
        return is_return ? "repz " : "";
    default:
        return "";
    }
}

// Prefixes that are padding, or hints, in the order of their bytes.
static void write_padding(struct buf *out, const cs_insn *i)
{
    u32 needless = count_needless(i), n = count_prefixes(i);
    for (u32 k = 0; k < n; k++) {
        bool is_needless = i->bytes[k] == 0x66 && needless;
        needless -= is_needless;
        buf_text(out, is_needless ? "data16 " : padding_name(i, i->bytes[k]));
    }
    if (x86_is_jump(i) && is_wide(i))
        buf_text(out, "rex.W ");
}

// Capstone's prefix as objdump calls it; empty when write_padding() has written it.
static struct str prefix_name(const cs_insn *i, struct str word)
{
    bool compares = x86_is_string(i) && (i->detail->x86.opcode[0] & 0xf6) == 0xa6;
    if (str_equal(word, STR("repe")) || (compares && str_equal(word, STR("rep"))))
        return STR("repz");
    if (str_equal(word, STR("repne")))
        return STR("repnz");
    bool is_written = str_equal(word, STR("notrack")) || str_equal(word, STR("data16"));
    return is_written ? STR("") : word;
}

struct str x86_prefixes(struct buf *out, const cs_insn *i)
{
    struct str rest = str_of(i->mnemonic), word = str_cut(&rest, ' ');
    write_padding(out, i);
    while (rest.len) {
        struct str shown = prefix_name(i, word);
        if (shown.len)
            buf_printf(out, "%.*s ", STR_ARG(shown));
        word = str_cut(&rest, ' ');
    }
    return word;
}

void x86_stack_operands(struct operands *o, const cs_insn *i, struct str top, bool is_att)
{
    u8 opcode = i->detail->x86.opcode[0];
    bool to_top = opcode == 0xd8 || opcode == 0xda || opcode == 0xdb || opcode == 0xdf;
    bool from_top = opcode == 0xdc || opcode == 0xde;
    if ((!to_top && !from_top) || o->n == 0 || i->id == X86_INS_FCOM || i->id == X86_INS_FCOMP)
        return;
    bool top_first = from_top == is_att;
    struct str other = o->at[o->n == 2 && top_first ? 1 : 0];
    if (str_find(other, STR("st(")) < 0)
        return;
    o->at[0] = top_first ? top : other;
    o->at[1] = top_first ? other : top;
    o->n = 2;
}

void x86_comment(struct buf *out, const struct syntax *s, const cs_insn *i)
{
    const cs_x86 *x = &i->detail->x86;
    for (u32 k = 0; k < x->op_count; k++) {
        const x86_op_mem *m = &x->operands[k].mem;
        if (x->operands[k].type != X86_OP_MEM || m->base != X86_REG_RIP)
            continue;
        buf_text(out, "        # ");
        symtab_write(out, s->symtab, i->address + i->size + (u64)m->disp, s->arena);
    }
}

// Bytes of a ModR/M byte and what belongs to it.
static size_t modrm_length(const u8 *code, size_t left)
{
    if (left < 2)
        return left;
    u8 mod = code[0] >> 6, rm = code[0] & 7;
    size_t n = 1;
    if (mod == 3)
        return n;
    bool has_sib = rm == 4;
    n += has_sib;
    if (mod == 0)
        return n + (rm == 5 || (has_sib && (code[1] & 7) == 5) ? 4 : 0);
    return n + (mod == 1 ? 1 : 4);
}

// Whether an opcode of the map (1: 0f, 2: 0f 38, 3: 0f 3a) is followed by a byte of its own.
static bool has_byte(u8 map, u8 opcode)
{
    return map == 3 || (map == 1 && ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
                                     (opcode >= 0xc4 && opcode <= 0xc6)));
}

// Intel's manual, volume 2, 2.3 (VEX) and 2.7 (EVEX).
u32 x86_unknown_length(const u8 *code, size_t left)
{
    size_t opcode = 0; // its offset
    u8 map = 0;
    if (left > 2 && code[0] == 0xc5) {
        opcode = 2;
        map = 1;
    } else if (left > 3 && code[0] == 0xc4) {
        opcode = 3;
        map = code[1] & 0x1f;
    } else if (left > 4 && code[0] == 0x62) {
        opcode = 4;
        map = code[1] & 7;
    }
    if (opcode == 0 || map == 0 || map > 3)
        return 1;
    size_t n = opcode + 1 + modrm_length(code + opcode + 1, left - opcode - 1);
    n += has_byte(map, code[opcode]);
    return n <= left ? (u32)n : 1;
}
