#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "oom/kernel_log.h"
#include "oom/watch.h"

static void test_rings(struct arena *a)
{
    struct watch *w = arena_new(a, struct watch, 1), *read;
    struct watch_look *look;
    struct watch_mark *mark;
    struct err e;
    watch_init(w, 7, 99);
    for (u64 i = 1; i <= 3000; i++)
        watch_add_look(w, &(struct watch_look){.time_ns = i * 100000000, .usage_bytes = i});
    for (u32 i = 0; i < 100; i++)
        watch_add_mark(w,
                       &(struct watch_mark){.time_ns = i + 1, .kind = WATCH_THRESHOLD, .value = i});
    w->snapshot[3].nheld = 1 << 30;
    w->mark[5].kind = 1 << 30;
    memset(w->limit_group, 'x', sizeof(w->limit_group));
    ok(watch_open(&read, (struct str){(const char *)w, sizeof(*w)}, a, &e), "a watch opens");
    u32 n = watch_looks(&look, read, a), nmark = watch_marks(&mark, read, a);
    bool in_order = true;
    for (u32 i = 1; i < n; i++)
        in_order &= look[i].time_ns > look[i - 1].time_ns;
    ok(in_order && n > 512 && look[0].usage_bytes == 1 && look[n - 1].usage_bytes == 3000,
       "%u of 3,000 looks are left: the last ones, one a second, and one a minute", n);
    ok(nmark == WATCH_MARKS && mark[nmark - 1].value == 99, "the last marks, too");
    ok(read->snapshot[3].nheld == WATCH_HELD && read->mark[5].kind == WATCH_NO_MARK &&
           strlen(read->limit_group) == sizeof(read->limit_group) - 1,
       "what counts and names things is safe to look at");
    w->version = 9;
    ok(!watch_open(&read, (struct str){(const char *)w, sizeof(*w)}, a, &e) &&
           strstr(e.text, "version 9"),
       "%s", e.text);
    ok(!watch_open(&read, (struct str){(const char *)w, 1000}, a, &e), "half of one does not open");
}

static const char v1_log[] =
    "4,1,5000,-;memory: usage 262144kB, limit 262144kB, failcnt 0\n"
    "4,1,5000,-;kmem: usage 1080kB, limit 9007199254740988kB, failcnt 0\n"
    "4,1,5000,-;Memory cgroup stats for /demo:\n"
    "4,1,5000,-;total_cache 4624384\n4,1,5000,-;total_rss 248549376\n4,1,5000,-;total_shmem "
    "4624384\n"
    "6,1,5000,-;Tasks state (memory values in pages):\n"
    "6,1,5000,-;[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes "
    "swapents oom_score_adj name\n"
    "6,1,5000,-;[   3084]     0  3084    22054     1574      160     1414         0    73728       "
    " 0   "
    "          0 sonde\n"
    "6,1,5000,-;[   3086]     0  3086   212666    62624    60446     1058      1120   688128       "
    " 0   "
    "          0 upload server\n"
    "6,1,5000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
    "oom_memcg=/demo,task_memcg=/demo,task=upload-server,pid=3086,uid=0\n"
    "3,1,5000,-;Memory cgroup out of memory: Killed process 3086 (upload-server) "
    "total-vm:850664kB\n";

static void test_kernel_log(void)
{
    struct watch_kernel k = {0};
    kernel_log_parse(&k, str_of(v1_log), 3086, false, 0);
    ok(k.is_known && !k.is_global && k.usage_bytes == KIB(262144) && k.limit_bytes == KIB(262144),
       "the kernel's report of a kill is found");
    ok(k.charge.anon_bytes == 248549376 && k.charge.shmem_bytes == 4624384 &&
           k.charge.kernel_bytes == KIB(1080),
       "with the group's numbers");
    ok(k.nprocess == 2 && k.anon_bytes == KIB(4 * 60446) && k.other_bytes == KIB(4 * 160) &&
           strcmp(k.other[0].name, "sonde") == 0 && k.table_bytes == 73728 + 688128,
       "and its processes");
    struct watch_kernel none = {0};
    kernel_log_parse(&none, str_of(v1_log), 3084, false, 0);
    kernel_log_parse(&none, str_of(v1_log), 3086, false, 6000);
    ok(!none.is_known, "not of another process, and not an older one");
    kernel_log_parse(
        &none,
        STR("4,1,1,-;memory: usage 65536kB, limit 65536kB, failcnt 35\n"
            "4,1,1,-;Memory cgroup stats for /t:\n"
            "4,1,1,-;anon 60000000\\x0afile 4096\\x0akernel 123456\\x0ashmem 0\n"
            "6,1,1,-;Tasks state (memory values in pages):\n"
            "6,1,1,-;[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents "
            "oom_score_adj name\n"
            "6,1,1,-;[    141]     0   141    18701    16200   172032        0     0 hog\n"
            "3,1,1,-;Memory cgroup out of memory: Killed process 141 (hog) total\n"),
        141, true, 0);
    ok(none.is_known && none.charge.anon_bytes == 60000000 && none.charge.kernel_bytes == 123456 &&
           none.anon_bytes == KIB(4 * 16200),
       "version 2, on an older kernel");
}

// Of many kills the kernel names the victims only.
static void test_suppressed(void)
{
    struct watch_kernel k = {0};
    char log[sizeof(v1_log) + 400];
    snprintf(log, sizeof(log), "%s%s", v1_log,
             "3,1,5001,-;Memory cgroup out of memory: Killed process 4000 (other) total-vm:1kB\n");
    kernel_log_parse(&k, str_of(log), 4000, false, 0);
    ok(!k.is_known, "a kill without a report of its own does not get another one's");
    snprintf(log, sizeof(log), "%s%s", v1_log,
             "6,1,5001,-;Tasks in /demo are going to be killed due to memory.oom.group set\n"
             "3,1,5001,-;Memory cgroup out of memory: Killed process 4000 (other) total-vm:1kB\n");
    kernel_log_parse(&k, str_of(log), 4000, false, 0);
    ok(k.is_known && k.usage_bytes == KIB(262144), "unless the whole group is killed");
    kernel_log_parse(&k,
                     STR("6,1,1,-;[  pid  ] a b c d e f g h i j k l m n o tgid rss name\n"
                         "6,1,1,-;[ 1 ] 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n"),
                     1, false, 0);
    ok(true, "a table of too many columns is left alone");
}

int main(void)
{
    struct arena a;
    arena_init(&a, (size_t)MIB(64));
    test_rings(&a);
    test_kernel_log();
    test_suppressed();
    arena_free(&a);
    return done();
}
