// AArch64.  Capstone writes every larger number in hexadecimal; objdump has distances and shifts in
// decimal, other numbers in hexadecimal, and says what stands behind a branch's address.
#include <stdlib.h>
#include <string.h>

#include "object/syntax.h"

enum { MNEMONIC_COLUMNS = 6 };

// Conditions: capstone's name, objdump's, the other names that objdump tells, and those of a
// branch.
static const char *const condition[][4] = {
    {"eq", "eq", "none", "b.none"},
    {"ne", "ne", "any", "b.any"},
    {"hs", "cs", "hs, nlast", "b.hs, b.nlast"},
    {"lo", "cc", "lo, ul, last", "b.lo, b.ul, b.last"},
    {"mi", "mi", "first", "b.first"},
    {"pl", "pl", "nfrst", "b.nfrst"},
    {"hi", "hi", "pmore", "b.pmore"},
    {"ls", "ls", "plast", "b.plast"},
    {"ge", "ge", "tcont", "b.tcont"},
    {"lt", "lt", "tstop", "b.tstop"},
};

// Row of the condition called name; ARRAY_LEN(condition) when it is none with another name.
static size_t find_condition(struct str name)
{
    size_t k = 0;
    while (k < ARRAY_LEN(condition) && !str_equal(name, str_of(condition[k][0])))
        k++;
    return k;
}

// Instructions whose numbers are counts of bits.
static bool counts_bits(struct str mnemonic)
{
    static const char *const name[] = {
        "lsl",   "lsr",   "asr",    "ror",    "ubfx",   "sbfx",   "ubfiz", "sbfiz",  "bfi",
        "bfxil", "bfc",   "extr",   "tbz",    "tbnz",   "shl",    "sshr",  "ushr",   "ssra",
        "usra",  "sshll", "ushll",  "shll",   "sshll2", "ushll2", "shll2", "shrn",   "shrn2",
        "rshrn", "sli",   "sri",    "srshr",  "urshr",  "sqshl",  "uqshl", "sqshrn", "uqshrn",
        "scvtf", "ucvtf", "fcvtzs", "fcvtzu", "rshrn2", "srsra",  "ursra", "ext",    "cmeq",
        "cmge",  "cmgt",  "cmle",   "cmlt",
    };
    for (size_t k = 0; k < ARRAY_LEN(name); k++) {
        if (str_equal(mnemonic, str_of(name[k])))
            return true;
    }
    return false;
}

// The number behind a '#', in its base; returns what follows it.
static struct str write_number(struct buf *out, struct str text, bool is_decimal)
{
    char copy[48] = "", *end;
    memcpy(copy, text.ptr, text.len < sizeof(copy) - 1 ? text.len : sizeof(copy) - 1);
    bool is_negative = copy[0] == '-';
    char *digits = copy + is_negative;
    size_t n = strspn(digits, "0123456789.");
    if (memchr(digits, '.', n)) { // of fmov
        double value = strtod(copy, &end);
        buf_printf(out, value == 0 ? "%.1f" : "%.18e", value);
        return str_skip(text, (size_t)(end - copy));
    }
    // movi's have leading zeros, but no 0x.
    bool is_padded = digits[0] == '0' && digits[1] != 'x';
    unsigned long long value = strtoull(digits, &end, is_padded ? 16 : 0);
    value = is_negative ? 0 - value : value;
    buf_printf(out, is_decimal ? "%lld" : "0x%llx", value);
    return str_skip(text, (size_t)(end - copy));
}

// An operand, with what is in its brackets.
static void write_operand(struct buf *out, struct str o, bool is_decimal)
{
    bool in_brackets = false, is_modified = false;
    while (o.len) {
        char c = o.ptr[0];
        in_brackets |= c == '[';
        is_modified |= c == ' '; // "lsl #2"
        buf_char(out, c);
        o = str_skip(o, 1);
        if (c == '#' && o.len)
            o = write_number(out, o, is_decimal || in_brackets || is_modified);
    }
}

static bool is_target(const cs_insn *i, u32 operand)
{
    const cs_arm64 *arm = &i->detail->arm64;
    if (operand + 1 != arm->op_count || arm->operands[operand].type != ARM64_OP_IMM)
        return false;
    if (i->id == ARM64_INS_ADR || i->id == ARM64_INS_ADRP)
        return true;
    bool is_load = i->id == ARM64_INS_LDR || i->id == ARM64_INS_LDRSW;
    if (is_load && operand == 1)
        return true; // of a number beside the code
    for (u32 g = 0; g < i->detail->groups_count; g++) {
        if (i->detail->groups[g] == CS_GRP_JUMP || i->detail->groups[g] == CS_GRP_CALL ||
            i->detail->groups[g] == CS_GRP_BRANCH_RELATIVE)
            return true;
    }
    return false;
}

// "b.hs" as "b.cs"; where other names of the condition are told, *comment is set.
static void write_mnemonic(struct buf *out, struct str mnemonic, struct str *comment)
{
    size_t k = str_starts(mnemonic, STR("b.")) ? find_condition(str_skip(mnemonic, 2))
                                               : ARRAY_LEN(condition);
    if (k < ARRAY_LEN(condition)) {
        buf_printf(out, "b.%s", condition[k][1]);
        *comment = str_of(condition[k][3]);
    } else if (str_equal(mnemonic, STR("ins"))) {
        buf_text(out, "mov");
    } else {
        buf_add(out, mnemonic);
    }
}

// An instruction of its own in the space of hints: pointer authentication, landing pads.
static const char *hint_name(const cs_insn *i)
{
    static const struct {
        i64 number;
        const char *name;
    } hint[] = {
        {7, "xpaclri"},     {0x19, "paciasp"},  {0x1b, "pacibsp"},
        {0x1d, "autiasp"},  {0x1f, "autibsp"},  {0x20, "bti"},
        {0x22, "bti    c"}, {0x24, "bti    j"}, {0x26, "bti    jc"},
    };
    for (size_t k = 0; i->id == ARM64_INS_HINT && k < ARRAY_LEN(hint); k++) {
        if (i->detail->arm64.operands[0].imm == hint[k].number)
            return hint[k].name;
    }
    return NULL;
}

// A number that is moved to a register, by whichever instruction can make it.
static bool moved_number(const cs_insn *i, const struct operands *o, u64 *number)
{
    const cs_arm64_op *op = i->detail->arm64.operands;
    bool is_word = o->n && str_starts(o->at[0], STR("w"));
    u32 shift = o->n == 3 && op[1].type == ARM64_OP_IMM ? op[1].shift.value : 0;
    if (i->id == ARM64_INS_MOVZ || i->id == ARM64_INS_MOV)
        *number = (u64)op[1].imm << shift;
    else if (i->id == ARM64_INS_MOVN)
        *number = ~((u64)op[1].imm << shift);
    else if (i->id == ARM64_INS_ORR && o->n == 3 && str_ends(o->at[1], STR("zr")))
        *number = (u64)op[2].imm;
    else
        return false;
    u32 last = i->id == ARM64_INS_ORR ? 2 : 1;
    if (op[last].type != ARM64_OP_IMM)
        return false;
    *number = is_word ? (u32)*number : *number;
    return true;
}

static void write_operands(struct buf *out, const struct syntax *s, const cs_insn *i,
                           struct operands *o, struct str *comment)
{
    bool is_bits = counts_bits(str_of(i->mnemonic)), was_place = false;
    for (u32 k = 0; k < o->n; k++) {
        size_t c = k ? find_condition(o->at[k]) : ARRAY_LEN(condition);
        buf_text(out, k ? ", " : " ");
        if (c < ARRAY_LEN(condition)) {
            buf_text(out, condition[c][1]);
            *comment = arena_printf(s->arena, "%s = %s", condition[c][1], condition[c][2]);
        } else if (is_target(i, k)) {
            symtab_write(out, s->symtab, (u64)i->detail->arm64.operands[k].imm, s->arena);
        } else {
            write_operand(out, o->at[k], is_bits || was_place); // a distance may follow a place
        }
        was_place |= str_starts(o->at[k], STR("["));
    }
}

void syntax_arm(struct buf *out, const struct syntax *s, const cs_insn *i)
{
    struct operands o = operands_split(str_of(i->op_str));
    struct str comment = {0};
    size_t start = out->len;
    u64 number;
    if (hint_name(i)) {
        buf_text(out, hint_name(i));
        return;
    }
    if (moved_number(i, &o, &number)) {
        bool is_word = str_starts(o.at[0], STR("w"));
        buf_printf(out, "mov    %.*s, #0x%llx  // #%lld", STR_ARG(o.at[0]),
                   (unsigned long long)number,
                   is_word ? (long long)(i32)number : (long long)number);
        return;
    }
    write_mnemonic(out, str_of(i->mnemonic), &comment);
    while (out->len < start + MNEMONIC_COLUMNS)
        buf_char(out, ' ');
    write_operands(out, s, i, &o, &comment);
    if (comment.len)
        buf_printf(out, "  // %.*s", STR_ARG(comment));
}
