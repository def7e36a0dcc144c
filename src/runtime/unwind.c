// Registers -> stack.  For each frame: the rule for its pc, from a small cache or from the file's
// .eh_frame; where there is none (JIT code, assembly), the chain of frame pointers.  Loads only
// from memory that stack.c vouches for, so that wrong tables or a smashed stack cost frames, never
// the program.
#include "runtime/runtime.h"

#include "object/eh_frame.h"

enum {
    CACHE_ENTRIES = 4096,
    MOST_FRAME_BYTES = 16 << 20, // a larger distance of two frames is a sign of being lost

    // Where the kernel keeps registers in a signal frame: struct ucontext's gregs, from sp
    // (x86-64).
    SIGNAL_BP = 120,
    SIGNAL_SP = 160,
    SIGNAL_PC = 168
};

// What is known of a pc, in two words that are written and read without a lock: torn halves do not
// match, since the first word is the record frame (pc and mapping) combined with the second.
struct entry {
    u64 frame_xor_rule;
    u64 rule;
};

static struct entry cache[CACHE_ENTRIES];

static struct entry *cache_entry(u64 pc)
{
    return &cache[(pc * 0x9e3779b97f4a7c15) >> 40 & (CACHE_ENTRIES - 1)];
}

void unwind_forget(void)
{
    for (u32 i = 0; i < CACHE_ENTRIES; i++) {
        __atomic_store_n(&cache[i].frame_xor_rule, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&cache[i].rule, 0, __ATOMIC_RELAXED);
    }
}

static struct unwind_rule compute_rule(u64 *frame, u64 pc)
{
    const struct module *m = module_find(pc);
    *frame = record_frame(pc, m ? m->mapping : 0);
    if (!m || !m->eh_low)
        return (struct unwind_rule){.cfa = UNWIND_UNKNOWN};
    struct eh_frame eh = {.low = m->eh_low, .high = m->eh_high, .header = m->eh_header};
    return eh_frame_rule(&eh, pc);
}

// The rule for pc, and its record frame.
static struct unwind_rule find_rule(u64 *frame, u64 pc)
{
    struct entry *e = cache_entry(pc);
    struct unwind_rule rule;
    u64 bits = __atomic_load_n(&e->rule, __ATOMIC_RELAXED);
    *frame = __atomic_load_n(&e->frame_xor_rule, __ATOMIC_RELAXED) ^ bits;
    if (record_frame_address(*frame) == pc && *frame != 0) {
        __builtin_memcpy(&rule, &bits, sizeof(rule));
        return rule;
    }
    rule = compute_rule(frame, pc);
    // Code in no file may be a JIT's, which reuses its addresses.
    if (record_frame_mapping(*frame)) {
        __builtin_memcpy(&bits, &rule, sizeof(bits));
        __atomic_store_n(&e->rule, bits, __ATOMIC_RELAXED);
        __atomic_store_n(&e->frame_xor_rule, *frame ^ bits, __ATOMIC_RELAXED);
    }
    return rule;
}

struct walk {
    struct context c;
    struct window window;
    bool is_return; // c.pc is a return address: the frame's instruction is before it
};

static bool load(struct walk *w, u64 *value, u64 address)
{
    if (!stack_readable(&w->window, address))
        return false;
    *value = *(const u64 *)(uintptr_t)address;
    return true;
}

// Goes up to the frame with these registers; false when they cannot be right.
static bool go_to(struct walk *w, u64 pc, u64 sp, u64 bp)
{
    if (sp <= w->c.sp || sp - w->c.sp > MOST_FRAME_BYTES || pc == 0)
        return false;
    w->c = (struct context){pc, sp, bp};
    w->is_return = true;
    return true;
}

// The code at hand may use its frame pointer for something else.  Then what lies there is no return
// address: code of a file, unlike a JIT's, is called by code of a file.
static bool step_by_frame_pointer(struct walk *w, bool in_file)
{
    u64 bp = w->c.bp, pc, caller_bp;
    return bp >= w->c.sp && bp - w->c.sp < MOST_FRAME_BYTES && load(w, &caller_bp, bp) &&
           load(w, &pc, bp + 8) && (!in_file || module_find(pc - 1)) &&
           go_to(w, pc, bp + 16, caller_bp);
}

static bool step_over_signal(struct walk *w)
{
    u64 sp = w->c.sp, caller_bp, caller_sp, pc;
    if (!load(w, &caller_bp, sp + SIGNAL_BP) || !load(w, &caller_sp, sp + SIGNAL_SP) ||
        !load(w, &pc, sp + SIGNAL_PC))
        return false;
    // The handler may have run on a stack of its own, so the interrupted one can be anywhere.
    w->c = (struct context){pc, caller_sp, caller_bp};
    w->window = stack_window(caller_sp);
    w->is_return = false;
    return pc != 0;
}

static bool step_by_rule(struct walk *w, struct unwind_rule rule)
{
    u64 cfa = rule.cfa == UNWIND_BP || rule.cfa == UNWIND_AT_BP ? w->c.bp : w->c.sp;
    cfa += (u64)(i64)rule.cfa_offset;
    if ((rule.cfa == UNWIND_AT_SP || rule.cfa == UNWIND_AT_BP) && !load(w, &cfa, cfa))
        return false;
    u64 bp = w->c.bp, pc;
    if (rule.bp == UNWIND_BP_AT_CFA && !load(w, &bp, cfa + (u64)(i64)rule.bp_offset))
        return false;
    if (rule.bp == UNWIND_BP_AT_BP && !load(w, &bp, bp + (u64)(i64)rule.bp_offset))
        return false;
    return load(w, &pc, cfa - 8) && go_to(w, pc, cfa, bp);
}

static bool step(struct walk *w, struct unwind_rule rule, bool in_file)
{
    switch (rule.cfa) {
    case UNWIND_END:
        return false;
    case UNWIND_SIGNAL:
        return step_over_signal(w);
    case UNWIND_UNKNOWN:
        return step_by_frame_pointer(w, in_file);
    default:
        return step_by_rule(w, rule);
    }
}

u32 unwind(u64 *frame, u16 *flags, struct context c)
{
    struct walk w = {.c = c, .window = stack_window(c.sp), .is_return = true};
    u32 n = 0;
    *flags = 0;
    while (n < RECORD_MAX_FRAMES) {
        struct unwind_rule rule = find_rule(&frame[n++], w.c.pc - w.is_return);
        if (rule.cfa == UNWIND_SIGNAL)
            frame[n - 1] += w.is_return; // nothing called the kernel's trampoline: its pc is exact
        if (!step(&w, rule, record_frame_mapping(frame[n - 1]) != 0)) {
            *flags = rule.cfa == UNWIND_END ? RECORD_COMPLETE : 0;
            return n;
        }
    }
    *flags = RECORD_TRUNCATED;
    return n;
}
