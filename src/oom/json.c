// The report as JSON; docs/oom-json.md says what the fields mean.
#include "base/json.h"
#include "oom/text.h"

enum { MOST_STACKS = 50, MOST_FRAMES = 64, MOST_LABELS = 100, MOST_MOMENTS = 200, VERSION = 1 };

static void add_double(struct json *j, const char *key, double value)
{
    json_key(j, key);
    json_double(j, value);
}

static void add_process(struct json *j, const struct oom *o)
{
    const struct record_header *h = &o->v.header;
    json_str_field(j, "program", record_program(&o->v));
    json_int_field(j, "pid", h->pid);
    json_int_field(j, "start_ms", (i64)(h->start_time_ns / 1000000));
    json_int_field(j, "end_ms", (i64)((h->start_time_ns + o->end_ns) / 1000000));
    add_double(j, "uptime_seconds", (double)o->end_ns / 1e9);
    json_int_field(j, "wait_status", h->death.wait_status);
    json_str_field(j, "record", o->path);
}

static void add_group(struct json *j, const struct oom *o)
{
    json_str_field(j, "cgroup", o->limit_group);
    json_int_field(j, "limit_bytes", (i64)o->limit_bytes);
    json_int_field(j, "peak_bytes", (i64)o->peak_bytes);
    json_int_field(j, "charge_bytes", (i64)o->account.charge_bytes);
    json_int_field(j, "oom_kills", (i64)o->v.header.death.oom_kills);
}

static void add_verdict(struct json *j, const struct oom *o, const struct verdict *v,
                        struct arena *a)
{
    json_str_field(j, "end", str_of(verdict_end_key(v->end)));
    json_str_field(j, "cause", str_of(verdict_key(v->cause)));
    json_str_field(j, "sentence", v->sentence);
    json_int_field(j, "cause_bytes", v->cause_bytes);
    json_key(j, "is_leak");
    json_bool(j, v->is_leak);
    json_key(j, "is_peak");
    json_bool(j, v->is_peak);
    if (v->stack.sample != UINT32_MAX) {
        json_str_field(j, "function", verdict_leaf(o, v->stack.sample, a));
        json_int_field(j, "function_bytes", v->stack.bytes);
        json_str_field(j, "function_of", str_of(account_key(oom_line_of[v->part])));
    }
    add_double(j, "growth_bytes_per_second", v->rate_bytes_s);
    add_double(j, "seconds_to_limit", v->limit_s);
    json_int_field(j, "needed_limit_bytes", v->needed_bytes);
    json_int_field(j, "requests", v->nrequest);
    json_int_field(j, "request_bytes", v->request_bytes);
}

// The writer begins lines; a collector wants one.
static void add_joined(struct buf *out, struct str document)
{
    while (document.len)
        buf_add(out, str_cut(&document, '\n'));
    buf_char(out, '\n');
}

void oom_json_line(struct buf *out, const struct oom *o, const struct verdict *v, struct arena *a)
{
    enum { LINE_BYTES = 1 << 16 };
    struct json j;
    struct buf lines;
    buf_init(&lines, LINE_BYTES);
    json_init(&j, &lines);
    json_begin_object(&j);
    json_str_field(&j, "event", STR("sonde.oom"));
    add_process(&j, o);
    add_group(&j, o);
    add_verdict(&j, o, v, a);
    json_int_field(&j, "live_heap_bytes", o->account.bytes[ACCOUNT_HEAP]);
    json_end(&j);
    add_joined(out, buf_str(&lines));
    buf_free(&lines);
}

static void add_list(struct json *j, const char *key, const struct str *text, u32 n)
{
    json_key(j, key);
    json_begin_array(j);
    for (u32 i = 0; i < n; i++)
        json_str(j, text[i]);
    json_end(j);
}

static void add_account(struct json *j, const struct oom *o)
{
    static const char *const source[] = {
        [OOM_FROM_RECORD] = "record", [OOM_FROM_WATCH] = "watch", [OOM_FROM_KERNEL] = "kernel"};
    enum account_line line[ACCOUNT_LINES];
    u32 n = oom_lines(line, o);
    json_str_field(j, "account_source", str_of(source[o->source]));
    add_double(j, "account_age_seconds", (double)o->account_age_ns / 1e9);
    json_key(j, "account");
    json_begin_array(j);
    for (u32 i = 0; i < n; i++) {
        json_begin_object(j);
        json_str_field(j, "line", str_of(account_key(line[i])));
        json_int_field(j, "bytes", o->account.bytes[line[i]]);
        json_end(j);
    }
    json_end(j);
    json_int_field(j, "processes", o->account.nprocess);
    json_int_field(j, "threads", o->account.nthread);
}

static void add_others(struct json *j, const struct oom *o)
{
    json_key(j, "other_processes");
    json_begin_array(j);
    for (u32 i = 0; i < ACCOUNT_PROCESSES; i++) {
        const struct process *p = &o->account.other[i];
        if (!p->pid)
            continue;
        json_begin_object(j);
        json_int_field(j, "pid", p->pid);
        json_str_field(j, "name", str_of(p->name));
        json_int_field(j, "bytes", (i64)p->anon_bytes);
        json_end(j);
    }
    json_end(j);
}

static void add_stack(struct json *j, const struct profile *p, u32 sample)
{
    const struct sample *s = &p->sample[sample];
    json_key(j, "stack");
    json_begin_array(j);
    for (u32 k = 0; k < s->nframe && k < MOST_FRAMES; k++) {
        const struct location *l = &p->location[p->frame[s->frame + k]];
        for (u32 i = 0; i < l->nline; i++)
            json_str(j, profile_string(p, p->function[p->line[l->line + i].function].name));
    }
    json_end(j);
}

static void add_labels_of(struct json *j, const struct profile *p, const struct sample *s)
{
    if (s->nlabel == 0)
        return;
    json_key(j, "labels");
    json_begin_object(j);
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &p->label[s->label + i];
        json_key_str(j, profile_string(p, l->key));
        json_str(j, profile_string(p, l->text));
    }
    json_end(j);
}

// The next heaviest sample that was not told yet.
static u32 next_sample(const struct profile *p, bool *is_told)
{
    u32 best = UINT32_MAX;
    for (u32 i = 0; i < p->nsample; i++) {
        i64 bytes = profile_values(p, i)[OOM_COLUMN];
        if (!is_told[i] && bytes > 0 &&
            (best == UINT32_MAX || bytes > profile_values(p, best)[OOM_COLUMN]))
            best = i;
    }
    if (best != UINT32_MAX)
        is_told[best] = true;
    return best;
}

static void add_grown(struct json *j, const struct oom *o, u32 sample)
{
    json_key(j, "grown");
    json_begin_array(j);
    for (u32 w = 0; w < OOM_WINDOWS; w++)
        json_int(j, o->window[w].grown_bytes[sample]);
    json_end(j);
}

// The heaviest stacks of a part.
static void add_part(struct json *j, const char *key, const struct oom *o, enum record_part part,
                     struct arena *a)
{
    struct profile p = oom_part(o, part);
    bool *is_told = arena_new(a, bool, p.nsample + 1);
    json_key(j, key);
    json_begin_array(j);
    for (u32 k = 0, i; k < MOST_STACKS && (i = next_sample(&p, is_told)) != UINT32_MAX; k++) {
        const i64 *value = profile_values(&p, i);
        json_begin_object(j);
        json_int_field(j, "bytes", value[OOM_COLUMN]);
        json_int_field(j, "objects", value[OOM_COLUMN - 1]);
        if (part == RECORD_PART_HEAP)
            add_grown(j, o, i);
        add_labels_of(j, &p, &p.sample[i]);
        add_stack(j, &p, i);
        json_end(j);
    }
    json_end(j);
}

static void add_parts(struct json *j, const struct oom *o, struct arena *a)
{
    const struct record_header *h = &o->v.header;
    json_int_field(j, "heap_bytes", o->live_bytes);
    add_part(j, "heap", o, RECORD_PART_HEAP, a);
    add_part(j, "mappings", o, RECORD_PART_MAPPED, a);
    add_part(j, "shared", o, RECORD_PART_SHARED, a);
    json_int_field(j, "heap_peak_bytes", (i64)h->peak_bytes);
    add_double(j, "heap_peak_before_end_seconds", (double)(i64)(o->end_ns - h->peak_time_ns) / 1e9);
    add_part(j, "heap_peak", o, RECORD_PART_PEAK, a);
}

static void add_labels(struct json *j, const struct oom *o, struct arena *a)
{
    struct oom_labels *l;
    u32 n = oom_labels(&l, o, a);
    json_key(j, "labels");
    json_begin_array(j);
    for (u32 i = 0; i < n && i < MOST_LABELS; i++) {
        json_begin_object(j);
        json_str_field(j, "labels", l[i].text);
        json_int_field(j, "heap_bytes", l[i].heap_bytes);
        json_int_field(j, "mapped_bytes", l[i].mapped_bytes);
        json_int_field(j, "objects", (i64)l[i].blocks);
        add_double(j, "oldest_before_end_seconds", (double)o->end_ns / 1e9 - l[i].first_s);
        add_double(j, "newest_before_end_seconds", (double)o->end_ns / 1e9 - l[i].last_s);
        json_end(j);
    }
    json_end(j);
}

static void add_allocator(struct json *j, const struct oom *o)
{
    const struct record_allocator *l = &o->v.header.allocator;
    if (l->time_ns == 0)
        return;
    json_key(j, "allocator");
    json_begin_object(j);
    json_str_field(j, "name", str_of(record_allocator_name(l->kind, "unknown")));
    add_double(j, "before_end_seconds", (double)(i64)(o->end_ns - l->time_ns) / 1e9);
    json_int_field(j, "system_bytes", (i64)l->system_bytes);
    json_int_field(j, "used_bytes", (i64)l->used_bytes);
    json_int_field(j, "free_bytes", (i64)l->free_bytes);
    json_end(j);
}

static void add_windows(struct json *j, const struct oom *o)
{
    json_key(j, "windows");
    json_begin_array(j);
    for (u32 w = 0; w < OOM_WINDOWS; w++) {
        const struct oom_window *window = &o->window[w];
        json_begin_object(j);
        add_double(j, "seconds", (double)(window->is_whole ? o->end_ns : window->wanted_ns) / 1e9);
        json_key(j, "account_grown");
        json_begin_object(j);
        for (u32 i = 0; i < ACCOUNT_LINES && window->has_account; i++) {
            if (window->line_bytes[i])
                json_int_field(j, account_key(i), window->line_bytes[i]);
        }
        json_end(j);
        json_end(j);
    }
    json_end(j);
}

static void add_time_line(struct json *j, const struct oom *o, struct arena *a)
{
    struct oom_moment *m;
    u32 n = oom_moments(&m, o, MOST_MOMENTS, a);
    json_key(j, "timeline");
    json_begin_array(j);
    for (u32 i = 0; i < n; i++) {
        json_begin_object(j);
        add_double(j, "before_end_seconds", (double)(i64)(o->end_ns - m[i].time_ns) / 1e9);
        json_int_field(j, "live_heap_bytes", (i64)m[i].live_bytes);
        json_int_field(j, "charge_bytes", (i64)m[i].charge_bytes);
        json_end(j);
    }
    json_end(j);
    json_key(j, "events");
    json_begin_array(j);
    for (u32 i = 0; i < o->nmark; i++) {
        json_begin_object(j);
        add_double(j, "before_end_seconds", (double)(i64)(o->end_ns - o->mark[i].time_ns) / 1e9);
        json_str_field(j, "text", oom_mark_text(&o->mark[i], a));
        json_int_field(j, "charge_bytes", (i64)o->mark[i].usage_bytes);
        json_end(j);
    }
    json_end(j);
}

void oom_json(struct buf *out, const struct oom *o, const struct verdict *v, struct arena *a)
{
    struct json j;
    json_init(&j, out);
    json_begin_object(&j);
    json_int_field(&j, "version", VERSION);
    add_process(&j, o);
    add_group(&j, o);
    add_verdict(&j, o, v, a);
    add_list(&j, "facts", v->fact, v->nfact);
    add_list(&j, "next", v->step, v->nstep);
    add_account(&j, o);
    add_others(&j, o);
    add_windows(&j, o);
    add_parts(&j, o, a);
    add_labels(&j, o, a);
    add_allocator(&j, o);
    add_time_line(&j, o, a);
    json_end(&j);
}
