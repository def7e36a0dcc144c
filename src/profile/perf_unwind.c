// The same walk as in the runtime, but over a copy of the stack, and by the rules of files.
#include "profile/perf_unwind.h"

#include "object/unwind.h"

enum {
    // Bits of regs_user: enum perf_event_x86_regs in the kernel's
    // arch/x86/include/uapi/asm/perf_regs.h.
    REGISTER_BP = 6,
    REGISTER_SP = 7,
    REGISTER_IP = 8
};

struct walk {
    struct unwind_frame at;
    const struct perf_sample *sample;
    u64 registers; // that it has, a bit each
    const struct perf_system *system;
    u32 pid;
    u64 stack; // address of the first byte of the copy
    struct cursor copy;
    bool is_cut; // more was needed than was copied
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

static bool load(void *context, u64 *value, u64 address)
{
    struct walk *w = context;
    if (address < w->stack)
        return false;
    struct cursor b = w->copy;
    cursor_skip(&b, address - w->stack);
    *value = cursor_u64(&b);
    w->is_cut |= b.bad;
    return !b.bad;
}

// perf copies no code.
static bool fetch(void *context, u64 *value, u64 address)
{
    (void)context, (void)address;
    *value = 0;
    return false;
}

static bool is_code(void *context, u64 pc)
{
    const struct walk *w = context;
    return perf_system_find(w->system, w->pid, PERF_RECORD_MISC_USER, pc - 1) != 0;
}

// The value of a register, which are in the order of their bits.
static bool read_register(const struct perf_sample *s, u64 registers, u32 bit, u64 *value)
{
    struct cursor b = s->registers;
    if (!(registers >> bit & 1))
        return false;
    cursor_skip(&b, 8 * (u64)__builtin_popcountll(registers & (((u64)1 << bit) - 1)));
    *value = cursor_u64(&b);
    return !b.bad;
}

// perf's numbers of DWARF's registers.
static bool first_register(void *context, u64 *value, u32 number)
{
    static const u8 bit_of[] = {0, 3, 2, 1, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};
    const struct walk *w = context;
    return read_register(w->sample, w->registers, bit_of[number], value);
}

static const struct unwind_memory copied_memory = {load, fetch, is_code, first_register};

void perf_unwind(struct perf_unwinder *u, const struct perf_event *ev, const struct perf_sample *s)
{
    struct walk w = {.sample = s,
                     .registers = ev->regs_user,
                     .system = u->system,
                     .pid = s->pid,
                     .copy = s->stack};
    struct unwind_rule rule;
    u->naddress = 0;
    if (!s->has_registers || cursor_left(&s->stack) == 0 || !u->system->file->is_x86_64 ||
        !read_register(s, ev->regs_user, REGISTER_IP, &w.at.pc) ||
        !read_register(s, ev->regs_user, REGISTER_SP, &w.at.sp) ||
        !read_register(s, ev->regs_user, REGISTER_BP, &w.at.bp))
        return;
    w.stack = w.at.sp;
    do {
        u64 pc = unwind_place(&w.at);
        u32 mapping = perf_system_find(u->system, s->pid, PERF_RECORD_MISC_USER, pc);
        rule = find_rule(u, mapping, pc);
        // Nothing called the kernel's trampoline for signals: its address is exact.
        u->address[u->naddress++] = rule.cfa == UNWIND_SIGNAL ? w.at.pc : pc;
    } while (u->naddress < PERF_MOST_FRAMES && unwind_step(&w.at, rule, copied_memory, &w));
    u->ncut += w.is_cut;
    u->nblind += !w.is_cut && (rule.cfa == UNWIND_UNKNOWN || rule.cfa == UNWIND_OTHER);
}
