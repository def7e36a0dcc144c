// The profiles that the program made itself.
#include <errno.h>

#include "record/reading.h"

struct held {
    double objects;
    i64 bytes;
};

struct own_reading {
    u32 own; // row
    bool is_pool;
    struct held *held; // by word offset of the stack
};

static void add_held(struct own_reading *o, const struct record_view *v, struct arena *a)
{
    u32 n = v->header.section[RECORD_LIVE_KEY].nrow * RECORD_BUCKET_KEYS, own;
    o->held = arena_new(a, struct held, v->header.section[RECORD_STACK_WORD].nrow);
    struct record_live live;
    for (u32 row = 0; row < n; row++) {
        if (!record_live_row(v, row, &live, &own) || own != o->own ||
            !reading_stack_at(v, live.stack))
            continue;
        o->held[live.stack].objects += live.size ? (double)live.bytes / (double)live.size : 1;
        o->held[live.stack].bytes += (i64)live.bytes;
    }
}

static void add_stack(struct reading *r, const struct record_stack *s, u32 word, void *context)
{
    const struct own_reading *o = context;
    const struct held *held = &o->held[word];
    if (s->detail != o->own || (!o->is_pool && held->objects == 0))
        return;
    reading_sample(r, s, NULL, 0);
    if (o->is_pool) {
        build_value(&r->b, reading_objects(s->count));
        build_value(&r->b, (i64)s->amount);
    }
    build_value(&r->b, (i64)(held->objects + 0.5));
    if (o->is_pool)
        build_value(&r->b, held->bytes);
}

u32 record_own_count(const struct record_view *v)
{
    u32 cap = v->header.section[RECORD_OWN].nrow;
    return v->header.nown < cap ? v->header.nown : cap;
}

struct str record_own_name(const struct record_view *v, u32 own)
{
    return record_text(v, v->own[own].name);
}

bool record_own_find(u32 *own, const struct record_view *v, struct str name, struct err *e)
{
    for (*own = 1; *own < record_own_count(v); ++*own) {
        if (name.len && str_equal(record_own_name(v, *own), name))
            return true;
    }
    return err_set(e, ENOENT, "Unknown profile");
}

struct profile record_own(const struct record_view *v, u32 own, i64 time_ns, struct arena *a)
{
    struct reading r;
    struct own_reading o = {.own = own, .is_pool = v->own[own].is_pool == 1};
    reading_init(&r, v, a);
    const char *name = arena_str(a, record_own_name(v, own)).ptr;
    const char *const pool[][2] = {{"alloc_objects", "count"},
                                   {"alloc_space", "bytes"},
                                   {"inuse_objects", "count"},
                                   {"inuse_space", "bytes"}};
    const char *const values[][2] = {{name, "count"}};
    if (o.is_pool)
        reading_types(&r, pool, 4);
    else
        reading_types(&r, values, 1);
    add_held(&o, v, a);
    reading_stacks(&r, RECORD_OWN_KIND, add_stack, &o);
    if (v->own[own].lost)
        build_comment(&r.b,
                      arena_printf(a, "%llu found no room: what is in use is too small by these",
                                   (unsigned long long)v->own[own].lost));
    if (o.is_pool)
        reading_period(&r, "space", "bytes", (i64)v->header.heap_rate_bytes);
    else
        reading_period(&r, name, "count", 1);
    r.b.p.time_ns = time_ns;
    return r.b.p;
}
