#include "memory/areas.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory/lines.h"

// glibc's arenas, other than the first, begin at multiples of this.
#define ARENA_ALIGN MIB(64)

enum { MOST_GUARD_KIB = 64, LEAST_STACK_KIB = 16, MOST_CHUNKS = 4096 };

struct area {
    u64 start, limit;
    bool is_shared, is_guard, has_file, has_name, is_reserved;
    u64 anon_bytes; // only what is written, of a file's
    u64 part_bytes; // this process's part of all pages
    u64 all_bytes;  // all pages, also those that others have mapped too
    char name[256];
};

// What is read, and how far.
struct reading {
    struct areas *out;
    const struct areas_block *block;
    u32 nblock, at; // the first block that is not below the current area
    struct str record;
    int memory;            // the process's memory; -1: not to be read
    struct area last;      // the one before
    u64 mixed_live_bytes;  // areas with live blocks that may hold other things too
    u64 mixed_other_bytes; // their other bytes
    bool keeps_spans;      // the allocator keeps memory in areas like those
};

static void begin_area(struct area *a, const char *line)
{
    unsigned long long start, limit, offset, inode;
    char permission[8] = "", device[16];
    int name = 0;
    *a = (struct area){0};
    if (sscanf(line, "%llx-%llx %7s %llx %15s %llu %n", &start, &limit, permission, &offset, device,
               &inode, &name) < 6)
        return;
    a->start = start;
    a->limit = limit;
    a->is_shared = permission[3] == 's';
    a->is_guard = strncmp(permission, "---p", 4) == 0 && inode == 0;
    a->has_file = inode != 0;
    snprintf(a->name, sizeof(a->name), "%.*s", (int)strcspn(line + name, "\n"), line + name);
    a->has_name = *a->name != 0;
}

// Bytes that the live blocks in an area stand for.
static u64 live_in(struct reading *r, const struct area *a)
{
    u64 bytes = 0;
    while (r->at < r->nblock && r->block[r->at].address < a->start)
        r->at++;
    for (; r->at < r->nblock && r->block[r->at].address < a->limit; r->at++)
        bytes += r->block[r->at].bytes;
    return bytes;
}

// A thread's stack lies directly above a page or some that may not be touched.
static bool is_stack(const struct reading *r, const struct area *a)
{
    const struct area *below = &r->last;
    return strncmp(a->name, "[stack", 6) == 0 ||
           (!a->has_name && a->start % ARENA_ALIGN != 0 && below->is_guard &&
            below->limit == a->start && below->limit - below->start <= KIB(MOST_GUARD_KIB) &&
            a->limit - a->start >= KIB(LEAST_STACK_KIB));
}

// Areas that are nobody's but the allocator's: the break, glibc's arenas, and what was mapped
// without reserving memory for it, as jemalloc and mimalloc do, while a program's mmap() does not.
static bool is_heap(const struct area *a)
{
    return strcmp(a->name, "[heap]") == 0 || strstr(a->name, "malloc") ||
           (!a->has_name && (a->start % ARENA_ALIGN == 0 || a->is_reserved));
}

static void add_mapping(struct areas *out, const struct area *a, u64 bytes)
{
    out->mapping_bytes += bytes;
    out->nmapping += bytes != 0;
    if (bytes > out->largest_mapping_bytes) {
        out->largest_mapping_bytes = bytes;
        out->largest_mapping = a->start;
    }
}

// Bytes of a chunk that glibc mapped for one block: its header says so, with bit 1 of the size.
// What was aligned to a page, or resized since, has another header before the block.  0: there is
// none.
static u64 mapped_chunk(const struct reading *r, u64 address)
{
    enum { PAGE = 4096, HEADER = 16, IS_MAPPED = 2, FLAGS = 7 };
    u64 first[2], second[2];
    if (pread(r->memory, first, HEADER, (off_t)address) != HEADER ||
        pread(r->memory, second, HEADER, (off_t)(address + PAGE - HEADER)) != HEADER)
        return 0;
    u64 size = first[1] - IS_MAPPED;
    if (second[0] == PAGE - HEADER && (second[1] & FLAGS) == IS_MAPPED)
        size = second[1] - IS_MAPPED + second[0];
    else if (first[0] != 0 || (first[1] & FLAGS) != IS_MAPPED)
        return 0;
    return size % PAGE == 0 ? size : 0;
}

// The part of an area that such chunks are in.  They are alive, though the record may not know them
// for a moment: while they are resized.
static double chunk_part(const struct reading *r, const struct area *a)
{
    u64 at = a->start;
    for (u32 i = 0; r->memory >= 0 && i < MOST_CHUNKS && at < a->limit; i++) {
        u64 bytes = mapped_chunk(r, at);
        if (bytes == 0 || bytes > a->limit - at)
            break;
        at += bytes;
    }
    return (double)(at - a->start) / (double)(a->limit - a->start);
}

static void add_mixed(struct reading *r, const struct area *a, u64 live)
{
    u64 chunk = r->keeps_spans ? 0 : (u64)((double)a->part_bytes * chunk_part(r, a));
    live = chunk > live ? chunk : live;
    r->mixed_live_bytes += live;
    r->mixed_other_bytes += live ? a->part_bytes - live : 0;
    extent_add(r->out->extent, a->start, a->limit, a->part_bytes > live ? a->part_bytes - live : 0);
    if (live == 0)
        add_mapping(r->out, a, a->part_bytes);
}

static void add_anonymous(struct reading *r, const struct area *a)
{
    struct areas *out = r->out;
    u64 bytes = a->part_bytes, live = live_in(r, a);
    if (live > bytes)
        live = bytes; // what was never touched is not in memory
    bool is_data = !a->has_name && r->last.has_file && !r->last.is_shared &&
                   r->last.limit == a->start; // zeroed variables, behind the others
    if (is_stack(r, a)) {
        out->stack_bytes += bytes;
        out->nstack++;
    } else if (is_heap(a)) {
        out->heap_bytes += bytes;
        out->live_bytes += live;
    } else if (is_data && live == 0) {
        out->data_bytes += bytes;
    } else {
        add_mixed(r, a, live);
    }
}

static void end_area(struct reading *r, struct area *a)
{
    static const char *const keeper[] = {"tcmalloc", "jemalloc", "mimalloc"};
    if (a->limit == 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(keeper) && a->has_file; i++)
        r->keeps_spans |= strstr(a->name, keeper[i]) != NULL;
    if (a->has_file && r->record.len && str_find(str_of(a->name), r->record) >= 0)
        r->out->record_bytes += a->all_bytes; // whoever reads it has it mapped as well
    else if (a->has_file && !a->is_shared)
        r->out->data_bytes += a->anon_bytes;
    else if (!a->has_file && !a->is_shared && !a->is_guard)
        add_anonymous(r, a);
    r->last = *a;
    a->limit = 0;
}

static u64 kib_in(const char *line)
{
    unsigned long long n = 0;
    sscanf(line, "%*s %llu", &n);
    return KIB(n);
}

static bool is_header(const char *line)
{
    return strchr("0123456789abcdef", *line) && strchr(line, '-');
}

static void read_line(struct reading *r, struct area *a, const char *line)
{
    if (is_header(line)) {
        end_area(r, a);
        begin_area(a, line);
    } else if (strncmp(line, "Pss:", 4) == 0) {
        a->part_bytes = kib_in(line);
    } else if (strncmp(line, "Rss:", 4) == 0) {
        a->all_bytes = kib_in(line);
    } else if (strncmp(line, "Anonymous:", 10) == 0) {
        a->anon_bytes = kib_in(line);
    } else if (strncmp(line, "VmFlags:", 8) == 0) {
        a->is_reserved = strstr(line, " nr") != NULL;
    }
}

bool areas_read(struct areas *out, const char *proc, u32 pid, const struct areas_block *block,
                u32 nblock, struct str record)
{
    char line[1024];
    struct area a = {0};
    struct reading r = {.out = out, .block = block, .nblock = nblock, .record = record};
    *out = (struct areas){0};
    snprintf(line, sizeof(line), "%s/%u/smaps", proc, pid);
    FILE *f = fopen(line, "re");
    if (!f)
        return false;
    snprintf(line, sizeof(line), "%s/%u/mem", proc, pid);
    r.memory = open(line, O_RDONLY | O_CLOEXEC);
    while (fgets(line, sizeof(line), f))
        read_line(&r, &a, line);
    end_area(&r, &a);
    fclose(f);
    if (r.memory >= 0)
        close(r.memory);
    // glibc gives what it mapped for one block back with the block, so anything else there is the
    // program's.
    out->heap_bytes += r.mixed_live_bytes;
    out->live_bytes += r.mixed_live_bytes;
    if (r.keeps_spans)
        out->heap_bytes += r.mixed_other_bytes;
    else
        add_mapping(out, &(struct area){0}, r.mixed_other_bytes);
    return true;
}
