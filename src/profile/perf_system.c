#include "profile/perf_system.h"

enum { BUILD_ID_BYTES = 20 };

static u32 add_mapping(struct perf_system *s, const struct perf_mapping *m)
{
    struct str key =
        arena_printf(s->arena, "%llx %llx %llx %.*s%c%.*s%c%.*s", (unsigned long long)m->start,
                     (unsigned long long)m->limit, (unsigned long long)m->offset,
                     STR_ARG(m->filename), 0, STR_ARG(m->build_id), 0, STR_ARG(m->function));
    u32 row = table_add_shared(&s->mappings, key);
    if (row == s->nmapping)
        *arena_push(s->arena, s->mapping, s->nmapping, s->mapping_cap) = *m;
    return row;
}

void perf_system_init(struct perf_system *s, const struct perf_file *f)
{
    // In the order of enum PERF_MAPPING_*.
    static const struct perf_mapping known[] = {
        {1ull << 63, UINT64_MAX, 0, STR("[kernel]"), STR(""), STR("")},
        {0, UINT64_MAX, 0, STR("[hypervisor]"), STR(""), STR("")},
        {0, UINT64_MAX, 0, STR("[guest.kernel]"), STR(""), STR("")},
        {0, UINT64_MAX, 0, STR("[guest]"), STR(""), STR("")},
    };
    *s = (struct perf_system){.file = f, .arena = f->arena};
    perf_nodes_init(&s->nodes, s->arena);
    s->kernel = perf_space_new(&s->nodes);
    table_init(&s->pids, s->arena);
    table_init(&s->threads, s->arena);
    table_init(&s->cgroups, s->arena);
    table_init(&s->mappings, s->arena);
    arena_push(s->arena, s->space, s->nspace, s->space_cap);
    arena_push(s->arena, s->comm, s->ncomm, s->comm_cap);
    arena_push(s->arena, s->cgroup, s->ncgroup, s->cgroup_cap);
    arena_push(s->arena, s->mapping, s->nmapping, s->mapping_cap);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        add_mapping(s, &known[i]);
}

static struct perf_space *find_space(struct perf_system *s, u32 pid)
{
    u32 row = table_add(&s->pids, (struct str){(char *)&pid, sizeof(pid)});
    if (row == s->nspace)
        *arena_push(s->arena, s->space, s->nspace, s->space_cap) = perf_space_new(&s->nodes);
    return &s->space[row];
}

static struct str *find_comm(struct perf_system *s, u32 pid, u32 tid)
{
    u32 key[2] = {pid, tid};
    u32 row = table_add(&s->threads, (struct str){(char *)key, sizeof(key)});
    if (row == s->ncomm)
        arena_push(s->arena, s->comm, s->ncomm, s->comm_cap);
    return &s->comm[row];
}

static bool is_anonymous(struct str filename)
{
    return str_equal(filename, STR("//anon")) || str_starts(filename, STR("/dev/zero")) ||
           str_starts(filename, STR("/anon_hugepage")) || str_starts(filename, STR("[anon:"));
}

// Code that is in no file was made at run time.  The one who made it may have said what it is in a
// file by a name that perf looks for as well (tools/perf/Documentation/jit-interface.txt).
static void name_anonymous(struct perf_system *s, struct perf_mapping *m, u32 pid)
{
    m->filename = arena_printf(s->arena, "/tmp/perf-%u.map", pid);
    m->offset = m->start; // since that file has addresses
}

// perf before 3.17 put the kernel at address 0 when the first symbol is there, and its real start
// in the offset.
static void correct_kernel(struct perf_mapping *m)
{
    enum { PAGE_BYTES = 4096 };
    if (m->start < 1ull << 63 && m->offset > 1ull << 63 && m->limit > m->offset)
        m->start = m->offset & ~(u64)(PAGE_BYTES - 1);
}

// PERF_RECORD_MMAP2 has an inode or a build id where PERF_RECORD_MMAP has nothing.
static struct str read_build_id(const struct perf_system *s, const struct perf_record *r,
                                struct cursor *b)
{
    if (r->type != PERF_RECORD_MMAP2)
        return STR("");
    struct cursor where = cursor_part(b, 24);
    cursor_skip(b, 8); // protection, flags
    if (!(r->misc & PERF_RECORD_MISC_MMAP_BUILD_ID) || b->bad)
        return STR("");
    size_t n = where.at[0] < BUILD_ID_BYTES ? where.at[0] : BUILD_ID_BYTES;
    return n ? perf_hex(where.at + 4, n, s->arena) : STR("");
}

static void apply_mmap(struct perf_system *s, const struct perf_record *r)
{
    struct cursor b = r->body;
    struct perf_mapping m = {0};
    u8 mode = r->misc & PERF_RECORD_MISC_CPUMODE_MASK;
    u32 pid = cursor_u32(&b);
    cursor_skip(&b, 4); // thread
    m.start = cursor_u64(&b);
    u64 bytes = cursor_u64(&b);
    m.limit = bytes > UINT64_MAX - m.start ? UINT64_MAX : m.start + bytes;
    m.offset = cursor_u64(&b);
    m.build_id = read_build_id(s, r, &b);
    m.filename = perf_text(&b);
    if (b.bad || r->misc & PERF_RECORD_MISC_MMAP_DATA || mode > PERF_RECORD_MISC_USER)
        return;
    if (m.build_id.len == 0)
        m.build_id = perf_file_build_id(s->file, m.filename);
    if (mode == PERF_RECORD_MISC_KERNEL)
        correct_kernel(&m);
    else if (is_anonymous(m.filename))
        name_anonymous(s, &m, pid);
    struct perf_space *space = mode == PERF_RECORD_MISC_KERNEL ? &s->kernel : find_space(s, pid);
    perf_space_map(&s->nodes, space, m.start, m.limit, add_mapping(s, &m));
}

// Code that the kernel made at run time: BPF programs, trampolines.
static void apply_ksymbol(struct perf_system *s, const struct perf_record *r)
{
    struct cursor b = r->body;
    struct perf_mapping m = {0};
    m.start = cursor_u64(&b);
    u64 bytes = cursor_u32(&b);
    m.limit = bytes > UINT64_MAX - m.start ? UINT64_MAX : m.start + bytes;
    bool is_bpf = cursor_u16(&b) == PERF_RECORD_KSYMBOL_TYPE_BPF;
    bool is_gone = cursor_u16(&b) & PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER;
    m.filename = is_bpf ? STR("[bpf]") : STR("[kernel]");
    m.function = perf_text(&b);
    if (!b.bad && !is_gone)
        perf_space_map(&s->nodes, &s->kernel, m.start, m.limit, add_mapping(s, &m));
}

static void apply_comm(struct perf_system *s, const struct perf_record *r)
{
    struct cursor b = r->body;
    u32 pid = cursor_u32(&b), tid = cursor_u32(&b);
    if (b.bad)
        return;
    *find_comm(s, pid, tid) = perf_text(&b);
    if (r->misc & PERF_RECORD_MISC_COMM_EXEC)
        *find_space(s, pid) = perf_space_new(&s->nodes);
}

static void apply_fork(struct perf_system *s, const struct perf_record *r)
{
    struct cursor b = r->body;
    u32 pid = cursor_u32(&b), parent = cursor_u32(&b);
    u32 tid = cursor_u32(&b), parent_tid = cursor_u32(&b);
    if (b.bad)
        return;
    struct str comm = *find_comm(s, parent, parent_tid);
    *find_comm(s, pid, tid) = comm;
    if (pid == parent) // a thread
        return;
    find_space(s, pid);
    struct perf_space *from = find_space(s, parent);
    // perf writes such records of processes that were there before it, whose mappings follow.
    *find_space(s, pid) = r->misc & PERF_RECORD_MISC_FORK_EXEC ? perf_space_new(&s->nodes)
                                                               : perf_space_fork(&s->nodes, from);
}

static void apply_cgroup(struct perf_system *s, const struct perf_record *r)
{
    struct cursor b = r->body;
    u64 id = cursor_u64(&b);
    u32 row = table_add(&s->cgroups, (struct str){(char *)&id, sizeof(id)});
    if (row == s->ncgroup)
        arena_push(s->arena, s->cgroup, s->ncgroup, s->cgroup_cap);
    s->cgroup[row] = perf_text(&b);
}

void perf_system_apply(struct perf_system *s, const struct perf_record *r)
{
    switch (r->type) {
    case PERF_RECORD_MMAP:
    case PERF_RECORD_MMAP2:
        apply_mmap(s, r);
        break;
    case PERF_RECORD_KSYMBOL:
        apply_ksymbol(s, r);
        break;
    case PERF_RECORD_COMM:
        apply_comm(s, r);
        break;
    case PERF_RECORD_FORK:
        apply_fork(s, r);
        break;
    case PERF_RECORD_CGROUP:
        apply_cgroup(s, r);
        break;
    default:
        break;
    }
}

static u32 find_user(const struct perf_system *s, u32 pid, u64 address)
{
    u32 row = table_find(&s->pids, (struct str){(char *)&pid, sizeof(pid)});
    return row ? perf_space_find(&s->nodes, &s->space[row], address) : 0;
}

u32 perf_system_find(const struct perf_system *s, u32 pid, u8 mode, u64 address)
{
    u32 row;
    switch (mode) {
    case PERF_RECORD_MISC_USER:
        return find_user(s, pid, address);
    case PERF_RECORD_MISC_KERNEL:
        row = perf_space_find(&s->nodes, &s->kernel, address);
        return row || address < s->mapping[PERF_MAPPING_KERNEL].start ? row : PERF_MAPPING_KERNEL;
    case PERF_RECORD_MISC_HYPERVISOR:
        return PERF_MAPPING_HYPERVISOR;
    case PERF_RECORD_MISC_GUEST_KERNEL:
        return PERF_MAPPING_GUEST_KERNEL;
    case PERF_RECORD_MISC_GUEST_USER:
        return PERF_MAPPING_GUEST;
    default:
        row = find_user(s, pid, address);
        return row ? row : perf_space_find(&s->nodes, &s->kernel, address);
    }
}

struct str perf_system_comm(const struct perf_system *s, u32 pid, u32 tid)
{
    u32 key[2] = {pid, tid};
    return pid == 0 ? STR("swapper")
                    : s->comm[table_find(&s->threads, (struct str){(char *)key, sizeof(key)})];
}

struct str perf_system_cgroup(const struct perf_system *s, u64 id)
{
    return s->cgroup[table_find(&s->cgroups, (struct str){(char *)&id, sizeof(id)})];
}
