// The same walk as in the runtime (src/runtime/unwind.c), but over a copy of the stack, and by the
// rules of files.
#include "profile/perf_unwind.h"

enum {
    // Bits of regs_user: enum perf_event_x86_regs in the kernel's
    // arch/x86/include/uapi/asm/perf_regs.h.
    REGISTER_BP = 6,
    REGISTER_SP = 7,
    REGISTER_IP = 8,

    // Where the kernel keeps registers in a signal frame: struct ucontext's gregs, from sp.
    SIGNAL_BP = 120,
    SIGNAL_SP = 160,
    SIGNAL_PC = 168
};

struct walk {
    u64 pc, sp, bp;
    u64 stack; // address of the first byte of the copy
    struct perf_bytes copy;
    bool is_return; // pc is a return address: the frame's instruction is before it
    bool is_cut;    // more was needed than was copied
};

void perf_unwinder_init(struct perf_unwinder *u, const struct perf_system *system)
{
    *u = (struct perf_unwinder){.system = system, .arena = system->arena};
    table_init(&u->places, u->arena);
    arena_push(u->arena, u->rule, u->nrule, u->rule_cap);
    table_init(&u->files, u->arena);
    arena_push(u->arena, u->image, u->nimage, u->image_cap);
}

// Row of the file that the mapping is of, which is opened if it was not yet.
static u32 find_file(struct perf_unwinder *u, u32 mapping)
{
    const struct perf_mapping *m = &u->system->mapping[mapping];
    struct err e;
    while (u->nfile <= mapping)
        arena_push(u->arena, u->file, u->nfile, u->file_cap);
    if (u->file[mapping])
        return u->file[mapping];
    struct str key =
        arena_printf(u->arena, "%.*s%c%.*s", STR_ARG(m->filename), 0, STR_ARG(m->build_id));
    u32 row = table_add_shared(&u->files, key);
    if (row == u->nimage) {
        struct image *i = arena_push(u->arena, u->image, u->nimage, u->image_cap);
        if (u->image_bytes < PERF_MOST_IMAGE_BYTES &&
            image_open(i, m->filename, m->build_id, u->arena, &e))
            u->image_bytes += (u64)(i->eh.high - i->eh.low);
    }
    return u->file[mapping] = row;
}

// The rule for the code at pc of this mapping.
static struct unwind_rule find_rule(struct perf_unwinder *u, u32 mapping, u64 pc)
{
    const struct perf_mapping *m = &u->system->mapping[mapping];
    u64 key[2] = {mapping ? find_file(u, mapping) : 0, pc - m->start + m->offset};
    if (!u->image[key[0]].eh.low)
        return (struct unwind_rule){.cfa = UNWIND_UNKNOWN};
    u32 row = table_add(&u->places, (struct str){(char *)key, sizeof(key)});
    if (row == u->nrule)
        *arena_push(u->arena, u->rule, u->nrule, u->rule_cap) =
            image_rule(&u->image[key[0]], key[1]);
    return u->rule[row];
}

static bool load(struct walk *w, u64 *value, u64 address)
{
    if (address < w->stack)
        return false;
    struct perf_bytes b = w->copy;
    perf_skip(&b, address - w->stack);
    *value = perf_u64(&b);
    w->is_cut |= b.bad;
    return !b.bad;
}

// Goes up to the frame with these registers; false when they cannot be right.
static bool go_to(struct walk *w, u64 pc, u64 sp, u64 bp)
{
    if (sp <= w->sp || pc == 0)
        return false;
    w->pc = pc;
    w->sp = sp;
    w->bp = bp;
    w->is_return = true;
    return true;
}

// What lies at a frame pointer that was used for something else is no address of code.
static bool step_by_frame_pointer(struct walk *w, const struct perf_system *system, u32 pid)
{
    u64 pc, bp;
    return w->bp >= w->sp && load(w, &bp, w->bp) && load(w, &pc, w->bp + 8) &&
           perf_system_find(system, pid, PERF_RECORD_MISC_USER, pc - 1) &&
           go_to(w, pc, w->bp + 16, bp);
}

// The handler may have run on a stack of its own, of which there is no copy then.
static bool step_over_signal(struct walk *w)
{
    u64 pc, sp, bp;
    if (!load(w, &bp, w->sp + SIGNAL_BP) || !load(w, &sp, w->sp + SIGNAL_SP) ||
        !load(w, &pc, w->sp + SIGNAL_PC) || !go_to(w, pc, sp, bp))
        return false;
    w->is_return = false;
    return true;
}

static bool step_by_rule(struct walk *w, struct unwind_rule rule)
{
    u64 cfa = rule.cfa == UNWIND_BP || rule.cfa == UNWIND_AT_BP ? w->bp : w->sp;
    cfa += (u64)(i64)rule.cfa_offset;
    if ((rule.cfa == UNWIND_AT_SP || rule.cfa == UNWIND_AT_BP) && !load(w, &cfa, cfa))
        return false;
    u64 bp = w->bp, pc;
    if (rule.bp == UNWIND_BP_AT_CFA && !load(w, &bp, cfa + (u64)(i64)rule.bp_offset))
        return false;
    if (rule.bp == UNWIND_BP_AT_BP && !load(w, &bp, bp + (u64)(i64)rule.bp_offset))
        return false;
    return load(w, &pc, cfa - 8) && go_to(w, pc, cfa, bp);
}

static bool step(struct walk *w, struct unwind_rule rule, const struct perf_system *system, u32 pid)
{
    switch (rule.cfa) {
    case UNWIND_END:
        return false;
    case UNWIND_SIGNAL:
        return step_over_signal(w);
    case UNWIND_UNKNOWN:
        return step_by_frame_pointer(w, system, pid);
    default:
        return step_by_rule(w, rule);
    }
}

// The value of a register, which are in the order of their bits.
static bool read_register(const struct perf_sample *s, u64 registers, u32 bit, u64 *value)
{
    struct perf_bytes b = s->registers;
    if (!(registers >> bit & 1))
        return false;
    perf_skip(&b, 8 * (u64)__builtin_popcountll(registers & (((u64)1 << bit) - 1)));
    *value = perf_u64(&b);
    return !b.bad;
}

void perf_unwind(struct perf_unwinder *u, const struct perf_event *ev, const struct perf_sample *s)
{
    struct walk w = {.copy = s->stack};
    struct unwind_rule rule;
    u->naddress = 0;
    if (!s->has_registers || perf_left(&s->stack) == 0 || !u->system->file->is_x86_64 ||
        !read_register(s, ev->regs_user, REGISTER_IP, &w.pc) ||
        !read_register(s, ev->regs_user, REGISTER_SP, &w.sp) ||
        !read_register(s, ev->regs_user, REGISTER_BP, &w.bp))
        return;
    w.stack = w.sp;
    do {
        u64 pc = w.pc - w.is_return;
        u32 mapping = perf_system_find(u->system, s->pid, PERF_RECORD_MISC_USER, pc);
        rule = find_rule(u, mapping, pc);
        // Nothing called the kernel's trampoline for signals: its address is exact.
        u->address[u->naddress++] = rule.cfa == UNWIND_SIGNAL ? w.pc : pc;
    } while (u->naddress < PERF_MOST_FRAMES && step(&w, rule, u->system, s->pid));
    u->ncut += w.is_cut;
    u->nblind += !w.is_cut && rule.cfa == UNWIND_UNKNOWN;
}
