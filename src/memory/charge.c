#include "memory/charge.h"

#include "memory/lines.h"

static u64 less(u64 a, u64 b)
{
    return a > b ? a - b : 0;
}

// The lists of pages that may be reclaimed count what is charged until it is freed, the counters
// what is mapped.  What is on the lists alone is being freed.  Locked pages are on neither list of
// their kind, so nothing can be told beside them.
static u64 find_unmapped(const struct charge *c, u64 listed)
{
    u64 known = c->anon_bytes + c->shmem_bytes;
    return c->locked_bytes ? 0 : less(listed, known);
}

static void parse_v1(struct charge *c, struct str lines)
{
    c->anon_bytes = lines_number(lines, "total_rss");
    c->shmem_bytes = lines_number(lines, "total_shmem");
    c->file_bytes = less(lines_number(lines, "total_cache"), c->shmem_bytes);
    c->mapped_bytes = lines_number(lines, "total_mapped_file");
    c->dirty_bytes = lines_number(lines, "total_dirty") + lines_number(lines, "total_writeback");
    c->locked_bytes = lines_number(lines, "total_unevictable");
    c->swap_bytes = lines_number(lines, "total_swap");
    c->unmapped_bytes = find_unmapped(c, lines_number(lines, "total_inactive_anon") +
                                             lines_number(lines, "total_active_anon"));
}

static void parse_v2(struct charge *c, struct str lines)
{
    c->anon_bytes = lines_number(lines, "anon");
    c->shmem_bytes = lines_number(lines, "shmem");
    c->file_bytes = less(lines_number(lines, "file"), c->shmem_bytes);
    c->mapped_bytes = lines_number(lines, "file_mapped");
    c->dirty_bytes = lines_number(lines, "file_dirty") + lines_number(lines, "file_writeback");
    c->locked_bytes = lines_number(lines, "unevictable");
    c->socket_bytes = lines_number(lines, "sock");
    c->page_table_bytes = lines_number(lines, "pagetables") + lines_number(lines, "sec_pagetables");
    c->kernel_stack_bytes = lines_number(lines, "kernel_stack");
    c->slab_bytes = lines_number(lines, "slab");
    // Kernels before 5.18 do not add them up.
    if (!lines_find(&c->kernel_bytes, lines, "kernel"))
        c->kernel_bytes = c->page_table_bytes + c->kernel_stack_bytes + c->slab_bytes +
                          lines_number(lines, "percpu") + lines_number(lines, "vmalloc");
    c->unmapped_bytes =
        find_unmapped(c, lines_number(lines, "inactive_anon") + lines_number(lines, "active_anon"));
}

void charge_parse(struct charge *c, struct str lines, bool is_v2)
{
    *c = (struct charge){0};
    (is_v2 ? parse_v2 : parse_v1)(c, lines);
}

static bool read_number(u64 *out, const struct cgroup *g, const char *file)
{
    char path[1024], text[64];
    i64 n;
    if (!cgroup_path(path, sizeof(path), g, file) || !lines_read(text, sizeof(text), path) ||
        !str_i64(&n, str_trim(str_of(text))) || n < 0)
        return false;
    *out = (u64)n;
    return true;
}

bool charge_read(struct charge *c, const struct cgroup *g)
{
    char path[1024], text[8192];
    u64 usage, swap;
    if (!cgroup_path(path, sizeof(path), g, "memory.stat") ||
        !lines_read(text, sizeof(text), path) || !cgroup_usage(&usage, g))
        return false;
    charge_parse(c, str_of(text), g->is_v2);
    c->usage_bytes = usage;
    if (!g->is_v2)
        read_number(&c->kernel_bytes, g, "memory.kmem.usage_in_bytes");
    else if (read_number(&swap, g, "memory.swap.current"))
        c->swap_bytes = swap;
    return true;
}
