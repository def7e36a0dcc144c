// gperftools' CPU profiles (https://gperftools.github.io/gperftools/cpuprofile-fileformat.html):
// words of 32 or 64 bits in the order of the machine that wrote them, then a text with the memory
// map, or for Java with the symbols.
#include <string.h>

#include "profile/legacy.h"

struct words {
    struct str rest;
    bool ended; // more was read than there is
    u32 size;   // bytes a word
    bool is_big_endian;
};

static u64 next_word(struct words *w)
{
    u64 value = 0;
    if (w->rest.len < w->size) {
        w->rest = STR("");
        w->ended = true;
        return 0;
    }
    for (u32 i = 0; i < w->size; i++) {
        u64 byte = (u8)w->rest.ptr[w->is_big_endian ? w->size - 1 - i : i];
        value |= byte << 8 * i;
    }
    w->rest = str_skip(w->rest, w->size);
    return value;
}

enum language { LANGUAGE_C, LANGUAGE_JAVA };

static bool read_header(struct words *w, struct str bytes, u32 *language, u64 *period_us)
{
    for (u32 i = 0; i < 4; i++) {
        *w = (struct words){.rest = bytes, .size = i < 2 ? 4 : 8, .is_big_endian = i % 2};
        u64 zero = next_word(w), three = next_word(w), kind = next_word(w);
        *period_us = next_word(w);
        u64 padding = next_word(w);
        *language = (u32)kind;
        if (!w->ended && zero == 0 && three == 3 && kind <= LANGUAGE_JAVA && *period_us &&
            padding == 0)
            return true;
    }
    return false;
}

// Reads one sample; false: at the end, or *bad.
static bool read_sample(struct legacy *l, struct words *w, bool adjust, bool *bad)
{
    if (w->rest.len == 0)
        return false;
    u64 count = next_word(w), n = next_word(w);
    *bad = w->ended || n > w->rest.len / 4;
    if (*bad)
        return false;
    u64 leaf = n ? next_word(w) : 0;
    if (count == 0 && n == 1 && leaf == 0)
        return false;
    build_sample(&l->b);
    build_value(&l->b, (i64)count);
    build_value(&l->b, (i64)count * l->b.p.period);
    for (u64 i = 0; i < n; i++)
        legacy_frame(l, i == 0 ? leaf : next_word(w) - adjust);
    return true;
}

static u64 second_address(const struct legacy *l, u32 sample)
{
    return l->address[l->b.p.sample[sample].frame + 1];
}

// The address that more than half of all samples have as their second frame, if there is one, and
// in how many they have it.
static u64 common_second(const struct legacy *l, u32 *count)
{
    const struct profile *p = &l->b.p;
    u64 candidate = 0;
    u32 lead = 0;
    for (u32 i = 0; i < p->nsample; i++) {
        if (p->sample[i].nframe < 2)
            continue;
        if (lead == 0)
            candidate = second_address(l, i);
        lead = lead == 0 || candidate == second_address(l, i) ? lead + 1 : lead - 1;
    }
    *count = 0;
    for (u32 i = 0; i < p->nsample; i++)
        *count += p->sample[i].nframe > 1 && candidate == second_address(l, i);
    return candidate;
}

// A second frame that nearly all samples have is the signal handler's: up to two such are left out.
static void drop_handler(struct legacy *l)
{
    enum { MOST_FRAMES = 2, ONE_IN = 32 };
    struct profile *p = &l->b.p;
    for (u32 round = 0; round < MOST_FRAMES; round++) {
        u32 count;
        u64 common = common_second(l, &count);
        if (count == 0 || count < p->nsample - p->nsample / ONE_IN)
            continue;
        for (u32 i = 0; i < p->nsample; i++) {
            struct sample *s = &p->sample[i];
            if (s->nframe < 2 || second_address(l, i) != common)
                continue;
            l->address[s->frame + 1] = l->address[s->frame];
            s->frame++;
            s->nframe--;
        }
    }
}

enum format legacy_cpu(struct legacy *l, struct str bytes, struct err *e)
{
    struct words w;
    u32 language;
    u64 period_us;
    bool bad = false;
    if (!read_header(&w, bytes, &language, &period_us))
        return FORMAT_OTHER;
    legacy_period(l, STR("cpu"), STR("nanoseconds"), (i64)(period_us * 1000));
    build_type(&l->b, STR("samples"), STR("count"));
    build_type(&l->b, STR("cpu"), STR("nanoseconds"));
    while (read_sample(l, &w, language == LANGUAGE_C, &bad))
        ;
    if (bad)
        return FORMAT_OTHER;
    if (language == LANGUAGE_JAVA)
        return legacy_java_cpu(l, w.rest, e);
    drop_handler(l);
    legacy_locate(l);
    legacy_mappings(l, &(struct lines){.rest = w.rest});
    legacy_drop_duplicates(l);
    return FORMAT_DECODED;
}
