// Registers -> stack.  For each frame: the rule for its pc, from a small cache or from the file's
// .eh_frame; where there is none (JIT code, assembly), the chain of frame pointers.  Loads only
// from memory that stack.c vouches for, so that wrong tables or a smashed stack cost frames, never
// the program.
#include "runtime/runtime.h"

#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "object/unwind.h"

enum { CACHE_ENTRIES = 4096 };

// What is known of a pc, in two words that are written and read without a lock: torn halves do not
// match, since the first word is the record frame (pc and mapping) combined with the second.
struct entry {
    u64 frame_xor_rule;
    u64 rule;
};

static struct entry cache[CACHE_ENTRIES];

_Static_assert(UNWIND_SP == 2 && UNWIND_BP == 3 && UNWIND_BP_AT_CFA == 1, "see walk_known()");

// For each entry, where its caller's was at the last time.  A guess: whoever follows it compares
// the pc.  With it a processor looks at the next frames before it has seen where they return to.
static u16 caller_row[CACHE_ENTRIES];

static u32 cache_row(u64 pc)
{
    return (u32)((pc * 0x9e3779b97f4a7c15) >> 40 & (CACHE_ENTRIES - 1));
}

void unwind_forget(void)
{
    for (u32 i = 0; i < CACHE_ENTRIES; i++) {
        __atomic_store_n(&cache[i].frame_xor_rule, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&cache[i].rule, 0, __ATOMIC_RELAXED);
    }
}

// A thread's own stack holds on to the files that it goes through; another thread's, which goes on
// meanwhile, does not.  So nobody looks at one while a file is unloaded.
static u32 nunloading; // calls of dlclose()
static u32 is_looking; // the sampler does

void unwind_begin_unloading(void)
{
    __atomic_fetch_add(&nunloading, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&is_looking, __ATOMIC_SEQ_CST))
        syscall(SYS_sched_yield);
}

void unwind_end_unloading(void)
{
    unwind_forget();
    u32 n = __atomic_load_n(&nunloading, __ATOMIC_RELAXED);
    while (n && !__atomic_compare_exchange_n(&nunloading, &n, n - 1, false, __ATOMIC_RELEASE,
                                             __ATOMIC_RELAXED))
        ;
}

void unwind_reset(void)
{
    nunloading = is_looking = 0;
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
    struct entry *e = &cache[cache_row(pc)];
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
    struct window window;
    u64 sp;                  // where the stack at hand was entered
    bool in_file;            // the code at hand is a file's
    const greg_t *registers; // of the first frame; NULL: not known
};

// What is not far above sp is of the stack that is walked, and stays.  All else, where a register
// that is no frame pointer may point to, can be unmapped by another thread at any time.
static bool load(void *context, u64 *value, u64 address)
{
    enum { STACK_BYTES = 1 << 20 };
    struct walk *w = context;
    if (!w->window.is_remote && address - w->window.low >= w->window.high - w->window.low &&
        address - w->sp >= STACK_BYTES)
        return stack_copy(value, address, sizeof(*value));
    if (!stack_readable(&w->window, address))
        return false;
    *value = *(const u64 *)(uintptr_t)(address + w->window.shift);
    return true;
}

static bool fetch(void *context, u64 *value, u64 address)
{
    (void)context;
    return stack_copy(value, address, sizeof(*value));
}

// What code in no file, a JIT's, has as its caller's is taken as it is: it keeps frame pointers.
static bool is_code(void *context, u64 pc)
{
    const struct walk *w = context;
    return !w->in_file || module_find(pc - 1);
}

static bool first_register(void *context, u64 *value, u32 number)
{
    static const u8 row[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                             REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                             REG_R12, REG_R13, REG_R14, REG_R15};
    const struct walk *w = context;
    if (!w->registers || number >= ARRAY_LEN(row))
        return false;
    *value = (u64)w->registers[row[number]];
    return true;
}

static const struct unwind_memory own_memory = {load, fetch, is_code, first_register};

// Whether the frame is found from sp or bp, and the caller's bp unchanged or beside its return
// address: one test of the rule's last bytes.
static bool is_simple(u64 rule)
{
    enum { BITS = (UNWIND_SP ^ UNWIND_BP) | (UNWIND_BP_SAME ^ UNWIND_BP_AT_CFA) << 4 };
    return (rule >> 48 & ~(u64)BITS) == UNWIND_SP;
}

// Row of the cache for pc, other than the guess that was wrong; false when there is no other.
static bool guess_again(u32 *row, u32 callee, u64 pc)
{
    u32 guess = *row;
    *row = cache_row(pc);
    if (*row == guess)
        return false;
    __atomic_store_n(&caller_row[callee], (u16)*row, __ATOMIC_RELAXED);
    return true;
}

// Goes up while all is as it mostly is: rules that are known and simple, on the stack at hand.
// Returns n and the number of frames that it entered.  Some 50 instructions a frame, none of which
// waits for the return address.
__attribute__((noinline)) static u32 walk_known(u64 *frame, u32 n, struct unwind_frame *at,
                                                const struct window *w)
{
    u64 pc = unwind_place(at), sp = at->sp, bp = at->bp;
    const u64 low = w->low, last = w->high - 8;
    const u32 first = n;
    u32 row = cache_row(pc), callee = row;
    if (sp < low || sp >= w->high || w->is_remote)
        return n;
    while (n < RECORD_MAX_FRAMES) {
        u64 rule = __atomic_load_n(&cache[row].rule, __ATOMIC_RELAXED);
        u64 known = __atomic_load_n(&cache[row].frame_xor_rule, __ATOMIC_RELAXED) ^ rule;
        if (unlikely(record_frame_address(known) != pc)) {
            if (guess_again(&row, callee, pc))
                continue;
            break;
        }
        u64 cfa = (rule >> 48 & 1 ? bp : sp) + (u64)(i64)(i32)rule;
        u64 saved = cfa + (u64)(i64)(i16)(rule >> 32);
        if (!is_simple(rule) || cfa - 8 - sp > last - sp || saved - low > last - low)
            break;
        u64 caller = *(const u64 *)(uintptr_t)(cfa - 8);
        if (caller == 0)
            break;
        if (rule >> 52 & 1)
            bp = *(const u64 *)(uintptr_t)saved;
        frame[n++] = known;
        pc = caller - 1;
        sp = cfa;
        callee = row;
        row = __atomic_load_n(&caller_row[row], __ATOMIC_RELAXED);
    }
    if (n > first)
        *at = (struct unwind_frame){pc + 1, sp, bp, true, true};
    return n;
}

static u32 walk(u64 *frame, u16 *flags, struct unwind_frame at, struct walk w)
{
    w.sp = at.sp;
    u32 n = 0;
    u16 handler = 0;
    while ((n = walk_known(frame, n, &at, &w.window)) < RECORD_MAX_FRAMES) {
        struct unwind_rule rule = find_rule(&frame[n++], unwind_place(&at));
        w.in_file = record_frame_mapping(frame[n - 1]) != 0;
        if (rule.cfa == UNWIND_SIGNAL) {
            handler = RECORD_HANDLER;
            frame[n - 1] += at.is_return; // nothing called the kernel's trampoline: it is exact
        }
        if (!unwind_step(&at, rule, own_memory, &w)) {
            *flags = handler | (rule.cfa == UNWIND_END ? RECORD_COMPLETE : 0);
            return n;
        }
        if (rule.cfa == UNWIND_SIGNAL && !w.window.is_remote) {
            w.window = stack_window(at.sp); // the handler may have had a stack of its own
            w.sp = at.sp;
        }
    }
    *flags = handler | RECORD_TRUNCATED;
    return n;
}

u32 unwind(u64 *frame, u16 *flags, struct context c)
{
    return walk(frame, flags, (struct unwind_frame){c.pc, c.sp, c.bp, .is_return = true},
                (struct walk){.window = stack_window(c.sp)});
}

u32 unwind_interrupted(u64 *frame, u16 *flags, const void *ucontext)
{
    struct context c = signal_context(ucontext);
    return walk(frame, flags, (struct unwind_frame){.pc = c.pc, .sp = c.sp, .bp = c.bp},
                (struct walk){.window = stack_window(c.sp),
                              .registers = ((const ucontext_t *)ucontext)->uc_mcontext.gregs});
}

u32 unwind_remote(u64 *frame, u16 *flags, struct context c)
{
    u32 n = 0;
    *flags = 0;
    __atomic_store_n(&is_looking, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&nunloading, __ATOMIC_SEQ_CST) == 0)
        n = walk(frame, flags, (struct unwind_frame){.pc = c.pc, .sp = c.sp, .bp = c.bp},
                 (struct walk){.window.is_remote = true});
    __atomic_store_n(&is_looking, 0, __ATOMIC_SEQ_CST);
    return n;
}
