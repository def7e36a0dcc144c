#include "record/times.h"

#include <stdlib.h>
#include <string.h>

#include "record/call.h"
#include "record/reading.h"

enum { MOST_LABELS = 8 };

static const char *const state_name[] = {"", "running", "runnable", "blocked"};
static const char *const kind_name[RECORD_WAIT_NKIND] = {"",       "file",   "pipe", "socket",
                                                         "device", "events", ""};

bool times_clip(struct record_sample *s, u64 from_ns, u64 to_ns)
{
    if (s->kind == RECORD_CPU || s->amount_ns == 0)
        return s->time_ns >= from_ns && s->time_ns < to_ns;
    u64 start = s->time_ns > s->amount_ns ? s->time_ns - s->amount_ns : 0, end = s->time_ns;
    start = start < from_ns ? from_ns : start;
    end = end > to_ns ? to_ns : end;
    if (start >= end)
        return false;
    double part = (double)(end - start) / (double)s->amount_ns;
    s->count = (u32)((double)s->count * part + 0.5);
    s->amount_ns = end - start;
    return true;
}

void times_collect(struct times *t, const struct record_view *v, u64 from_ns, u64 to_ns,
                   struct arena *a)
{
    u32 n = v->header.section[RECORD_SAMPLE].nrow;
    for (u32 row = 0; row < n; row++) {
        struct record_sample s = v->sample[row];
        if (s.number && s.kind == t->kind && times_clip(&s, from_ns, to_ns))
            *arena_push(a, t->sample, t->nsample, t->cap) = s;
    }
}

// A row of the profile to be: one stack of one thread, waiting for one thing.
struct sum {
    u32 stack, tid, wait;
    i64 count, amount_ns;
};

struct telling {
    struct reading r;
    struct table keys; // first three words of a sum -> row of sum
    struct sum *sum;
    u32 nsum, cap;
    struct table threads; // tid -> position
    const struct record_thread **thread;
    u32 nthread, thread_cap;
};

static void add_threads(struct telling *t)
{
    const struct record_view *v = t->r.v;
    u32 n = v->header.section[RECORD_THREAD].nrow;
    struct arena *a = t->r.b.arena;
    table_init(&t->threads, a);
    arena_push(a, t->thread, t->nthread, t->thread_cap); // row 0 is none
    for (u32 row = 0; row < n; row++) {
        const struct record_thread *thread = &v->thread[row];
        if (thread->tid == 0)
            continue;
        u32 at = table_add(&t->threads, (struct str){(const char *)&thread->tid, sizeof(u32)});
        if (at == t->nthread)
            arena_push(a, t->thread, t->nthread, t->thread_cap);
        if (!t->thread[at] || t->thread[at]->ended)
            t->thread[at] = thread;
    }
}

static const struct record_thread *find_thread(struct telling *t, u32 tid)
{
    u32 at = table_find(&t->threads, (struct str){(const char *)&tid, sizeof(tid)});
    return at ? t->thread[at] : NULL;
}

static void begin(struct telling *t, const struct record_view *v, struct arena *a)
{
    *t = (struct telling){0};
    reading_init(&t->r, v, a);
    table_init(&t->keys, a);
    arena_push(a, t->sum, t->nsum, t->cap);
    add_threads(t);
}

static void add_sum(struct telling *t, u32 stack, u32 tid, u32 wait, i64 count, i64 amount_ns)
{
    struct sum s = {stack, tid, wait, 0, 0};
    u32 row = table_add(&t->keys, (struct str){(const char *)&s, 3 * sizeof(u32)});
    if (row == t->nsum)
        *arena_push(t->r.b.arena, t->sum, t->nsum, t->cap) = s;
    t->sum[row].count += count;
    t->sum[row].amount_ns += amount_ns;
}

// Labels of a sample beside the program's own.
struct labels {
    struct reading_label label[MOST_LABELS];
    u32 n;
};

static void text_label(struct labels *l, const char *key, struct str text)
{
    if (text.len)
        l->label[l->n++] = (struct reading_label){.key = str_of(key), .text = text};
}

static struct str fixed_text(const char *s, size_t cap)
{
    return (struct str){s, strnlen(s, cap)};
}

static struct str thread_name(struct telling *t, u32 tid)
{
    const struct record_thread *thread = find_thread(t, tid);
    return thread ? fixed_text(thread->name, sizeof(thread->name)) : STR("");
}

// What a thread waited for; rows 1 to 3 are states and nothing else.
static struct record_wait wait_at(const struct record_view *v, u32 row)
{
    u32 n = v->header.section[RECORD_WAIT].nrow;
    struct record_wait w = {.state = (u8)(row <= RECORD_BLOCKED ? row : 0), .call = -1};
    if (row > RECORD_BLOCKED && row < n)
        w = v->wait[row];
    if (w.state > RECORD_BLOCKED)
        w.state = 0;
    if (w.kind >= RECORD_WAIT_NKIND)
        w.kind = RECORD_WAIT_OTHER;
    return w;
}

static void wait_labels(struct labels *l, struct telling *t, u32 row)
{
    struct record_wait w = wait_at(t->r.v, row);
    struct arena *a = t->r.b.arena;
    text_label(l, "descriptor", str_of(kind_name[w.kind]));
    if (w.lock)
        text_label(l, "lock", arena_printf(a, "%#llx", (unsigned long long)w.lock));
    if (w.owner)
        text_label(l, "lock_owner",
                   arena_printf(a, "%.*s (%u)", STR_ARG(thread_name(t, w.owner)), w.owner));
    text_label(l, "peer", arena_str(a, fixed_text(w.peer, sizeof(w.peer))));
    text_label(l, "state", str_of(state_name[w.state]));
    if (w.call >= 0)
        text_label(l, "syscall", call_name(w.call, a));
}

// Appends a sample's stack and labels; its values follow.  False when the stack is damaged.
static bool add_sample(struct telling *t, u32 stack, u32 tid, u32 wait)
{
    const struct record_stack *s = reading_stack_at(t->r.v, stack);
    struct labels l = {.n = 0};
    if (!s)
        return false;
    wait_labels(&l, t, wait);
    text_label(&l, "thread", thread_name(t, tid));
    l.label[l.n++] = (struct reading_label){.key = STR("thread_id"), .number = tid};
    reading_sample(&t->r, s, l.label, l.n);
    return true;
}

static void add_samples(struct telling *t)
{
    for (u32 i = 1; i < t->nsum; i++) {
        const struct sum *s = &t->sum[i];
        if (!add_sample(t, s->stack, s->tid, s->wait))
            continue;
        build_value(&t->r.b, s->count);
        build_value(&t->r.b, s->amount_ns);
    }
}

static void add_comments(struct telling *t, const struct times *times)
{
    struct build *b = &t->r.b;
    u32 refused = t->r.v->header.answer.refused;
    if (times->lost)
        build_comment(b, arena_printf(b->arena,
                                      "%llu samples were overwritten before they were read: the "
                                      "shares hold, the sums are too small",
                                      (unsigned long long)times->lost));
    if (refused)
        build_comment(b, arena_printf(b->arena, "%u threads could not be sampled: too many of them",
                                      refused));
}

static struct profile tell(const struct times *times, const struct record_view *v, const char *type,
                           const char *period, bool with_wait, struct arena *a)
{
    const char *const types[][2] = {{"samples", "count"}, {type, "nanoseconds"}};
    struct telling t;
    begin(&t, v, a);
    reading_types(&t.r, types, ARRAY_LEN(types));
    reading_period(&t.r, period, "nanoseconds", times->period_ns);
    for (u32 i = 0; i < times->nsample; i++) {
        const struct record_sample *s = &times->sample[i];
        add_sum(&t, s->stack, s->tid, with_wait ? s->wait : 0, s->count, (i64)s->amount_ns);
    }
    add_samples(&t);
    add_comments(&t, times);
    t.r.b.p.time_ns = times->time_ns;
    t.r.b.p.duration_ns = times->duration_ns;
    return t.r.b.p;
}

struct profile times_cpu(const struct times *t, const struct record_view *v, struct arena *a)
{
    return tell(t, v, "cpu", "cpu", false, a);
}

struct profile times_wall(const struct times *t, const struct record_view *v, struct arena *a)
{
    return tell(t, v, "time", "wallclock", true, a);
}

struct profile times_threads(const struct record_view *v, i64 time_ns, struct arena *a)
{
    static const char *const type[][2] = {{"threads", "count"}};
    struct telling t;
    begin(&t, v, a);
    reading_types(&t.r, type, 1);
    reading_period(&t.r, "threads", "count", 1);
    for (u32 i = 1; i < t.nthread; i++) {
        const struct record_thread *thread = t.thread[i];
        if (!thread->ended && add_sample(&t, thread->stack, thread->tid, thread->wait))
            build_value(&t.r.b, 1);
    }
    t.r.b.p.time_ns = time_ns;
    return t.r.b.p;
}

static void add_created(struct reading *r, const struct record_stack *s, u32 word, void *unused)
{
    (void)word, (void)unused;
    if (s->count == 0)
        return;
    reading_sample(r, s, NULL, 0);
    build_value(&r->b, (i64)s->count);
}

struct profile times_created(const struct record_view *v, i64 time_ns, struct arena *a)
{
    static const char *const type[][2] = {{"threadcreate", "count"}};
    struct reading r;
    reading_init(&r, v, a);
    reading_types(&r, type, 1);
    reading_period(&r, "threadcreate", "count", 1);
    reading_stacks(&r, RECORD_CREATE, add_created, NULL);
    r.b.p.time_ns = time_ns;
    return r.b.p;
}
