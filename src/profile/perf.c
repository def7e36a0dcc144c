#include "profile/perf.h"

#include <errno.h>

#include "profile/perf_stack.h"

#define NO_COLUMN UINT32_MAX

struct job {
    struct perf_file file;
    struct perf_records records;
    struct perf_system system;
    struct perf_stacks stacks;
    struct build b;
    u32 *column;          // by event: the first of its two sample types, or NO_COLUMN
    struct table samples; // labels and locations
    u32 *key;             // of the sample at hand
    u32 nkey, key_cap;
    struct table counters; // id and thread
    u64 *count;            // by row of counters: its last value
    u32 ncount, count_cap;
    u32 nbad; // samples that are cut short
};

bool perf_is(struct str bytes)
{
    return str_starts(bytes, STR("PERFILE2")) || str_starts(bytes, STR("2ELIFREP")) ||
           str_starts(bytes, STR("PERFFILE"));
}

// Whether samples have the counts of a whole group of events, most of which take none themselves.
static bool has_counts(const struct perf_event *ev)
{
    return ev->sample_type & PERF_SAMPLE_READ && ev->read_format & PERF_FORMAT_ID;
}

// Events without samples, as perf has them for its own use, get no sample types, unless none has.
static void add_types(struct job *j)
{
    const struct perf_file *f = &j->file;
    u64 nsample = 0, ngroup = 0;
    for (u32 i = 0; i < f->nevent; i++) {
        nsample += f->event[i].nsample;
        ngroup += f->event[i].nsample && has_counts(&f->event[i]);
    }
    j->column = arena_new(f->arena, u32, f->nevent);
    for (u32 i = 0; i < f->nevent; i++) {
        j->column[i] = NO_COLUMN;
        if (nsample && f->event[i].nsample == 0 && ngroup == 0)
            continue;
        struct str name = perf_event_name(&f->event[i], i, f->arena);
        j->column[i] = j->b.p.ntype;
        build_type(&j->b, arena_printf(f->arena, "%.*s_sample", STR_ARG(name)), STR("count"));
        build_type(&j->b, arena_printf(f->arena, "%.*s_event", STR_ARG(name)), STR("count"));
    }
}

static void add_text(struct job *j, struct str key, u32 text)
{
    u32 string = build_string(&j->b, key);
    if (text)
        *build_label(&j->b) = (struct label){.key = string, .text = text};
}

static void add_number(struct job *j, struct str key, i64 number)
{
    u32 string = build_string(&j->b, key);
    if (number)
        *build_label(&j->b) = (struct label){.key = string, .number = number};
}

enum { KEY_CGROUP, KEY_COMM, KEY_THREAD_COMM, KEY_PID, KEY_TID, KEY_LABELS };

static void push_key(struct job *j, u32 value)
{
    *arena_push(j->file.arena, j->key, j->nkey, j->key_cap) = value;
}

// Makes the key of the sample: its labels, as strings and numbers, and its locations.
static void make_key(struct job *j, const struct perf_sample *s)
{
    struct str comm = perf_system_comm(&j->system, s->pid, s->pid);
    struct str thread = perf_system_comm(&j->system, s->pid, s->tid);
    j->nkey = 0;
    push_key(j, build_string(&j->b, perf_system_cgroup(&j->system, s->cgroup)));
    push_key(j, build_string(&j->b, comm));
    push_key(j, str_equal(thread, comm) ? 0 : build_string(&j->b, thread));
    push_key(j, s->pid);
    push_key(j, s->tid);
    for (u32 i = 0; i < j->stacks.nlocation; i++)
        push_key(j, j->stacks.location[i]);
}

// The profile's sample with the labels and the stack at hand.
static bool find_sample(struct job *j, u32 *row, struct err *e)
{
    struct profile *p = &j->b.p;
    *row = table_add(&j->samples, (struct str){(char *)j->key, j->nkey * sizeof(u32)}) - 1;
    if (*row < p->nsample)
        return true;
    if (((u64)p->nsample + 1) * p->ntype * sizeof(i64) > j->file.limit)
        return err_set(e, EFBIG,
                       "perf.data: %u stacks of %u events are more than %zu MiB; -max_size=SIZE "
                       "allows more, and fewer events at a time need less",
                       p->nsample, p->ntype / 2, j->file.limit >> 20);
    build_sample(&j->b);
    add_text(j, STR("cgroup"), j->key[KEY_CGROUP]);
    add_text(j, STR("comm"), j->key[KEY_COMM]);
    add_text(j, STR("thread_comm"), j->key[KEY_THREAD_COMM]);
    add_number(j, STR("pid"), (i32)j->key[KEY_PID]);
    add_number(j, STR("tid"), (i32)j->key[KEY_TID]);
    for (u32 i = KEY_LABELS; i < j->nkey; i++)
        build_frame(&j->b, j->key[i]);
    for (u32 i = 0; i < p->ntype; i++)
        build_value(&j->b, 0);
    return true;
}

static void add_value(struct job *j, u32 sample, u32 event, u64 events)
{
    if (j->column[event] == NO_COLUMN)
        return;
    i64 *value = j->b.p.value + (size_t)sample * j->b.p.ntype + j->column[event];
    value[0]++;
    if (events > INT64_MAX || __builtin_add_overflow(value[1], (i64)events, &value[1]))
        value[1] = INT64_MAX;
}

// Counters are told as they stand; what was counted since the last time is the sample's.
static void add_counts(struct job *j, u32 sample, const struct perf_event *ev,
                       const struct perf_sample *s)
{
    struct cursor counts = s->counts;
    u64 id, value;
    while (perf_count_next(&counts, ev, &id, &value)) {
        u64 key[2] = {id, ev->is_inherited ? s->tid : 0};
        u32 event, row = table_add(&j->counters, (struct str){(char *)key, sizeof(key)});
        if (row == j->ncount)
            arena_push(j->file.arena, j->count, j->ncount, j->count_cap);
        u64 events = value - j->count[row];
        j->count[row] = value;
        if (events && perf_file_event(&j->file, id, &event))
            add_value(j, sample, event, events);
    }
}

static bool add_sample(struct job *j, u32 event, const struct perf_record *r, struct err *e)
{
    const struct perf_event *ev = &j->file.event[event];
    struct perf_sample s;
    u32 row;
    if (!perf_sample_read(&s, ev, r)) {
        j->nbad++;
        return true;
    }
    perf_stack_read(&j->stacks, ev, &s);
    make_key(j, &s);
    if (!find_sample(j, &row, e))
        return false;
    if (has_counts(ev))
        add_counts(j, row, ev, &s);
    else
        add_value(j, row, event, s.period ? s.period : ev->period ? ev->period : 1);
    return true;
}

static bool add_samples(struct job *j, struct err *e)
{
    for (u32 i = 0; i < j->records.n; i++) {
        const struct perf_entry *entry = &j->records.entry[i];
        struct perf_record r = perf_records_at(&j->file, entry);
        if (r.type != PERF_RECORD_SAMPLE)
            perf_system_apply(&j->system, &r);
        else if (!add_sample(j, entry->event, &r, e))
            return false;
    }
    return true;
}

static bool is_program(struct str filename)
{
    return str_starts(filename, STR("/")) && !str_starts(filename, STR("/tmp/perf-")) &&
           str_find(filename, STR(".so")) < 0 && str_find(filename, STR(".ko")) < 0;
}

// Makes the program that most stacks go through the first mapping, which pprof takes for the
// profile's own.
static void put_program_first(struct job *j)
{
    struct profile *p = &j->b.p;
    u32 first = 0;
    for (u32 m = 1; m < p->nmapping; m++) {
        if (is_program(profile_string(p, p->mapping[m].filename)) &&
            (first == 0 || j->stacks.use[m].nstack > j->stacks.use[first].nstack))
            first = m;
    }
    if (first <= 1)
        return;
    struct mapping program = p->mapping[first];
    p->mapping[first] = p->mapping[1];
    p->mapping[first].id = first;
    p->mapping[1] = program;
    p->mapping[1].id = 1;
    for (u32 i = 1; i < p->nlocation; i++) {
        u32 *mapping = &p->location[i].mapping;
        *mapping = *mapping == 1 ? first : *mapping == first ? 1 : *mapping;
    }
}

// The first event that has a sample type is the one to show.
static void set_period(struct job *j)
{
    struct profile *p = &j->b.p;
    u32 event = 0;
    while (j->column[event] == NO_COLUMN)
        event++;
    struct str name = perf_event_name(&j->file.event[event], event, j->file.arena);
    p->default_type = p->type[j->column[event] + 1].type;
    p->period_type.type = build_string(&j->b, name);
    p->period_type.unit = build_string(&j->b, STR("count"));
    p->period = (i64)j->file.event[event].period;
    i64 samples = 0;
    double events = 0;
    for (u32 i = 0; i < p->nsample; i++) {
        samples += profile_values(p, i)[j->column[event]];
        events += (double)profile_values(p, i)[j->column[event] + 1];
    }
    if (p->period == 0 && samples && events / (double)samples < (double)INT64_MAX)
        p->period = (i64)(events / (double)samples);
}

static void set_times(struct job *j)
{
    const struct perf_records *r = &j->records;
    const struct perf_file *f = &j->file;
    u64 duration_ns = r->last_time - r->first_time;
    if (duration_ns <= INT64_MAX)
        j->b.p.duration_ns = (i64)duration_ns;
    u64 time_ns = f->wall_ns + (r->first_time - f->clock_ns);
    if (f->wall_ns && time_ns <= INT64_MAX)
        j->b.p.time_ns = (i64)time_ns;
}

static void add_comments(struct job *j)
{
    for (u32 i = 0; i < j->file.ncomment; i++)
        build_comment(&j->b, j->file.comment[i]);
}

// A comment that tells how many of something there are; none when there are none.
static void warn(struct job *j, const char *kind, u64 n, const char *what)
{
    if (n)
        build_comment(&j->b,
                      arena_printf(j->file.arena, "%s %llu %s", kind, (unsigned long long)n, what));
}

// Some stacks are not whole wherever libc or a starting program is on them; it is worth a warning
// when many are.
static const char *kind(u64 n, u64 of)
{
    return n > of / 100 ? PERF_WARNING : "perf-note:";
}

// What is not in the profile, or not as it should be.
static void add_warnings(struct job *j)
{
    const struct perf_stacks *st = &j->stacks;
    const struct perf_unwinder *u = st->unwinder;
    if (j->file.is_cut)
        build_comment(&j->b,
                      STR(PERF_WARNING " the file is not whole: perf was killed, or the copy "
                                       "is cut short"));
    if (j->file.has_traces)
        build_comment(&j->b, STR(PERF_WARNING " hardware traces are not decoded; \"perf inject "
                                              "--itrace\" makes samples of them"));
    warn(j, PERF_WARNING, j->records.nlost,
         "records were lost, since perf could not write them in time; try a lower -F, or a larger "
         "-m");
    warn(j, PERF_WARNING, j->records.nunknown + j->nbad,
         "samples are left out: damaged, or of events that the file does not describe");
    warn(j, PERF_WARNING, st->nlater_missing,
         "samples lack their user stack, which did not follow");
    warn(j, kind(st->nunmapped, st->nframe), st->nunmapped,
         "callers are left out, since nothing is mapped there; code without frame pointers needs "
         "--call-graph dwarf");
    warn(j, kind(u->ncut, st->nsample), u->ncut,
         "user stacks are larger than what perf copied of them; --call-graph dwarf,65528 copies "
         "more");
    warn(j, kind(u->nblind, st->nsample), u->nblind,
         "user stacks end early, where a binary is not here or has no unwind tables");
}

static bool check_version(struct str bytes, struct err *e)
{
    return !str_starts(bytes, STR("PERFFILE")) ||
           err_set(e, ENOTSUP,
                   "perf.data: this is version 1 of the format, which perf wrote before Linux "
                   "2.6.33: record again with a newer perf");
}

// Real files take some five times their bytes; the worst that could be made, some thirty times.
static void limit_memory(struct arena *a, const struct perf_file *f)
{
    enum { MOST_TIMES = 64 };
    size_t bytes = cursor_left(&f->all) + cursor_left(&f->unpacked);
    size_t most = bytes * MOST_TIMES + MIB(64) + 2 * PERF_MOST_IMAGE_BYTES;
    if (a->limit_bytes > most)
        a->limit_bytes = most;
}

bool perf_decode(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                 struct err *e)
{
    struct job j = {0};
    if (!check_version(bytes, e) || !perf_file_open(&j.file, bytes, limit, a, e))
        return false;
    limit_memory(a, &j.file);
    perf_records_read(&j.records, &j.file);
    perf_system_init(&j.system, &j.file);
    build_init(&j.b, a);
    perf_stacks_init(&j.stacks, &j.b, &j.system, &j.records);
    table_init(&j.samples, a);
    table_init(&j.counters, a);
    arena_push(a, j.count, j.ncount, j.count_cap);
    add_types(&j);
    if (!add_samples(&j, e))
        return false;
    put_program_first(&j);
    set_period(&j);
    set_times(&j);
    add_comments(&j);
    add_warnings(&j);
    *out = j.b.p;
    return true;
}
