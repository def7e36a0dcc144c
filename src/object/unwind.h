// One step of a walk up a stack, by a rule of eh_frame.h.  Written once for all who walk: the
// runtime over its own memory, the reader of perf.data over a copy.  A walker is a struct
// unwind_memory of constant functions, so that the compiler puts them in place.
#ifndef OBJECT_UNWIND_H
#define OBJECT_UNWIND_H

#include "object/eh_frame.h"

enum {
    UNWIND_MOST_BYTES = 16 << 20, // a larger distance of two frames is a sign of being lost
    UNWIND_LEAF_BYTES = 4096,     // how far into a function without a frame code is looked for

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
};

// What a walk asks of the memory that it walks over.
struct unwind_memory {
    bool (*load)(void *walk, u64 *value, u64 address);  // a word of the stack; false: not readable
    bool (*fetch)(void *walk, u64 *value, u64 address); // a word of code, at a multiple of 8
    bool (*is_code)(void *walk, u64 pc);                // pc is in a file, or known to be code
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
    *f = (struct unwind_frame){pc, sp, bp, true};
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

// Assemblers write functions that have neither rules nor a frame.  Where one was interrupted, the
// return address is at sp: it is told from anything else by the call in front of it, which leads
// to this function.
UNWIND_INLINE bool unwind_leaf(struct unwind_frame *f, struct unwind_memory m, void *walk)
{
    u64 pc, bytes;
    if (f->is_return || !m.load(walk, &pc, f->sp) || !m.is_code(walk, pc) ||
        !unwind_code_before(&bytes, pc, m, walk) || (bytes >> 24 & 0xff) != 0xe8)
        return false;
    u64 function = pc + (u64)(i64)(i32)(bytes >> 32);
    return f->pc - function < UNWIND_LEAF_BYTES && unwind_go_to(f, pc, f->sp + 8, f->bp);
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
    *f = (struct unwind_frame){pc, caller_sp, caller_bp, false};
    return true;
}

UNWIND_INLINE bool unwind_by_rule(struct unwind_frame *f, struct unwind_rule rule,
                                  struct unwind_memory m, void *walk)
{
    u64 cfa = rule.cfa == UNWIND_BP || rule.cfa == UNWIND_AT_BP ? f->bp : f->sp;
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
        return unwind_leaf(f, m, walk) || unwind_by_frame_pointer(f, true, m, walk);
    case UNWIND_OTHER:
        return unwind_by_frame_pointer(f, false, m, walk);
    default:
        return unwind_by_rule(f, rule, m, walk);
    }
}

#endif
