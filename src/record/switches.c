#include "record/switches.h"

#include <errno.h>

#include "record/asking.h"

struct unit {
    const char *name;
    u64 size;
};

// The smallest first; "" ends them.
static const struct unit bytes[] = {
    {"B", 1}, {"KiB", KIB(1)}, {"MiB", MIB(1)}, {"GiB", MIB(1024)}, {"", 0}};
static const struct unit ns[] = {
    {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"", 0}};
static const struct unit hz[] = {{"Hz", 1}, {"", 0}};

// The usual rates are those of the library (src/runtime/start.c); of samples that are always taken,
// as many as a program does not notice.
static const struct row {
    u64 rate;
    u64 most;
    const struct unit *unit; // of a number without one: the first
    const char *example;
} rows[RECORD_NSWITCH] = {
    [RECORD_SWITCH_HEAP] = {KIB(512), MIB(1 << 20), bytes, "bytes such as 512KiB"},
    [RECORD_SWITCH_CPU] = {100, 10000, hz, "samples a second such as 100, 10000 at most"},
    [RECORD_SWITCH_WALL] = {20, 10000, hz, "samples a second such as 20, 10000 at most"},
    [RECORD_SWITCH_LOCKS] = {1000000, 3600000000000, ns,
                             "time of waiting such as 1ms, 3600s at most"},
};

const char *const switches_names[RECORD_NSWITCH] = {
    [RECORD_SWITCH_HEAP] = "heap",
    [RECORD_SWITCH_CPU] = "cpu",
    [RECORD_SWITCH_WALL] = "wall",
    [RECORD_SWITCH_LOCKS] = "locks",
};

// The unit of this name; NULL: there is none.
static const struct unit *find_unit(const struct unit *unit, struct str name)
{
    for (; unit->size; unit++) {
        if (str_equal(name, str_of(unit->name)))
            return unit;
    }
    return NULL;
}

// A whole number and its unit; of bytes also as programs write them elsewhere, "64k".
static bool parse_rate(u64 *out, const struct row *row, struct str text)
{
    struct str number = text;
    while (number.len && (number.ptr[number.len - 1] < '0' || number.ptr[number.len - 1] > '9'))
        number.len--;
    struct str name = str_skip(text, number.len);
    const struct unit *unit = name.len ? find_unit(row->unit, name) : row->unit;
    i64 n;
    if (!unit && row->unit == bytes)
        return str_size(out, text) && *out > 0 && *out <= row->most;
    if (!unit || !str_i64(&n, number) || n <= 0 || (u64)n > row->most / unit->size)
        return false;
    *out = (u64)n * unit->size;
    return true;
}

static bool name_all(struct switches *s, struct str profiler, struct err *e)
{
    bool is_known = false;
    *s = (struct switches){0};
    for (u32 i = 0; i < RECORD_NSWITCH; i++) {
        s->named[i] =
            str_equal(profiler, STR("all")) || str_equal(profiler, str_of(switches_names[i]));
        is_known |= s->named[i];
    }
    return is_known || err_set(e, EINVAL,
                               "there is no profiler \"%.*s\"; there are heap, cpu, wall, locks, "
                               "and all of them",
                               STR_ARG(profiler));
}

bool switches_off(struct switches *s, struct str profiler, struct err *e)
{
    return name_all(s, profiler, e);
}

bool switches_on(struct switches *s, struct str profiler, struct str rate, struct err *e)
{
    if (!name_all(s, profiler, e))
        return false;
    if (rate.len && str_equal(profiler, STR("all")))
        return err_set(e, EINVAL,
                       "a rate is of one profiler: bytes of the heap, samples a second of cpu and "
                       "wall, time of locks");
    for (u32 i = 0; i < RECORD_NSWITCH; i++) {
        if (!s->named[i])
            continue;
        s->rate[i] = rows[i].rate;
        if (rate.len && !parse_rate(&s->rate[i], &rows[i], rate))
            return err_set(e, EINVAL, "the rate of %s is \"%.*s\", which is no number of %s",
                           switches_names[i], STR_ARG(rate), rows[i].example);
    }
    return true;
}

static void change(void *context, struct record_request *r)
{
    const struct switches *s = context;
    for (u32 i = 0; i < RECORD_NSWITCH; i++) {
        if (!s->named[i])
            continue;
        r->wanted[i].rate = s->rate[i];
        r->wanted[i].word++;
    }
}

static bool is_done(const struct asking *q, const struct switches *s, struct err *e)
{
    const struct record_switched *heap = &q->header.answer.switched[RECORD_SWITCH_HEAP];
    return !s->named[RECORD_SWITCH_HEAP] || heap->error == 0 ||
           err_set(e, (int)heap->error,
                   "the heap of process %u cannot be sampled: its allocator has no memalign() of "
                   "its own, or comes before the library",
                   q->pid);
}

bool switches_set(struct record_header *header, const struct switches *s,
                  const struct folder_record *r, struct arena *a, struct err *e)
{
    struct asking q;
    struct switches wanted = *s;
    bool done = asking_open(&q, r, a, e) && asking_request(&q, change, &wanted, e) &&
                asking_await(&q, e) && is_done(&q, s, e);
    *header = q.header;
    asking_close(&q);
    return done;
}

// In the largest unit that it is a whole number of.
static void write_rate(struct buf *out, u64 rate, const struct unit *unit)
{
    while (unit[1].size && rate % unit[1].size == 0)
        unit++;
    buf_u64(out, rate / unit->size);
    buf_text(out, unit->name);
}

u64 switches_rate(const struct record_header *header, enum record_switch_id id)
{
    const u64 rate[RECORD_NSWITCH] = {
        [RECORD_SWITCH_HEAP] = header->heap_rate_bytes,
        [RECORD_SWITCH_CPU] = header->answer.cpu_hz,
        [RECORD_SWITCH_WALL] = header->answer.wall_hz,
        [RECORD_SWITCH_LOCKS] = header->lock_rate_ns,
    };
    return rate[id];
}

void switches_write(struct buf *out, const struct record_header *header)
{
    for (u32 i = 0; i < RECORD_NSWITCH; i++) {
        buf_printf(out, "%s%s ", i ? ", " : "", switches_names[i]);
        u64 rate = switches_rate(header, i);
        if (rate)
            write_rate(out, rate, rows[i].unit);
        else
            buf_text(out, "off");
    }
}
