#include "object/eh_frame.h"

// DWARF's numbers of the registers that matter on x86-64.
enum { REG_BP = 6, REG_SP = 7, REG_RA = 16, REGISTERS = 16 };

// DW_EH_PE_*: how a pointer is stored, and relative to what.
enum {
    PE_ABSPTR = 0x00,
    PE_ULEB128 = 0x01,
    PE_UDATA2 = 0x02,
    PE_UDATA4 = 0x03,
    PE_UDATA8 = 0x04,
    PE_SLEB128 = 0x09,
    PE_SDATA2 = 0x0a,
    PE_SDATA4 = 0x0b,
    PE_SDATA8 = 0x0c,
    PE_PCREL = 0x10,
    PE_DATAREL = 0x30,
    PE_OMIT = 0xff,
    HEADER_TABLE = PE_DATAREL | PE_SDATA4 // the only form that linkers write
};

// A sticky reader: after the first read beyond its end it is bad and all reads return 0.
struct reader {
    const u8 *at, *end;
    bool bad;
};

static u64 read_bytes(struct reader *r, u32 n)
{
    u64 value = 0;
    if (r->bad || (size_t)(r->end - r->at) < n) {
        r->bad = true;
        return 0;
    }
    for (u32 i = 0; i < n; i++)
        value |= (u64)r->at[i] << (8 * i);
    r->at += n;
    return value;
}

static u8 read_u8(struct reader *r)
{
    return (u8)read_bytes(r, 1);
}

static u64 read_uleb(struct reader *r)
{
    u64 value = 0;
    for (u32 shift = 0; shift < 70; shift += 7) {
        u8 byte = read_u8(r);
        if (shift < 64)
            value |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    r->bad = true;
    return 0;
}

static i64 read_sleb(struct reader *r)
{
    u64 value = 0;
    for (u32 shift = 0; shift < 70; shift += 7) {
        u8 byte = read_u8(r);
        if (shift < 64)
            value |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (shift + 7 < 64 && (byte & 0x40))
                value |= ~(u64)0 << (shift + 7);
            return (i64)value;
        }
    }
    r->bad = true;
    return 0;
}

static u64 read_pointer(struct reader *r, u8 encoding)
{
    u64 place = (u64)(uintptr_t)r->at, value;
    switch (encoding & 0x0f) {
    case PE_ABSPTR:
    case PE_UDATA8:
    case PE_SDATA8:
        value = read_bytes(r, 8);
        break;
    case PE_ULEB128:
        value = read_uleb(r);
        break;
    case PE_SLEB128:
        value = (u64)read_sleb(r);
        break;
    case PE_UDATA2:
        value = read_bytes(r, 2);
        break;
    case PE_SDATA2:
        value = (u64)(i64)(i16)read_bytes(r, 2);
        break;
    case PE_UDATA4:
        value = read_bytes(r, 4);
        break;
    case PE_SDATA4:
        value = (u64)(i64)(i32)read_bytes(r, 4);
        break;
    default:
        r->bad = true;
        return 0;
    }
    if ((encoding & 0x70) == PE_PCREL)
        value += place;
    else if ((encoding & 0x70) != PE_ABSPTR)
        r->bad = true;
    return value;
}

struct cie {
    u64 code_align;
    i64 data_align;
    u8 pointer_encoding;
    bool augmented;    // 'z': each FDE has augmentation data
    bool signal_frame; // 'S'
    struct reader instructions;
};

// A register's value as far as it can be written down: the CFA while it is being computed, or an
// element of an expression's stack.
struct value {
    enum {
        VALUE_NUMBER,
        VALUE_SP,
        VALUE_BP,
        VALUE_AT_SP,
        VALUE_AT_BP,
        VALUE_REGISTER,
        VALUE_OTHER
    } base;
    i64 offset;
    i64 above; // added to the word of VALUE_AT_SP and _BP; VALUE_REGISTER: which one
};

// Where a register of the caller was saved.
struct saved {
    enum {
        SAVED_SAME,
        SAVED_AT_CFA,
        SAVED_AT,
        SAVED_UNDEFINED,
        SAVED_IN_REGISTER,
        SAVED_OTHER
    } how;
    i64 offset;         // SAVED_AT_CFA
    struct value place; // SAVED_AT
};

struct row {
    struct value cfa;
    struct saved bp, ra;
};

enum { STATE_DEPTH = 8 };

struct machine {
    const struct cie *cie;
    u64 pc;       // whose row is wanted
    u64 location; // of the row at hand
    struct row row, initial;
    struct row remembered[STATE_DEPTH];
    u32 nremembered;
    bool bad;
};

static struct value number(i64 n)
{
    return (struct value){.base = VALUE_NUMBER, .offset = n};
}

// Evaluates a DWARF expression with pc known and sp and bp as symbols.  That covers what compilers
// and linkers write: the PLT's "sp + 8 + ((pc & 15) >= 11 ? 8 : 0)" and "the word at bp - 8" of
// functions that realign the stack, "8 above the word at sp + 152" of cryptographers' assembly.
static struct value evaluate(struct reader r, u64 pc)
{
    const struct value other = {.base = VALUE_OTHER};
    struct value stack[8];
    u32 n = 0;
    while (r.at < r.end && !r.bad) {
        u8 op = read_u8(&r);
        if (n == ARRAY_LEN(stack))
            return other;
        if (op >= 0x30 && op <= 0x4f) { // DW_OP_lit0 ..
            stack[n++] = number(op - 0x30);
        } else if (op == 0x08 || op == 0x09) { // DW_OP_const1u, const1s
            u8 byte = read_u8(&r);
            stack[n++] = number(op == 0x08 ? byte : (int8_t)byte);
        } else if (op == 0x70 + REG_SP) { // DW_OP_breg7
            stack[n++] = (struct value){.base = VALUE_SP, .offset = read_sleb(&r)};
        } else if (op == 0x70 + REG_BP) {
            stack[n++] = (struct value){.base = VALUE_BP, .offset = read_sleb(&r)};
        } else if (op == 0x70 + REG_RA) {
            stack[n++] = number((i64)pc + read_sleb(&r));
        } else if (op == 0x06 && n >= 1) { // DW_OP_deref
            struct value *v = &stack[n - 1];
            if (v->base != VALUE_SP && v->base != VALUE_BP)
                return other;
            v->base = v->base == VALUE_SP ? VALUE_AT_SP : VALUE_AT_BP;
        } else if (op == 0x23 && n >= 1) { // DW_OP_plus_uconst
            struct value *v = &stack[n - 1];
            *(v->base > VALUE_BP ? &v->above : &v->offset) += (i64)read_uleb(&r);
        } else if (n >= 2) {
            struct value b = stack[--n], *a = &stack[n - 1];
            bool numbers = a->base == VALUE_NUMBER && b.base == VALUE_NUMBER;
            if (op == 0x22 && b.base == VALUE_NUMBER && a->base <= VALUE_BP) { // DW_OP_plus
                a->offset += b.offset;
            } else if (op == 0x1a && numbers) { // DW_OP_and
                a->offset &= b.offset;
            } else if (op == 0x24 && numbers && b.offset >= 0 && b.offset < 64) { // DW_OP_shl
                a->offset = (i64)((u64)a->offset << b.offset);
            } else if (op == 0x2a && numbers) { // DW_OP_ge
                a->offset = a->offset >= b.offset;
            } else {
                return other;
            }
        } else {
            return other;
        }
    }
    return r.bad || n != 1 ? other : stack[0];
}

static struct reader read_block(struct reader *r)
{
    u64 n = read_uleb(r);
    if (r->bad || n > (u64)(r->end - r->at)) {
        r->bad = true;
        return (struct reader){r->at, r->at, true};
    }
    struct reader block = {r->at, r->at + n, false};
    r->at += n;
    return block;
}

static void save(struct machine *m, u64 reg, struct saved saved)
{
    if (reg == REG_BP)
        m->row.bp = saved;
    else if (reg == REG_RA)
        m->row.ra = saved;
}

static void restore(struct machine *m, u64 reg)
{
    if (reg == REG_BP)
        m->row.bp = m->initial.bp;
    else if (reg == REG_RA)
        m->row.ra = m->initial.ra;
}

static void define_cfa(struct machine *m, u64 reg, i64 offset)
{
    m->row.cfa = (struct value){.offset = offset};
    if (reg == REG_SP || reg == REG_BP) {
        m->row.cfa.base = reg == REG_SP ? VALUE_SP : VALUE_BP;
    } else {
        m->row.cfa.base = reg < REGISTERS ? VALUE_REGISTER : VALUE_OTHER;
        m->row.cfa.above = (i64)reg;
    }
}

static void remember(struct machine *m)
{
    if (m->nremembered == STATE_DEPTH)
        m->bad = true;
    else
        m->remembered[m->nremembered++] = m->row;
}

static void recall(struct machine *m)
{
    if (m->nremembered == 0)
        m->bad = true;
    else
        m->row = m->remembered[--m->nremembered];
}

static struct saved at_cfa(const struct machine *m, i64 factored)
{
    return (struct saved){.how = SAVED_AT_CFA,
                          .offset = (i64)((u64)factored * (u64)m->cie->data_align)};
}

// Instructions other than the three packed ones; DWARF 5 section 7.24.
static void execute_extended(struct machine *m, struct reader *r, u8 op)
{
    u64 reg;
    switch (op) {
    case 0x00: // DW_CFA_nop
        break;
    case 0x01: // DW_CFA_set_loc
        m->location = read_pointer(r, m->cie->pointer_encoding);
        break;
    case 0x02: // DW_CFA_advance_loc1, 2, 4
    case 0x03:
    case 0x04:
        m->location += read_bytes(r, 1u << (op - 2)) * m->cie->code_align;
        break;
    case 0x05: // DW_CFA_offset_extended
        reg = read_uleb(r);
        save(m, reg, at_cfa(m, (i64)read_uleb(r)));
        break;
    case 0x06: // DW_CFA_restore_extended
        restore(m, read_uleb(r));
        break;
    case 0x07: // DW_CFA_undefined
        save(m, read_uleb(r), (struct saved){.how = SAVED_UNDEFINED});
        break;
    case 0x08: // DW_CFA_same_value
        save(m, read_uleb(r), (struct saved){.how = SAVED_SAME});
        break;
    case 0x09: // DW_CFA_register
        reg = read_uleb(r);
        read_uleb(r);
        save(m, reg, (struct saved){.how = SAVED_IN_REGISTER});
        break;
    case 0x0a:
        remember(m);
        break;
    case 0x0b:
        recall(m);
        break;
    case 0x0c: // DW_CFA_def_cfa
        reg = read_uleb(r);
        define_cfa(m, reg, (i64)read_uleb(r));
        break;
    case 0x0d: // DW_CFA_def_cfa_register
        define_cfa(m, read_uleb(r), m->row.cfa.offset);
        break;
    case 0x0e: // DW_CFA_def_cfa_offset
        m->row.cfa.offset = (i64)read_uleb(r);
        break;
    case 0x0f: // DW_CFA_def_cfa_expression
        m->row.cfa = evaluate(read_block(r), m->pc);
        break;
    case 0x10: // DW_CFA_expression
        reg = read_uleb(r);
        save(m, reg, (struct saved){.how = SAVED_AT, .place = evaluate(read_block(r), m->pc)});
        break;
    case 0x11: // DW_CFA_offset_extended_sf
        reg = read_uleb(r);
        save(m, reg, at_cfa(m, read_sleb(r)));
        break;
    case 0x12: // DW_CFA_def_cfa_sf
        reg = read_uleb(r);
        define_cfa(m, reg, at_cfa(m, read_sleb(r)).offset);
        break;
    case 0x13: // DW_CFA_def_cfa_offset_sf
        m->row.cfa.offset = at_cfa(m, read_sleb(r)).offset;
        break;
    case 0x14: // DW_CFA_val_offset, val_offset_sf
    case 0x15:
        reg = read_uleb(r);
        read_uleb(r);
        save(m, reg, (struct saved){.how = SAVED_OTHER});
        break;
    case 0x16: // DW_CFA_val_expression
        reg = read_uleb(r);
        read_block(r);
        save(m, reg, (struct saved){.how = SAVED_OTHER});
        break;
    case 0x2e: // DW_CFA_GNU_args_size
        read_uleb(r);
        break;
    case 0x2f: // DW_CFA_GNU_negative_offset_extended
        reg = read_uleb(r);
        save(m, reg, at_cfa(m, -(i64)read_uleb(r)));
        break;
    default:
        m->bad = true;
    }
}

// Runs instructions up to the row that covers m->pc.
static void execute(struct machine *m, struct reader r)
{
    while (r.at < r.end && !r.bad && !m->bad) {
        u8 op = read_u8(&r), low = op & 0x3f;
        switch (op >> 6) {
        case 1: // DW_CFA_advance_loc
            m->location += low * m->cie->code_align;
            break;
        case 2: // DW_CFA_offset
            save(m, low, at_cfa(m, (i64)read_uleb(&r)));
            break;
        case 3: // DW_CFA_restore
            restore(m, low);
            break;
        default:
            execute_extended(m, &r, op);
        }
        if (m->location > m->pc)
            return;
    }
    m->bad |= r.bad;
}

// A CIE or FDE: the bytes behind its length.
static struct reader read_entry(const struct eh_frame *eh, const u8 *at)
{
    struct reader r = {at, eh->high, at < eh->low || at >= eh->high};
    u64 length = read_bytes(&r, 4);
    if (length == 0xffffffff)
        length = read_bytes(&r, 8);
    if (r.bad || length == 0 || length > (u64)(r.end - r.at))
        return (struct reader){.bad = true};
    r.end = r.at + length;
    return r;
}

static bool read_cie(struct cie *cie, struct reader r)
{
    *cie = (struct cie){.pointer_encoding = PE_ABSPTR};
    if (read_bytes(&r, 4) != 0) // a CIE has the id 0
        return false;
    u8 version = read_u8(&r);
    const u8 *letters = r.at;
    while (read_u8(&r))
        ;
    if (r.bad || (version != 1 && version != 3))
        return false;
    cie->code_align = read_uleb(&r);
    cie->data_align = read_sleb(&r);
    u64 ra = version == 1 ? read_u8(&r) : read_uleb(&r);
    if (ra != REG_RA)
        return false;
    if (*letters == 'z') {
        cie->augmented = true;
        struct reader data = read_block(&r);
        for (letters++; *letters; letters++) {
            if (*letters == 'R') {
                cie->pointer_encoding = read_u8(&data);
            } else if (*letters == 'P') {
                u8 encoding = read_u8(&data);
                read_pointer(&data, encoding & 0x0f);
            } else if (*letters == 'L') {
                read_u8(&data);
            } else if (*letters == 'S') {
                cie->signal_frame = true;
            } else if (*letters != 'B') {
                return false;
            }
        }
        r.bad |= data.bad;
    } else if (*letters) {
        return false;
    }
    cie->instructions = r;
    return !r.bad;
}

// The FDE that may cover pc: the last one in the sorted table that starts at or before it; NULL
// when there is none.
static const u8 *find_fde(const struct eh_frame *eh, u64 pc)
{
    const u8 *header = eh->header;
    struct reader r = {header, eh->high, header < eh->low || header >= eh->high};
    u8 version = read_u8(&r), frame_encoding = read_u8(&r), count_encoding = read_u8(&r),
       table_encoding = read_u8(&r);
    if (r.bad || version != 1 || count_encoding == PE_OMIT || table_encoding != HEADER_TABLE)
        return NULL;
    read_pointer(&r, frame_encoding);
    u64 count = read_pointer(&r, count_encoding);
    if (r.bad || count == 0 || count > (u64)(r.end - r.at) / 8)
        return NULL;
    u64 low = 0, high = count; // the answer is in [low - 1, high - 1]
    while (low < high) {
        u64 middle = low + (high - low) / 2;
        i32 start;
        __builtin_memcpy(&start, r.at + middle * 8, sizeof(start));
        if ((u64)(uintptr_t)header + (u64)(i64)start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    i32 fde;
    if (low == 0)
        return NULL;
    __builtin_memcpy(&fde, r.at + (low - 1) * 8 + 4, sizeof(fde));
    return (const u8 *)((uintptr_t)header + (uintptr_t)(intptr_t)fde);
}

// "pop %rcx; jmp *%rcx", by which libgcc leaves its own frames: the return address was just taken
// into a register, and is still below sp.
static bool is_popped(const struct row *row)
{
    return row->ra.how == SAVED_IN_REGISTER && row->cfa.base == VALUE_SP && row->cfa.offset == 0;
}

static struct unwind_rule rule_of(const struct row *row)
{
    static const enum unwind_cfa cfa_of[] = {
        [VALUE_NUMBER] = UNWIND_OTHER, [VALUE_SP] = UNWIND_SP,
        [VALUE_BP] = UNWIND_BP,        [VALUE_AT_SP] = UNWIND_AT_SP,
        [VALUE_AT_BP] = UNWIND_AT_BP,  [VALUE_REGISTER] = UNWIND_REGISTER,
        [VALUE_OTHER] = UNWIND_OTHER};
    const struct unwind_rule other = {.cfa = UNWIND_OTHER};
    if (row->ra.how == SAVED_UNDEFINED)
        return (struct unwind_rule){.cfa = UNWIND_END};
    if (!(row->ra.how == SAVED_AT_CFA && row->ra.offset == -8) && !is_popped(row))
        return other;
    struct unwind_rule rule = {.cfa = cfa_of[row->cfa.base],
                               .cfa_offset = (i32)row->cfa.offset,
                               .above = (u8)row->cfa.above};
    i64 bp_offset = 0;
    if (row->bp.how == SAVED_AT_CFA) {
        rule.bp = UNWIND_BP_AT_CFA;
        bp_offset = row->bp.offset;
    } else if (row->bp.how == SAVED_AT && row->bp.place.base == VALUE_BP) {
        rule.bp = UNWIND_BP_AT_BP;
        bp_offset = row->bp.place.offset;
    } else if (row->bp.how == SAVED_AT || row->bp.how >= SAVED_IN_REGISTER) {
        return other;
    }
    rule.bp_offset = (i16)bp_offset;
    if (rule.cfa_offset != row->cfa.offset || rule.above != row->cfa.above ||
        rule.bp_offset != bp_offset)
        return other;
    return rule;
}

struct unwind_rule eh_frame_rule(const struct eh_frame *eh, u64 pc)
{
    const struct unwind_rule unknown = {.cfa = UNWIND_UNKNOWN};
    const u8 *fde = find_fde(eh, pc);
    if (!fde)
        return unknown;
    struct reader r = read_entry(eh, fde);
    const u8 *id_place = r.at;
    u64 cie_distance = read_bytes(&r, 4);
    struct cie cie;
    if (r.bad || cie_distance == 0 || cie_distance > (u64)(id_place - eh->low) ||
        !read_cie(&cie, read_entry(eh, id_place - cie_distance)))
        return unknown;
    u64 start = read_pointer(&r, cie.pointer_encoding);
    u64 bytes = read_pointer(&r, cie.pointer_encoding & 0x0f);
    if (cie.augmented)
        read_block(&r);
    if (r.bad || pc < start || pc - start >= bytes)
        return unknown;
    if (cie.signal_frame)
        return (struct unwind_rule){.cfa = UNWIND_SIGNAL};
    struct machine m = {.cie = &cie, .pc = pc, .location = start};
    m.row.cfa.base = VALUE_OTHER;
    execute(&m, cie.instructions);
    m.initial = m.row;
    m.location = start;
    execute(&m, r);
    return m.bad ? unknown : rule_of(&m.row);
}
