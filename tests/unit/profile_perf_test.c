// perf.data made by hand, record by record, in both byte orders.
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <zstd.h>

#include "../tap.h"
#include "base/buf.h"
#include "profile/perf.h"
#include "profile/read.h"

static struct arena arena;

// A file that grows.
struct file {
    struct buf b;
    bool is_big_endian;
    bool is_whole;       // the header says where the data end
    size_t record, data; // where they start
    size_t ids;          // where the first event's ids are
};

enum {
    HEADER_BYTES = 104,
    ATTR_BYTES = 128,
    FEATURE_BUILD_ID = 2,
    FEATURE_ARCH = 6,
    FEATURE_EVENTS = 12,
    FEATURE_CLOCK = 29,
    RECORD_ATTR = 64,
    RECORD_FEATURE = 80,
    RECORD_COMPRESSED = 81,
    RECORD_DEFERRED = 22,
    PID = 100,
    TEXT = 0x400000, // where the program is mapped, 0x1000 bytes
    USUAL = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_PERIOD |
            PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_IDENTIFIER
};

#define KERNEL_TEXT 0xffffffff81000000ull
#define USER_MARK   ((u64)PERF_CONTEXT_USER)
#define KERNEL_MARK ((u64)PERF_CONTEXT_KERNEL)

static void put(struct file *f, u64 value, u32 n)
{
    for (u32 i = 0; i < n; i++)
        buf_char(&f->b, (char)(value >> 8 * (f->is_big_endian ? n - 1 - i : i)));
}

static void patch(struct file *f, size_t at, u64 value, u32 n)
{
    size_t len = f->b.len;
    f->b.len = at;
    put(f, value, n);
    f->b.len = len;
}

static void put_text(struct file *f, const char *text)
{
    size_t n = (strlen(text) + 8) & ~(size_t)7;
    for (size_t i = 0; i < n; i++)
        buf_char(&f->b, i < strlen(text) ? text[i] : 0);
}

// As the features have it: with its length.
static void put_string(struct file *f, const char *text)
{
    put(f, (strlen(text) + 8) & ~(size_t)7, 4);
    put_text(f, text);
}

// What an event is; the flags are sample_id_all, and freq without a period.
struct event {
    u32 type;
    u64 config, period, sample_type, read_format, branch_type, regs;
};

static void put_attr(struct file *f, const struct event *e)
{
    u64 flags = 1ull << 18 | (e->period ? 0 : 1ull << 10), mirrored = 0;
    for (u32 i = 0; i < 64; i++)
        mirrored |= (flags >> i & 1) << (63 - i);
    put(f, e->type, 4);
    put(f, ATTR_BYTES, 4);
    put(f, e->config, 8);
    put(f, e->period ? e->period : 4000, 8);
    put(f, e->sample_type, 8);
    put(f, e->read_format, 8);
    put(f, f->is_big_endian ? mirrored : flags, 8);
    for (u32 i = 0; i < 3; i++)
        put(f, 0, 8);
    put(f, e->branch_type, 8);
    put(f, e->regs, 8);
    put(f, 0, 8);
    put(f, e->regs, 8);
    for (u32 i = 0; i < 3; i++)
        put(f, 0, 8);
}

// Begins a file of n events, whose ids are 10, 20 ...
static struct file begin(bool is_big_endian, const struct event *e, u32 n)
{
    struct file f = {.is_big_endian = is_big_endian};
    buf_init(&f.b, (size_t)MIB(64));
    put(&f, 0x32454c4946524550, 8);
    for (u32 i = 8; i < HEADER_BYTES; i += 8)
        put(&f, 0, 8);
    patch(&f, 8, HEADER_BYTES, 8);
    patch(&f, 16, ATTR_BYTES + 16, 8);
    patch(&f, 24, HEADER_BYTES, 8);
    patch(&f, 32, (ATTR_BYTES + 16) * (u64)n, 8);
    f.ids = HEADER_BYTES + (ATTR_BYTES + 16) * (size_t)n;
    for (u32 i = 0; i < n; i++) {
        put_attr(&f, &e[i]);
        put(&f, f.ids + 8 * (size_t)i, 8);
        put(&f, 8, 8);
    }
    for (u32 i = 0; i < n; i++)
        put(&f, 10 * (i + 1), 8);
    f.data = f.b.len;
    return f;
}

static void record(struct file *f, u32 type, u32 misc)
{
    f->record = f->b.len;
    put(f, type, 4);
    put(f, misc, 2);
    put(f, 0, 2);
}

static void end_record(struct file *f)
{
    patch(f, f->record + 6, f->b.len - f->record, 2);
}

// The end of records that are no samples, for events with the usual fields.
static void put_trailer(struct file *f, u64 time)
{
    put(f, 0, 8); // process and thread
    put(f, time, 8);
    put(f, 10, 8);
    end_record(f);
}

static void put_mmap(struct file *f, u64 time, u32 misc, u32 pid, u64 start, u64 bytes, u64 offset,
                     const char *name)
{
    record(f, PERF_RECORD_MMAP, misc);
    put(f, pid, 4);
    put(f, pid, 4);
    put(f, start, 8);
    put(f, bytes, 8);
    put(f, offset, 8);
    put_text(f, name);
    put_trailer(f, time);
}

static void put_program(struct file *f, u64 time, u32 pid)
{
    put_mmap(f, time, PERF_RECORD_MISC_USER, pid, TEXT, 0x1000, 0x2000, "/bin/program");
}

static void put_kernel(struct file *f)
{
    put_mmap(f, 0, PERF_RECORD_MISC_KERNEL, UINT32_MAX, KERNEL_TEXT, 0x1000000, KERNEL_TEXT,
             "[kernel.kallsyms]_text");
}

static void put_comm(struct file *f, u64 time, u32 misc, u32 pid, u32 tid, const char *name)
{
    record(f, PERF_RECORD_COMM, misc);
    put(f, pid, 4);
    put(f, tid, 4);
    put_text(f, name);
    put_trailer(f, time);
}

static void put_fork(struct file *f, u64 time, u32 pid, u32 parent, u32 tid, u32 parent_tid)
{
    record(f, PERF_RECORD_FORK, 0);
    put(f, pid, 4);
    put(f, parent, 4);
    put(f, tid, 4);
    put(f, parent_tid, 4);
    put(f, time, 8);
    put_trailer(f, time);
}

// A sample with the usual fields.
struct shot {
    u64 id, time, period;
    u32 misc, pid, tid;
    u64 chain[8]; // up to a 0; the first one that is no mark is the leaf
};

static void put_sample(struct file *f, struct shot s)
{
    u64 n = 0, ip = 0;
    while (n < ARRAY_LEN(s.chain) && s.chain[n])
        n++;
    for (u64 i = n; i > 0; i--)
        ip = s.chain[i - 1] < (u64)PERF_CONTEXT_MAX ? s.chain[i - 1] : ip;
    record(f, PERF_RECORD_SAMPLE, s.misc ? s.misc : PERF_RECORD_MISC_USER);
    put(f, s.id ? s.id : 10, 8);
    put(f, ip, 8);
    put(f, s.pid ? s.pid : PID, 4);
    put(f, s.tid ? s.tid : s.pid ? s.pid : PID, 4);
    put(f, s.time, 8);
    put(f, s.period ? s.period : 1000, 8);
    put(f, n, 8);
    for (u64 i = 0; i < n; i++)
        put(f, s.chain[i], 8);
    end_record(f);
}

static void end_data(struct file *f)
{
    patch(f, 40, f->data, 8);
    patch(f, 48, f->b.len - f->data, 8);
    f->is_whole = true;
}

// Behind the data: one feature, whose content begins at the returned offset.
static size_t begin_feature(struct file *f, u32 number)
{
    end_data(f);
    patch(f, 72, 1ull << number, 8);
    put(f, f->b.len + 16, 8);
    put(f, 0, 8);
    return f->b.len;
}

static void end_feature(struct file *f, size_t start)
{
    patch(f, start - 8, f->b.len - start, 8);
}

static struct profile decoded(struct file *f)
{
    struct profile p = {0};
    struct err e = {0};
    if (!f->is_whole)
        end_data(f);
    if (!profile_read(&p, arena_str(&arena, buf_str(&f->b)), (size_t)MIB(64), &arena, &e))
        printf("# %s\n", e.text);
    buf_free(&f->b);
    return p;
}

static const struct event cycles = {
    PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, USUAL, 0, 0, 0};

static struct file usual(bool is_big_endian)
{
    struct file f = begin(is_big_endian, &cycles, 1);
    put_kernel(&f);
    put_program(&f, 1, PID);
    return f;
}

static u64 address(const struct profile *p, u32 sample, u32 frame)
{
    const struct sample *s = &p->sample[sample];
    return frame < s->nframe ? p->location[p->frame[s->frame + frame]].address : 0;
}

static const struct mapping *mapping(const struct profile *p, u32 sample, u32 frame)
{
    return &p->mapping[p->location[p->frame[p->sample[sample].frame + frame]].mapping];
}

static bool is_text(const struct profile *p, u32 string, const char *text)
{
    return str_equal(profile_string(p, string), str_of(text));
}

static const struct label *label(const struct profile *p, u32 sample, const char *key)
{
    for (u32 i = 0; i < p->sample[sample].nlabel; i++) {
        const struct label *l = &p->label[p->sample[sample].label + i];
        if (is_text(p, l->key, key))
            return l;
    }
    return NULL;
}

static bool has_comment(const struct profile *p, const char *part)
{
    for (u32 i = 0; i < p->ncomment; i++) {
        if (str_find(profile_string(p, p->comment[i]), str_of(part)) >= 0)
            return true;
    }
    return false;
}

static void test_stack(bool is_big_endian)
{
    const char *order = is_big_endian ? "big-endian" : "little-endian";
    struct file f = usual(is_big_endian);
    put_sample(&f, (struct shot){.time = 2, .chain = {USER_MARK, TEXT + 0x10, TEXT + 0x20}});
    struct profile p = decoded(&f);
    ok(p.nsample == 1 && p.sample[0].nframe == 2, "%s: the leaf is there once", order);
    ok(address(&p, 0, 0) == TEXT + 0x10, "%s: the leaf is where the sample was taken", order);
    ok(address(&p, 0, 1) == TEXT + 0x1f, "%s: a caller is in its call", order);
    ok(p.ntype == 2 && is_text(&p, p.type[0].type, "cycles_sample") &&
           is_text(&p, p.type[1].type, "cycles_event") && is_text(&p, p.type[0].unit, "count"),
       "%s: an event has two sample types", order);
    ok(profile_values(&p, 0)[0] == 1 && profile_values(&p, 0)[1] == 1000,
       "%s: a sample counts once, and for its period", order);
    const struct mapping *m = mapping(&p, 0, 0);
    ok(is_text(&p, m->filename, "/bin/program") && m->start == TEXT && m->limit == TEXT + 0x1000 &&
           m->offset == 0x2000,
       "%s: the mapping is that of the file", order);
    ok(is_text(&p, p.default_type, "cycles_event"), "%s: events are shown by default", order);
}

static void test_modes(void)
{
    struct file f = usual(false);
    put_sample(&f, (struct shot){.time = 2,
                                 .misc = PERF_RECORD_MISC_KERNEL,
                                 .chain = {KERNEL_MARK, KERNEL_TEXT + 0x10, KERNEL_TEXT + 0x20,
                                           USER_MARK, TEXT + 0x30, TEXT + 0x40}});
    put_sample(&f, (struct shot){.time = 3,
                                 .misc = PERF_RECORD_MISC_GUEST_KERNEL,
                                 .chain = {(u64)PERF_CONTEXT_GUEST_KERNEL, KERNEL_TEXT + 0x10}});
    put_sample(&f, (struct shot){.time = 4, .chain = {USER_MARK, KERNEL_TEXT + 0x10}});
    struct profile p = decoded(&f);
    ok(p.sample[0].nframe == 4 && address(&p, 0, 1) == KERNEL_TEXT + 0x1f &&
           address(&p, 0, 3) == TEXT + 0x3f,
       "a stack goes from the kernel on into the program");
    ok(address(&p, 0, 2) == TEXT + 0x30, "where the kernel interrupted the program is no call");
    ok(is_text(&p, mapping(&p, 0, 0)->filename, "[kernel.kallsyms]_text") &&
           mapping(&p, 0, 0)->offset == KERNEL_TEXT,
       "the kernel's mapping has its name and offset from perf");
    ok(is_text(&p, mapping(&p, 1, 0)->filename, "[guest.kernel]"),
       "a guest's addresses are not the host's");
    ok(p.location[p.frame[p.sample[2].frame]].mapping == 0,
       "in user mode an address of the kernel is nowhere");
}

static void test_unmapped(void)
{
    struct file f = usual(false);
    put_sample(&f, (struct shot){.time = 2,
                                 .chain = {USER_MARK, TEXT, 0x1234, TEXT + 0x20, TEXT + 0x2000}});
    struct profile p = decoded(&f);
    ok(p.sample[0].nframe == 2 && address(&p, 0, 1) == TEXT + 0x1f,
       "callers where nothing is mapped are left out");
    ok(has_comment(&p, "perf-warning: 2 callers are left out"), "that is said");
}

static void test_order(void)
{
    struct file f = begin(false, &cycles, 1);
    put_sample(&f, (struct shot){.time = 5, .chain = {USER_MARK, TEXT + 0x10}});
    put_sample(&f, (struct shot){.time = 3, .chain = {USER_MARK, TEXT + 0x10}});
    put_mmap(&f, 4, PERF_RECORD_MISC_USER, PID, TEXT, 0x1000, 0, "/bin/late");
    put_program(&f, 2, PID);
    struct profile p = decoded(&f);
    ok(p.nsample == 2 && is_text(&p, mapping(&p, 0, 0)->filename, "/bin/program") &&
           is_text(&p, mapping(&p, 1, 0)->filename, "/bin/late"),
       "mappings hold from their time on, wherever they are in the file");
    ok(p.duration_ns == 2, "the duration is from the first to the last sample");
}

static void test_processes(void)
{
    struct file f = usual(false);
    put_comm(&f, 1, 0, PID, PID, "parent");
    put_fork(&f, 2, 200, PID, 200, PID);
    put_sample(&f, (struct shot){.time = 3, .pid = 200, .chain = {USER_MARK, TEXT + 0x10}});
    put_mmap(&f, 4, PERF_RECORD_MISC_USER, 200, TEXT, 0x1000, 0, "/bin/child");
    put_sample(&f, (struct shot){.time = 5, .pid = 200, .chain = {USER_MARK, TEXT + 0x10}});
    put_sample(&f, (struct shot){.time = 6, .pid = PID, .chain = {USER_MARK, TEXT + 0x10}});
    put_comm(&f, 7, PERF_RECORD_MISC_COMM_EXEC, 200, 200, "other");
    put_sample(&f, (struct shot){.time = 8, .pid = 200, .chain = {USER_MARK, TEXT + 0x10}});
    struct profile p = decoded(&f);
    ok(p.nsample == 4, "samples with other labels or mappings are not summed up");
    ok(is_text(&p, mapping(&p, 0, 0)->filename, "/bin/program"),
       "a fork has its parent's mappings");
    ok(is_text(&p, label(&p, 0, "comm")->text, "parent"), "a fork has its parent's name");
    ok(is_text(&p, mapping(&p, 1, 0)->filename, "/bin/child") &&
           is_text(&p, mapping(&p, 2, 0)->filename, "/bin/program"),
       "what a fork maps, its parent does not have");
    ok(p.location[p.frame[p.sample[3].frame]].mapping == 0 &&
           is_text(&p, label(&p, 3, "comm")->text, "other"),
       "exec takes the mappings away, and gives another name");
    ok(label(&p, 2, "pid")->number == PID && label(&p, 2, "tid")->number == PID,
       "labels tell process and thread");
}

static void test_threads(void)
{
    struct file f = usual(false);
    put_comm(&f, 1, 0, PID, PID, "program");
    put_fork(&f, 2, PID, PID, 101, PID);
    put_sample(&f, (struct shot){.time = 3, .tid = 101, .chain = {USER_MARK, TEXT + 0x10}});
    put_comm(&f, 4, 0, PID, 101, "worker");
    put_sample(&f, (struct shot){.time = 5, .tid = 101, .chain = {USER_MARK, TEXT + 0x10}});
    struct profile p = decoded(&f);
    ok(is_text(&p, label(&p, 1, "comm")->text, "program") &&
           is_text(&p, label(&p, 1, "thread_comm")->text, "worker"),
       "a thread has its process's name and its own");
    ok(!label(&p, 0, "thread_comm"), "the same name is not told twice");
    ok(mapping(&p, 0, 0) == mapping(&p, 1, 0), "threads share their mappings");
}

static void test_sums(void)
{
    struct file f = usual(false);
    for (u64 i = 0; i < 3; i++)
        put_sample(&f,
                   (struct shot){.time = 2 + i, .period = 100, .chain = {USER_MARK, TEXT + 0x10}});
    // The same program elsewhere, as each process has it where addresses are random.
    put_mmap(&f, 6, PERF_RECORD_MISC_USER, 300, TEXT + 0x7000, 0x1000, 0x2000, "/bin/program");
    put_sample(&f, (struct shot){.time = 7, .pid = 300, .chain = {USER_MARK, TEXT + 0x7010}});
    struct profile p = decoded(&f);
    ok(p.nsample == 2 && profile_values(&p, 0)[0] == 3 && profile_values(&p, 0)[1] == 300,
       "equal samples are one, with the sum of their values");
    ok(p.nmapping == 2 && p.nlocation == 2, "one place of a program is one location everywhere");
    ok(p.period == 325 && is_text(&p, p.period_type.type, "cycles"),
       "the period is the mean when perf varies it");
}

static void test_events(void)
{
    const struct event e[] = {cycles,
                              {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY, 1, USUAL, 0, 0, 0},
                              {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 5, USUAL, 0, 0, 0}};
    struct file f = begin(false, e, ARRAY_LEN(e));
    put_program(&f, 1, PID);
    put_sample(&f, (struct shot){.id = 10, .time = 2, .chain = {USER_MARK, TEXT + 0x10}});
    put_sample(&f, (struct shot){.id = 30, .time = 3, .chain = {USER_MARK, TEXT + 0x10}});
    put_sample(&f, (struct shot){.id = 77, .time = 4, .chain = {USER_MARK, TEXT + 0x10}});
    size_t start = begin_feature(&f, FEATURE_EVENTS);
    put(&f, 2, 4);
    put(&f, ATTR_BYTES, 4);
    put_attr(&f, &e[0]);
    put(&f, 1, 4);
    put_string(&f, "cycles:ppp");
    put(&f, 10, 8);
    put_attr(&f, &e[2]);
    put(&f, 1, 4);
    put_string(&f, "page-faults:u");
    put(&f, 30, 8);
    end_feature(&f, start);
    struct profile p = decoded(&f);
    ok(p.ntype == 4, "events without samples have no sample types");
    ok(is_text(&p, p.type[0].type, "cycles:ppp_sample") &&
           is_text(&p, p.type[3].type, "page-faults:u_event"),
       "events are called as the file says");
    ok(p.nsample == 1 && profile_values(&p, 0)[1] == 1000 && profile_values(&p, 0)[2] == 1,
       "samples of several events at one stack are one row");
    ok(has_comment(&p, "perf-warning: 1 samples are left out"),
       "a sample of an unknown event is told of");
}

// A group of which only the first event takes samples, and each sample has the counts of both.
static void test_groups(void)
{
    struct event e[] = {cycles, {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0, 0, 0, 0, 0}};
    e[0].sample_type = e[1].sample_type = (USUAL & ~PERF_SAMPLE_CALLCHAIN) | PERF_SAMPLE_READ;
    e[0].read_format = e[1].read_format =
        PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_LOST;
    struct file f = begin(false, e, ARRAY_LEN(e));
    put_program(&f, 1, PID);
    for (u64 i = 1; i <= 2; i++) {
        const u64 words[] = {
            10, TEXT + 0x10, (u64)PID << 32 | PID, 1 + i, 1000, 2, 99, 500 * i, 10, 0, 30 * i, 20,
            0};
        record(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
        for (size_t k = 0; k < ARRAY_LEN(words); k++)
            put(&f, words[k], 8);
        end_record(&f);
    }
    struct profile p = decoded(&f);
    ok(p.ntype == 4 && is_text(&p, p.type[2].type, "instructions_sample"),
       "events of a group that take no samples have types");
    ok(p.nsample == 1 && profile_values(&p, 0)[1] == 1000 && profile_values(&p, 0)[3] == 60,
       "counts are what was added since the sample before");
}

// All fields that a sample can have, so that each must be skipped by its own size.
static void test_all_fields(void)
{
    struct event e = cycles;
    e.sample_type = PERF_SAMPLE_MAX - 1;
    e.sample_type &= ~(u64)PERF_SAMPLE_WEIGHT_STRUCT;
    e.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    e.branch_type = PERF_SAMPLE_BRANCH_HW_INDEX;
    e.regs = 7;
    const u64 words[] = {
        10,
        TEXT + 0x10,
        (u64)PID << 32 | PID,
        2,
        3,
        10,
        4,
        5,
        1000, // ... PERIOD
        6,
        7,
        8, // READ
        2,
        TEXT + 0x10,
        TEXT + 0x20, // CALLCHAIN
        12,
        0, // RAW: 4 + 12 bytes
        1,
        9,
        1,
        2,
        3, // BRANCH_STACK
        PERF_SAMPLE_REGS_ABI_64,
        1,
        2,
        3, // REGS_USER
        16,
        1,
        2,
        8, // STACK_USER
        1,
        2,
        3, // WEIGHT ... TRANSACTION
        PERF_SAMPLE_REGS_ABI_64,
        1,
        2,
        3, // REGS_INTR
        1,
        55,
        4096,
        4096,
        8,
        1, // PHYS_ADDR ... AUX
    };
    struct file f = begin(false, &e, 1);
    record(&f, PERF_RECORD_CGROUP, 0);
    put(&f, 55, 8);
    put_text(&f, "/system.slice");
    for (u32 i = 0; i < 6; i++)
        put(&f, 0, 8);
    end_record(&f);
    record(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
    for (size_t k = 0; k < ARRAY_LEN(words); k++)
        put(&f, words[k], 8);
    end_record(&f);
    struct profile p = decoded(&f);
    ok(p.nsample == 1 && profile_values(&p, 0)[0] == 1, "a sample may have all fields");
    ok(is_text(&p, label(&p, 0, "cgroup")->text, "/system.slice"),
       "a cgroup's path is a label where perf recorded it");
}

static void test_build_ids(void)
{
    struct file f = begin(true, &cycles, 1);
    put_program(&f, 1, PID);
    record(&f, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER | PERF_RECORD_MISC_MMAP_BUILD_ID);
    put(&f, PID, 4);
    put(&f, PID, 4);
    put(&f, 0x700000, 8);
    put(&f, 0x1000, 8);
    put(&f, 0, 8);
    put(&f, 8, 1); // bytes of the id
    put(&f, 0, 3);
    for (u32 i = 0; i < 20; i++)
        put(&f, i < 8 ? 0xa0 + i : 0, 1);
    put(&f, 5, 4);
    put(&f, 2, 4);
    put_text(&f, "/lib/library.so");
    put_trailer(&f, 1);
    put_sample(&f, (struct shot){.time = 2, .chain = {USER_MARK, 0x700010, TEXT + 0x20}});
    size_t start = begin_feature(&f, FEATURE_BUILD_ID);
    record(&f, 0, PERF_RECORD_MISC_USER);
    put(&f, PID, 4);
    for (u32 i = 0; i < 24; i++)
        put(&f, i < 16 ? 0x11 : 0, 1);
    put_text(&f, "/bin/program");
    end_record(&f);
    end_feature(&f, start);
    struct profile p = decoded(&f);
    ok(is_text(&p, mapping(&p, 0, 0)->build_id, "a0a1a2a3a4a5a6a7"),
       "a mapping's own build id is as long as it says");
    ok(is_text(&p, mapping(&p, 0, 1)->build_id, "11111111111111111111111111111111"),
       "a build id of the file's list has no zeros at its end");
    ok(mapping(&p, 0, 1)->id == 1, "the program is the first mapping, though a library came first");
}

static void test_run_time_code(void)
{
    struct file f = usual(false);
    put_mmap(&f, 1, PERF_RECORD_MISC_USER, PID, 0x800000, 0x1000, 0, "//anon");
    record(&f, PERF_RECORD_KSYMBOL, 0);
    put(&f, KERNEL_TEXT + 0x100, 8);
    put(&f, 0x80, 4);
    put(&f, PERF_RECORD_KSYMBOL_TYPE_BPF, 2);
    put(&f, 0, 2);
    put_text(&f, "bpf_prog_1234_filter");
    put_trailer(&f, 1);
    put_sample(&f, (struct shot){.time = 2,
                                 .misc = PERF_RECORD_MISC_KERNEL,
                                 .chain = {KERNEL_MARK, KERNEL_TEXT + 0x110, KERNEL_TEXT + 0x190,
                                           USER_MARK, 0x800010}});
    struct profile p = decoded(&f);
    const struct location *leaf = &p.location[p.frame[p.sample[0].frame]];
    ok(leaf->nline == 1 &&
           is_text(&p, p.function[p.line[leaf->line].function].name, "bpf_prog_1234_filter"),
       "BPF programs have the name that the kernel gave");
    ok(is_text(&p, mapping(&p, 0, 1)->filename, "[kernel.kallsyms]_text"),
       "around them the kernel is as it was");
    ok(is_text(&p, mapping(&p, 0, 2)->filename, "/tmp/perf-100.map") &&
           mapping(&p, 0, 2)->offset == 0x800000,
       "code of no file is looked up in the process's perf map, by address");
}

static void test_later_stacks(void)
{
    struct file f = usual(false);
    put_sample(&f, (struct shot){.time = 2,
                                 .misc = PERF_RECORD_MISC_KERNEL,
                                 .chain = {KERNEL_MARK, KERNEL_TEXT + 0x10, (u64)-640, 4711}});
    record(&f, RECORD_DEFERRED, 0);
    put(&f, 4711, 8);
    put(&f, 3, 8);
    put(&f, USER_MARK, 8);
    put(&f, TEXT + 0x30, 8);
    put(&f, TEXT + 0x40, 8);
    put_trailer(&f, 3);
    put_sample(&f, (struct shot){.time = 4,
                                 .misc = PERF_RECORD_MISC_KERNEL,
                                 .chain = {KERNEL_MARK, KERNEL_TEXT + 0x10, (u64)-640, 4712}});
    struct profile p = decoded(&f);
    ok(p.sample[0].nframe == 3 && address(&p, 0, 2) == TEXT + 0x3f,
       "a user stack that follows its samples is theirs");
    ok(has_comment(&p, "perf-warning: 1 samples lack their user stack"),
       "one that does not follow is missed");
}

// What the CPU remembers of calls, instead of frame pointers.
static void test_branches(void)
{
    struct event e = cycles;
    e.sample_type |= PERF_SAMPLE_BRANCH_STACK;
    e.branch_type = PERF_SAMPLE_BRANCH_CALL_STACK | PERF_SAMPLE_BRANCH_USER;
    struct file f = begin(false, &e, 1);
    put_kernel(&f);
    put_program(&f, 1, PID);
    const u64 words[] = {10,
                         KERNEL_TEXT + 0x10,
                         (u64)PID << 32 | PID,
                         2,
                         1000,
                         5,
                         KERNEL_MARK,
                         KERNEL_TEXT + 0x10,
                         USER_MARK,
                         TEXT + 0x30,
                         TEXT + 0x999,
                         2,
                         TEXT + 0x200,
                         TEXT + 0x28,
                         0,
                         TEXT + 0x300,
                         TEXT + 0x1f0,
                         0};
    record(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
    for (size_t k = 0; k < ARRAY_LEN(words); k++)
        put(&f, words[k], 8);
    end_record(&f);
    struct profile p = decoded(&f);
    ok(p.sample[0].nframe == 4 && address(&p, 0, 1) == TEXT + 0x30 &&
           address(&p, 0, 2) == TEXT + 0x200 && address(&p, 0, 3) == TEXT + 0x300,
       "the calls of a call stack in branches follow the place in the program");
}

// A copy of the stack, of code without unwind tables: by frame pointers.
static void test_user_stack(void)
{
    struct event e = cycles;
    e.sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
    e.regs = 7 << 6; // bp, sp, ip
    struct file f = begin(false, &e, 1);
    put_kernel(&f);
    put_program(&f, 1, PID);
    const u64 sp = 0x7ffd0000;
    const u64 words[] = {10,
                         KERNEL_TEXT + 0x10,
                         (u64)PID << 32 | PID,
                         2,
                         1000,
                         2, // time, period, chain
                         KERNEL_MARK,
                         KERNEL_TEXT + 0x10,
                         PERF_SAMPLE_REGS_ABI_64,
                         sp + 16,
                         sp,
                         TEXT + 0x30,
                         48,
                         0,
                         0, // 48 bytes from sp on
                         sp + 32,
                         TEXT + 0x50,
                         sp + 4096,
                         TEXT + 0x70,
                         48};
    record(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
    for (size_t k = 0; k < ARRAY_LEN(words); k++)
        put(&f, words[k], 8);
    end_record(&f);
    size_t start = begin_feature(&f, FEATURE_ARCH);
    put_string(&f, "x86_64");
    end_feature(&f, start);
    struct profile p = decoded(&f);
    ok(p.sample[0].nframe == 4 && address(&p, 0, 1) == TEXT + 0x30 &&
           address(&p, 0, 2) == TEXT + 0x4f && address(&p, 0, 3) == TEXT + 0x6f,
       "calls are found in the copy of a stack");
    ok(has_comment(&p, "perf-warning: 1 user stacks are larger than what perf copied"),
       "a stack that goes on beyond the copy is told of");
}

static void test_pipe(void)
{
    struct file f = {.is_whole = true};
    buf_init(&f.b, (size_t)MIB(1));
    put(&f, 0x32454c4946524550, 8);
    put(&f, 16, 8);
    record(&f, RECORD_ATTR, 0);
    put_attr(&f, &cycles);
    put(&f, 10, 8);
    end_record(&f);
    record(&f, RECORD_FEATURE, 0);
    put(&f, 3, 8);
    put_string(&f, "some-host");
    end_record(&f);
    put_program(&f, 1, PID);
    put_sample(&f, (struct shot){.time = 2, .chain = {USER_MARK, TEXT + 0x10}});
    struct profile p = decoded(&f);
    ok(p.nsample == 1 && is_text(&p, mapping(&p, 0, 0)->filename, "/bin/program"),
       "a pipe's file has its events in records");
    ok(has_comment(&p, "perf-hostname:some-host"), "and its features");
}

// Packed as perf does it: one stream, flushed anywhere, without an end.
static void test_packed(void)
{
    struct file f = begin(false, &cycles, 1), inner = {.is_whole = true};
    buf_init(&inner.b, (size_t)MIB(1));
    put_program(&inner, 1, PID);
    put_sample(&inner, (struct shot){.time = 2, .chain = {USER_MARK, TEXT + 0x10}});
    ZSTD_CStream *z = ZSTD_createCStream();
    const size_t cut[] = {0, 60, inner.b.len};
    for (u32 i = 0; i < 2; i++) {
        char packed[4096];
        ZSTD_inBuffer in = {inner.b.data + cut[i], cut[i + 1] - cut[i], 0};
        ZSTD_outBuffer out = {packed, sizeof(packed), 0};
        ZSTD_compressStream2(z, &out, &in, ZSTD_e_flush);
        record(&f, RECORD_COMPRESSED, 0);
        buf_add(&f.b, (struct str){packed, out.pos});
        end_record(&f);
    }
    ZSTD_freeCStream(z);
    buf_free(&inner.b);
    struct profile p = decoded(&f);
    ok(p.nsample == 1 && is_text(&p, mapping(&p, 0, 0)->filename, "/bin/program"),
       "packed records are read, wherever they were cut");
}

static void test_clock(void)
{
    struct file f = usual(false);
    put_sample(&f, (struct shot){.time = 5000, .chain = {USER_MARK, TEXT + 0x10}});
    size_t start = begin_feature(&f, FEATURE_CLOCK);
    put(&f, 1, 4);
    put(&f, 1, 4);
    put(&f, 1700000000000000000, 8);
    put(&f, 4000, 8);
    end_feature(&f, start);
    struct profile p = decoded(&f);
    ok(p.time_ns == 1700000000000001000, "the time of day is known when perf noted its clock's");
}

static void test_lost(void)
{
    struct file f = usual(false);
    record(&f, PERF_RECORD_LOST, 0);
    put(&f, 10, 8);
    put(&f, 12, 8);
    put_trailer(&f, 2);
    record(&f, PERF_RECORD_LOST_SAMPLES, 0);
    put(&f, 3, 8);
    put_trailer(&f, 2);
    struct profile p = decoded(&f);
    ok(has_comment(&p, "perf-warning: 15 records were lost"), "lost records are told of");
    ok(p.ntype == 2 && p.nsample == 0, "a file without samples has its types");
}

static void test_killed(void)
{
    struct file f = usual(false);
    put_sample(&f, (struct shot){.time = 2, .chain = {USER_MARK, TEXT + 0x10}});
    put_sample(&f, (struct shot){.time = 3, .chain = {USER_MARK, TEXT + 0x10}});
    f.b.len -= 8;
    patch(&f, 40, f.data, 8);
    f.is_whole = true; // though it does not say how much there is
    struct profile p = decoded(&f);
    ok(p.nsample == 1 && profile_values(&p, 0)[0] == 1,
       "of a file without end, whole records count");
    ok(has_comment(&p, "perf-warning: the file is not whole"), "that is said");
}

static int failure(struct str bytes, struct err *e)
{
    struct profile p;
    *e = (struct err){0};
    return profile_read(&p, bytes, (size_t)MIB(1), &arena, e) ? 0 : e->code;
}

static void test_refused(void)
{
    struct err e;
    ok(failure(STR("PERFFILE12345678"), &e) == ENOTSUP && strstr(e.text, "version 1"),
       "version 1 is refused by name");
    ok(failure(STR("PERFILE2"), &e) == EBADMSG, "a magic alone is refused");
    struct file f = begin(false, &cycles, 0);
    end_data(&f);
    ok(failure(buf_str(&f.b), &e) == EBADMSG && strstr(e.text, "what was counted"),
       "a file without events is refused");
    buf_free(&f.b);
}

// Events that all have the same long list of ids would take time without end.
static void test_shared_ids(void)
{
    static struct event e[1000];
    for (size_t i = 0; i < ARRAY_LEN(e); i++)
        e[i] = cycles;
    struct err why;
    struct file f = begin(false, e, ARRAY_LEN(e));
    for (size_t i = 0; i < ARRAY_LEN(e); i++) {
        patch(&f, HEADER_BYTES + (ATTR_BYTES + 16) * i + ATTR_BYTES, 0, 8);
        patch(&f, HEADER_BYTES + (ATTR_BYTES + 16) * i + ATTR_BYTES + 8, f.b.len, 8);
    }
    end_data(&f);
    ok(failure(buf_str(&f.b), &why) == EBADMSG && strstr(why.text, "share"),
       "events may not share their ids");
    buf_free(&f.b);
}

// Many events times many stacks: the table of values is limited as the unpacked bytes are.
static void test_large_table(void)
{
    static struct event e[400];
    for (size_t i = 0; i < ARRAY_LEN(e); i++)
        e[i] = cycles;
    struct err why;
    struct file f = begin(false, e, ARRAY_LEN(e));
    put_program(&f, 1, PID);
    for (u64 i = 0; i < ARRAY_LEN(e); i++)
        put_sample(
            &f, (struct shot){.id = 10 * (i + 1), .time = 2 + i, .chain = {USER_MARK, TEXT + i}});
    end_data(&f);
    ok(failure(buf_str(&f.b), &why) == EFBIG && strstr(why.text, "-max_size"),
       "a table of values beyond the limit is refused");
    buf_free(&f.b);
}

// Forks that all change what they share with a parent that has mapped much.
static void test_many_forks(void)
{
    enum { MANY = 20000 };
    struct err why;
    struct file f = begin(false, &cycles, 1);
    for (u32 i = 0; i < MANY; i++)
        put_mmap(&f, 1, PERF_RECORD_MISC_USER, PID, (u64)(i * 7919 % MANY) << 12, 0x1000, 0, "/a");
    for (u32 i = 1; i <= MANY; i++) {
        put_fork(&f, 2, PID + i, PID, PID + i, PID);
        put_mmap(&f, 3, PERF_RECORD_MISC_USER, PID + i, (u64)(i % MANY) << 12, 0x800, 0, "/a");
    }
    end_data(&f);
    size_t before = arena.mapped_bytes;
    ok(failure(buf_str(&f.b), &why) == 0 && arena.mapped_bytes - before < 40 * f.b.len,
       "forks of a large process cost a small multiple of their records");
    buf_free(&f.b);
}

// Each beginning of a file, and the file with each of its bytes changed: no crash.
static void test_damage(void)
{
    struct file f = usual(false);
    put_sample(&f, (struct shot){.time = 2, .chain = {USER_MARK, TEXT + 0x10, TEXT + 0x20}});
    end_data(&f);
    struct err e;
    u32 nread = 0;
    for (size_t i = 0; i < f.b.len; i++) {
        nread += failure((struct str){f.b.data, i}, &e) == 0;
        f.b.data[i] = (char)~f.b.data[i];
        nread += failure(buf_str(&f.b), &e) == 0;
        f.b.data[i] = (char)~f.b.data[i];
    }
    ok(nread > 0, "damaged files are read as far as they go, or refused");
    buf_free(&f.b);
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(1024));
    test_stack(false);
    test_stack(true);
    test_modes();
    test_unmapped();
    test_order();
    test_processes();
    test_threads();
    test_sums();
    test_events();
    test_groups();
    test_all_fields();
    test_build_ids();
    test_run_time_code();
    test_later_stacks();
    test_branches();
    test_user_stack();
    test_pipe();
    test_packed();
    test_clock();
    test_lost();
    test_killed();
    test_refused();
    test_shared_ids();
    test_large_table();
    test_many_forks();
    test_damage();
    arena_free(&arena);
    return done();
}
