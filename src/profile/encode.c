#include "profile/encode.h"

#include <string.h>

#include "base/compress.h"
#include "base/table.h"

enum { OUT_LIMIT_GIB = 16, GZIP_LEVEL = 6 };

struct encoder {
    struct arena arena;
    struct table strings; // content -> index + 1
    const struct profile *p;
    u32 *index; // of a string row + 1; 0: not used yet
    struct buf *out;
    struct buf message, inner; // bodies of the message at hand and of a message inside it
};

static void put_varint(struct buf *b, u64 value)
{
    char *at = buf_reserve(b, 10);
    if (!at)
        return;
    for (; value >= 0x80; value >>= 7, b->len++)
        *at++ = (char)(value | 0x80);
    *at = (char)value;
    b->len++;
}

static void put_number(struct buf *b, u32 field, u64 value)
{
    put_varint(b, field << 3);
    put_varint(b, value);
}

static void put_number_opt(struct buf *b, u32 field, u64 value)
{
    if (value)
        put_number(b, field, value);
}

static void put_bytes(struct buf *b, u32 field, struct str bytes)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, bytes.len);
    buf_add(b, bytes);
}

// Index of a string row in the table that is written.
static u64 string_index(struct encoder *enc, u32 string)
{
    if (enc->index[string] == 0)
        enc->index[string] = table_add_shared(&enc->strings, profile_string(enc->p, string));
    return enc->index[string] - 1;
}

static void put_value_type(struct encoder *enc, u32 field, const struct value_type *t)
{
    enc->message.len = 0;
    put_number_opt(&enc->message, 1, string_index(enc, t->type));
    put_number_opt(&enc->message, 2, string_index(enc, t->unit));
    put_bytes(enc->out, field, buf_str(&enc->message));
}

// Repeated numbers are packed when there are more than two.
static void put_frames(struct encoder *enc, const struct sample *s)
{
    const u32 *frame = s->nframe ? &enc->p->frame[s->frame] : NULL;
    enc->inner.len = 0;
    for (u32 i = 0; i < s->nframe; i++) {
        u64 id = enc->p->location[frame[i]].id;
        if (s->nframe > 2)
            put_varint(&enc->inner, id);
        else
            put_number(&enc->message, 1, id);
    }
    if (s->nframe > 2)
        put_bytes(&enc->message, 1, buf_str(&enc->inner));
}

static void put_values(struct encoder *enc, u32 sample)
{
    const i64 *value = profile_values(enc->p, sample);
    enc->inner.len = 0;
    for (u32 i = 0; i < enc->p->ntype; i++) {
        if (enc->p->ntype > 2)
            put_varint(&enc->inner, (u64)value[i]);
        else
            put_number(&enc->message, 2, (u64)value[i]);
    }
    if (enc->p->ntype > 2)
        put_bytes(&enc->message, 2, buf_str(&enc->inner));
}

static void put_label(struct encoder *enc, const struct label *l)
{
    enc->inner.len = 0;
    put_number_opt(&enc->inner, 1, string_index(enc, l->key));
    put_number_opt(&enc->inner, 2, string_index(enc, l->text));
    put_number_opt(&enc->inner, 3, (u64)l->number);
    put_number_opt(&enc->inner, 4, string_index(enc, l->unit));
    put_bytes(&enc->message, 3, buf_str(&enc->inner));
}

static void put_sample(struct encoder *enc, u32 sample)
{
    const struct sample *s = &enc->p->sample[sample];
    enc->message.len = 0;
    put_frames(enc, s);
    put_values(enc, sample);
    for (u32 i = 0; i < s->nlabel; i++)
        put_label(enc, &enc->p->label[s->label + i]);
    put_bytes(enc->out, 2, buf_str(&enc->message));
}

static void put_mapping(struct encoder *enc, const struct mapping *m)
{
    struct buf *b = &enc->message;
    b->len = 0;
    put_number_opt(b, 1, m->id);
    put_number_opt(b, 2, m->start);
    put_number_opt(b, 3, m->limit);
    put_number_opt(b, 4, m->offset);
    put_number_opt(b, 5, string_index(enc, m->filename));
    put_number_opt(b, 6, string_index(enc, m->build_id));
    put_number_opt(b, 7, m->has_functions);
    put_number_opt(b, 8, m->has_filenames);
    put_number_opt(b, 9, m->has_line_numbers);
    put_number_opt(b, 10, m->has_inline_frames);
    put_bytes(enc->out, 3, buf_str(b));
}

static void put_line(struct encoder *enc, const struct line *line)
{
    enc->inner.len = 0;
    put_number_opt(&enc->inner, 1, enc->p->function[line->function].id);
    put_number_opt(&enc->inner, 2, (u64)line->line);
    put_number_opt(&enc->inner, 3, (u64)line->column);
    put_bytes(&enc->message, 4, buf_str(&enc->inner));
}

static void put_location(struct encoder *enc, const struct location *l)
{
    struct buf *b = &enc->message;
    b->len = 0;
    put_number_opt(b, 1, l->id);
    put_number_opt(b, 2, enc->p->mapping[l->mapping].id);
    put_number_opt(b, 3, l->address);
    for (u32 i = 0; i < l->nline; i++)
        put_line(enc, &enc->p->line[l->line + i]);
    put_number_opt(b, 5, l->is_folded);
    put_bytes(enc->out, 4, buf_str(b));
}

static void put_function(struct encoder *enc, const struct function *f)
{
    struct buf *b = &enc->message;
    b->len = 0;
    put_number_opt(b, 1, f->id);
    put_number_opt(b, 2, string_index(enc, f->name));
    put_number_opt(b, 3, string_index(enc, f->system_name));
    put_number_opt(b, 4, string_index(enc, f->filename));
    put_number_opt(b, 5, (u64)f->start_line);
    put_bytes(enc->out, 5, buf_str(b));
}

static void put_comments(struct encoder *enc)
{
    const struct profile *p = enc->p;
    enc->inner.len = 0;
    for (u32 i = 0; i < p->ncomment; i++) {
        if (p->ncomment > 2)
            put_varint(&enc->inner, string_index(enc, p->comment[i]));
        else
            put_number(enc->out, 13, string_index(enc, p->comment[i]));
    }
    if (p->ncomment > 2)
        put_bytes(enc->out, 13, buf_str(&enc->inner));
}

// The strings that only follow the string table in the bytes must have their place in it before it
// is written.
static void put_strings(struct encoder *enc)
{
    const struct profile *p = enc->p;
    string_index(enc, p->drop_frames);
    string_index(enc, p->keep_frames);
    string_index(enc, p->period_type.type);
    string_index(enc, p->period_type.unit);
    for (u32 i = 0; i < p->ncomment; i++)
        string_index(enc, p->comment[i]);
    string_index(enc, p->default_type);
    string_index(enc, p->doc_url);
    for (u32 row = 1; row < enc->strings.nkey; row++)
        put_bytes(enc->out, 6, enc->strings.key[row]);
}

static void put_trailer(struct encoder *enc)
{
    const struct profile *p = enc->p;
    put_strings(enc);
    put_number_opt(enc->out, 7, string_index(enc, p->drop_frames));
    put_number_opt(enc->out, 8, string_index(enc, p->keep_frames));
    put_number_opt(enc->out, 9, (u64)p->time_ns);
    put_number_opt(enc->out, 10, (u64)p->duration_ns);
    if (profile_string(p, p->period_type.type).len || profile_string(p, p->period_type.unit).len)
        put_value_type(enc, 11, &p->period_type);
    put_number_opt(enc->out, 12, (u64)p->period);
    put_comments(enc);
    put_number(enc->out, 14, string_index(enc, p->default_type));
    put_number_opt(enc->out, 15, string_index(enc, p->doc_url));
}

void profile_encode(struct buf *out, const struct profile *p)
{
    struct encoder enc = {.p = p, .out = out};
    arena_init(&enc.arena, SIZE_MAX);
    table_init(&enc.strings, &enc.arena);
    enc.index = arena_new(&enc.arena, u32, p->nstring);
    buf_init(&enc.message, out->limit);
    buf_init(&enc.inner, out->limit);
    table_add_shared(&enc.strings, STR(""));
    for (u32 i = 0; i < p->ntype; i++)
        put_value_type(&enc, 1, &p->type[i]);
    for (u32 i = 0; i < p->nsample; i++)
        put_sample(&enc, i);
    for (u32 row = 1; row < p->nmapping; row++)
        put_mapping(&enc, &p->mapping[row]);
    for (u32 row = 1; row < p->nlocation; row++)
        put_location(&enc, &p->location[row]);
    for (u32 row = 1; row < p->nfunction; row++)
        put_function(&enc, &p->function[row]);
    put_trailer(&enc);
    out->full |= enc.message.full || enc.inner.full;
    buf_free(&enc.message);
    buf_free(&enc.inner);
    arena_free(&enc.arena);
}

void profile_encode_gzip(struct buf *out, const struct profile *p)
{
    struct buf plain;
    buf_init(&plain, (size_t)OUT_LIMIT_GIB << 30);
    profile_encode(&plain, p);
    gzip_encode(out, buf_str(&plain), GZIP_LEVEL);
    out->full |= plain.full;
    buf_free(&plain);
}
