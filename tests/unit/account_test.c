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
    s.areas = (struct areas){.heap_bytes = 36000000,
                             .live_bytes = 30000000,
                             .mapping_bytes = 3000000,
                             .stack_bytes = 1000000,
                             .data_bytes = 500000,
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

static void add_area(char *text, const char *header, u32 part_kib, u32 anon_kib, const char *flags)
{
    char area[512];
    snprintf(area, sizeof(area),
             "%s\nRss: %u kB\nPss: %u kB\nAnonymous: %u kB\nVmFlags: rd wr%s \n", header, part_kib,
             part_kib, anon_kib, flags);
    strncat(text, area, 16000);
}

static void test_areas(void)
{
    static char text[20000];
    struct areas a;
    struct areas_block block[] = {
        {0x1001000, 300 << 10}, {0x7f0000005000, 2 << 20}, {0x7f2000001000, 1 << 20}};
    add_area(text, "00400000-00500000 r-xp 00000000 08:01 7  /bin/x y", 800, 0, "");
    add_area(text, "00500000-00600000 rw-p 00100000 08:01 7  /bin/x y", 300, 200, " ac");
    add_area(text, "00600000-00610000 rw-p 00000000 00:00 0 ", 60, 60, " ac");
    add_area(text, "01000000-01400000 rw-p 00000000 00:00 0  [heap]", 1000, 1000, " ac");
    add_area(text, "7f0000000000-7f0001000000 rw-p 00000000 00:00 0 ", 4096, 4096, " nr");
    add_area(text, "7f0001000000-7f0004000000 ---p 00000000 00:00 0 ", 0, 0, " nr");
    add_area(text, "7f1000000000-7f1000001000 ---p 00000000 00:00 0 ", 0, 0, "");
    add_area(text, "7f1000001000-7f1000801000 rw-p 00000000 00:00 0 ", 512, 512, "");
    add_area(text, "7f1800010000-7f1800410000 rw-p 00000000 00:00 0 ", 3000, 3000, " ac");
    add_area(text, "7f2000000000-7f2000400000 rw-s 00000000 00:01 9  /dev/shm/r/7-99", 400, 0, "");
    add_area(text, "7f2000400000-7f2000800000 rw-s 00000000 00:01 8  /dev/shm/other", 900, 0, "");
    add_area(text, "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0  [stack]", 40, 40, " gd ac");
    write_file("proc/7/smaps", text);
    ok(areas_read(&a, path_of("proc"), 7, block, 3, STR("/7-99")), "smaps is read");
    ok(a.heap_bytes == KIB(5096) && a.live_bytes == KIB(300 + 2048),
       "the break and an arena are the allocator's");
    ok(a.stack_bytes == KIB(552) && a.nstack == 2, "what lies above a guard is a stack");
    ok(a.data_bytes == KIB(260), "variables of the program, zeroed ones too");
    ok(a.mapping_bytes == KIB(3000) && a.largest_mapping == 0x7f1800010000, "the rest is mapped");
    ok(a.record_bytes == KIB(400), "and the record is known");
    ok(a.extent[0].start == 0x7f1800010000 && a.extent[0].limit == 0x7f1800410000 &&
           a.extent[0].bytes == KIB(3000) && a.extent[1].limit == 0,
       "what is mapped is told by area");
    struct areas_block inside[] = {{0x7f1800020000, 1 << 20}};
    areas_read(&a, path_of("proc"), 7, inside, 1, STR(""));
    ok(a.heap_bytes == KIB(5096 + 1024) && a.mapping_bytes == KIB(3000 - 1024),
       "a block that glibc mapped is heap, but not what lies beside it");
    ok(a.extent[0].bytes == KIB(3000 - 1024), "nor in the area");
    inside[0].bytes = 1 << 30;
    areas_read(&a, path_of("proc"), 7, inside, 1, STR(""));
    ok(a.live_bytes == KIB(3000), "a block counts as far as it is in memory");
    ok(!areas_read(&a, path_of("nothing"), 7, NULL, 0, STR("")), "a process that is gone has none");
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
    test_areas();
    test_extents();
    char command[8192];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return done() | system(command);
}
