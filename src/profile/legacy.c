#include "profile/legacy.h"

#include <errno.h>
#include <math.h>
#include <string.h>

bool lines_next(struct lines *l)
{
    bool any = l->rest.len != 0;
    l->line = str_cut(&l->rest, '\n');
    if (str_ends(l->line, STR("\r")))
        l->line.len--;
    return any;
}

bool line_is_comment(struct str line)
{
    line = str_trim(line);
    return line.len == 0 || line.ptr[0] == '#';
}

bool line_is_map_start(struct str line)
{
    return str_find(line, STR("--- Memory map: ---")) >= 0 ||
           str_find(line, STR("MAPPED_LIBRARIES:")) >= 0;
}

void legacy_init(struct legacy *l, struct arena *a)
{
    *l = (struct legacy){.arena = a};
    build_init(&l->b, a);
}

void legacy_period(struct legacy *l, struct str type, struct str unit, i64 period)
{
    l->b.p.period_type.type = build_string(&l->b, type);
    l->b.p.period_type.unit = build_string(&l->b, unit);
    l->b.p.period = period;
}

void legacy_frame(struct legacy *l, u64 address)
{
    struct sample *s = &l->b.p.sample[l->b.p.nsample - 1];
    if (s->nframe == 0)
        s->frame = l->naddress;
    s->nframe++;
    *arena_push(l->arena, l->address, l->naddress, l->address_cap) = address;
}

// The hexadecimal digits at the start of text, as a number.
static bool parse_hex(u64 *out, struct str text, size_t *ndigits)
{
    bool fits = true;
    *out = 0;
    for (*ndigits = 0; *ndigits < text.len; ++*ndigits) {
        char c = text.ptr[*ndigits];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f'))
            break;
        fits &= *out >> 60 == 0;
        *out = *out << 4 | (u64)(digit ? c - '0' : c - 'a' + 10);
    }
    return fits;
}

bool legacy_frames(struct legacy *l, struct str text, struct err *e)
{
    u64 address;
    size_t n;
    for (i64 at; (at = str_find(text, STR("0x"))) >= 0; text = str_skip(text, n)) {
        text = str_skip(text, (size_t)at + 2);
        if (!parse_hex(&address, text, &n))
            return err_set(e, EBADMSG, "failed to parse as hex 64-bit number: 0x%.*s", (int)n,
                           text.ptr);
        if (n)
            legacy_frame(l, address - 1);
    }
    return true;
}

void legacy_block_size(struct legacy *l, i64 bytes)
{
    u32 key = build_string(&l->b, STR("bytes"));
    *build_label(&l->b) = (struct label){.key = key, .number = bytes};
}

void legacy_locate(struct legacy *l)
{
    struct profile *p = &l->b.p;
    struct table rows;
    table_init(&rows, l->arena);
    for (u32 i = 0; i < p->nsample; i++) {
        struct sample *s = &p->sample[i];
        u32 first = s->frame, n = s->nframe;
        s->frame = p->nframe;
        for (u32 k = first; k < first + n; k++) {
            u32 row = table_add(&rows, (struct str){(char *)&l->address[k], sizeof(u64)});
            if (row == p->nlocation)
                build_location(&l->b)->address = l->address[k];
            *arena_push(l->arena, p->frame, p->nframe, l->b.frame_cap) = row;
        }
    }
}

void legacy_sections(struct legacy *l, struct lines *lines)
{
    legacy_locate(l);
    while (!line_is_map_start(lines->line) && lines_next(lines))
        ;
    legacy_mappings(l, lines);
}

void legacy_drop_duplicates(struct legacy *l)
{
    struct profile *p = &l->b.p;
    for (u32 i = 0; i < p->nsample; i++) {
        struct sample *s = &p->sample[i];
        if (s->nframe < 2 || p->location[p->frame[s->frame]].address !=
                                 p->location[p->frame[s->frame + 1]].address + 1)
            continue;
        p->frame[s->frame + 1] = p->frame[s->frame];
        s->frame++;
        s->nframe--;
    }
}

void legacy_unsample(i64 *count, i64 *bytes, i64 rate)
{
    if (*count == 0 || *bytes == 0) {
        *count = *bytes = 0;
        return;
    }
    if (rate <= 1) // each block was counted, or nobody knows how many were
        return;
    double mean = (double)*bytes / (double)*count;
    double scale = 1 / (1 - exp(-mean / (double)rate));
    *count = i64_of((double)*count * scale);
    *bytes = i64_of((double)*bytes * scale);
}

bool legacy_number(i64 *out, struct str text)
{
    bool negative = str_starts(text, STR("-"));
    struct str digits = str_skip(text, negative || str_starts(text, STR("+")));
    if (str_starts(digits, STR("0x")) || str_starts(digits, STR("0X"))) {
        u64 value;
        size_t n;
        digits = str_skip(digits, 2);
        if (!parse_hex(&value, digits, &n) || n != digits.len || n == 0 || value > INT64_MAX)
            return false;
        *out = negative ? -(i64)value : (i64)value;
        return true;
    }
    if (digits.len < 2 || digits.ptr[0] != '0')
        return str_i64(out, text);
    i64 value = 0;
    for (size_t i = 1; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '7' || value >> 59)
            return false;
        value = value << 3 | (digits.ptr[i] - '0');
    }
    *out = negative ? -value : value;
    return true;
}
