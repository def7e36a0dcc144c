// perf writes what each CPU's buffer holds, one after the other, so that a mapping may come behind
// the samples in it.  PERF_RECORD_FINISHED_ROUND says how far they can be out of order; sorting all
// of them is the same and simpler.
#include "profile/perf_records.h"

#include <stdlib.h>

// Of kernels from 6.19 on.
enum { RECORD_CALLCHAIN_DEFERRED = 22 };

// Records whose place in time matters.
static bool is_timed(u32 type)
{
    return type == PERF_RECORD_MMAP || type == PERF_RECORD_MMAP2 || type == PERF_RECORD_COMM ||
           type == PERF_RECORD_FORK || type == PERF_RECORD_SAMPLE || type == PERF_RECORD_KSYMBOL ||
           type == PERF_RECORD_CGROUP;
}

static u32 words(u64 sample_type, u64 fields)
{
    return (u32)__builtin_popcountll(sample_type & fields);
}

// The word number i of the record's body, or from its end, where 0 is the last one; 0 when there is
// none.
static u64 word_at(struct cursor body, u32 i, bool from_end)
{
    if (cursor_left(&body) < 8 * ((u64)i + 1))
        return 0;
    body.at = from_end ? body.end - 8 * ((size_t)i + 1) : body.at + 8 * (size_t)i;
    return cursor_u64(&body);
}

// Records other than samples end with these fields, if they were asked for: TID, TIME, ID,
// STREAM_ID, CPU, IDENTIFIER.
static u64 record_time(const struct perf_event *ev, const struct perf_record *r)
{
    enum {
        BEFORE = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID,
        BEHIND = PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER,
        FORK_TIME = 2 // word
    };
    bool is_sample = r->type == PERF_RECORD_SAMPLE;
    if (ev->sample_type & PERF_SAMPLE_TIME && (is_sample || ev->has_trailers))
        return word_at(r->body, words(ev->sample_type, is_sample ? BEFORE : BEHIND), !is_sample);
    return r->type == PERF_RECORD_FORK ? word_at(r->body, FORK_TIME, false) : 0;
}

// The id that says which event a record is of, where it is at the same place for all events; 0 when
// there is none.
static u64 record_id(const struct perf_event *ev, const struct perf_record *r)
{
    enum {
        BEFORE = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR,
        BEHIND = PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU
    };
    bool is_sample = r->type == PERF_RECORD_SAMPLE;
    if (!is_sample && !ev->has_trailers)
        return 0;
    if (ev->sample_type & PERF_SAMPLE_IDENTIFIER)
        return word_at(r->body, 0, !is_sample);
    if (ev->sample_type & PERF_SAMPLE_ID)
        return word_at(r->body, words(ev->sample_type, is_sample ? BEFORE : BEHIND), !is_sample);
    return 0;
}

// False for a sample of which it cannot be said.
static bool find_event(const struct perf_file *f, const struct perf_record *r, u32 *event)
{
    u64 id = record_id(&f->event[0], r);
    *event = 0;
    return perf_file_event(f, id, event) || f->nevent == 1 || r->type != PERF_RECORD_SAMPLE ||
           !(f->event[0].sample_type & (PERF_SAMPLE_ID | PERF_SAMPLE_IDENTIFIER));
}

static void add_lost(struct perf_records *out, const struct perf_record *r)
{
    struct cursor b = r->body;
    if (r->type == PERF_RECORD_LOST)
        cursor_skip(&b, 8); // the event's id
    out->nlost += cursor_u64(&b);
}

static void add_later(struct perf_records *out, const struct perf_record *r, struct arena *a)
{
    struct cursor b = r->body;
    u64 cookie = cursor_u64(&b), n = cursor_u64(&b);
    struct cursor stack = cursor_words(&b, n);
    u32 row = table_add(&out->cookies, (struct str){(char *)&cookie, sizeof(cookie)});
    if (row == out->nlater)
        arena_push(a, out->later, out->nlater, out->later_cap);
    out->later[row] = stack;
}

static void add_entry(struct perf_records *out, struct perf_file *f, const struct perf_record *r)
{
    u32 event;
    if (!find_event(f, r, &event)) {
        out->nunknown++;
        return;
    }
    u64 time = record_time(&f->event[event], r);
    if (r->type == PERF_RECORD_SAMPLE) {
        f->event[event].nsample++;
        if (time && (out->first_time == 0 || time < out->first_time))
            out->first_time = time;
        if (time > out->last_time)
            out->last_time = time;
    }
    struct perf_entry *entry = arena_push(f->arena, out->entry, out->n, out->cap);
    *entry = (struct perf_entry){time == UINT64_MAX ? 0 : time, r->body.at - 8, event, out->n - 1};
}

static void read_part(struct perf_records *out, struct perf_file *f, struct cursor rest)
{
    for (struct perf_record r; perf_record_next(&r, &rest);) {
        if (is_timed(r.type))
            add_entry(out, f, &r);
        if (r.type == PERF_RECORD_LOST || r.type == PERF_RECORD_LOST_SAMPLES)
            add_lost(out, &r);
        if (r.type == RECORD_CALLCHAIN_DEFERRED)
            add_later(out, &r, f->arena);
    }
    f->is_cut |= rest.bad;
}

static int by_time(const void *left, const void *right)
{
    const struct perf_entry *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static bool is_sorted(const struct perf_records *r)
{
    for (u32 i = 1; i < r->n; i++) {
        if (r->entry[i].time < r->entry[i - 1].time)
            return false;
    }
    return true;
}

void perf_records_read(struct perf_records *out, struct perf_file *f)
{
    *out = (struct perf_records){0};
    table_init(&out->cookies, f->arena);
    arena_push(f->arena, out->later, out->nlater, out->later_cap);
    read_part(out, f, f->data);
    read_part(out, f, f->unpacked);
    if (!is_sorted(out))
        qsort(out->entry, out->n, sizeof(*out->entry), by_time);
}

struct perf_record perf_records_at(const struct perf_file *f, const struct perf_entry *entry)
{
    struct perf_record r;
    struct cursor rest = f->data;
    bool is_plain = entry->start >= f->data.at && entry->start < f->data.end;
    rest.at = entry->start;
    rest.end = is_plain ? f->data.end : f->unpacked.end;
    perf_record_next(&r, &rest); // cannot fail: it did not when the entry was made
    return r;
}
