#include "memory/account.h"

#include <string.h>

enum { MOST_PROCESSES = 400, THREAD_STACK_KIB = 16 };

static const struct {
    const char *key, *name, *meaning;
} lines[ACCOUNT_LINES] = {
    [ACCOUNT_HEAP] = {"live_heap", "live heap", "blocks that were allocated and not freed"},
    [ACCOUNT_RETAINED] = {"retained", "kept by the allocator",
                          "freed by the program, fragments and the allocator's own tables"},
    [ACCOUNT_MAPPINGS] = {"mappings", "other mappings", "anonymous memory by mmap()"},
    [ACCOUNT_STACKS] = {"thread_stacks", "thread stacks", "as far as threads have touched them"},
    [ACCOUNT_DATA] = {"data", "program data", "variables of the program and its libraries"},
    [ACCOUNT_UNMAPPED] = {"being_freed", "being freed",
                          "given back by processes, not yet by the kernel"},
    [ACCOUNT_OTHERS] = {"other_processes", "other processes", "in the same group"},
    [ACCOUNT_TMPFS] = {"tmpfs", "tmpfs and shared memory",
                       "files in /dev/shm and other tmpfs, memfds: only deleting them helps"},
    [ACCOUNT_FILES] = {"files_mapped", "mapped files", "programs, libraries, mmap() of files"},
    [ACCOUNT_CACHE] = {"page_cache", "page cache",
                       "of files read and written; given up when memory is short"},
    [ACCOUNT_SOCKETS] = {"sockets", "sockets", "network buffers"},
    [ACCOUNT_PAGE_TABLES] = {"page_tables", "page tables", "the kernel's, of all processes"},
    [ACCOUNT_KERNEL_STACKS] = {"kernel_stacks", "kernel stacks", "one for each thread"},
    [ACCOUNT_KERNEL] = {"kernel", "other kernel memory", "inodes, dentries, pipes, tables"},
    [ACCOUNT_SONDE] = {"sonde", "Sonde's record", "and the time line beside it"},
    [ACCOUNT_UNEXPLAINED] = {"unexplained", "unexplained", ""},
};

const char *account_key(enum account_line line)
{
    return lines[line].key;
}

const char *account_name(enum account_line line)
{
    return lines[line].name;
}

const char *account_meaning(enum account_line line)
{
    return lines[line].meaning;
}

// Keeps the heaviest, the first one at the front.
static void add_other(struct account_sources *s, const struct process *p)
{
    u32 at = ACCOUNT_PROCESSES;
    s->other_bytes += p->anon_bytes;
    while (at > 0 && s->other[at - 1].anon_bytes <= p->anon_bytes)
        at--;
    if (at == ACCOUNT_PROCESSES)
        return;
    memmove(s->other + at + 1, s->other + at, (ACCOUNT_PROCESSES - 1 - at) * sizeof(*s->other));
    s->other[at] = *p;
}

void account_look(struct account_sources *s, const char *proc, const struct cgroup *g, u32 pid)
{
    u32 list[MOST_PROCESSES];
    s->nprocess = cgroup_processes(list, MOST_PROCESSES, g);
    s->saw_all = s->nprocess <= MOST_PROCESSES;
    for (u32 i = 0; i < s->nprocess && i < MOST_PROCESSES; i++) {
        struct process p;
        if (!process_read(&p, proc, list[i]))
            continue;
        if (list[i] != pid)
            process_divide(&p, proc);
        s->shmem_bytes += p.shmem_bytes;
        s->table_bytes += p.page_table_bytes;
        s->nthread += p.nthread;
        if (list[i] != pid)
            add_other(s, &p);
    }
    // Of a crowd only a part is looked at; it stands for all.
    if (!s->saw_all) {
        s->table_bytes = s->table_bytes * s->nprocess / MOST_PROCESSES;
        s->nthread = (u32)((u64)s->nthread * s->nprocess / MOST_PROCESSES);
    }
}

// As much of wanted as is left of *rest, which it is taken from.
static i64 take(u64 *rest, u64 wanted)
{
    u64 taken = wanted < *rest ? wanted : *rest;
    *rest -= taken;
    return (i64)taken;
}

// The part of what the process shares with others that the charge leaves for it: a page is charged
// once, and with the others that are there go their parts.
static double part_of_shared(const struct account_sources *s, u64 own, u64 shared)
{
    u64 rest = s->charge.anon_bytes > own ? s->charge.anon_bytes - own : 0;
    if (shared == 0 || s->nprocess <= 1)
        return 0;
    if (!s->saw_all)
        return 1.0 / s->nprocess;
    rest = rest > s->other_bytes ? rest - s->other_bytes : 0;
    return rest < shared ? (double)rest / (double)shared : 1;
}

static i64 share(struct areas_bytes b, double part)
{
    return (i64)(b.own + (u64)((double)b.shared * part));
}

static void divide_anonymous(struct account *a, const struct account_sources *s)
{
    const struct areas *m = &s->areas;
    u64 own = m->heap.own + m->mapping.own + m->stack.own + m->data.own;
    u64 shared = m->heap.shared + m->mapping.shared + m->stack.shared + m->data.shared;
    double part = part_of_shared(s, own, shared);
    i64 heap = share(m->heap, part), all = (i64)(m->heap.own + m->heap.shared);
    a->bytes[ACCOUNT_HEAP] = all ? (i64)((double)m->live_bytes * (double)heap / (double)all) : 0;
    a->bytes[ACCOUNT_RETAINED] = heap - a->bytes[ACCOUNT_HEAP];
    a->bytes[ACCOUNT_MAPPINGS] = share(m->mapping, part);
    a->bytes[ACCOUNT_STACKS] = share(m->stack, part);
    a->bytes[ACCOUNT_DATA] = share(m->data, part);
    a->bytes[ACCOUNT_UNMAPPED] = (i64)s->charge.unmapped_bytes;
    own += (u64)((double)shared * part);
    u64 rest = s->charge.anon_bytes > own ? s->charge.anon_bytes - own : 0;
    a->bytes[ACCOUNT_OTHERS] = s->saw_all ? take(&rest, s->other_bytes) : (i64)rest;
}

static void divide_files(struct account *a, const struct account_sources *s)
{
    u64 shmem = s->charge.shmem_bytes, file = s->charge.file_bytes;
    u64 mapped_shmem = s->shmem_bytes < shmem ? s->shmem_bytes : shmem;
    u64 mapped = s->charge.mapped_bytes > mapped_shmem ? s->charge.mapped_bytes - mapped_shmem : 0;
    a->bytes[ACCOUNT_SONDE] = take(&shmem, s->areas.record_bytes + s->watcher_bytes);
    a->bytes[ACCOUNT_TMPFS] = (i64)shmem;
    a->bytes[ACCOUNT_FILES] = take(&file, mapped);
    a->bytes[ACCOUNT_CACHE] = (i64)file;
}

static void divide_kernel(struct account *a, const struct account_sources *s)
{
    const struct charge *c = &s->charge;
    u64 rest = c->kernel_bytes;
    a->bytes[ACCOUNT_SOCKETS] = (i64)c->socket_bytes;
    a->bytes[ACCOUNT_PAGE_TABLES] =
        take(&rest, c->page_table_bytes ? c->page_table_bytes : s->table_bytes);
    a->bytes[ACCOUNT_KERNEL_STACKS] = take(
        &rest, c->kernel_stack_bytes ? c->kernel_stack_bytes : s->nthread * KIB(THREAD_STACK_KIB));
    a->bytes[ACCOUNT_KERNEL] = (i64)rest;
}

struct account account_build(const struct account_sources *s)
{
    struct account a = {.largest_mapping_bytes = s->areas.largest_mapping_bytes,
                        .dirty_bytes = s->charge.dirty_bytes,
                        .locked_bytes = s->charge.locked_bytes,
                        .nprocess = s->nprocess,
                        .nthread = s->nthread,
                        .nstack = s->areas.nstack,
                        .nmapping = s->areas.nmapping};
    memcpy(a.other, s->other, sizeof(a.other));
    divide_anonymous(&a, s);
    divide_files(&a, s);
    divide_kernel(&a, s);
    account_balance(&a, s->charge.usage_bytes);
    return a;
}

void account_balance(struct account *a, u64 charge_bytes)
{
    i64 rest = (i64)charge_bytes;
    a->charge_bytes = charge_bytes;
    for (int i = 0; i < ACCOUNT_UNEXPLAINED; i++)
        rest -= a->bytes[i];
    a->bytes[ACCOUNT_UNEXPLAINED] = rest;
}
