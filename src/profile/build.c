#include "profile/build.h"

void build_init(struct build *b, struct arena *a)
{
    *b = (struct build){.arena = a};
    table_init(&b->strings, a);
    arena_push(a, b->string_of, b->nstring_of, b->string_of_cap);
    arena_push(a, b->p.string, b->p.nstring, b->string_cap);
    arena_push(a, b->p.mapping, b->p.nmapping, b->mapping_cap);
    arena_push(a, b->p.location, b->p.nlocation, b->location_cap);
    arena_push(a, b->p.function, b->p.nfunction, b->function_cap);
}

u32 build_string(struct build *b, struct str s)
{
    if (s.len == 0)
        return 0;
    u32 position = table_add(&b->strings, s);
    if (position == b->nstring_of) {
        *arena_push(b->arena, b->string_of, b->nstring_of, b->string_of_cap) = b->p.nstring;
        *arena_push(b->arena, b->p.string, b->p.nstring, b->string_cap) = b->strings.key[position];
    }
    return b->string_of[position];
}

struct value_type *build_type(struct build *b, struct str type, struct str unit)
{
    struct value_type *t = arena_push(b->arena, b->p.type, b->p.ntype, b->type_cap);
    t->type = build_string(b, type);
    t->unit = build_string(b, unit);
    return t;
}

struct mapping *build_mapping(struct build *b)
{
    struct mapping *m = arena_push(b->arena, b->p.mapping, b->p.nmapping, b->mapping_cap);
    *m = (struct mapping){.id = b->p.nmapping - 1}; // a row that was taken back may be used again
    return m;
}

struct location *build_location(struct build *b)
{
    struct location *l = arena_push(b->arena, b->p.location, b->p.nlocation, b->location_cap);
    l->id = b->p.nlocation - 1;
    l->line = b->p.nline;
    return l;
}

struct function *build_function(struct build *b)
{
    struct function *f = arena_push(b->arena, b->p.function, b->p.nfunction, b->function_cap);
    f->id = b->p.nfunction - 1;
    return f;
}

struct sample *build_sample(struct build *b)
{
    struct sample *s = arena_push(b->arena, b->p.sample, b->p.nsample, b->sample_cap);
    *s = (struct sample){.frame = b->p.nframe, .label = b->p.nlabel};
    return s;
}

void build_reserve_samples(struct build *b, u64 n)
{
    if (n * (b->p.ntype + 1) > UINT32_MAX / 2)
        return;
    b->sample_cap = (u32)n;
    b->value_cap = (u32)n * b->p.ntype;
    b->p.sample = arena_new(b->arena, struct sample, b->sample_cap);
    b->p.value = arena_new(b->arena, i64, b->value_cap);
}

void build_more_samples(struct build *b, u32 n)
{
    u32 nvalue = n * b->p.ntype;
    while (b->sample_cap - b->p.nsample < n)
        b->p.sample = arena_grow(b->arena, b->p.sample, &b->sample_cap, sizeof(*b->p.sample));
    while (b->value_cap - b->nvalue < nvalue)
        b->p.value = arena_grow(b->arena, b->p.value, &b->value_cap, sizeof(*b->p.value));
    b->p.nsample += n;
    b->nvalue += nvalue;
}

struct line *build_line(struct build *b)
{
    b->p.location[b->p.nlocation - 1].nline++;
    return arena_push(b->arena, b->p.line, b->p.nline, b->line_cap);
}

void build_frame(struct build *b, u32 location)
{
    b->p.sample[b->p.nsample - 1].nframe++;
    *arena_push(b->arena, b->p.frame, b->p.nframe, b->frame_cap) = location;
}

struct label *build_label(struct build *b)
{
    b->p.sample[b->p.nsample - 1].nlabel++;
    return arena_push(b->arena, b->p.label, b->p.nlabel, b->label_cap);
}

void build_value(struct build *b, i64 value)
{
    *arena_push(b->arena, b->p.value, b->nvalue, b->value_cap) = value;
}

void build_comment(struct build *b, struct str s)
{
    u32 string = build_string(b, s);
    *arena_push(b->arena, b->p.comment, b->p.ncomment, b->comment_cap) = string;
}
