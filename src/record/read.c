#include "record/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/table.h"
#include "profile/build.h"

enum { RECORD_LIMIT_MIB = 1024 };

// Frames that only pass an allocation on; pprof then charges it to their caller.  The allocating
// function itself (malloc) is never in a stack of ours.
#define DROP_FRAMES                                                                                \
    "operator "                                                                                    \
    "new.*|_Zn[aw].*|__rust_(alloc|realloc|alloc_zeroed)|__rdl_.*|__rg_.*|alloc::alloc::.*|"       \
    "<alloc::alloc::Global.*|alloc::raw_vec::.*|std::allocator.*::allocate|"                       \
    "std::__new_allocator.*::allocate|__gnu_cxx::new_allocator.*::allocate|"                       \
    "(__gnu_cxx::|std::)(__)?(alloc|allocator)_traits.*::(_S_)?allocate.*|std::_.*::_M_(allocate|" \
    "create_storage|create|get_node)"

static const u32 row_bytes[RECORD_NSECTION] = {
    [RECORD_TICK] = sizeof(struct record_tick),
    [RECORD_LIVE_KEY] = sizeof(struct record_bucket),
    [RECORD_LIVE_BLOCK] = sizeof(struct record_live),
    [RECORD_STACK_SLOT] = sizeof(u32),
    [RECORD_STACK_WORD] = sizeof(u64),
    [RECORD_MAPPING] = sizeof(struct record_mapping),
    [RECORD_TEXT] = 1,
};

bool record_is(struct str bytes)
{
    return bytes.len >= 8 && memcmp(bytes.ptr, RECORD_MAGIC, 8) == 0;
}

static const void *section(const struct record_view *v, struct str bytes, enum record_section_id id)
{
    return bytes.ptr + v->header.section[id].offset;
}

static bool sections_fit(const struct record_header *h, struct str bytes)
{
    for (u32 i = 0; i < RECORD_NSECTION; i++) {
        const struct record_section *s = &h->section[i];
        if (s->row_bytes != row_bytes[i] || s->offset % RECORD_PAGE || s->offset < sizeof(*h) ||
            s->offset > bytes.len || s->nrow > (bytes.len - s->offset) / row_bytes[i])
            return false;
    }
    return h->section[RECORD_TICK].nrow == RECORD_RINGS * RECORD_RING_TICKS &&
           h->section[RECORD_TEXT].nrow != 0 &&
           h->section[RECORD_LIVE_BLOCK].nrow / RECORD_BUCKET_KEYS >=
               h->section[RECORD_LIVE_KEY].nrow;
}

bool record_open(struct record_view *v, struct str bytes, struct err *e)
{
    *v = (struct record_view){0};
    if (!record_is(bytes))
        return err_set(e, EBADMSG, "not a record of sonde");
    if (bytes.len < offsetof(struct record_header, section))
        return err_set(e, EBADMSG, "the record is cut short: only %zu bytes are there", bytes.len);
    memcpy(&v->header, bytes.ptr, bytes.len < sizeof(v->header) ? bytes.len : sizeof(v->header));
    if (v->header.version != RECORD_VERSION || v->header.header_bytes != sizeof(v->header))
        return err_set(e, EPROTO,
                       "the record has version %u, this sonde reads version %u; use the sonde that "
                       "belongs to the "
                       "libsonde of that process",
                       v->header.version, RECORD_VERSION);
    if (bytes.len < sizeof(v->header) || v->header.file_bytes > bytes.len)
        return err_set(e, EBADMSG, "the record is cut short: %zu of %llu bytes are there",
                       bytes.len, (unsigned long long)v->header.file_bytes);
    if (v->header.state == RECORD_STARTING)
        return err_set(e, EBADMSG,
                       "the record is empty: its process ended, or was killed, while it began");
    if (!sections_fit(&v->header, bytes))
        return err_set(e, EBADMSG,
                       "the record is damaged: its sections do not fit into its %zu bytes",
                       bytes.len);
    v->tick = section(v, bytes, RECORD_TICK);
    v->bucket = section(v, bytes, RECORD_LIVE_KEY);
    v->live = section(v, bytes, RECORD_LIVE_BLOCK);
    v->stack_slot = section(v, bytes, RECORD_STACK_SLOT);
    v->stack_word = section(v, bytes, RECORD_STACK_WORD);
    v->mapping = section(v, bytes, RECORD_MAPPING);
    v->text = section(v, bytes, RECORD_TEXT);
    v->header.boot_id[sizeof(v->header.boot_id) - 1] = 0;
    v->header.death.cgroup[sizeof(v->header.death.cgroup) - 1] = 0;
    return true;
}

bool record_read(struct record_view *v, const char *path, struct arena *a, struct err *e)
{
    struct str bytes;
    if (!file_read(&bytes, path, (size_t)MIB(RECORD_LIMIT_MIB), a, e))
        return false;
    return record_open(v, bytes, e) || err_prefix(e, "%s: ", path);
}

struct str record_text(const struct record_view *v, u32 text)
{
    u32 n = v->header.section[RECORD_TEXT].nrow;
    if (text >= n)
        return STR("");
    return (struct str){v->text + text, strnlen(v->text + text, n - text)};
}

struct str record_program(const struct record_view *v)
{
    return str_basename(record_text(v, v->header.exe));
}

// The stack at a word offset; NULL when it does not lie whole inside its section.
static const struct record_stack *stack_at(const struct record_view *v, u32 word)
{
    u32 n = v->header.section[RECORD_STACK_WORD].nrow, head = sizeof(struct record_stack) / 8;
    if (word == 0 || word >= n || n - word < head)
        return NULL;
    const struct record_stack *s = (const struct record_stack *)(v->stack_word + word);
    return s->nframe <= RECORD_MAX_FRAMES && s->nframe <= n - word - head ? s : NULL;
}

// What is live by stack: a column beside the samples.
struct held {
    double objects;
    i64 bytes;
};

struct reading {
    const struct record_view *v;
    struct build b;
    struct table locations; // frame word -> position
    u32 *location;          // by position
    u32 nlocation, location_cap;
    u32 *mapping;      // profile row of a record row; of row 0, which is no file, see jit_mapping()
    bool is_jit_known; // whether jit_mapping() has made one
    struct held *held; // by word offset of the stack
    u32 *stack_of;     // by sample: its stack's word offset
    u32 nstack_of, stack_of_cap;
};

static void add_mappings(struct reading *r)
{
    const struct record_view *v = r->v;
    u32 n = v->header.nmapping, cap = v->header.section[RECORD_MAPPING].nrow;
    r->mapping = arena_new(r->b.arena, u32, UINT16_MAX + 1);
    for (u32 row = 1; row < n && row < cap && row <= UINT16_MAX; row++) {
        const struct record_mapping *from = &v->mapping[row];
        struct mapping *m = build_mapping(&r->b);
        m->start = from->start;
        m->limit = from->limit;
        m->offset = from->offset;
        m->filename = build_string(&r->b, record_text(v, from->filename));
        u32 nbyte = from->build_id_bytes < sizeof(from->build_id) ? from->build_id_bytes
                                                                  : sizeof(from->build_id);
        char hex[2 * sizeof(from->build_id)];
        for (u32 i = 0; i < nbyte; i++) {
            hex[2 * i] = "0123456789abcdef"[from->build_id[i] >> 4];
            hex[2 * i + 1] = "0123456789abcdef"[from->build_id[i] & 15];
        }
        m->build_id = build_string(&r->b, (struct str){hex, 2 * nbyte});
        r->mapping[row] = r->b.p.nmapping - 1;
    }
}

// Profile row of a mapping for code that is in no file, if the process's compiler at run time says
// what it is called; as perf names such mappings.
static u32 jit_mapping(struct reading *r)
{
    struct str path = arena_printf(r->b.arena, "/tmp/perf-%u.map", r->v->header.pid);
    if (r->is_jit_known || access(path.ptr, F_OK) != 0)
        return r->mapping[0];
    r->is_jit_known = true;
    struct mapping *m = build_mapping(&r->b);
    m->limit = UINT64_MAX;
    m->filename = build_string(&r->b, path);
    return r->mapping[0] = r->b.p.nmapping - 1;
}

static u32 frame_location(struct reading *r, u64 frame)
{
    u32 position = table_add(&r->locations, (struct str){(char *)&frame, sizeof(frame)});
    if (position == r->nlocation) {
        struct location *l = build_location(&r->b);
        l->address = record_frame_address(frame);
        u32 mapping = record_frame_mapping(frame);
        l->mapping = mapping ? r->mapping[mapping] : jit_mapping(r);
        *arena_push(r->b.arena, r->location, r->nlocation, r->location_cap) = r->b.p.nlocation - 1;
    }
    return r->location[position];
}

// A location that stands for something that has no address, like "[overflow]".
static u32 named_location(struct reading *r, struct str name)
{
    for (u32 row = 1; row < r->b.p.nlocation; row++) {
        const struct location *l = &r->b.p.location[row];
        if (l->nline &&
            str_equal(profile_string(&r->b.p, r->b.p.function[r->b.p.line[l->line].function].name),
                      name))
            return row;
    }
    u32 string = build_string(&r->b, name);
    struct function *f = build_function(&r->b);
    f->name = f->system_name = string;
    build_location(&r->b);
    build_line(&r->b)->function = r->b.p.nfunction - 1;
    return r->b.p.nlocation - 1;
}

static void add_stack(struct reading *r, u32 word)
{
    const struct record_stack *s = stack_at(r->v, word);
    bool is_attempt = r->v->header.attempt.time_ns && r->v->header.attempt.stack == word;
    if (!s || s->kind != RECORD_HEAP || (s->amount == 0 && r->held[word].bytes == 0 && !is_attempt))
        return;
    build_sample(&r->b);
    *arena_push(r->b.arena, r->stack_of, r->nstack_of, r->stack_of_cap) = word;
    for (u32 i = 0; i < s->nframe; i++) {
        u32 location = frame_location(r, s->frame[i]);
        build_frame(&r->b, location);
    }
    if (s->flags & RECORD_OVERFLOW)
        build_frame(&r->b, named_location(r, STR("[overflow]")));
    if (s->flags & RECORD_TRUNCATED)
        build_frame(&r->b, named_location(r, STR("[truncated]")));
    build_value(&r->b, (i64)((s->count + 32768) >> 16));
    build_value(&r->b, (i64)s->amount);
    build_value(&r->b, (i64)(r->held[word].objects + 0.5));
    build_value(&r->b, r->held[word].bytes);
}

static bool live_row(const struct record_view *v, u32 row, struct record_live *out)
{
    u64 address = v->bucket[row / RECORD_BUCKET_KEYS].address[row % RECORD_BUCKET_KEYS];
    *out = v->live[row];
    return address > 1 && out->size != 0;
}

static void add_live(struct reading *r)
{
    const struct record_view *v = r->v;
    u32 n = v->header.section[RECORD_LIVE_KEY].nrow * RECORD_BUCKET_KEYS;
    r->held = arena_new(r->b.arena, struct held, v->header.section[RECORD_STACK_WORD].nrow);
    struct record_live live;
    for (u32 row = 0; row < n; row++) {
        if (!live_row(v, row, &live) || !stack_at(v, live.stack))
            continue;
        r->held[live.stack].objects += (double)live.bytes / (double)live.size;
        r->held[live.stack].bytes += (i64)live.bytes;
    }
}

static void add_stacks(struct reading *r)
{
    const struct record_view *v = r->v;
    u32 n = v->header.section[RECORD_STACK_SLOT].nrow;
    add_stack(r, 1); // the overflow stack is in no slot
    for (u32 i = 0; i < n; i++) {
        if (v->stack_slot[i] > 1)
            add_stack(r, v->stack_slot[i]);
    }
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

struct profile record_heap_stacks(const struct record_view *v, i64 time_ns, u32 **stack_of,
                                  struct arena *a)
{
    struct reading r = {.v = v};
    build_init(&r.b, a);
    build_type(&r.b, STR("alloc_objects"), STR("count"));
    build_type(&r.b, STR("alloc_space"), STR("bytes"));
    build_type(&r.b, STR("inuse_objects"), STR("count"));
    build_type(&r.b, STR("inuse_space"), STR("bytes"));
    table_init(&r.locations, a);
    arena_push(a, r.location, r.nlocation, r.location_cap);
    add_mappings(&r);
    add_live(&r);
    add_stacks(&r);
    add_comments(&r);
    r.b.p.period_type.type = build_string(&r.b, STR("space"));
    r.b.p.period_type.unit = build_string(&r.b, STR("bytes"));
    r.b.p.period = (i64)v->header.heap_rate_bytes;
    r.b.p.drop_frames = build_string(&r.b, STR(DROP_FRAMES));
    r.b.p.time_ns = time_ns;
    *stack_of = r.stack_of;
    return r.b.p;
}

struct profile record_heap(const struct record_view *v, i64 time_ns, struct arena *a)
{
    u32 *ignored;
    return record_heap_stacks(v, time_ns, &ignored, a);
}

u32 record_blocks(struct record_block **out, const struct record_view *v, struct arena *a)
{
    struct record_live live;
    u32 n = 0, rows = v->header.section[RECORD_LIVE_KEY].nrow * RECORD_BUCKET_KEYS;
    *out = arena_new(a, struct record_block, rows);
    for (u32 row = 0; row < rows; row++) {
        if (live_row(v, row, &live))
            (*out)[n++] = (struct record_block){
                v->bucket[row / RECORD_BUCKET_KEYS].address[row % RECORD_BUCKET_KEYS], live};
    }
    return n;
}

static int by_time(const void *a, const void *b)
{
    u64 x = ((const struct record_tick *)a)->time_ns, y = ((const struct record_tick *)b)->time_ns;
    return (x > y) - (x < y);
}

u32 record_ticks(struct record_tick **out, const struct record_view *v, struct arena *a)
{
    u32 n = 0, kept = 0;
    struct record_tick *t = arena_new(a, struct record_tick, RECORD_RINGS * RECORD_RING_TICKS);
    for (u32 i = 0; i < RECORD_RINGS * RECORD_RING_TICKS; i++) {
        if (v->tick[i].time_ns)
            t[n++] = v->tick[i];
    }
    qsort(t, n, sizeof(*t), by_time);
    for (u32 i = 0; i < n; i++) {
        if (kept == 0 || t[i].time_ns != t[kept - 1].time_ns)
            t[kept++] = t[i];
    }
    *out = t;
    return kept;
}

i64 record_live_bytes(const struct record_view *v, u32 *nblock)
{
    i64 bytes = 0;
    struct record_live live;
    *nblock = 0;
    for (u32 row = 0; row < v->header.section[RECORD_LIVE_KEY].nrow * RECORD_BUCKET_KEYS; row++) {
        if (live_row(v, row, &live)) {
            bytes += (i64)live.bytes;
            ++*nblock;
        }
    }
    return bytes;
}
