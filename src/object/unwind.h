// One step of a walk up a stack, by a rule of eh_frame.h.  Written once for all who walk: the
// runtime over its own memory, the reader of perf.data over a copy.  A walker is a struct
// unwind_memory of constant functions, so that the compiler puts them in place.
#ifndef OBJECT_UNWIND_H
#define OBJECT_UNWIND_H

#include "object/eh_frame.h"

enum {
    UNWIND_MOST_BYTES = 16 << 20, // a larger distance of two frames is a sign of being lost
    UNWIND_LEAF_BYTES = 4096,     // how far into a function without a frame code is looked for
    UNWIND_JUMP_BYTES = 32,       // and how far a jump to another
    UNWIND_THUNK_BYTES = 16,      // up to the call of a function that does little else

    // Where the kernel keeps registers in a signal frame: struct ucontext's gregs, from sp
    // (x86-64).
    UNWIND_SIGNAL_BP = 120,
    UNWIND_SIGNAL_SP = 160,
    UNWIND_SIGNAL_PC = 168
};

// All of it is put in place, so that a walk keeps its registers in the processor's.
#define UNWIND_INLINE static inline __attribute__((always_inline))

struct unwind_frame {
    u64 pc, sp, bp;
    bool is_return; // pc is a return address: the frame's instruction is before it
    bool is_later;  // not the one that the walk began with
};

// What a walk asks of the memory that it walks over.
struct unwind_memory {
    bool (*load)(void *walk, u64 *value, u64 address);  // a word of the stack; false: not readable
    bool (*fetch)(void *walk, u64 *value, u64 address); // a word of code, at a multiple of 8
    bool (*is_code)(void *walk, u64 pc);                // pc is in a file, or known to be code

    // A register of the frame that the walk began with, by DWARF's number; false: not known.
    bool (*first_register)(void *walk, u64 *value, u32 number);
};

// The address to look up for a frame.
UNWIND_INLINE u64 unwind_place(const struct unwind_frame *f)
{
    return f->pc - f->is_return;
}

// Goes up to the frame with these registers; false when they cannot be right: sp goes up, and may
// stay only where the return address has been popped already.
UNWIND_INLINE bool unwind_go_to(struct unwind_frame *f, u64 pc, u64 sp, u64 bp)
{
    if (sp - f->sp - f->is_return >= UNWIND_MOST_BYTES || pc == 0)
        return false;
    *f = (struct unwind_frame){pc, sp, bp, true, true};
    return true;
}

// The 8 bytes of code before pc; the last of them is the uppermost.
UNWIND_INLINE bool unwind_code_before(u64 *bytes, u64 pc, struct unwind_memory m, void *walk)
{
    u64 start = (pc - 8) & ~(u64)7, shift = 8 * (pc & 7), next = 0;
    if (!m.fetch(walk, bytes, start) || (shift && !m.fetch(walk, &next, start + 8)))
        return false;
    if (shift)
        *bytes = *bytes >> shift | next << (64 - shift);
    return true;
}

// Whether the bytes end with a call: E8 and four bytes, or FF /2 in one of its lengths.
UNWIND_INLINE bool unwind_is_call(u64 bytes)
{
    static const u8 lengths[] = {2, 3, 4, 6, 7};
    if ((bytes >> 24 & 0xff) == 0xe8)
        return true;
    for (u32 i = 0; i < ARRAY_LEN(lengths); i++) {
        u64 at = bytes >> (64 - 8 * lengths[i]);
        if ((at & 0x38ff) == 0x10ff)
            return true;
    }
    return false;
}

// Code without rules may be called by a JIT's, which is in no file: that is known by its calls.
UNWIND_INLINE bool unwind_is_return(u64 pc, bool in_any, struct unwind_memory m, void *walk)
{
    u64 bytes;
    return m.is_code(walk, pc) ||
           (in_any && unwind_code_before(&bytes, pc, m, walk) && unwind_is_call(bytes));
}

// A return address, and the call in front of it.
struct unwind_call {
    u64 pc;
    bool is_direct;
    u64 function; // that a direct call leads to
};

// The return address at an address; false: there is none.
UNWIND_INLINE bool unwind_call_at(struct unwind_call *c, u64 address, struct unwind_memory m,
                                  void *walk)
{
    u64 bytes;
    if (!m.load(walk, &c->pc, address) || !unwind_code_before(&bytes, c->pc, m, walk))
        return false;
    c->is_direct = (bytes >> 24 & 0xff) == 0xe8;
    c->function = c->pc + (u64)(i64)(i32)(bytes >> 32);
    return unwind_is_call(bytes);
}

// How far behind the start of the function that was called pc is; UINT64_MAX when that is another.
UNWIND_INLINE u64 unwind_distance(const struct unwind_call *c, u64 pc)
{
    return c->is_direct && pc - c->function < UNWIND_LEAF_BYTES ? pc - c->function : UINT64_MAX;
}

// The same from one that it goes on to by a jump within its first bytes, as assemblers' do.
UNWIND_INLINE u64 unwind_distance_by_jump(const struct unwind_call *c, u64 pc,
                                          struct unwind_memory m, void *walk)
{
    u64 word[UNWIND_JUMP_BYTES / 8 + 1], start = c->function & ~(u64)7;
    for (u32 i = 0; i < ARRAY_LEN(word); i++) {
        if (!c->is_direct || !m.fetch(walk, &word[i], start + 8 * i))
            return UINT64_MAX;
    }
    for (u64 at = c->function - start; at + 5 <= sizeof(word); at++) {
        const u8 *code = (const u8 *)word + at;
        i32 jump;
        __builtin_memcpy(&jump, code + 1, sizeof(jump));
        u64 to = start + at + 5 + (u64)(i64)jump;
        if (*code == 0xe9 && pc - to < UNWIND_LEAF_BYTES)
            return pc - to;
    }
    return UINT64_MAX;
}

// Assemblers, and Go, write functions that have neither rules nor a frame.  Where one was
// interrupted, the return address is at sp: it is told from anything else by the call in front of
// it, which leads to this function; or leads anywhere, when the one in front of what is at the
// frame pointer leads to another.
UNWIND_INLINE bool unwind_leaf(struct unwind_frame *f, struct unwind_memory m, void *walk)
{
    struct unwind_call c, above;
    if (f->is_return || !unwind_call_at(&c, f->sp, m, walk) || !m.is_code(walk, c.pc))
        return false;
    u64 here = unwind_distance(&c, f->pc);
    if (here == UINT64_MAX)
        here = unwind_distance_by_jump(&c, f->pc, m, walk);
    bool has_other = unwind_call_at(&above, f->bp + 8, m, walk) && above.is_direct;
    u64 there = has_other ? unwind_distance(&above, f->pc) : UINT64_MAX;
    bool is_here =
        here != UINT64_MAX ? here < there : !c.is_direct && has_other && there == UINT64_MAX;
    return is_here && unwind_go_to(f, c.pc, f->sp + 8, f->bp);
}

// Where the return address is at the first and last instructions of a function that keeps a frame
// pointer: the prologues and epilogues of Go, of V8 and of others.  code: from pc on; before: up to
// there.
struct unwind_edge {
    bool is_known;
    bool is_bp_at_sp; // the caller's bp is at sp; otherwise it is in its register
    u64 offset;       // of the return address, from sp
};

UNWIND_INLINE struct unwind_edge unwind_edge_of(u64 code, u64 before)
{
    u64 disp8 = code >> 32 & 0xff, disp32 = code >> 32, imm8 = code >> 24 & 0xff;
    u32 first = code & 0xff, two = code & 0xffff, three = code & 0xffffff, four = (u32)code;
    bool is_pushed = before >> 56 == 0x55 && (three == 0xe58948 || three == 0xec8b48);
    if (is_pushed || two == 0xc35d || two == 0xc25d) // push rbp | mov rbp, rsp; pop rbp, ret
        return (struct unwind_edge){true, true, 8};
    if (first == 0xc3 || first == 0xc2 ||           // ret
        four == 0xe5894855 || four == 0xec8b4855 || // push rbp, mov rbp, rsp
        four == 0x10663b49 || four == 0x10663b4d || // Go's: cmp rsp or r12, [r14 + 16]
        four == 0x24648d4c || four == 0x24a48d4c || // lea r12, [rsp + disp]
        (before >> 40 == 0x10663b && (first == 0x76 || two == 0x860f)) || // | jbe
        three == 0xec8348 || three == 0xec8148)                           // sub rsp, imm
        return (struct unwind_edge){true, false, 0};
    if (four == 0x246c8948 || four == 0x246c8d48) // mov [rsp + disp8], rbp; lea rbp, [rsp + disp8]
        return (struct unwind_edge){true, false, disp8 + 8};
    if (four == 0x24ac8948 || four == 0x24ac8d48) // the same with disp32
        return (struct unwind_edge){true, false, disp32 + 8};
    if (three == 0xc48348 && disp8 == 0xc3) // add rsp, imm8; ret
        return (struct unwind_edge){true, false, imm8};
    if (three == 0xc48148 && code >> 56 == 0xc3) // add rsp, imm32; ret
        return (struct unwind_edge){true, false, code >> 24 & 0xffffffff};
    return (struct unwind_edge){0};
}

// Out of code without rules that was interrupted while it makes its frame, or leaves it.
UNWIND_INLINE bool unwind_over_edge(struct unwind_frame *f, struct unwind_memory m, void *walk)
{
    u64 code, before, bp = f->bp;
    struct unwind_call c;
    if (f->is_return || !unwind_code_before(&code, f->pc + 8, m, walk) ||
        !unwind_code_before(&before, f->pc, m, walk))
        return false;
    struct unwind_edge e = unwind_edge_of(code, before);
    return e.is_known && unwind_call_at(&c, f->sp + e.offset, m, walk) &&
           (!e.is_bp_at_sp || m.load(walk, &bp, f->sp)) &&
           unwind_go_to(f, c.pc, f->sp + e.offset + 8, bp);
}

// Out of code that calls at once, and makes no frame for that.
UNWIND_INLINE bool unwind_over_thunk(struct unwind_frame *f, struct unwind_memory m, void *walk)
{
    struct unwind_call c;
    return f->is_return && unwind_call_at(&c, f->sp, m, walk) &&
           unwind_distance(&c, f->pc) < UNWIND_THUNK_BYTES && m.is_code(walk, c.pc) &&
           unwind_go_to(f, c.pc, f->sp + 8, f->bp);
}

// Out of code without a frame that was called by a pointer, and has called: what Go runs on a
// thread of C's.
UNWIND_INLINE bool unwind_by_pointer(struct unwind_frame *f, struct unwind_memory m, void *walk)
{
    struct unwind_call c;
    return f->is_return && unwind_call_at(&c, f->sp, m, walk) && !c.is_direct &&
           m.is_code(walk, c.pc) && unwind_go_to(f, c.pc, f->sp + 8, f->bp);
}

// Out of a signal handler's first instructions, to the code that the kernel had it return to: no
// call is in front of that, but it is known by its own first bytes (mov rax, 15; syscall).
UNWIND_INLINE bool unwind_to_restorer(struct unwind_frame *f, struct unwind_memory m, void *walk)
{
    u64 pc, code;
    return !f->is_return && m.load(walk, &pc, f->sp) && m.is_code(walk, pc) &&
           unwind_code_before(&code, pc + 8, m, walk) && code == 0x0f0000000fc0c748 &&
           unwind_go_to(f, pc, f->sp + 8, f->bp);
}

// The code at hand may use its frame pointer for something else; what lies there is no return
// address then.
UNWIND_INLINE bool unwind_by_frame_pointer(struct unwind_frame *f, bool in_any,
                                           struct unwind_memory m, void *walk)
{
    u64 bp = f->bp, pc, caller_bp;
    return bp >= f->sp && bp - f->sp < UNWIND_MOST_BYTES && m.load(walk, &caller_bp, bp) &&
           m.load(walk, &pc, bp + 8) && unwind_is_return(pc, in_any, m, walk) &&
           unwind_go_to(f, pc, bp + 16, caller_bp);
}

// The handler may have run on a stack of its own, so the interrupted one can be anywhere.
UNWIND_INLINE bool unwind_over_signal(struct unwind_frame *f, struct unwind_memory m, void *walk)
{
    u64 sp = f->sp, caller_bp, caller_sp, pc;
    if (!m.load(walk, &caller_bp, sp + UNWIND_SIGNAL_BP) ||
        !m.load(walk, &caller_sp, sp + UNWIND_SIGNAL_SP) ||
        !m.load(walk, &pc, sp + UNWIND_SIGNAL_PC) || pc == 0)
        return false;
    *f = (struct unwind_frame){pc, caller_sp, caller_bp, false, true};
    return true;
}

UNWIND_INLINE bool unwind_by_rule(struct unwind_frame *f, struct unwind_rule rule,
                                  struct unwind_memory m, void *walk)
{
    u64 cfa = rule.cfa == UNWIND_BP || rule.cfa == UNWIND_AT_BP ? f->bp : f->sp;
    if (rule.cfa == UNWIND_REGISTER && (f->is_later || !m.first_register(walk, &cfa, rule.above)))
        return unwind_by_frame_pointer(f, false, m, walk);
    cfa += (u64)(i64)rule.cfa_offset;
    if (rule.cfa == UNWIND_AT_SP || rule.cfa == UNWIND_AT_BP) {
        if (!m.load(walk, &cfa, cfa))
            return false;
        cfa += rule.above;
    }
    u64 bp = f->bp, pc;
    if (rule.bp == UNWIND_BP_AT_CFA && !m.load(walk, &bp, cfa + (u64)(i64)rule.bp_offset))
        return false;
    if (rule.bp == UNWIND_BP_AT_BP && !m.load(walk, &bp, bp + (u64)(i64)rule.bp_offset))
        return false;
    return m.load(walk, &pc, cfa - 8) && unwind_go_to(f, pc, cfa, bp);
}

// Goes up to the caller by the rule for unwind_place(f); false: there is none, or it cannot be
// found.  Async-signal-safe when m's functions are.
UNWIND_INLINE __attribute__((always_inline)) bool unwind_step(struct unwind_frame *f,
                                                              struct unwind_rule rule,
                                                              struct unwind_memory m, void *walk)
{
    switch (rule.cfa) {
    case UNWIND_END:
        return false;
    case UNWIND_SIGNAL:
        return unwind_over_signal(f, m, walk);
    case UNWIND_UNKNOWN:
        return unwind_over_edge(f, m, walk) || unwind_leaf(f, m, walk) ||
               unwind_over_thunk(f, m, walk) || unwind_to_restorer(f, m, walk) ||
               unwind_by_frame_pointer(f, true, m, walk) || unwind_by_pointer(f, m, walk);
    case UNWIND_OTHER:
        return unwind_by_frame_pointer(f, false, m, walk);
    default:
        return unwind_by_rule(f, rule, m, walk);
    }
}

#endif
