// The heap: what is live now, what was at the high-water mark, and what was ever allocated.
#include <stdlib.h>

#include "record/parts.h"

const char *const part_types[PART_NTYPE][2] = {
    {"alloc_objects", "count"},
    {"alloc_space", "bytes"},
    {"inuse_objects", "count"},
    {"inuse_space", "bytes"},
};

// What is live by stack: a column beside the samples.
struct held {
    double objects;
    i64 bytes;
    u32 age; // row of the ages' list; 0: none
};

// Live blocks of a stack that are about as old: a list for each stack.
struct aged {
    double objects;
    i64 bytes;
    u32 exponent; // they are at least 2^(exponent - 1) seconds old; 0: younger than a second
    u32 next;
};

struct live_heap {
    struct held *held; // by word offset of the stack
    struct aged *aged;
    u32 naged, aged_cap;
    u32 now_second;
    bool by_age;
    struct arena *arena;
};

static u32 exponent_of(u32 seconds)
{
    return seconds ? 32 - (u32)__builtin_clz(seconds) : 0;
}

static void add_aged(struct live_heap *h, struct held *held, const struct record_live *live)
{
    u32 exponent = exponent_of(h->now_second > live->second ? h->now_second - live->second : 0), at;
    for (at = held->age; at && h->aged[at].exponent != exponent;)
        at = h->aged[at].next;
    if (at == 0) {
        *arena_push(h->arena, h->aged, h->naged, h->aged_cap) =
            (struct aged){.exponent = exponent, .next = held->age};
        held->age = at = h->naged - 1;
    }
    h->aged[at].objects += (double)live->bytes / (double)live->size;
    h->aged[at].bytes += (i64)live->bytes;
}

static void add_live(struct live_heap *h, const struct record_view *v)
{
    u32 n = v->header.section[RECORD_LIVE_KEY].nrow * RECORD_BUCKET_KEYS, own;
    h->held = arena_new(h->arena, struct held, v->header.section[RECORD_STACK_WORD].nrow);
    arena_push(h->arena, h->aged, h->naged, h->aged_cap);
    struct record_live live;
    for (u32 row = 0; row < n; row++) {
        if (!record_live_row(v, row, &live, &own) || own || live.size == 0 ||
            !reading_stack_at(v, live.stack))
            continue;
        struct held *held = &h->held[live.stack];
        held->objects += (double)live.bytes / (double)live.size;
        held->bytes += (i64)live.bytes;
        if (h->by_age)
            add_aged(h, held, &live);
    }
}

static void add_values(struct reading *r, i64 objects, i64 bytes, double held_objects,
                       i64 held_bytes)
{
    build_value(&r->b, objects);
    build_value(&r->b, bytes);
    build_value(&r->b, (i64)(held_objects + 0.5));
    build_value(&r->b, held_bytes);
}

static void add_ages(struct reading *r, const struct record_stack *s, const struct live_heap *h,
                     u32 at)
{
    for (; at; at = h->aged[at].next) {
        u32 exponent = h->aged[at].exponent;
        struct reading_label age = {
            .key = STR("age"),
            .number = exponent ? (i64)1 << (exponent - 1) : 0,
            .unit = STR("seconds"),
        };
        reading_sample(r, s, &age, 1);
        add_values(r, 0, 0, h->aged[at].objects, h->aged[at].bytes);
    }
}

static void add_stack(struct reading *r, const struct record_stack *s, u32 word, void *context)
{
    struct live_heap *h = context;
    const struct held *held = &h->held[word];
    const struct record_attempt *attempt = &r->v->header.attempt;
    bool is_attempt = attempt->time_ns && attempt->stack == word;
    if (s->amount == 0 && held->bytes == 0 && !is_attempt)
        return;
    reading_sample(r, s, NULL, 0);
    i64 objects = reading_objects(s->count);
    if (!h->by_age) {
        add_values(r, objects, (i64)s->amount, held->objects, held->bytes);
        return;
    }
    add_values(r, objects, (i64)s->amount, 0, 0);
    add_ages(r, s, h, held->age);
}

static void add_comments(struct reading *r)
{
    const struct record_header *h = &r->v->header;
    if (h->lost_blocks)
        build_comment(&r->b, arena_printf(r->b.arena,
                                          "%llu samples, %llu MiB, found no room in the live "
                                          "table: inuse is too small by what "
                                          "of them is still alive",
                                          (unsigned long long)h->lost_blocks,
                                          (unsigned long long)h->lost_bytes >> 20));
    if (h->forked)
        build_comment(
            &r->b, arena_printf(r->b.arena,
                                "forked from process %u: what it had allocated before is not shown",
                                h->parent_pid));
}

static struct profile finish(struct reading *r, i64 time_ns)
{
    reading_period(r, "space", "bytes", (i64)r->v->header.heap_rate_bytes);
    r->b.p.drop_frames = build_string(&r->b, STR(DROP_FRAMES));
    r->b.p.time_ns = time_ns;
    return r->b.p;
}

void part_heap(struct reading *r, bool by_age, u32 now_second)
{
    struct live_heap h = {.by_age = by_age, .now_second = now_second, .arena = r->b.arena};
    add_live(&h, r->v);
    reading_stacks(r, RECORD_HEAP, add_stack, &h);
}

static struct profile read_heap(const struct record_view *v, i64 time_ns, bool by_age,
                                struct arena *a)
{
    struct reading r;
    i64 age_ns = time_ns - (i64)v->header.start_time_ns;
    reading_init(&r, v, a);
    reading_types(&r, part_types, PART_NTYPE);
    part_heap(&r, by_age, age_ns > 0 ? (u32)(age_ns / 1000000000) : 0);
    add_comments(&r);
    return finish(&r, time_ns);
}

struct profile record_heap(const struct record_view *v, i64 time_ns, struct arena *a)
{
    return read_heap(v, time_ns, false, a);
}

struct profile record_heap_by_age(const struct record_view *v, i64 time_ns, struct arena *a)
{
    return read_heap(v, time_ns, true, a);
}

// What a stack held at the mark: what was put aside since, or what it holds still.
static void add_peak(struct reading *r, const struct record_stack *s, u32 word, void *context)
{
    const struct record_holding *held = (const struct record_holding *)&s->frame[s->nframe];
    bool has_changed = held->epoch >= r->v->header.peak_epoch;
    u64 bytes = has_changed ? held->peak_bytes : held->bytes;
    u64 objects = has_changed ? held->peak_objects : held->objects;
    (void)word;
    (void)context;
    if (bytes == 0 || bytes > INT64_MAX)
        return;
    reading_sample(r, s, NULL, 0);
    for (u32 i = 2; i < r->b.p.ntype; i++)
        build_value(&r->b, 0); // what was ever allocated is told by the heap's own samples
    build_value(&r->b, reading_objects(objects));
    build_value(&r->b, (i64)bytes);
}

void part_peak(struct reading *r)
{
    reading_stacks(r, RECORD_HEAP, add_peak, NULL);
}

struct profile record_peak(const struct record_view *v, i64 time_ns, struct arena *a)
{
    struct reading r;
    const struct record_header *h = &v->header;
    (void)time_ns;
    reading_init(&r, v, a);
    reading_types(&r, part_types + 2, 2);
    part_peak(&r);
    build_comment(&r.b,
                  arena_printf(a, "the most that was live at once: %.1f MB, %.1f s after the start",
                               (double)h->peak_bytes / 0x1p20, (double)h->peak_time_ns / 1e9));
    add_comments(&r);
    return finish(&r, (i64)(h->start_time_ns + h->peak_time_ns));
}
