#include "oom/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "profile/unit.h"

const char *verdict_key(enum verdict_cause cause)
{
    static const char *const key[CAUSES] = {
        [CAUSE_UNKNOWN] = "unknown",       [CAUSE_HEAP] = "live_heap",
        [CAUSE_HUGE_BLOCK] = "huge_block", [CAUSE_RETAINED] = "retained",
        [CAUSE_MAPPINGS] = "mappings",     [CAUSE_STACKS] = "thread_stacks",
        [CAUSE_TMPFS] = "tmpfs",           [CAUSE_FILES] = "locked_files",
        [CAUSE_PROCESS] = "other_process", [CAUSE_PROCESSES] = "many_processes",
        [CAUSE_SOCKETS] = "sockets",       [CAUSE_KERNEL] = "kernel"};
    return key[cause];
}

const char *verdict_end_key(enum verdict_end end)
{
    static const char *const key[] = {
        [VERDICT_ALIVE] = "alive",           [VERDICT_EXITED] = "exited",
        [VERDICT_GROUP_OOM] = "oom",         [VERDICT_MACHINE_OOM] = "machine_oom",
        [VERDICT_LIKELY_OOM] = "likely_oom", [VERDICT_SIGNAL] = "signal",
        [VERDICT_UNSEEN] = "unseen"};
    return key[end];
}

struct str verdict_bytes(i64 bytes, struct arena *a)
{
    struct buf b;
    buf_init(&b, 64);
    unit_label(&b, bytes, STR("bytes"), STR("auto"));
    struct str text = arena_str(a, buf_str(&b));
    buf_free(&b);
    return text;
}

struct str verdict_time(double seconds, struct arena *a)
{
    if (seconds < 120)
        return arena_printf(a, "%.1f s", seconds);
    if (seconds < 7200)
        return arena_printf(a, "%.1f min", seconds / 60);
    return seconds < 172800 ? arena_printf(a, "%.1f h", seconds / 3600)
                            : arena_printf(a, "%.1f days", seconds / 86400);
}

struct str verdict_since(const struct oom *o, u32 second, struct arena *a)
{
    double seconds = (double)o->end_ns / 1e9 - (double)second;
    return verdict_time(seconds > 0 ? seconds : 0, a);
}

struct str verdict_leaf(const struct oom *o, u32 sample, struct arena *a)
{
    const struct profile *p = &o->all;
    if (sample >= p->nsample || p->sample[sample].nframe == 0)
        return STR("an unknown function");
    const struct location *l = &p->location[p->frame[p->sample[sample].frame]];
    if (l->nline)
        return profile_string(p, p->function[p->line[l->line].function].name);
    const struct mapping *m = &p->mapping[l->mapping];
    unsigned long long offset = l->address - m->start + m->offset;
    return arena_printf(a, "%.*s+%#llx", STR_ARG(str_basename(profile_string(p, m->filename))),
                        offset);
}

void verdict_add_fact(struct verdict *v, struct arena *a, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (v->nfact == VERDICT_FACTS)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    v->fact[v->nfact++] = arena_str(a, str_of(text));
}

static bool has_reached_limit(const struct oom *o)
{
    return o->limit_bytes && o->account.charge_bytes >= o->limit_bytes / 100 * 97;
}

static enum verdict_end find_end(const struct oom *o)
{
    const struct record_death *d = &o->v.header.death;
    bool is_global = o->watch && o->watch->kernel.is_known && o->watch->kernel.is_global;
    if (o->is_alive)
        return VERDICT_ALIVE;
    if (o->v.header.state == RECORD_EXITED || (d->wait_status >= 0 && WIFEXITED(d->wait_status)))
        return VERDICT_EXITED;
    if (o->saw_oom_kill)
        return is_global ? VERDICT_MACHINE_OOM : VERDICT_GROUP_OOM;
    if (d->wait_status < 0)
        return has_reached_limit(o) ? VERDICT_LIKELY_OOM : VERDICT_UNSEEN;
    return VERDICT_SIGNAL;
}

// The stack that holds most: of the cause, where the record has it by stack, or of the live heap.
static void find_stack(struct verdict *v, const struct oom *o, struct arena *a)
{
    v->part = RECORD_PART_HEAP;
    if (v->cause == CAUSE_MAPPINGS)
        v->part = RECORD_PART_MAPPED;
    if (v->cause == CAUSE_TMPFS) {
        v->part = RECORD_PART_SHARED;
        if (oom_part_bytes(o, v->part) < v->cause_bytes / 2)
            v->part = RECORD_PART_HEAP; // it is files, which nobody mapped
    }
    v->stack = oom_heaviest(o, v->part, a);
}

// Whether the stack is of the cause.
static bool has_cause_stack(const struct verdict *v)
{
    bool is_heap = v->cause == CAUSE_HEAP || v->cause == CAUSE_HUGE_BLOCK;
    return v->stack.sample != UINT32_MAX && (is_heap || v->part != RECORD_PART_HEAP);
}

// The largest block of the heap.
static const struct record_block *largest_block(const struct oom *o)
{
    const struct record_block *best = NULL;
    for (u32 i = 0; i < o->nblock; i++) {
        if (!best || o->block[i].live.size > best->live.size)
            best = &o->block[i];
    }
    return best;
}

// The sample of the live heap with a stack.
static u32 sample_of(const struct oom *o, u32 stack)
{
    for (u32 i = 0; i < o->end[RECORD_PART_HEAP]; i++) {
        if (o->stack_of[i] == stack)
            return i;
    }
    return UINT32_MAX;
}

// A single block that is half of the heap, and of the limit.
static void check_huge_block(struct verdict *v, const struct oom *o, struct arena *a)
{
    const struct record_block *b = largest_block(o);
    u64 limit = o->limit_bytes ? o->limit_bytes : o->account.charge_bytes;
    if (v->cause != CAUSE_HEAP || !b || b->live.size < limit / 2)
        return;
    v->cause = CAUSE_HUGE_BLOCK;
    u32 sample = sample_of(o, b->live.stack);
    v->stack.sample = sample == UINT32_MAX ? v->stack.sample : sample;
    verdict_add_fact(v, a, "one block of %.*s was allocated by %.*s %.1f s before the end",
                     STR_ARG(verdict_bytes((i64)b->live.size, a)),
                     STR_ARG(verdict_leaf(o, v->stack.sample, a)),
                     (double)o->end_ns / 1e9 - (double)b->live.second);
}

// Growth of the charge over the time in which it grew.
static void find_rate(struct verdict *v, const struct oom *o)
{
    u64 first = UINT64_MAX, from_ns = 0;
    for (u32 i = 0; i < o->nlook; i++) {
        if (o->look[i].usage_bytes && o->look[i].usage_bytes < first) {
            first = o->look[i].usage_bytes;
            from_ns = o->look[i].time_ns;
        }
    }
    for (u32 i = 0; i < o->ntick && o->nlook == 0; i++) {
        if (o->tick[i].cgroup_bytes && o->tick[i].cgroup_bytes < first) {
            first = o->tick[i].cgroup_bytes;
            from_ns = o->tick[i].time_ns;
        }
    }
    if (first >= o->account.charge_bytes || o->end_ns <= from_ns)
        return;
    v->rate_bytes_s =
        (double)(o->account.charge_bytes - first) / ((double)(o->end_ns - from_ns) / 1e9);
    if (o->limit_bytes > first && v->rate_bytes_s > 0)
        v->limit_s = (double)(o->limit_bytes - first) / v->rate_bytes_s;
}

// A large allocation that was noted before it was tried, and was more than there was room for.
static void add_attempt(struct verdict *v, const struct oom *o, struct arena *a)
{
    const struct record_attempt *t = &o->v.header.attempt;
    i64 room = (i64)o->limit_bytes - ((i64)o->account.charge_bytes - v->stack.bytes);
    if (t->time_ns == 0 || (t->served && (o->limit_bytes == 0 || (i64)t->bytes <= room)))
        return;
    verdict_add_fact(v, a, "%.*s %s %.*s at once, %.1f s before the end%s",
                     STR_ARG(verdict_leaf(o, sample_of(o, t->stack), a)),
                     t->served ? "took" : "wanted", STR_ARG(verdict_bytes((i64)t->bytes, a)),
                     (double)(i64)(o->end_ns - t->time_ns) / 1e9,
                     t->served ? "" : ", and had not got it yet");
}

static void add_counts(struct verdict *v, const struct oom *o, struct arena *a)
{
    const struct account *c = &o->account;
    const struct process *p = &c->other[0];
    if (v->cause == CAUSE_STACKS)
        verdict_add_fact(
            v, a, "%u thread stacks, %.*s each as far as they were touched", c->nstack,
            STR_ARG(verdict_bytes(c->nstack ? c->bytes[ACCOUNT_STACKS] / (i64)c->nstack : 0, a)));
    if (v->cause == CAUSE_MAPPINGS && c->nmapping)
        verdict_add_fact(v, a, "%u anonymous areas outside of the heap, the largest holds %.*s",
                         c->nmapping, STR_ARG(verdict_bytes((i64)c->largest_mapping_bytes, a)));
    if (v->cause == CAUSE_PROCESS && p->pid)
        verdict_add_fact(v, a, "the heaviest other process is %s (process %u) with %.*s of its own",
                         p->name, p->pid, STR_ARG(verdict_bytes((i64)p->anon_bytes, a)));
    if (v->cause == CAUSE_PROCESSES)
        verdict_add_fact(v, a, "%u processes are in the group, the heaviest other is %s with %.*s",
                         c->nprocess, p->pid ? p->name : "not known",
                         STR_ARG(verdict_bytes((i64)p->anon_bytes, a)));
    if (v->cause == CAUSE_RETAINED)
        verdict_add_fact(
            v, a, "the live heap is %.*s, but the allocator has %.*s in memory",
            STR_ARG(verdict_bytes(c->bytes[ACCOUNT_HEAP], a)),
            STR_ARG(verdict_bytes(c->bytes[ACCOUNT_HEAP] + c->bytes[ACCOUNT_RETAINED], a)));
    if (v->cause == CAUSE_FILES)
        verdict_add_fact(v, a,
                         "%.*s of file pages are locked (mlock) and %.*s wait to be written: the "
                         "kernel may not drop them",
                         STR_ARG(verdict_bytes((i64)c->locked_bytes, a)),
                         STR_ARG(verdict_bytes((i64)c->dirty_bytes, a)));
}

// What the allocator says of itself, and who had what it keeps when most was in use.
static void add_retained(struct verdict *v, const struct oom *o, struct arena *a)
{
    const struct record_allocator *l = &o->v.header.allocator;
    if (l->time_ns && l->used_bytes)
        verdict_add_fact(
            v, a,
            "%s has %.*s from the kernel, %.*s of it in blocks and their headers (%.1f s before)",
            record_allocator_name(l->kind, "the allocator"),
            STR_ARG(verdict_bytes((i64)l->system_bytes, a)),
            STR_ARG(verdict_bytes((i64)l->used_bytes, a)),
            (double)(i64)(o->end_ns - l->time_ns) / 1e9);
}

// When most was live, if that was much more than at the end.
static void add_peak(struct verdict *v, const struct oom *o, struct arena *a)
{
    const struct record_header *h = &o->v.header;
    if (v->cause != CAUSE_RETAINED)
        return;
    add_retained(v, o, a);
    struct oom_stack peak = oom_heaviest(o, RECORD_PART_PEAK, a);
    if (peak.sample == UINT32_MAX || (i64)h->peak_bytes <= o->live_bytes + o->live_bytes / 8)
        return;
    struct percent part = unit_percent(peak.bytes, (i64)h->peak_bytes);
    verdict_add_fact(
        v, a, "at its peak, %.1f s before the end, the live heap was %.*s; %.*s held %s of it",
        (double)(i64)(o->end_ns - h->peak_time_ns) / 1e9,
        STR_ARG(verdict_bytes((i64)h->peak_bytes, a)), STR_ARG(verdict_leaf(o, peak.sample, a)),
        percent_trimmed(&part));
}

static const char *cause_text(enum verdict_cause cause)
{
    static const char *const text[CAUSES] = {
        [CAUSE_UNKNOWN] = "no single thing holds a tenth of the memory",
        [CAUSE_HEAP] = "live heap",
        [CAUSE_HUGE_BLOCK] = "one huge block of the heap",
        [CAUSE_RETAINED] = ("memory that the allocator keeps though the program freed it, or "
                            "fragments of its heap"),
        [CAUSE_MAPPINGS] = "anonymous mappings made by mmap(), not by malloc()",
        [CAUSE_STACKS] = "thread stacks",
        [CAUSE_TMPFS] = "files in tmpfs (such as /dev/shm), memfds or shared memory",
        [CAUSE_FILES] = "file pages that are locked or not yet written",
        [CAUSE_PROCESS] = "another process in the same group",
        [CAUSE_PROCESSES] = "many processes in the same group",
        [CAUSE_SOCKETS] = "network buffers",
        [CAUSE_KERNEL] = "the kernel's own tables on behalf of the group"};
    return text[cause];
}

static void write_sentence(struct verdict *v, const struct oom *o, struct arena *a)
{
    i64 whole = (i64)(o->limit_bytes ? o->limit_bytes : o->account.charge_bytes);
    struct percent percent = unit_percent(v->cause_bytes, whole),
                   part = unit_percent(v->stack.bytes, oom_part_bytes(o, v->part));
    const char *of = o->limit_bytes ? "the limit" : "all";
    if (v->cause == CAUSE_UNKNOWN)
        v->sentence = str_of(cause_text(v->cause));
    else if (has_cause_stack(v))
        v->sentence =
            arena_printf(a, "%s: %.*s, %s of %s; %.*s holds %s of it", cause_text(v->cause),
                         STR_ARG(verdict_bytes(v->cause_bytes, a)), percent_trimmed(&percent), of,
                         STR_ARG(verdict_leaf(o, v->stack.sample, a)), percent_trimmed(&part));
    else
        v->sentence =
            arena_printf(a, "%s: %.*s, %s of %s", cause_text(v->cause),
                         STR_ARG(verdict_bytes(v->cause_bytes, a)), percent_trimmed(&percent), of);
}

static PRINTF(3, 4) void add_step(struct verdict *v, struct arena *a, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (v->nstep == VERDICT_STEPS)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    v->step[v->nstep++] = arena_str(a, str_of(text));
}

static void add_steps(struct verdict *v, const struct oom *o, struct arena *a)
{
    struct str path = o->path;
    if (v->cause == CAUSE_RETAINED)
        add_step(v, a,
                 "MALLOC_ARENA_MAX=2 sonde run -- PROGRAM    # glibc: fewer arenas; or call "
                 "malloc_trim(0) after a peak");
    if (v->cause == CAUSE_TMPFS)
        add_step(v, a, "du -ah /dev/shm /tmp /run | sort -h | tail    # which files");
    if (v->cause == CAUSE_PROCESS && o->account.other[0].pid)
        add_step(v, a, "sonde run -- COMMAND    # of %s, which holds it", o->account.other[0].name);
    if (has_cause_stack(v) && o->all.sample[v->stack.sample].nframe)
        add_step(v, a, "sonde -peek='^%.*s$' %.*s%s    # who calls it",
                 STR_ARG(verdict_leaf(o, v->stack.sample, a)), STR_ARG(path),
                 v->part == RECORD_PART_HEAP ? "" : "/mmap");
    add_step(v, a, "sonde -top %.*s    # the heap by function", STR_ARG(path));
    add_step(v, a, "sonde oom -html %.*s > oom.html    # all of it as a page", STR_ARG(path));
}

struct verdict verdict_find(const struct oom *o, struct arena *a)
{
    struct verdict v = {.end = find_end(o)};
    verdict_weigh(&v, o);
    find_stack(&v, o, a);
    find_rate(&v, o);
    check_huge_block(&v, o, a);
    write_sentence(&v, o, a);
    add_counts(&v, o, a);
    add_peak(&v, o, a);
    if (v.cause != CAUSE_HUGE_BLOCK)
        add_attempt(&v, o, a);
    if (v.cause == CAUSE_HEAP || v.cause == CAUSE_HUGE_BLOCK)
        verdict_judge(&v, o, a);
    else if (v.limit_s > 0 && v.cause_grown > v.cause_bytes / 2)
        verdict_add_fact(&v, a,
                         "the charge grew by %.*s a minute; a fresh start reaches the limit after "
                         "%.*s at that rate",
                         STR_ARG(verdict_bytes(i64_of(v.rate_bytes_s * 60), a)),
                         STR_ARG(verdict_time(v.limit_s, a)));
    add_steps(&v, o, a);
    return v;
}
