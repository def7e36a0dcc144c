#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "memory/account.h"

// Trees of files stand for what the kernel shows.
static char folder[64];

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    char path[8192];
    snprintf(path, sizeof(path), "%s", path_of(name));
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    fputs(text, f);
    fclose(f);
}

static i64 sum(const struct account *a)
{
    i64 total = 0;
    for (int i = 0; i < ACCOUNT_LINES; i++)
        total += a->bytes[i];
    return total;
}

static struct cgroup group_at(const char *root, bool is_v2)
{
    struct cgroup g = {.is_v2 = is_v2, .group = "/box"};
    snprintf(g.root, sizeof(g.root), "%s", path_of(root));
    return g;
}

static void write_process(u32 pid, const char *name, u32 anon_kib, u32 shmem_kib, u32 thread)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "proc/%u/status", pid);
    snprintf(
        text, sizeof(text),
        "Name:\t%s\nVmRSS:\t%8u kB\nRssAnon:\t%8u kB\nRssFile:\t    100 kB\nRssShmem:\t%8u kB\n"
        "VmPTE:\t      40 kB\nThreads:\t%u\n",
        name, anon_kib, anon_kib, shmem_kib, thread);
    write_file(path, text);
}

static void test_v2(void)
{
    struct cgroup g = group_at("v2", true);
    struct charge c;
    write_file("v2/box/memory.current", "104857600\n");
    write_file("v2/box/memory.stat",
               "anon 60000000\nfile 30000000\nkernel 5000000\nkernel_stack 1000000\n"
               "pagetables 500000\nsock 2000000\nshmem 10000000\nfile_mapped 12000000\n"
               "file_dirty 1000\nfile_writeback 0\ninactive_anon 60000000\nactive_anon 13000000\n"
               "unevictable 0\nslab 2000000\n");
    ok(charge_read(&c, &g) && c.usage_bytes == 104857600 && c.file_bytes == 20000000 &&
           c.unmapped_bytes == 3000000 && c.kernel_bytes == 5000000,
       "version 2's memory.stat is read");
    write_file("v2/box/memory.stat", "anon 1\nfile 3\nkernel_stack 1000\npagetables 500\n"
                                     "shmem 1\nslab 200\npercpu 30\nsock 7\n");
    ok(charge_read(&c, &g) && c.kernel_bytes == 1730 && c.socket_bytes == 7,
       "kernels before 5.18 do not add their own memory up");
    ok(!charge_read(&c, &(struct cgroup){.root = "/nowhere", .group = "/x"}),
       "a group that is gone cannot be read");
}

static void test_v1(void)
{
    struct cgroup g = group_at("v1", false);
    struct account_sources s = {0};
    write_file("v1/box/memory.usage_in_bytes", "100000000\n");
    write_file("v1/box/memory.kmem.usage_in_bytes", "3000000\n");
    write_file("v1/box/memory.stat",
               "rss 1\ncache 2\ntotal_cache 40000000\ntotal_rss 55000000\ntotal_shmem 30000000\n"
               "total_mapped_file 8000000\ntotal_dirty 0\ntotal_writeback 0\n"
               "total_inactive_anon 80000000\ntotal_active_anon 5000000\ntotal_unevictable 0\n");
    write_file("v1/box/cgroup.procs", "7\n8\n");
    write_file("v1/box/inner/cgroup.procs", "9\n");
    write_process(7, "server", 40000, 5000, 4);
    write_process(8, "sidecar", 8000, 0, 1);
    write_process(9, "worker", 2000, 0, 1);
    account_look(&s, path_of("proc"), &g, 7);
    ok(s.nprocess == 3 && s.saw_all && s.nthread == 6, "processes of inner groups count, too");
    ok(strcmp(s.other[0].name, "sidecar") == 0 && s.other[0].anon_bytes == 8192000 &&
           strcmp(s.other[1].name, "worker") == 0,
       "the others are there, the heaviest first");
    charge_read(&s.charge, &g);
    s.areas = (struct areas){.heap = {.own = 36000000},
                             .live_bytes = 30000000,
                             .mapping = {.own = 3000000},
                             .stack = {.own = 1000000},
                             .data = {.own = 500000},
                             .record_bytes = 4800000};
    struct account a = account_build(&s);
    ok(sum(&a) == 100000000, "the lines add up to the charge");
    ok(a.bytes[ACCOUNT_HEAP] == 30000000 && a.bytes[ACCOUNT_RETAINED] == 6000000 &&
           a.bytes[ACCOUNT_OTHERS] == 10240000,
       "anonymous memory is divided");
    ok(a.bytes[ACCOUNT_TMPFS] == 25200000 && a.bytes[ACCOUNT_SONDE] == 4800000 &&
           a.bytes[ACCOUNT_FILES] == 8000000 - 5120000 &&
           a.bytes[ACCOUNT_CACHE] == 10000000 - 2880000,
       "and files");
    ok(a.bytes[ACCOUNT_PAGE_TABLES] == 3 * 40960 && a.bytes[ACCOUNT_KERNEL_STACKS] == 6 * 16384 &&
           a.bytes[ACCOUNT_KERNEL] == 3000000 - 3 * 40960 - 6 * 16384,
       "and the kernel's memory, as far as processes tell");
    account_balance(&a, 90000000);
    ok(sum(&a) == 90000000 && a.bytes[ACCOUNT_UNEXPLAINED] < 0,
       "what is too much shows as unexplained, and is not hidden");
}

// After a fork: of 60 MB of heap 40 are shared with a child, which has 10 MB of its own beside.
static void test_shared(void)
{
    struct account_sources s = {.charge = {.usage_bytes = 70000000, .anon_bytes = 70000000},
                                .areas = {.heap = {20000000, 40000000}, .live_bytes = 45000000},
                                .nprocess = 2,
                                .saw_all = true,
                                .other_bytes = 30000000};
    struct account a = account_build(&s);
    ok(a.bytes[ACCOUNT_HEAP] == 30000000 && a.bytes[ACCOUNT_RETAINED] == 10000000 &&
           a.bytes[ACCOUNT_OTHERS] == 30000000 && a.bytes[ACCOUNT_UNEXPLAINED] == 0,
       "what is shared by fork counts in part, as the others' does");
    s.nprocess = 1;
    s.other_bytes = 0;
    a = account_build(&s);
    ok(a.bytes[ACCOUNT_HEAP] + a.bytes[ACCOUNT_RETAINED] == 20000000,
       "where nobody else is, what looks shared are zeros that were read");
    s.nprocess = 1000;
    s.saw_all = false;
    a = account_build(&s);
    ok(a.bytes[ACCOUNT_HEAP] + a.bytes[ACCOUNT_RETAINED] == 20040000, "in a crowd it is little");
}

enum { OWN = 1, SHARED, IN_FILE }; // pages

static const u64 flags_of[] = {
    [OWN] = 1ULL << 63 | 1ULL << 56, [SHARED] = 1ULL << 63, [IN_FILE] = 1ULL << 63 | 1ULL << 61};

// So many KiB of an area's pages, from the first one on.
static void fill(u64 address, int kind, u32 kib)
{
    u64 entry[1024];
    u32 npage = kib / 4;
    int fd = open(path_of("proc/7/pagemap"), O_WRONLY | O_CREAT, 0600);
    for (u32 i = 0; i < npage; i++)
        entry[i] = flags_of[kind];
    size_t bytes = npage * sizeof(u64);
    ok(pwrite(fd, entry, bytes, (off_t)(address / 4096 * 8)) == (ssize_t)bytes, "%u KiB", kib);
    close(fd);
}

static const char maps[] = "00400000-00500000 r-xp 00000000 08:01 7  /bin/x y\n"
                           "00500000-00600000 rw-p 00100000 08:01 7  /bin/x y\n"
                           "00600000-00610000 rw-p 00000000 00:00 0 \n"
                           "01000000-01400000 rw-p 00000000 00:00 0  [heap]\n"
                           "7f0000000000-7f0001000000 rw-p 00000000 00:00 0 \n"
                           "7f0001000000-7f0004000000 ---p 00000000 00:00 0 \n"
                           "7f1000000000-7f1000001000 ---p 00000000 00:00 0 \n"
                           "7f1000001000-7f1000801000 rw-p 00000000 00:00 0 \n"
                           "7f1800010000-7f1800410000 rw-p 00000000 00:00 0 \n"
                           "7f1900010000-7f1900410000 rw-p 00000000 00:00 0 \n"
                           "7f2000000000-7f2000400000 rw-s 00000000 00:01 9  /dev/shm/r/7-99\n"
                           "7f2000400000-7f2000800000 rw-s 00000000 00:01 8  /dev/shm/other\n"
                           "7f3000000000-7f3010000000 r--p 00000000 08:01 6  /usr/share/words\n"
                           "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0  [stack]\n"
                           "7ffd00030000-7ffd00034000 r--p 00000000 00:00 0  [vvar]\n";

static void test_areas(void)
{
    struct areas a;
    struct areas_block block[] = {
        {0x1001000, 300 << 10}, {0x7f0000005000, 2 << 20}, {0x7f2000001000, 1 << 20}};
    struct areas_range range[] = {{0x7f1900010000, 0x7f1900210000}};
    struct areas_known known = {block, range, 3, 1, STR("/7-99")};
    write_file("proc/7/maps", maps);
    fill(0x400000, IN_FILE, 800);
    fill(0x500000, IN_FILE, 300);
    fill(0x500000, OWN, 200);
    fill(0x600000, OWN, 60);
    fill(0x1000000, OWN, 1000);
    fill(0x7f0000000000, OWN, 4096);
    fill(0x7f1000001000, OWN, 512);
    fill(0x7f1800010000, OWN, 3000);
    fill(0x7f1800010000, SHARED, 200);
    fill(0x7f1900010000, OWN, 500);
    fill(0x7f2000000000, IN_FILE, 400);
    fill(0x7f2000400000, IN_FILE, 900);
    fill(0x7f3000000000, IN_FILE, 4096);
    fill(0x7ffd00000000, OWN, 40);
    fill(0x7ffd00030000, SHARED, 16);
    ok(areas_read(&a, path_of("proc"), 7, &known), "areas are read");
    ok(a.heap.own == KIB(5096) && a.live_bytes == KIB(300 + 2048),
       "the break and an arena are the allocator's");
    ok(a.stack.own == KIB(552) && a.nstack == 2, "what lies above a guard is a stack");
    ok(a.data.own == KIB(260), "variables of the program, zeroed ones too");
    ok(a.mapping.own == KIB(2800 + 500) && a.mapping.shared == KIB(200) && a.nmapping == 2 &&
           a.largest_mapping == 0x7f1800010000,
       "the rest is mapped");
    ok(a.record_bytes == KIB(400), "and the record is known");
    ok(a.extent[0].start == 0x7f1800010000 && a.extent[0].limit == 0x7f1800410000 &&
           a.extent[0].bytes == KIB(3000) && a.extent[1].start == 0x7f1900010000 &&
           a.extent[2].limit == 0,
       "what is mapped is told by area");
    struct areas_block inside[] = {{0x7f1800020000, 1 << 20}};
    known = (struct areas_known){.block = inside, .nblock = 1};
    areas_read(&a, path_of("proc"), 7, &known);
    ok(a.heap.own + a.heap.shared == KIB(5096 + 1024) &&
           a.mapping.own + a.mapping.shared == KIB(3500 - 1024),
       "a block that glibc mapped is heap, but not what lies beside it");
    ok(a.extent[0].bytes == KIB(3000 - 1024), "nor in the area");
    inside[0].bytes = 1 << 30;
    areas_read(&a, path_of("proc"), 7, &known);
    ok(a.live_bytes == KIB(3000), "a block counts as far as it is in memory");
    ok(!areas_read(&a, path_of("nothing"), 7, &known), "a process that is gone has none");
}

// An allocator of another kind has what the program has not mapped itself.
static void test_keeper(void)
{
    struct areas a;
    struct areas_range range[] = {{0x7f1900010000, 0x7f1900210000}};
    struct areas_known known = {.range = range, .nrange = 1};
    char text[4096];
    snprintf(text, sizeof(text), "%s%s", maps,
             "7ffe00000000-7ffe00021000 r-xp 00000000 08:01 5  /lib/libjemalloc.so.2\n");
    write_file("proc/7/maps", text);
    ok(areas_read(&a, path_of("proc"), 7, &known) && a.heap.own == KIB(1000 + 4096 + 2800) &&
           a.mapping.own == KIB(500) && a.stack.own == KIB(552) && a.data.own == KIB(260),
       "jemalloc's areas are heap, stacks and variables are not, nor what the program mapped");
}

// Of an area of 128 GiB each third go of 4 MiB is looked at, and stands for three.
static void test_sparse(void)
{
    struct areas a;
    struct areas_known known = {0};
    write_file("proc/7/maps", "102000000000-104000000000 rw-p 00000000 00:00 0 \n");
    fill(0x102000000000, OWN, 4096);
    ok(areas_read(&a, path_of("proc"), 7, &known) && a.heap.own == MIB(12),
       "of a vast area a part is looked at");
}

// Two mappings side by side, of which the second is in memory: one area for the kernel.
static void test_extents(void)
{
    struct extent e[EXTENTS] = {0};
    double common;
    size_t half = MIB(16);
    char *both = mmap(NULL, 2 * half, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    u64 start = (u64)(uintptr_t)both;
    memset(both + half, 1, half);
    extent_add(e, 4096, 8192, 4096);
    extent_add(e, start, start + 2 * half, half);
    extent_look(e, "/proc", (u32)getpid());
    ok(e[0].start == start && e[1].start == 4096, "the longest area is the first");
    double first = extent_touched(&e[0], start, start + half, &common);
    ok(common == (double)half && first < 0.05 * (double)half, "what was not touched is not there");
    double second = extent_touched(&e[0], start + half, start + 3 * half, &common);
    ok(common == (double)half && second > 0.95 * (double)half, "what was, is");
    munmap(both, 2 * half);
    extent_look(e, path_of("nothing"), 7);
    first = extent_touched(&e[0], start, start + half, &common);
    ok(first > 0.49 * (double)half && first < 0.51 * (double)half,
       "where nobody can look all parts are alike");
    e[0].limit = 0;
    ok(extent_touched(&e[0], 0, UINT64_MAX, &common) == 0 && common == 0, "garbage is nothing");
}

int main(void)
{
    strcpy(folder, "/tmp/sonde-account.XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    test_v2();
    test_v1();
    test_shared();
    test_areas();
    test_keeper();
    test_sparse();
    test_extents();
    char command[8192];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return done() | system(command);
}
