#include "profile/perf_stack.h"

#define CONTEXT_USER_DEFERRED ((u64)-640) // of kernels from 6.19 on

void perf_stacks_init(struct perf_stacks *st, struct build *b, const struct perf_system *system,
                      const struct perf_records *records)
{
    *st =
        (struct perf_stacks){.b = b, .system = system, .records = records, .arena = system->arena};
    st->unwinder = arena_new(st->arena, struct perf_unwinder, 1);
    perf_unwinder_init(st->unwinder, system);
    table_init(&st->mappings, st->arena);
    table_init(&st->locations, st->arena);
    table_init(&st->functions, st->arena);
    arena_push(st->arena, st->use, st->nuse, st->use_cap);
}

// The profile's mapping.  Equal ones of several processes are one, by the rule of profile_merge(),
// so that their samples have the same locations.
static u32 mapping_row(struct perf_stacks *st, u32 system_row)
{
    const struct perf_mapping *m = &st->system->mapping[system_row];
    while (st->nrow <= system_row)
        arena_push(st->arena, st->row, st->nrow, st->row_cap);
    if (st->row[system_row])
        return st->row[system_row];
    struct str key =
        arena_printf(st->arena, "%llx %llx %.*s%c%.*s", (unsigned long long)(m->limit - m->start),
                     (unsigned long long)m->offset, STR_ARG(m->filename), 0, STR_ARG(m->build_id));
    u32 row = table_add_shared(&st->mappings, key);
    if (row == st->b->p.nmapping) {
        u32 filename = build_string(st->b, m->filename), id = build_string(st->b, m->build_id);
        struct mapping *to = build_mapping(st->b);
        to->start = m->start;
        to->limit = m->limit;
        to->offset = m->offset;
        to->filename = filename;
        to->build_id = id;
        arena_push(st->arena, st->use, st->nuse, st->use_cap);
    }
    return st->row[system_row] = row;
}

static u32 function_row(struct perf_stacks *st, struct str name)
{
    u32 row = table_add(&st->functions, name);
    if (row == st->b->p.nfunction) {
        u32 string = build_string(st->b, name);
        struct function *f = build_function(st->b);
        f->name = f->system_name = string;
    }
    return row;
}

static u32 location_row(struct perf_stacks *st, u32 system_row, u64 address)
{
    struct {
        u64 address, mapping;
    } key = {address, 0};
    const struct perf_mapping *m = &st->system->mapping[system_row];
    if (system_row) {
        key.mapping = mapping_row(st, system_row);
        key.address = address - m->start + st->b->p.mapping[key.mapping].start;
    }
    u32 row = table_add(&st->locations, (struct str){(char *)&key, sizeof(key)});
    if (row < st->b->p.nlocation)
        return row;
    struct location *l = build_location(st->b);
    l->address = key.address;
    l->mapping = (u32)key.mapping;
    if (m->function.len) {
        build_line(st->b)->function = function_row(st, m->function);
        st->b->p.mapping[key.mapping].has_functions = true;
    }
    return row;
}

static void count_use(struct perf_stacks *st, u32 location)
{
    struct perf_use *use = &st->use[st->b->p.location[location].mapping];
    use->nstack += use->last != st->nsample;
    use->last = st->nsample;
}

// Adds a frame to the stack at hand.  A leaf is kept wherever it is.
static void add_frame(struct perf_stacks *st, const struct perf_sample *s, u8 mode, u64 address)
{
    u32 system_row = perf_system_find(st->system, s->pid, mode, address);
    if (st->nlocation) {
        st->nframe++;
        st->nunmapped += system_row == 0;
        if (system_row == 0)
            return;
    }
    u32 row = location_row(st, system_row, address);
    count_use(st, row);
    *arena_push(st->arena, st->location, st->nlocation, st->location_cap) = row;
}

static bool is_mark(u64 word)
{
    return word >= (u64)PERF_CONTEXT_MAX;
}

static u8 mode_of(u64 mark)
{
    switch (mark) {
    case (u64)PERF_CONTEXT_HV:
        return PERF_RECORD_MISC_HYPERVISOR;
    case (u64)PERF_CONTEXT_KERNEL:
        return PERF_RECORD_MISC_KERNEL;
    case (u64)PERF_CONTEXT_USER:
        return PERF_RECORD_MISC_USER;
    case (u64)PERF_CONTEXT_GUEST:
    case (u64)PERF_CONTEXT_GUEST_USER:
        return PERF_RECORD_MISC_GUEST_USER;
    case (u64)PERF_CONTEXT_GUEST_KERNEL:
        return PERF_RECORD_MISC_GUEST_KERNEL;
    default:
        return PERF_RECORD_MISC_CPUMODE_UNKNOWN;
    }
}

// A walk along a chain of addresses.
struct walk {
    struct cursor chain;
    u8 mode;
    bool is_exact; // the next one is no return address: code was interrupted there
    bool skips;    // the next one is the leaf again
    bool is_later; // the chain is one that followed
};

// The user stack of many samples may be in one record that followed them.
static void go_to_later(struct perf_stacks *st, struct walk *w)
{
    u64 cookie = cursor_u64(&w->chain);
    u32 row = table_find(&st->records->cookies, (struct str){(char *)&cookie, sizeof(cookie)});
    w->mode = PERF_RECORD_MISC_USER;
    w->chain = st->records->later[w->is_later ? 0 : row];
    w->is_later = true;
    st->nlater_missing += row == 0;
}

// Adds what the kernel found; with only_first, of the user's part the first frame.
static void add_chain(struct perf_stacks *st, const struct perf_sample *s, bool only_first)
{
    struct walk w = {s->chain, s->mode, true, s->ip != 0, false};
    while (cursor_left(&w.chain) >= 8) {
        u64 word = cursor_u64(&w.chain);
        if (is_mark(word)) {
            w.mode = mode_of(word);
            w.is_exact = true;
            if (word == CONTEXT_USER_DEFERRED)
                go_to_later(st, &w);
            continue;
        }
        if (!w.skips)
            add_frame(st, s, w.mode, w.is_exact || word == 0 ? word : word - 1);
        w.is_exact = w.skips = false;
        if (only_first && w.mode == PERF_RECORD_MISC_USER)
            break;
    }
}

// Calls that the CPU kept track of.
static void add_branches(struct perf_stacks *st, const struct perf_sample *s)
{
    struct cursor b = s->branches;
    while (cursor_left(&b) >= 24) {
        u64 from = cursor_u64(&b);
        cursor_skip(&b, 16); // to, flags
        add_frame(st, s, PERF_RECORD_MISC_USER, from);
    }
}

// Calls that are found in the copy of the stack.  Of a sample in the program the first is the leaf
// again.
static void add_unwound(struct perf_stacks *st, const struct perf_event *ev,
                        const struct perf_sample *s)
{
    const struct perf_unwinder *u = st->unwinder;
    perf_unwind(st->unwinder, ev, s);
    for (u32 i = s->mode == PERF_RECORD_MISC_USER && s->ip; i < u->naddress; i++)
        add_frame(st, s, PERF_RECORD_MISC_USER, u->address[i]);
}

void perf_stack_read(struct perf_stacks *st, const struct perf_event *ev,
                     const struct perf_sample *s)
{
    bool has_calls =
        ev->branch_type & PERF_SAMPLE_BRANCH_CALL_STACK && cursor_left(&s->branches) != 0;
    st->nsample++;
    st->nlocation = 0;
    if (s->ip)
        add_frame(st, s, s->mode, s->ip);
    add_chain(st, s, has_calls);
    if (has_calls)
        add_branches(st, s);
    if (s->has_registers)
        add_unwound(st, ev, s);
}
