#include "record/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { RECORD_LIMIT_MIB = 1024 };

static const u32 row_bytes[RECORD_NSECTION] = {
    [RECORD_TICK] = sizeof(struct record_tick),
    [RECORD_LIVE_KEY] = sizeof(struct record_bucket),
    [RECORD_LIVE_BLOCK] = sizeof(struct record_live),
    [RECORD_REGION] = sizeof(struct record_region),
    [RECORD_STACK_SLOT] = sizeof(u32),
    [RECORD_STACK_WORD] = sizeof(u64),
    [RECORD_MAPPING] = sizeof(struct record_mapping),
    [RECORD_OWN] = sizeof(struct record_own),
    [RECORD_LABEL_SLOT] = sizeof(u32),
    [RECORD_LABEL] = 1,
    [RECORD_TEXT] = 1,
    [RECORD_SAMPLE] = sizeof(struct record_sample),
    [RECORD_THREAD] = sizeof(struct record_thread),
    [RECORD_WAIT] = sizeof(struct record_wait),
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
    v->region = section(v, bytes, RECORD_REGION);
    v->own = section(v, bytes, RECORD_OWN);
    v->label = section(v, bytes, RECORD_LABEL);
    v->stack_slot = section(v, bytes, RECORD_STACK_SLOT);
    v->stack_word = section(v, bytes, RECORD_STACK_WORD);
    v->mapping = section(v, bytes, RECORD_MAPPING);
    v->text = section(v, bytes, RECORD_TEXT);
    v->sample = section(v, bytes, RECORD_SAMPLE);
    v->thread = section(v, bytes, RECORD_THREAD);
    v->wait = section(v, bytes, RECORD_WAIT);
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

const char *record_allocator_name(u32 kind, const char *otherwise)
{
    static const char *const name[] = {
        [RECORD_ALLOCATOR_GLIBC] = "glibc",
        [RECORD_ALLOCATOR_JEMALLOC] = "jemalloc",
        [RECORD_ALLOCATOR_TCMALLOC] = "tcmalloc",
        [RECORD_ALLOCATOR_MIMALLOC] = "mimalloc",
    };
    return kind < ARRAY_LEN(name) && name[kind] ? name[kind] : otherwise;
}

bool record_live_row(const struct record_view *v, u32 row, struct record_live *out, u32 *own)
{
    u64 address = v->bucket[row / RECORD_BUCKET_KEYS].address[row % RECORD_BUCKET_KEYS];
    *out = v->live[row];
    *own = (u32)(address >> 48);
    return address > 1 && out->bytes != 0;
}

u32 record_blocks(struct record_block **out, const struct record_view *v, struct arena *a)
{
    struct record_live live;
    u32 own, n = 0, rows = v->header.section[RECORD_LIVE_KEY].nrow * RECORD_BUCKET_KEYS;
    *out = arena_new(a, struct record_block, rows);
    for (u32 row = 0; row < rows; row++) {
        if (record_live_row(v, row, &live, &own) && !own && live.size)
            (*out)[n++] = (struct record_block){
                record_frame_address(
                    v->bucket[row / RECORD_BUCKET_KEYS].address[row % RECORD_BUCKET_KEYS]),
                live};
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
    u32 own;
    *nblock = 0;
    for (u32 row = 0; row < v->header.section[RECORD_LIVE_KEY].nrow * RECORD_BUCKET_KEYS; row++) {
        if (record_live_row(v, row, &live, &own) && own == 0) {
            bytes += (i64)live.bytes;
            ++*nblock;
        }
    }
    return bytes;
}
