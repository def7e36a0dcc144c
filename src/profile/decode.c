// The decoder of profile.proto: one pass over the bytes for all tables but the samples, whose
// places are noted and which several threads then decode.  Messages may come in any order, so what
// refers to rows that may still follow (strings, ids) is checked when all have been read.
#include "profile/decode.h"

#include <errno.h>

#include "profile/build.h"
#include "profile/samples.h"
#include "profile/wire.h"

enum {
    MARK_SAMPLES = 4096, // a mark for each so many samples
    MOST_TYPES = 4096    // they are found by name one after the other
};

// The ids of one table.  Ids are nearly always 1, 2, 3 ...: then row and id are the same and
// nothing is stored.
struct ids {
    struct table rows; // 8 bytes of id -> position
    u32 *row;          // by position
    u32 nrow, cap;
    bool in_use;
};

struct decoder {
    struct build b;
    u64 most_string; // the largest string index that was referred to
    bool first_string_bad;
    bool concatenated;
    u64 *mapping_id; // of each location
    u32 nmapping_id, mapping_id_cap;
    u64 *function_id; // of each line
    u32 nfunction_id, function_id_cap;
    struct sample_mark *mark;
    u32 nmark, mark_cap;
    struct sample_references refs;
    struct err *e;
};

static u32 string_index(struct decoder *d, struct reader *r, const struct field *f)
{
    u64 index = field_number(r, f);
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

static void note_sample(struct decoder *d, struct reader *r, const struct field *f, const u8 *at)
{
    r->bad |= f->wire != 2;
    if (d->b.p.nsample % MARK_SAMPLES == 0)
        *arena_push(d->b.arena, d->mark, d->nmark, d->mark_cap) =
            (struct sample_mark){at, d->b.p.nsample};
    d->b.p.nsample++;
}

static void decode_mapping(struct decoder *d, struct reader r, bool *bad)
{
    struct mapping m = {0};
    for (struct field f; read_field(&r, &f);) {
        switch (f.number) {
        case 1:
            m.id = field_number(&r, &f);
            break;
        case 2:
            m.start = field_number(&r, &f);
            break;
        case 3:
            m.limit = field_number(&r, &f);
            break;
        case 4:
            m.offset = field_number(&r, &f);
            break;
        case 5:
            m.filename = string_index(d, &r, &f);
            break;
        case 6:
            m.build_id = string_index(d, &r, &f);
            break;
        case 7:
            m.has_functions = field_number(&r, &f) != 0;
            break;
        case 8:
            m.has_filenames = field_number(&r, &f) != 0;
            break;
        case 9:
            m.has_line_numbers = field_number(&r, &f) != 0;
            break;
        case 10:
            m.has_inline_frames = field_number(&r, &f) != 0;
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
            *function = field_number(&r, &f);
        else if (f.number == 2)
            line->line = (i64)field_number(&r, &f);
        else if (f.number == 3)
            line->column = (i64)field_number(&r, &f);
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
            l->id = field_number(&r, &f);
        else if (f.number == 2)
            *mapping = field_number(&r, &f);
        else if (f.number == 3)
            l->address = field_number(&r, &f);
        else if (f.number == 4)
            decode_line(d, field_message(&r, &f), bad);
        else if (f.number == 5)
            l->is_folded = field_number(&r, &f) != 0;
    }
    *bad |= r.bad;
}

static void decode_function(struct decoder *d, struct reader r, bool *bad)
{
    struct function fn = {0};
    for (struct field f; read_field(&r, &f);) {
        if (f.number == 1)
            fn.id = field_number(&r, &f);
        else if (f.number == 2)
            fn.name = string_index(d, &r, &f);
        else if (f.number == 3)
            fn.system_name = string_index(d, &r, &f);
        else if (f.number == 4)
            fn.filename = string_index(d, &r, &f);
        else if (f.number == 5)
            fn.start_line = (i64)field_number(&r, &f);
    }
    *bad |= r.bad;
    *build_function(&d->b) = fn;
}

static void decode_string(struct decoder *d, struct reader r)
{
    struct str s = reader_rest(&r);
    d->first_string_bad |= d->b.p.nstring == 0 && s.len != 0;
    *arena_push(d->b.arena, d->b.p.string, d->b.p.nstring, d->b.string_cap) = s;
}

static void decode_comment(struct decoder *d, struct reader *r, const struct field *f)
{
    struct profile *p = &d->b.p;
    if (f->wire != 2) {
        *arena_push(d->b.arena, p->comment, p->ncomment, d->b.comment_cap) = string_index(d, r, f);
        return;
    }
    struct reader packed = f->bytes;
    while (packed.at < packed.end) {
        struct field one = {.value = read_varint(&packed)};
        u32 string = string_index(d, r, &one);
        *arena_push(d->b.arena, p->comment, p->ncomment, d->b.comment_cap) = string;
    }
    r->bad |= packed.bad;
}

static void decode_field(struct decoder *d, struct reader *r, const struct field *f, const u8 *at)
{
    struct profile *p = &d->b.p;
    switch (f->number) {
    case 1:
        decode_value_type(d, field_message(r, f),
                          arena_push(d->b.arena, p->type, p->ntype, d->b.type_cap), &r->bad);
        break;
    case 2:
        note_sample(d, r, f, at);
        break;
    case 3:
        decode_mapping(d, field_message(r, f), &r->bad);
        break;
    case 4:
        decode_location(d, field_message(r, f), &r->bad);
        break;
    case 5:
        decode_function(d, field_message(r, f), &r->bad);
        break;
    case 6:
        decode_string(d, field_message(r, f));
        break;
    case 7:
        p->drop_frames = string_index(d, r, f);
        break;
    case 8:
        p->keep_frames = string_index(d, r, f);
        break;
    case 9:
        d->concatenated |= p->time_ns != 0;
        p->time_ns = (i64)field_number(r, f);
        break;
    case 10:
        p->duration_ns = (i64)field_number(r, f);
        break;
    case 11:
        decode_value_type(d, field_message(r, f), &p->period_type, &r->bad);
        break;
    case 12:
        p->period = (i64)field_number(r, f);
        break;
    case 13:
        decode_comment(d, r, f);
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

// Location ids -> rows, for all frames of a sample; false when one is unknown.
static bool resolve_frames(struct decoder *d, const struct ids *ids, const struct sample *s)
{
    struct profile *p = &d->b.p;
    for (u32 i = s->frame; i < s->frame + s->nframe; i++) {
        u64 id = p->frame[i];
        if (id & FAR_LOCATION)
            memcpy(&id, d->refs.far.key[id & ~FAR_LOCATION].ptr, sizeof(id));
        p->frame[i] = ids_row(ids, id, p->nlocation);
        if (p->frame[i] == 0)
            return false;
    }
    return true;
}

static bool resolve_samples(struct decoder *d, const struct ids *ids)
{
    struct profile *p = &d->b.p;
    bool near = !ids->in_use && d->refs.far.nkey == 1 && d->refs.most_location < p->nlocation;
    if (d->refs.zero_location)
        return MALFORMED(d, "sample has nil location");
    for (u32 i = 0; i < p->nsample && !near; i++) {
        if (!resolve_frames(d, ids, &p->sample[i]))
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
    return resolve_samples(d, &locations) && resolve_lines(d, &mappings, &functions);
}

// Whether label a belongs behind b: texts by key, then numbers by key.
static bool is_behind(const struct profile *p, const struct label *a, const struct label *b)
{
    if ((a->text == 0) != (b->text == 0))
        return a->text == 0;
    return a->key != b->key &&
           str_compare(profile_string(p, a->key), profile_string(p, b->key)) > 0;
}

// Merges the sorted halves of l; labels of one key keep their order.
static void merge_labels(const struct profile *p, struct label *l, u32 half, u32 n,
                         struct label *scratch)
{
    memcpy(scratch, l, half * sizeof(*l));
    u32 left = 0, right = half;
    for (u32 to = 0; left < half; to++) {
        bool take_right = right < n && is_behind(p, &scratch[left], &l[right]);
        l[to] = take_right ? l[right++] : scratch[left++];
    }
}

static void sort_labels(const struct profile *p, struct label *l, u32 n, struct label *scratch)
{
    bool is_sorted = true;
    for (u32 i = 1; i < n && is_sorted; i++)
        is_sorted = !is_behind(p, &l[i - 1], &l[i]);
    if (is_sorted)
        return;
    sort_labels(p, l, n / 2, scratch);
    sort_labels(p, l + n / 2, n - n / 2, scratch);
    merge_labels(p, l, n / 2, n, scratch);
}

// Samples share runs, and runs follow each other, so a run that begins before the last sorted one
// ends is sorted already.
static void sort_all_labels(struct profile *p, struct arena *a)
{
    bool *is_sorted = arena_new(a, bool, p->nlabel);
    struct label *scratch = arena_new(a, struct label, p->nlabel);
    for (u32 i = 0; i < p->nsample && p->nlabel; i++) {
        const struct sample *s = &p->sample[i];
        if (s->nlabel == 0 || is_sorted[s->label])
            continue;
        is_sorted[s->label] = true;
        sort_labels(p, &p->label[s->label], s->nlabel, scratch);
    }
}

static bool check_sample_values(struct decoder *d)
{
    const struct profile *p = &d->b.p;
    if (p->nsample && p->ntype == 0)
        return MALFORMED(d, "missing sample type information");
    if (p->ntype > MOST_TYPES)
        return MALFORMED(d, "%u sample types, more than %d", p->ntype, MOST_TYPES);
    return !d->refs.values_differ ||
           MALFORMED(d, "mismatch: sample has %u values vs. %u types", d->refs.nvalue, p->ntype);
}

static bool finish(struct decoder *d, struct reader r)
{
    struct profile *p = &d->b.p;
    if (d->concatenated)
        return err_set(d->e, ENOTUNIQ, "parsing profile: concatenated profiles detected");
    if (!r.bad)
        samples_decode(p, &d->refs, d->mark, d->nmark, r.end, d->b.arena);
    if (p->nstring == 0)
        arena_push(d->b.arena, p->string, p->nstring, d->b.string_cap);
    if (r.bad || d->refs.bad || d->first_string_bad || d->most_string >= p->nstring ||
        d->refs.most_string >= p->nstring)
        return err_set(d->e, EBADMSG, "parsing profile: unrecognized profile format");
    sort_all_labels(p, d->b.arena);
    return check_sample_values(d) && resolve_ids(d);
}

bool profile_decode(struct profile *out, struct str bytes, struct arena *a, struct err *e)
{
    if (bytes.len == 0)
        return err_set(e, EBADMSG, "parsing profile: empty input file");
    struct decoder d = {.e = e};
    build_init(&d.b, a);
    d.b.p.nstring = 0; // the bytes bring the empty string themselves
    struct reader r = reader_of(bytes);
    const u8 *at = r.at;
    for (struct field f; read_field(&r, &f); at = r.at)
        decode_field(&d, &r, &f, at);
    bool done = finish(&d, r);
    *out = d.b.p;
    return done;
}
