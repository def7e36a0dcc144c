// The decoder of profile.proto: one pass over the bytes.  The reader is sticky: after the first bad
// byte every read returns 0 and .bad is tested once, at the end.  Messages may come in any order,
// so what refers to rows that may still follow (strings, locations by id) is kept as it stands in
// the bytes and checked when all have been read.
#include "profile/decode.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "profile/build.h"

struct reader {
    const u8 *at, *end;
    bool bad;
};

// A field of a message: its number and the value of its wire type.
struct field {
    u32 number;
    u32 wire;  // 0 varint, 1 and 5 fixed, 2 bytes
    u64 value; // of a varint or a fixed number
    struct reader bytes;
};

// The ids of one table.  Ids are nearly always 1, 2, 3 ...: then row and id are the same and
// nothing is stored.
struct ids {
    struct table rows; // 8 bytes of id -> position of the row among rows that were looked up
    u32 *row;          // by position
    u32 nrow, cap;
    bool in_use;
};

struct decoder {
    struct build b;
    u64 most_string; // the largest string index that was referred to
    bool first_string_bad;
    bool concatenated;
    u32 nvalue_first; // values of the first sample
    u32 nvalue_other; // values of the first sample that has another number of them
    bool values_differ;
    u64 most_location; // the largest location id in a stack; ids that do not fit 32 bits are kept
                       // in far_location
    bool zero_location;
    struct table far_location;
    u64 *mapping_id; // of each location
    u32 nmapping_id, mapping_id_cap;
    u64 *function_id; // of each line
    u32 nfunction_id, function_id_cap;
    struct table label_runs;  // raw bytes of a sample's labels -> label_run row
    struct sample *label_run; // only .label and .nlabel are used
    u32 nlabel_run, label_run_cap;
    struct buf label_bytes;
    struct err *e;
};

// Stacks hold location ids below this bit, or rows of far_location above it.
#define FAR_LOCATION 0x80000000u

static u64 read_varint(struct reader *r)
{
    u64 value = 0;
    for (u32 shift = 0; shift < 70 && r->at < r->end; shift += 7) {
        u8 byte = *r->at++;
        value |= shift < 64 ? (u64)(byte & 0x7f) << shift : 0;
        if (byte < 0x80)
            return value;
    }
    r->bad = true;
    r->at = r->end;
    return 0;
}

static u64 read_fixed(struct reader *r, size_t bytes)
{
    u64 value = 0;
    if ((size_t)(r->end - r->at) < bytes) {
        r->bad = true;
        r->at = r->end;
        return 0;
    }
    memcpy(&value, r->at, bytes);
    r->at += bytes;
    return value;
}

static struct reader read_bytes(struct reader *r)
{
    u64 n = read_varint(r);
    if (n > (u64)(r->end - r->at)) {
        r->bad = true;
        r->at = r->end;
        return (struct reader){r->end, r->end, true};
    }
    struct reader bytes = {r->at, r->at + n, false};
    r->at += n;
    return bytes;
}

// The next field of a message; false at its end or at bad bytes.
static bool read_field(struct reader *r, struct field *f)
{
    if (r->at == r->end)
        return false;
    u64 key = read_varint(r);
    *f = (struct field){.number = key >> 3 > UINT32_MAX ? 0 : (u32)(key >> 3), .wire = key & 7};
    switch (f->wire) {
    case 0:
        f->value = read_varint(r);
        break;
    case 1:
        f->value = read_fixed(r, 8);
        break;
    case 2:
        f->bytes = read_bytes(r);
        break;
    case 5:
        f->value = read_fixed(r, 4);
        break;
    default:
        r->bad = true;
    }
    return !r->bad;
}

// A field that must be a varint, a message or text.
static u64 number(struct reader *r, const struct field *f)
{
    r->bad |= f->wire != 0;
    return f->value;
}

static struct reader message(struct reader *r, const struct field *f)
{
    r->bad |= f->wire != 2;
    return f->bytes;
}

static u32 string_index(struct decoder *d, struct reader *r, const struct field *f)
{
    u64 index = number(r, f);
    if (index > d->most_string)
        d->most_string = index;
    return (u32)index;
}

static void decode_value_type(struct decoder *d, struct reader r, struct value_type *t, bool *bad)
{
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1)
            t->type = string_index(d, &r, &f);
        else if (f.number == 2)
            t->unit = string_index(d, &r, &f);
    }
    *bad |= r.bad;
}

static void decode_label(struct decoder *d, struct reader r, bool *bad)
{
    struct label l = {0};
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1)
            l.key = string_index(d, &r, &f);
        else if (f.number == 2)
            l.text = string_index(d, &r, &f);
        else if (f.number == 3)
            l.number = (i64)number(&r, &f);
        else if (f.number == 4)
            l.unit = string_index(d, &r, &f);
    }
    *bad |= r.bad;
    if (l.text)
        l.number = 0, l.unit = 0;
    // As in pprof: a number 0 without a unit is no label at all.
    if (l.text || l.number || l.unit)
        *arena_push(d->b.arena, d->b.p.label, d->b.p.nlabel, d->b.label_cap) = l;
}

// Samples share their labels: the run of an earlier sample whose labels have the same bytes.
static void decode_labels(struct decoder *d, struct sample *s, bool *bad)
{
    u32 row = table_add(&d->label_runs, buf_str(&d->label_bytes));
    if (row == d->nlabel_run) {
        struct sample *run = arena_push(d->b.arena, d->label_run, d->nlabel_run, d->label_run_cap);
        run->label = d->b.p.nlabel;
        struct reader r = {(u8 *)d->label_bytes.data,
                           (u8 *)d->label_bytes.data + d->label_bytes.len, false};
        while (r.at < r.end)
            decode_label(d, read_bytes(&r), bad);
        run->nlabel = d->b.p.nlabel - run->label;
    }
    s->label = d->label_run[row].label;
    s->nlabel = d->label_run[row].nlabel;
}

static void push_frame(struct decoder *d, u64 id)
{
    u32 frame = (u32)id;
    if (unlikely(id >= FAR_LOCATION))
        frame = FAR_LOCATION | table_add(&d->far_location, (struct str){(char *)&id, sizeof(id)});
    else if (id > d->most_location)
        d->most_location = id;
    d->zero_location |= id == 0;
    build_frame(&d->b, frame);
}

static void decode_frames(struct decoder *d, struct reader *r, const struct field *f)
{
    if (f->wire != 2) {
        push_frame(d, number(r, f));
        return;
    }
    struct reader packed = f->bytes;
    while (packed.at < packed.end) {
        u64 id = read_varint(&packed);
        if (!packed.bad)
            push_frame(d, id);
    }
    r->bad |= packed.bad;
}

static u32 decode_values(struct decoder *d, struct reader *r, const struct field *f)
{
    if (f->wire != 2) {
        build_value(&d->b, (i64)number(r, f));
        return 1;
    }
    struct reader packed = f->bytes;
    u32 n = 0;
    for (; packed.at < packed.end; n++)
        build_value(&d->b, (i64)read_varint(&packed));
    r->bad |= packed.bad;
    return n;
}

static void check_values(struct decoder *d, u32 nvalue)
{
    if (d->b.p.nsample == 1) {
        d->nvalue_first = nvalue;
    } else if (nvalue != d->nvalue_first && !d->values_differ) {
        d->values_differ = true;
        d->nvalue_other = nvalue;
    }
}

static void decode_sample(struct decoder *d, struct reader r, bool *bad)
{
    struct sample *s = build_sample(&d->b);
    u32 nvalue = 0;
    d->label_bytes.len = 0;
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1) {
            decode_frames(d, &r, &f);
        } else if (f.number == 2) {
            nvalue += decode_values(d, &r, &f);
        } else if (f.number == 3) {
            struct reader label = message(&r, &f);
            // With the length in front, so that labels cannot run into each other.
            size_t n = (size_t)(label.end - label.at), rest = n;
            for (; rest >= 0x80; rest >>= 7)
                buf_char(&d->label_bytes, (char)(rest | 0x80));
            buf_char(&d->label_bytes, (char)rest);
            buf_add(&d->label_bytes, (struct str){(const char *)label.at, n});
        }
    }
    *bad |= r.bad;
    check_values(d, nvalue);
    if (d->label_bytes.len)
        decode_labels(d, s, bad);
}

static void decode_mapping(struct decoder *d, struct reader r, bool *bad)
{
    struct mapping m = {0};
    for (struct field f; read_field(&r, &f);) {
        switch (f.number) {
        case 1:
            m.id = number(&r, &f);
            break;
        case 2:
            m.start = number(&r, &f);
            break;
        case 3:
            m.limit = number(&r, &f);
            break;
        case 4:
            m.offset = number(&r, &f);
            break;
        case 5:
            m.filename = string_index(d, &r, &f);
            break;
        case 6:
            m.build_id = string_index(d, &r, &f);
            break;
        case 7:
            m.has_functions = number(&r, &f) != 0;
            break;
        case 8:
            m.has_filenames = number(&r, &f) != 0;
            break;
        case 9:
            m.has_line_numbers = number(&r, &f) != 0;
            break;
        case 10:
            m.has_inline_frames = number(&r, &f) != 0;
            break;
        }
    }
    *bad |= r.bad;
    *build_mapping(&d->b) = m;
}

static void decode_line(struct decoder *d, struct reader r, bool *bad)
{
    struct line *line = build_line(&d->b);
    u64 *function = arena_push(d->b.arena, d->function_id, d->nfunction_id, d->function_id_cap);
    *function = 0;
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1)
            *function = number(&r, &f);
        else if (f.number == 2)
            line->line = (i64)number(&r, &f);
        else if (f.number == 3)
            line->column = (i64)number(&r, &f);
    }
    *bad |= r.bad;
}

static void decode_location(struct decoder *d, struct reader r, bool *bad)
{
    struct location *l = build_location(&d->b);
    u64 *mapping = arena_push(d->b.arena, d->mapping_id, d->nmapping_id, d->mapping_id_cap);
    *mapping = 0;
    l->id = 0;
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1)
            l->id = number(&r, &f);
        else if (f.number == 2)
            *mapping = number(&r, &f);
        else if (f.number == 3)
            l->address = number(&r, &f);
        else if (f.number == 4)
            decode_line(d, message(&r, &f), bad);
        else if (f.number == 5)
            l->is_folded = number(&r, &f) != 0;
    }
    *bad |= r.bad;
}

static void decode_function(struct decoder *d, struct reader r, bool *bad)
{
    struct function fn = {0};
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1)
            fn.id = number(&r, &f);
        else if (f.number == 2)
            fn.name = string_index(d, &r, &f);
        else if (f.number == 3)
            fn.system_name = string_index(d, &r, &f);
        else if (f.number == 4)
            fn.filename = string_index(d, &r, &f);
        else if (f.number == 5)
            fn.start_line = (i64)number(&r, &f);
    }
    *bad |= r.bad;
    *build_function(&d->b) = fn;
}

static void decode_string(struct decoder *d, struct reader r)
{
    struct str s = {(const char *)r.at, (size_t)(r.end - r.at)};
    d->first_string_bad |= d->b.p.nstring == 0 && s.len != 0;
    *arena_push(d->b.arena, d->b.p.string, d->b.p.nstring, d->b.string_cap) = s;
}

static void decode_comment(struct decoder *d, struct reader *r, const struct field *f)
{
    struct reader packed = message(r, f);
    while (packed.at < packed.end) {
        struct field one = {.value = read_varint(&packed)};
        u32 string = string_index(d, r, &one);
        *arena_push(d->b.arena, d->b.p.comment, d->b.p.ncomment, d->b.comment_cap) = string;
    }
    r->bad |= packed.bad;
}

static void decode_field(struct decoder *d, struct reader *r, const struct field *f)
{
    struct profile *p = &d->b.p;
    switch (f->number) {
    case 1:
        decode_value_type(d, message(r, f),
                          arena_push(d->b.arena, p->type, p->ntype, d->b.type_cap), &r->bad);
        break;
    case 2:
        decode_sample(d, message(r, f), &r->bad);
        break;
    case 3:
        decode_mapping(d, message(r, f), &r->bad);
        break;
    case 4:
        decode_location(d, message(r, f), &r->bad);
        break;
    case 5:
        decode_function(d, message(r, f), &r->bad);
        break;
    case 6:
        decode_string(d, message(r, f));
        break;
    case 7:
        p->drop_frames = string_index(d, r, f);
        break;
    case 8:
        p->keep_frames = string_index(d, r, f);
        break;
    case 9:
        d->concatenated |= p->time_ns != 0;
        p->time_ns = (i64)number(r, f);
        break;
    case 10:
        p->duration_ns = (i64)number(r, f);
        break;
    case 11:
        decode_value_type(d, message(r, f), &p->period_type, &r->bad);
        break;
    case 12:
        p->period = (i64)number(r, f);
        break;
    case 13:
        if (f->wire == 2)
            decode_comment(d, r, f);
        else
            *arena_push(d->b.arena, p->comment, p->ncomment, d->b.comment_cap) =
                string_index(d, r, f);
        break;
    case 14:
        p->default_type = string_index(d, r, f);
        break;
    case 15:
        p->doc_url = string_index(d, r, f);
        break;
    }
}

// Takes in the id of the next row (1, 2, 3 ...).  False when an earlier row has it.
static bool ids_add(struct ids *ids, struct arena *a, u64 id, u32 row)
{
    if (!ids->in_use && id == row)
        return true;
    if (!ids->in_use) {
        table_init(&ids->rows, a);
        ids->in_use = true;
        arena_push(a, ids->row, ids->nrow, ids->cap);
        for (u64 earlier = 1; earlier < row; earlier++) {
            table_add(&ids->rows, (struct str){(char *)&earlier, sizeof(earlier)});
            *arena_push(a, ids->row, ids->nrow, ids->cap) = (u32)earlier;
        }
    }
    if (table_add(&ids->rows, (struct str){(char *)&id, sizeof(id)}) != ids->nrow)
        return false;
    *arena_push(a, ids->row, ids->nrow, ids->cap) = row;
    return true;
}

// Row of an id, or 0; nrow is the table's count, row 0 included.
static u32 ids_row(const struct ids *ids, u64 id, u32 nrow)
{
    if (!ids->in_use)
        return id < nrow ? (u32)id : 0;
    u32 position = table_find(&ids->rows, (struct str){(char *)&id, sizeof(id)});
    return position ? ids->row[position] : 0;
}

#define MALFORMED(d, ...) err_set((d)->e, EBADMSG, "malformed profile: " __VA_ARGS__)

// Checks the ids of a table and fills *ids; name and reserved as in pprof's messages.
#define COLLECT_IDS(d, ids, table, count, name, id_word)                                           \
    for (u32 row = 1; row < (count); row++) {                                                      \
        u64 id = (table)[row].id;                                                                  \
        if (id == 0)                                                                               \
            return MALFORMED(d, "found " name " with reserved " id_word "=0");                     \
        if (!ids_add(&(ids), (d)->b.arena, id, row))                                               \
            return MALFORMED(d, "multiple " name "s with same id: %llu", (unsigned long long)id);  \
    }

static bool resolve_locations(struct decoder *d, const struct ids *ids)
{
    struct profile *p = &d->b.p;
    bool near = !ids->in_use && d->far_location.nkey == 1 && d->most_location < p->nlocation;
    if (d->zero_location)
        return MALFORMED(d, "sample has nil location");
    for (u32 i = 0; i < p->nframe && !near; i++) {
        u64 id = p->frame[i];
        if (id & FAR_LOCATION)
            memcpy(&id, d->far_location.key[id & ~FAR_LOCATION].ptr, sizeof(id));
        p->frame[i] = ids_row(ids, id, p->nlocation);
        if (p->frame[i] == 0)
            return MALFORMED(d, "sample has nil location");
    }
    return true;
}

static bool resolve_lines(struct decoder *d, const struct ids *mappings,
                          const struct ids *functions)
{
    struct profile *p = &d->b.p;
    for (u32 row = 1; row < p->nlocation; row++) {
        struct location *l = &p->location[row];
        l->mapping = ids_row(mappings, d->mapping_id[row - 1], p->nmapping);
        for (u32 i = l->line; i < l->line + l->nline; i++) {
            p->line[i].function = ids_row(functions, d->function_id[i], p->nfunction);
            if (p->line[i].function == 0)
                return MALFORMED(d, "location id: %llu has a line with nil function",
                                 (unsigned long long)l->id);
        }
    }
    return true;
}

static bool resolve_ids(struct decoder *d)
{
    struct profile *p = &d->b.p;
    struct ids mappings = {0}, functions = {0}, locations = {0};
    COLLECT_IDS(d, mappings, p->mapping, p->nmapping, "mapping", "ID");
    COLLECT_IDS(d, functions, p->function, p->nfunction, "function", "ID");
    COLLECT_IDS(d, locations, p->location, p->nlocation, "location", "id");
    return resolve_locations(d, &locations) && resolve_lines(d, &mappings, &functions);
}

// Texts by key, then numbers by key; labels of one key keep their order.
static void sort_labels(struct profile *p, const struct sample *run)
{
    struct label *l = run->nlabel ? &p->label[run->label] : NULL;
    for (u32 i = 1; i < run->nlabel; i++) {
        struct label moving = l[i];
        u32 to = i;
        for (; to > 0; to--) {
            struct label before = l[to - 1];
            int order = (before.text == 0) - (moving.text == 0);
            if (order == 0)
                order = str_compare(profile_string(p, before.key), profile_string(p, moving.key));
            if (order <= 0)
                break;
            l[to] = before;
        }
        l[to] = moving;
    }
}

static bool check_sample_values(struct decoder *d)
{
    struct profile *p = &d->b.p;
    if (p->nsample && p->ntype == 0)
        return MALFORMED(d, "missing sample type information");
    u32 n = p->nsample && d->nvalue_first != p->ntype ? d->nvalue_first : d->nvalue_other;
    if (p->nsample && (d->nvalue_first != p->ntype || d->values_differ))
        return MALFORMED(d, "mismatch: sample has %u values vs. %u types", n, p->ntype);
    return true;
}

static bool finish(struct decoder *d, const struct reader *r)
{
    struct profile *p = &d->b.p;
    if (d->concatenated)
        return err_set(d->e, EBADMSG, "parsing profile: concatenated profiles detected");
    if (r->bad || d->label_bytes.full)
        return err_set(d->e, EBADMSG, "parsing profile: unrecognized profile format");
    if (p->nstring == 0)
        arena_push(d->b.arena, p->string, p->nstring, d->b.string_cap);
    if (d->first_string_bad || d->most_string >= p->nstring)
        return err_set(d->e, EBADMSG, "parsing profile: unrecognized profile format");
    for (u32 run = 1; run < d->nlabel_run; run++)
        sort_labels(p, &d->label_run[run]);
    return check_sample_values(d) && resolve_ids(d);
}

static bool decode_plain(struct profile *out, struct str bytes, struct arena *a, struct err *e)
{
    struct decoder d = {.e = e};
    build_init(&d.b, a);
    d.b.p.nstring = 0; // the bytes bring the empty string themselves
    table_init(&d.far_location, a);
    table_init(&d.label_runs, a);
    arena_push(a, d.label_run, d.nlabel_run, d.label_run_cap);
    buf_init(&d.label_bytes, bytes.len + 16);
    struct reader r = {(const u8 *)bytes.ptr, (const u8 *)bytes.ptr + bytes.len, false};
    for (struct field f; read_field(&r, &f);)
        decode_field(&d, &r, &f);
    bool done = finish(&d, &r);
    buf_free(&d.label_bytes);
    *out = d.b.p;
    return done;
}

bool profile_decode(struct profile *out, struct str bytes, size_t limit, struct arena *a,
                    struct err *e)
{
    if (gzip_is(bytes) && !gzip_decode(&bytes, bytes, limit, a, e))
        return false;
    if (bytes.len == 0)
        return err_set(e, EBADMSG, "parsing profile: empty input file");
    return decode_plain(out, bytes, a, e);
}
