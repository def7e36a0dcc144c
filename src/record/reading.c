#include "record/reading.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct record_stack *reading_stack_at(const struct record_view *v, u32 word)
{
    u32 n = v->header.section[RECORD_STACK_WORD].nrow, head = sizeof(struct record_stack) / 8;
    if (word == 0 || word >= n || n - word < head)
        return NULL;
    const struct record_stack *s = (const struct record_stack *)(v->stack_word + word);
    u32 tail = s->kind == RECORD_HEAP ? sizeof(struct record_holding) / 8 : 0;
    bool fits = s->nframe <= RECORD_MAX_FRAMES && s->nframe + tail <= n - word - head;
    return fits && s->kind != 0 && s->kind < RECORD_NKIND ? s : NULL;
}

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

void reading_named_sample(struct reading *r, struct str name)
{
    u32 location = named_location(r, name);
    build_sample(&r->b);
    build_frame(&r->b, location);
}

// Strings of a label set, one after the other; empty at the end and where it is damaged.
static struct str next_string(const struct record_view *v, u32 *at)
{
    u32 n = v->header.section[RECORD_LABEL].nrow;
    if (*at >= n)
        return STR("");
    struct str s = {v->label + *at, strnlen(v->label + *at, n - *at)};
    *at += (u32)s.len + 1;
    return s;
}

enum { MOST_LABELS = RECORD_MAX_LABELS + 4 };

static int by_key(const void *a, const void *b)
{
    return str_compare(((const struct reading_label *)a)->key,
                       ((const struct reading_label *)b)->key);
}

// Labels are sorted: texts by key, then numbers.
static void add_labels(struct reading *r, u32 set, const struct reading_label *extra, u32 nextra)
{
    struct reading_label label[MOST_LABELS];
    u32 n = 0, ntext;
    for (u32 at = set; at && n < RECORD_MAX_LABELS; n++) {
        label[n] = (struct reading_label){.key = next_string(r->v, &at)};
        if (label[n].key.len == 0)
            break;
        label[n].text = next_string(r->v, &at);
    }
    for (u32 i = 0; i < nextra && n < MOST_LABELS && extra[i].text.len; i++)
        label[n++] = extra[i];
    ntext = n;
    for (u32 i = 0; i < nextra && n < MOST_LABELS; i++) {
        if (extra[i].text.len == 0)
            label[n++] = extra[i];
    }
    qsort(label, ntext, sizeof(*label), by_key);
    for (u32 i = 0; i < n; i++) {
        u32 key = build_string(&r->b, label[i].key), text = build_string(&r->b, label[i].text),
            unit = build_string(&r->b, label[i].unit);
        *build_label(&r->b) = (struct label){key, text, text ? 0 : unit, label[i].number};
    }
}

void reading_sample(struct reading *r, const struct record_stack *s,
                    const struct reading_label *extra, u32 nextra)
{
    const struct record_stack *frames = s;
    if (s->labels && s->nframe == 1)
        frames = reading_stack_at(r->v, (u32)s->frame[0]);
    build_sample(&r->b);
    *arena_push(r->b.arena, r->stack_of, r->nstack_of, r->stack_of_cap) =
        (u32)((const u64 *)s - r->v->stack_word);
    for (u32 i = 0; frames && frames->labels == 0 && i < frames->nframe; i++)
        build_frame(&r->b, frame_location(r, frames->frame[i]));
    if (s->flags & RECORD_OVERFLOW)
        build_frame(&r->b, named_location(r, STR("[overflow]")));
    if (s->flags & RECORD_TRUNCATED)
        build_frame(&r->b, named_location(r, STR("[truncated]")));
    add_labels(r, s->labels, extra, nextra);
}

void reading_stacks(struct reading *r, u16 kind,
                    void (*f)(struct reading *r, const struct record_stack *s, u32 word,
                              void *context),
                    void *context)
{
    // The overflow stacks are in no slot.
    u32 overflow =
        1 + kind * (u32)(sizeof(struct record_stack) + sizeof(struct record_holding)) / 8;
    u32 n = r->v->header.section[RECORD_STACK_SLOT].nrow;
    for (u32 i = 0; i <= n; i++) {
        u32 word = i == 0 ? overflow : r->v->stack_slot[i - 1];
        const struct record_stack *s = reading_stack_at(r->v, word);
        if (s && s->kind == kind)
            f(r, s, word, context);
    }
}

void reading_init(struct reading *r, const struct record_view *v, struct arena *a)
{
    *r = (struct reading){.v = v};
    build_init(&r->b, a);
    table_init(&r->locations, a);
    arena_push(a, r->location, r->nlocation, r->location_cap);
    add_mappings(r);
}

void reading_types(struct reading *r, const char *const (*type)[2], u32 ntype)
{
    for (u32 i = 0; i < ntype; i++)
        build_type(&r->b, str_of(type[i][0]), str_of(type[i][1]));
}

void reading_period(struct reading *r, const char *type, const char *unit, i64 period)
{
    r->b.p.period_type.type = build_string(&r->b, str_of(type));
    r->b.p.period_type.unit = build_string(&r->b, str_of(unit));
    r->b.p.period = period;
}
