#include "profile/perf_sample.h"

// Newer than the headers of Debian 12.
enum { BRANCH_COUNTERS = 1 << 19 };

bool perf_count_next(struct cursor *counts, const struct perf_event *ev, u64 *id, u64 *value)
{
    u64 format = ev->read_format;
    if (cursor_left(counts) == 0)
        return false;
    *value = cursor_u64(counts);
    if (!(format & PERF_FORMAT_GROUP)) {
        cursor_skip(counts, format & PERF_FORMAT_TOTAL_TIME_ENABLED ? 8 : 0);
        cursor_skip(counts, format & PERF_FORMAT_TOTAL_TIME_RUNNING ? 8 : 0);
    }
    *id = format & PERF_FORMAT_ID ? cursor_u64(counts) : 0;
    cursor_skip(counts, format & PERF_FORMAT_LOST ? 8 : 0);
    return !counts->bad;
}

// struct read_format: one counter, or those of a group behind their number and times.
static struct cursor read_counts(struct cursor *b, u64 format)
{
    enum { TIMES = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING };
    u64 n = 1, size = 1 + (u64)__builtin_popcountll(format & (PERF_FORMAT_ID | PERF_FORMAT_LOST));
    u64 times = (u64)__builtin_popcountll(format & TIMES);
    if (format & PERF_FORMAT_GROUP) {
        n = cursor_u64(b);
        cursor_skip(b, 8 * times);
    } else {
        size += times;
    }
    return cursor_words(b, n > cursor_left(b) ? UINT64_MAX : n * size);
}

static struct cursor read_branches(struct cursor *b, u64 branch_type)
{
    u64 n = cursor_u64(b);
    cursor_skip(b, branch_type & PERF_SAMPLE_BRANCH_HW_INDEX ? 8 : 0);
    struct cursor branches = cursor_words(b, n > cursor_left(b) ? UINT64_MAX : n * 3);
    if (branch_type & BRANCH_COUNTERS)
        cursor_words(b, n);
    return branches;
}

// Registers, behind the word that says of how many bits they are: 0 for none at all.
static struct cursor read_registers(struct cursor *b, u64 registers, u64 *abi)
{
    *abi = cursor_u64(b);
    return cursor_words(b, *abi ? (u64)__builtin_popcountll(registers) : 0);
}

// A copy of the user stack, of which the last word tells how much is valid.
static struct cursor read_stack(struct cursor *b)
{
    struct cursor stack = cursor_part(b, cursor_u64(b));
    u64 valid = cursor_left(&stack) ? cursor_u64(b) : 0;
    return cursor_part(&stack, valid < cursor_left(&stack) ? valid : cursor_left(&stack));
}

// The fields behind those of fixed size.
static void read_variable(struct perf_sample *s, const struct perf_event *ev, struct cursor *b)
{
    u64 type = ev->sample_type, abi;
    if (type & PERF_SAMPLE_READ)
        s->counts = read_counts(b, ev->read_format);
    if (type & PERF_SAMPLE_CALLCHAIN)
        s->chain = cursor_words(b, cursor_u64(b));
    if (type & PERF_SAMPLE_RAW)
        cursor_skip(b, cursor_u32(b));
    if (type & PERF_SAMPLE_BRANCH_STACK)
        s->branches = read_branches(b, ev->branch_type);
    if (type & PERF_SAMPLE_REGS_USER) {
        s->registers = read_registers(b, ev->regs_user, &abi);
        s->has_registers = abi == PERF_SAMPLE_REGS_ABI_64;
    }
    if (type & PERF_SAMPLE_STACK_USER)
        s->stack = read_stack(b);
    cursor_skip(b, type & PERF_SAMPLE_WEIGHT_TYPE ? 8 : 0);
    cursor_skip(b, type & PERF_SAMPLE_DATA_SRC ? 8 : 0);
    cursor_skip(b, type & PERF_SAMPLE_TRANSACTION ? 8 : 0);
    if (type & PERF_SAMPLE_REGS_INTR)
        read_registers(b, ev->regs_intr, &abi);
    cursor_skip(b, type & PERF_SAMPLE_PHYS_ADDR ? 8 : 0);
    s->cgroup = type & PERF_SAMPLE_CGROUP ? cursor_u64(b) : 0;
}

bool perf_sample_read(struct perf_sample *s, const struct perf_event *ev,
                      const struct perf_record *r)
{
    u64 type = ev->sample_type;
    struct cursor b = r->body;
    *s = (struct perf_sample){.mode = r->misc & PERF_RECORD_MISC_CPUMODE_MASK};
    cursor_skip(&b, type & PERF_SAMPLE_IDENTIFIER ? 8 : 0);
    s->ip = type & PERF_SAMPLE_IP ? cursor_u64(&b) : 0;
    s->pid = type & PERF_SAMPLE_TID ? cursor_u32(&b) : 0;
    s->tid = type & PERF_SAMPLE_TID ? cursor_u32(&b) : 0;
    cursor_skip(&b, type & PERF_SAMPLE_TIME ? 8 : 0);
    cursor_skip(&b, type & PERF_SAMPLE_ADDR ? 8 : 0);
    cursor_skip(&b, type & PERF_SAMPLE_ID ? 8 : 0);
    cursor_skip(&b, type & PERF_SAMPLE_STREAM_ID ? 8 : 0);
    cursor_skip(&b, type & PERF_SAMPLE_CPU ? 8 : 0);
    s->period = type & PERF_SAMPLE_PERIOD ? cursor_u64(&b) : 0;
    read_variable(s, ev, &b);
    return !b.bad;
}
