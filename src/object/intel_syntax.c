// Intel's syntax.
#include <ctype.h>
#include <string.h>

#include "object/syntax.h"

enum { MNEMONIC_COLUMNS = 6 };

// "qword ptr " in front of a place, in capitals; returns what follows it.
static struct str write_size(struct buf *out, struct str o)
{
    static const char *const other[][2] = {{"xword", "TBYTE"}, {"tbyte", "TBYTE"}};
    i64 at = str_find(o, STR(" ptr "));
    if (at < 0)
        return o;
    struct str size = {o.ptr, (size_t)at};
    for (size_t k = 0; k < ARRAY_LEN(other); k++) {
        if (str_equal(size, str_of(other[k][0])))
            size = str_of(other[k][1]);
    }
    for (size_t k = 0; k < size.len; k++)
        buf_char(out, (char)toupper((unsigned char)size.ptr[k]));
    buf_text(out, " PTR ");
    return str_skip(o, (size_t)at + sizeof(" ptr ") - 1);
}

// "[rax + rbx - 4]" as "[rax+rbx*1-0x4]".
static void write_brackets(struct buf *out, struct str o, const cs_insn *i)
{
    const cs_x86 *x = &i->detail->x86;
    struct str inner = {o.ptr + 1, o.len - 2};
    u32 nregister = 0;
    bool has_number = false;
    buf_char(out, '[');
    while (inner.len) {
        struct str part = str_cut(&inner, ' ');
        if (str_equal(part, STR("+")) || str_equal(part, STR("-"))) {
            buf_add(out, part);
        } else if (is_number(part)) {
            write_hex(out, part);
            has_number = true;
        } else {
            buf_add(out, part);
            if (++nregister == 2 && str_find(part, STR("*")) < 0)
                buf_text(out, "*1");
        }
    }
    if (!has_number && x->encoding.disp_size)
        buf_text(out, "+0x0");
    buf_char(out, ']');
}

static bool is_memory(struct str o)
{
    return str_ends(o, STR("]"));
}

static void write_memory(struct buf *out, struct str o, const cs_insn *i)
{
    o = i->id == X86_INS_LEA ? o : write_size(out, o);
    i64 bracket = str_find(o, STR("["));
    struct str segment = {o.ptr, (size_t)bracket}, place = str_skip(o, (size_t)bracket);
    bool is_said = str_starts(segment, STR("cs")) || str_starts(segment, STR("ds"));
    bool is_absolute = place.len > 1 && is_number(str_skip(place, 1));
    if (segment.len && !is_said)
        buf_add(out, segment);
    else if (x86_is_string(i))
        buf_text(out, str_find(place, STR("di]")) >= 0 ? "es:" : "ds:");
    else if (is_absolute)
        buf_text(out, "ds:");
    if (is_absolute)
        write_hex(out, str_skip(place, 1));
    else
        write_brackets(out, place, i);
}

// A number of an instruction's own, in as many bytes as the place that it goes to has.
static void write_immediate(struct buf *out, struct str o, const cs_insn *i)
{
    const cs_x86 *x = &i->detail->x86;
    u32 size = x->op_count ? x->operands[0].size : 8;
    for (u32 k = 0; k < x->op_count && str_starts(o, STR("-")); k++) {
        u64 value = (u64)x->operands[k].imm;
        if (x->operands[k].type != X86_OP_IMM)
            continue;
        value = size < 8 ? value & (((u64)1 << 8 * size) - 1) : value;
        buf_printf(out, "0x%llx", (unsigned long long)value);
        return;
    }
    u8 opcode = x->opcode[0];
    if (opcode == 0xd0 || opcode == 0xd1) // a shift by one, which is no number of the instruction's
        buf_add(out, o);
    else
        write_hex(out, o);
}

static void write_operand(struct buf *out, const struct syntax *s, struct str o, u32 k,
                          const cs_insn *i)
{
    if (is_memory(o))
        write_memory(out, o, i);
    else if (x86_is_jump(i) && is_number(o))
        symtab_write(out, s->symtab, (u64)i->detail->x86.operands[k].imm, s->arena);
    else if (is_number(o))
        write_immediate(out, o, i);
    else
        buf_add(out, o);
}

static struct str gnu_mnemonic(struct str mnemonic, const cs_insn *i)
{
    if (x86_is_wide_nop(i))
        return STR("xchg");
    if (x86_is_string(i))
        return (struct str){mnemonic.ptr, mnemonic.len - 1};
    if (str_equal(mnemonic, STR("movd")) && (i->detail->x86.rex & 8))
        return STR("movq");
    return mnemonic;
}

void syntax_intel(struct buf *out, const struct syntax *s, const cs_insn *i)
{
    struct operands o = operands_split(str_of(i->op_str));
    size_t start = out->len;
    buf_add(out, gnu_mnemonic(x86_prefixes(out, i), i));
    while (out->len < start + MNEMONIC_COLUMNS)
        buf_char(out, ' ');
    if (x86_is_wide_nop(i)) {
        o.at[0] = o.at[1] = STR("ax");
        o.n = 2;
    }
    x86_stack_operands(&o, i, STR("st"), false);
    for (u32 k = 0; k < o.n; k++) {
        buf_char(out, k ? ',' : ' ');
        write_operand(out, s, o.at[k], k, i);
    }
    x86_comment(out, s, i);
}
