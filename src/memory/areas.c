#include "memory/areas.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memory/lines.h"

// glibc's arenas, other than the first, begin at multiples of this.
#define ARENA_ALIGN MIB(64)

// Of an entry of pagemap (Documentation/admin-guide/mm/pagemap.rst).
#define PRESENT   (1ULL << 63)
#define IN_FILE   (1ULL << 61) // or in shared memory
#define EXCLUSIVE (1ULL << 56)

// Pages that are looked at in one go, and of an area, of which else only a part is looked at; what
// is in memory of a go, after which others have a turn.
enum { PAGE = 4096, GO_PAGES = 1024, MOST_PAGES = 1 << 24, BUSY_PAGES = 64, TURN_NS = 20000 };

enum { MOST_GUARD_KIB = 64, LEAST_STACK_KIB = 16, MOST_CHUNKS = 4096, MOST_CONSTANT_MIB = 64 };

struct area {
    u64 start, limit;
    bool is_shared, is_guard, is_code, is_constant, has_file, has_name;
    struct areas_bytes anon; // only what is written, of a file's
    u64 file_bytes;
    char name[256];
};

// What is read, and how far.
struct reading {
    struct areas *out;
    const struct areas_known *known;
    u32 block, range;         // the first ones that are not below the current area
    int memory, pages;        // the process's memory, -1: not to be read, and its pagemap
    bool keeps_spans;         // the allocator keeps memory in areas of any kind
    struct area last;         // the one before
    struct areas_bytes mixed; // areas with live blocks that may hold other things too
    u64 mixed_live_bytes;
};

static u64 sum_of(struct areas_bytes b)
{
    return b.own + b.shared;
}

static void add(struct areas_bytes *to, struct areas_bytes b)
{
    to->own += b.own;
    to->shared += b.shared;
}

// So many bytes of all of them.
static struct areas_bytes part_of(struct areas_bytes b, u64 bytes)
{
    u64 all = sum_of(b);
    u64 own = all ? (u64)((double)b.own * (double)bytes / (double)all) : 0;
    return (struct areas_bytes){own, bytes - own};
}

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
    a->is_code = permission[2] == 'x';
    a->is_constant = permission[1] != 'w';
    a->has_file = inode != 0;
    snprintf(a->name, sizeof(a->name), "%.*s", (int)strcspn(line + name, "\n"), line + name);
    a->has_name = *a->name != 0;
}

static void count_page(struct area *a, u64 entry, u64 weight)
{
    if (!(entry & PRESENT))
        return;
    if (entry & IN_FILE)
        a->file_bytes += weight * PAGE;
    else if (entry & EXCLUSIVE)
        a->anon.own += weight * PAGE;
    else
        a->anon.shared += weight * PAGE;
}

// While the kernel goes through 512 pages it holds a lock that the process needs to map memory; and
// who waits for it needs a moment to get it.
static void give_turn(void)
{
    struct timespec turn = {.tv_nsec = TURN_NS};
    nanosleep(&turn, NULL);
}

static void count_pages(const struct reading *r, struct area *a)
{
    u64 entry[GO_PAGES], end = a->limit / PAGE, npage = end - a->start / PAGE;
    u64 weight = npage / MOST_PAGES + 1;
    for (u64 page = a->start / PAGE; page < end; page += GO_PAGES * weight) {
        u64 wanted = end - page < GO_PAGES ? end - page : GO_PAGES, busy = 0;
        ssize_t got =
            pread(r->pages, entry, wanted * sizeof(*entry), (off_t)(page * sizeof(*entry)));
        for (ssize_t i = 0; i < got / (ssize_t)sizeof(*entry); i++) {
            count_page(a, entry[i], weight);
            busy += (entry[i] & PRESENT) != 0;
        }
        if (busy > BUSY_PAGES)
            give_turn();
    }
}

// Bytes that the live blocks in an area stand for.
static u64 live_in(struct reading *r, const struct area *a)
{
    const struct areas_block *block = r->known->block;
    u64 bytes = 0;
    while (r->block < r->known->nblock && block[r->block].address < a->start)
        r->block++;
    for (; r->block < r->known->nblock && block[r->block].address < a->limit; r->block++)
        bytes += block[r->block].bytes;
    return bytes;
}

// Whether the program has mapped any of an area itself.
static bool is_programs(struct reading *r, const struct area *a)
{
    const struct areas_range *range = r->known->range;
    while (r->range < r->known->nrange && range[r->range].limit <= a->start)
        r->range++;
    return r->range < r->known->nrange && range[r->range].start < a->limit;
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

// Areas that are nobody's but the allocator's: the break, glibc's arenas, and what an allocator of
// another kind has and the program has not mapped.
static bool is_heap(struct reading *r, const struct area *a)
{
    return strcmp(a->name, "[heap]") == 0 || strstr(a->name, "malloc") ||
           (!a->has_name && (a->start % ARENA_ALIGN == 0 || r->keeps_spans) && !is_programs(r, a));
}

static void add_mapping(struct areas *out, const struct area *a)
{
    u64 bytes = sum_of(a->anon);
    add(&out->mapping, a->anon);
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
    enum { HEADER = 16, IS_MAPPED = 2, FLAGS = 7 };
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
    u64 bytes = sum_of(a->anon);
    u64 chunk = r->keeps_spans ? 0 : (u64)((double)bytes * chunk_part(r, a));
    live = chunk > live ? chunk : live;
    live = live < bytes ? live : bytes;
    extent_add(r->out->extent, a->start, a->limit, bytes - live);
    if (live == 0) {
        add_mapping(r->out, a);
        return;
    }
    add(&r->mixed, a->anon);
    r->mixed_live_bytes += live;
}

static void add_anonymous(struct reading *r, const struct area *a)
{
    struct areas *out = r->out;
    u64 bytes = sum_of(a->anon), live = live_in(r, a);
    if (live > bytes)
        live = bytes; // what was never touched is not in memory
    bool is_data = !a->has_name && r->last.has_file && !r->last.is_shared &&
                   r->last.limit == a->start; // zeroed variables, behind the others
    if (is_stack(r, a)) {
        add(&out->stack, a->anon);
        out->nstack++;
    } else if (is_data && live == 0) {
        add(&out->data, a->anon);
    } else if (is_heap(r, a)) {
        add(&out->heap, a->anon);
        out->live_bytes += live;
    } else {
        add_mixed(r, a, live);
    }
}

static void end_area(struct reading *r, struct area *a)
{
    struct str record = r->known->record;
    bool is_record = a->has_file && record.len && str_find(str_of(a->name), record) >= 0;
    // Of what cannot be written now only a little ever was: addresses that the loader has set.
    bool is_data = a->has_file && !a->is_shared && !a->is_code &&
                   !(a->is_constant && a->limit - a->start > MIB(MOST_CONSTANT_MIB));
    bool is_kernels = strncmp(a->name, "[v", 2) == 0; // [vdso], [vvar] and the like
    bool is_anonymous = !a->has_file && !a->is_shared && !a->is_guard && !is_kernels;
    if (is_record || is_data || is_anonymous)
        count_pages(r, a);
    if (is_record)
        r->out->record_bytes += sum_of(a->anon) + a->file_bytes;
    else if (is_data)
        add(&r->out->data, a->anon);
    else if (is_anonymous)
        add_anonymous(r, a);
    r->last = *a;
}

static bool has_keeper(FILE *maps)
{
    static const char *const keeper[] = {"tcmalloc", "jemalloc", "mimalloc"};
    char line[1024];
    bool found = false;
    while (!found && fgets(line, sizeof(line), maps)) {
        for (size_t i = 0; i < ARRAY_LEN(keeper); i++)
            found |= strchr(line, '/') && strstr(line, keeper[i]);
    }
    rewind(maps);
    return found;
}

static int open_file(const char *proc, u32 pid, const char *file)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, file);
    return open(path, O_RDONLY | O_CLOEXEC);
}

// glibc gives what it mapped for one block back with the block, so anything else there is the
// program's.
static void divide_mixed(struct reading *r)
{
    u64 all = sum_of(r->mixed);
    struct areas_bytes live = part_of(r->mixed, r->mixed_live_bytes);
    struct areas_bytes rest = part_of(r->mixed, all - r->mixed_live_bytes);
    add(&r->out->heap, live);
    r->out->live_bytes += r->mixed_live_bytes;
    if (r->keeps_spans)
        add(&r->out->heap, rest);
    else
        add_mapping(r->out, &(struct area){.anon = rest});
}

bool areas_read(struct areas *out, const char *proc, u32 pid, const struct areas_known *known)
{
    char line[1024];
    struct area a;
    struct reading r = {.out = out, .known = known};
    *out = (struct areas){0};
    int maps = open_file(proc, pid, "maps");
    r.pages = open_file(proc, pid, "pagemap");
    r.memory = open_file(proc, pid, "mem");
    FILE *f = maps < 0 ? NULL : fdopen(maps, "r");
    bool is_there = f && r.pages >= 0;
    r.keeps_spans = is_there && has_keeper(f);
    while (is_there && fgets(line, sizeof(line), f)) {
        begin_area(&a, line);
        end_area(&r, &a);
    }
    divide_mixed(&r);
    if (f)
        fclose(f);
    if (r.pages >= 0)
        close(r.pages);
    if (r.memory >= 0)
        close(r.memory);
    return is_there;
}
