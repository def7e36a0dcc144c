// Registers -> stack.  For each frame: the rule for its pc, from a small cache or from the file's
// .eh_frame; where there is none (JIT code, assembly), the chain of frame pointers.  Loads only
// from memory that stack.c vouches for, so that wrong tables or a smashed stack cost frames, never
// the program.
#include "runtime/runtime.h"

#include "object/unwind.h"

enum { CACHE_ENTRIES = 4096 };

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
    struct unwind_frame at;
    struct window window;
    bool in_file; // the code at hand is a file's
};

static bool load(void *context, u64 *value, u64 address)
{
    struct walk *w = context;
    if (!stack_readable(&w->window, address))
        return false;
    *value = *(const u64 *)(uintptr_t)address;
    return true;
}

static bool fetch(void *context, u64 *value, u64 address)
{
    (void)context;
    struct window code = {0};
    if (!stack_readable(&code, address))
        return false;
    *value = *(const u64 *)(uintptr_t)address;
    return true;
}

// What code in no file, a JIT's, has as its caller's is taken as it is: it keeps frame pointers.
static bool is_code(void *context, u64 pc)
{
    const struct walk *w = context;
    return !w->in_file || module_find(pc - 1);
}

static const struct unwind_memory own_memory = {load, fetch, is_code};

static u32 walk(u64 *frame, u16 *flags, struct walk *w)
{
    u32 n = 0;
    while (n < RECORD_MAX_FRAMES) {
        struct unwind_rule rule = find_rule(&frame[n++], unwind_place(&w->at));
        w->in_file = record_frame_mapping(frame[n - 1]) != 0;
        if (rule.cfa == UNWIND_SIGNAL)
            frame[n - 1] += w->at.is_return; // nothing called the kernel's trampoline: it is exact
        if (!unwind_step(&w->at, rule, own_memory, w)) {
            *flags = rule.cfa == UNWIND_END ? RECORD_COMPLETE : 0;
            return n;
        }
        if (rule.cfa == UNWIND_SIGNAL)
            w->window = stack_window(w->at.sp); // the handler may have had a stack of its own
    }
    *flags = RECORD_TRUNCATED;
    return n;
}

u32 unwind(u64 *frame, u16 *flags, struct context c)
{
    struct walk w = {.at = {c.pc, c.sp, c.bp, true}, .window = stack_window(c.sp)};
    return walk(frame, flags, &w);
}

u32 unwind_interrupted(u64 *frame, u16 *flags, struct context c)
{
    struct walk w = {.at = {c.pc, c.sp, c.bp, false}, .window = stack_window(c.sp)};
    return walk(frame, flags, &w);
}
