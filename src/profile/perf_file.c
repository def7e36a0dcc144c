#include "profile/perf_file.h"

#include <errno.h>

#include "base/compress.h"

enum {
    PIPE_HEADER_BYTES = 16,
    LEAST_ATTR_BYTES = PERF_ATTR_SIZE_VER0,
    IDS_BYTES = 16, // where the ids of an event are: offset and size
    FEATURE_WORDS = 4,
    UPDATE_NAME = 2 // PERF_EVENT_UPDATE__NAME
};

// Data that follow a record, outside of its size: padded to words when they are the format of
// tracepoints.
static u64 bytes_behind(const struct perf_record *r)
{
    struct cursor b = r->body;
    if (r->type == PERF_AUXTRACE)
        return cursor_u64(&b);
    if (r->type == PERF_HEADER_TRACING_DATA)
        return ((u64)cursor_u32(&b) + 7) & ~(u64)7;
    return 0;
}

bool perf_record_next(struct perf_record *r, struct cursor *rest)
{
    enum { HEADER_BYTES = 8 };
    if (cursor_left(rest) == 0)
        return false;
    r->type = cursor_u32(rest);
    r->misc = cursor_u16(rest);
    u16 size = cursor_u16(rest);
    r->body = cursor_part(rest, size < HEADER_BYTES ? UINT64_MAX : (u64)size - HEADER_BYTES);
    if (rest->bad)
        return false;
    u64 behind = bytes_behind(r);
    if (behind)
        cursor_skip(rest, behind);
    return true;
}

bool perf_file_event(const struct perf_file *f, u64 id, u32 *event)
{
    u32 row = table_find(&f->ids, (struct str){(char *)&id, sizeof(id)});
    if (row)
        *event = f->event_of_id[row];
    return row != 0;
}

static bool read_attrs(struct perf_file *f, struct cursor attrs, u64 attr_bytes, struct err *e)
{
    if (attrs.bad || attr_bytes < LEAST_ATTR_BYTES + IDS_BYTES)
        return err_set(e, EBADMSG, "perf.data: the descriptions of its events are cut short");
    while (cursor_left(&attrs) >= attr_bytes) {
        struct cursor attr = cursor_part(&attrs, attr_bytes - IDS_BYTES);
        u64 offset = cursor_u64(&attrs), size = cursor_u64(&attrs);
        if (!perf_attr_read(f, attr, cursor_section(f->all, offset, size), e))
            return false;
    }
    return true;
}

// One section for each bit that is set, their places in a row behind the records.
static void read_features(struct perf_file *f, u64 *bits, u64 places)
{
    struct cursor b = f->all;
    cursor_skip(&b, places);
    // Big-endian machines of 32 bits have the halves of each word exchanged, as is seen by the
    // host's name, which all have.
    if (cursor_is_big_endian(&f->all) && !(bits[0] & 8) && bits[0] >> 32 & 8) {
        for (u32 i = 0; i < FEATURE_WORDS; i++)
            bits[i] = bits[i] << 32 | bits[i] >> 32;
    }
    for (u32 i = 0; i < 64 * FEATURE_WORDS; i++) {
        if (!(bits[i / 64] >> i % 64 & 1))
            continue;
        u64 offset = cursor_u64(&b), size = cursor_u64(&b);
        struct cursor section = cursor_section(f->all, offset, size);
        if (!b.bad && !section.bad)
            perf_feature_read(f, i, section);
    }
}

// The header of a file, behind its magic and size.
static bool read_file_header(struct perf_file *f, struct cursor b, struct err *e)
{
    u64 bits[FEATURE_WORDS], attr_bytes = cursor_u64(&b);
    u64 attrs = cursor_u64(&b), attrs_bytes = cursor_u64(&b);
    u64 data = cursor_u64(&b), data_bytes = cursor_u64(&b);
    cursor_skip(&b, 16); // event types, which are in the features since
    for (u32 i = 0; i < FEATURE_WORDS; i++)
        bits[i] = cursor_u64(&b);
    if (b.bad)
        return err_set(e, EBADMSG, "perf.data: the file ends in its header");
    if (!read_attrs(f, cursor_section(f->all, attrs, attrs_bytes), attr_bytes, e))
        return false;
    f->data = f->all;
    cursor_skip(&f->data, data);
    // Without a size: perf was killed before it came to the end.
    f->is_cut = f->data.bad || data_bytes == 0 || data_bytes > cursor_left(&f->data);
    f->data.bad = false;
    if (f->is_cut)
        return true;
    f->data = cursor_part(&f->data, data_bytes);
    read_features(f, bits, data + data_bytes);
    return true;
}

static void read_update(struct perf_file *f, struct cursor b)
{
    u32 event;
    u64 kind = cursor_u64(&b), id = cursor_u64(&b);
    if (kind == UPDATE_NAME && !b.bad && perf_file_event(f, id, &event))
        f->event[event].name = perf_text(&b);
}

static bool read_attr_record(struct perf_file *f, struct cursor b, struct err *e)
{
    struct cursor size = b;
    cursor_skip(&size, 4);
    u32 n = cursor_u32(&size); // 0: as in the first version
    struct cursor attr = cursor_part(&b, n ? n : LEAST_ATTR_BYTES);
    return perf_attr_read(f, attr, b, e);
}

// What records that perf itself wrote say of the file.
static bool read_records(struct perf_file *f, struct err *e)
{
    struct cursor rest = f->data;
    for (struct perf_record r; perf_record_next(&r, &rest);) {
        struct cursor b = r.body;
        if (r.type == PERF_HEADER_ATTR && !read_attr_record(f, b, e))
            return false;
        if (r.type == PERF_HEADER_BUILD_ID)
            perf_build_id_read(f, &r);
        if (r.type == PERF_HEADER_FEATURE) {
            u64 number = cursor_u64(&b);
            perf_feature_read(f, number, b);
        }
        if (r.type == PERF_EVENT_UPDATE)
            read_update(f, b);
        f->has_traces |= r.type == PERF_AUXTRACE;
    }
    f->is_cut |= rest.bad;
    return true;
}

// Joins what PERF_COMPRESSED records hold: one zstd stream, whose flushes need not fall on the ends
// of the records that it holds in turn.
static bool unpack(struct perf_file *f, struct err *e)
{
    struct cursor rest = f->data;
    struct str packed = {0}, unpacked;
    char *joined = NULL;
    for (struct perf_record r; perf_record_next(&r, &rest);) {
        if (r.type != PERF_COMPRESSED && r.type != PERF_COMPRESSED2)
            continue;
        struct cursor b = r.body;
        if (r.type == PERF_COMPRESSED2)
            b = cursor_part(&b, cursor_u64(&b));
        if (!joined)
            joined = arena_alloc(f->arena, cursor_left(&f->data), 1);
        memcpy(joined + packed.len, b.at, cursor_left(&b));
        packed = (struct str){joined, packed.len + cursor_left(&b)};
    }
    if (!joined)
        return true;
    if (!zstd_decode_flushed(&unpacked, packed, f->limit, f->arena, e))
        return err_prefix(e, "perf.data: ");
    f->unpacked.at = (const u8 *)unpacked.ptr;
    f->unpacked.end = f->unpacked.at + unpacked.len;
    return true;
}

bool perf_file_open(struct perf_file *f, struct str bytes, size_t limit, struct arena *a,
                    struct err *e)
{
    bool is_big_endian = str_starts(bytes, STR("2ELIFREP"));
    struct cursor b = cursor_at(bytes, 0, is_big_endian != CURSOR_HOST_IS_BIG_ENDIAN);
    *f = (struct perf_file){.arena = a, .limit = limit, .all = b, .unpacked = b};
    f->unpacked.end = b.at;
    table_init(&f->ids, a);
    table_init(&f->path, a);
    arena_push(a, f->event_of_id, f->nid, f->id_cap);
    arena_push(a, f->build_id, f->nbuild_id, f->build_id_cap);
    cursor_skip(&b, 8);
    if (cursor_u64(&b) == PIPE_HEADER_BYTES)
        f->data = b;
    else if (!read_file_header(f, b, e))
        return false;
    if (!read_records(f, e) || !unpack(f, e))
        return false;
    perf_kernel_recognize(f);
    return f->nevent || err_set(e, EBADMSG, "perf.data: it does not say what was counted");
}
