#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "base/compress.h"
#include "base/file.h"
#include "profile/build.h"
#include "profile/encode.h"
#include "profile/filter.h"
#include "profile/label.h"
#include "profile/read.h"

static struct arena arena;

// A profile with all that the format has: two types, labels of both kinds, inlined lines, two
// mappings.
static struct profile sample_profile(void)
{
    struct build b;
    build_init(&b, &arena);
    build_type(&b, STR("samples"), STR("count"));
    build_type(&b, STR("cpu"), STR("nanoseconds"));
    struct mapping *m = build_mapping(&b);
    m->start = 0x400000;
    m->limit = 0x500000;
    m->filename = build_string(&b, STR("/bin/program"));
    m->build_id = build_string(&b, STR("abcdef"));
    m->has_functions = true;
    m = build_mapping(&b);
    m->start = 0x7f0000000000;
    m->limit = 0x7f0000100000;
    m->offset = 0x2000;
    m->filename = build_string(&b, STR("/lib/libc.so.6"));
    static const char *const name[] = {"main", "work", "inlined", "malloc"};
    for (u32 i = 0; i < ARRAY_LEN(name); i++) {
        u32 string = build_string(&b, str_of(name[i]));
        struct function *f = build_function(&b);
        f->name = f->system_name = string;
        f->filename = build_string(&b, STR("program.c"));
        f->start_line = 10 * (i64)i;
    }
    for (u32 i = 0; i < 3; i++) {
        struct location *l = build_location(&b);
        l->mapping = i == 2 ? 2 : 1;
        l->address = 0x400100 + i;
        if (i == 1) {
            struct line *inlined = build_line(&b);
            inlined->function = 3;
            inlined->line = 31;
            inlined->column = 4;
        }
        struct line *line = build_line(&b);
        line->function = i == 2 ? 4 : i + 1;
        line->line = 12;
    }
    for (u32 i = 0; i < 3; i++) {
        build_sample(&b);
        for (u32 k = i + 1; k > 0; k--)
            build_frame(&b, k);
        build_value(&b, (i64)i + 1);
        build_value(&b, i == 2 ? -5 : 1000 * ((i64)i + 1));
    }
    struct label *l = build_label(&b); // of the last sample
    l->key = build_string(&b, STR("route"));
    l->text = build_string(&b, STR("/upload"));
    l = build_label(&b);
    l->key = build_string(&b, STR("bytes"));
    l->number = 4096;
    l->unit = build_string(&b, STR("bytes"));
    build_comment(&b, STR("a comment"));
    b.p.period_type.type = build_string(&b, STR("cpu"));
    b.p.period_type.unit = build_string(&b, STR("nanoseconds"));
    b.p.period = 10000000;
    b.p.time_ns = 1700000000000000000;
    b.p.duration_ns = 30000000000;
    b.p.drop_frames = build_string(&b, STR("malloc"));
    return b.p;
}

static struct str encoded(const struct profile *p)
{
    struct buf b;
    buf_init(&b, (size_t)MIB(64));
    profile_encode(&b, p);
    struct str bytes = arena_str(&arena, buf_str(&b));
    buf_free(&b);
    return bytes;
}

static bool decode(struct profile *p, struct str bytes, struct err *e)
{
    return profile_read(p, bytes, (size_t)MIB(64), &arena, e);
}

static void test_round_trip(void)
{
    struct profile p = sample_profile(), again;
    struct err e = {0};
    struct str bytes = encoded(&p);
    ok(decode(&again, bytes, &e), "an encoded profile decodes %s", e.text);
    ok(str_equal(encoded(&again), bytes), "and encodes to the same bytes");
    ok(again.nsample == 3 && again.ntype == 2 && again.nlocation == 4 && again.nfunction == 5 &&
           again.nmapping == 3 && again.nline == 4 && again.ncomment == 1,
       "with all of its rows");
    ok(profile_values(&again, 2)[1] == -5 && again.sample[2].nframe == 3 &&
           again.frame[again.sample[2].frame] == 3,
       "values and stacks are where they were");
    const struct label *l = again.label + again.sample[2].label;
    ok(again.sample[2].nlabel == 2 &&
           str_equal(profile_string(&again, l[0].text), STR("/upload")) && l[1].number == 4096,
       "labels are, texts first");
    struct buf packed;
    buf_init(&packed, (size_t)MIB(1));
    profile_encode_gzip(&packed, &p);
    ok(decode(&again, buf_str(&packed), &e) && again.time_ns == p.time_ns,
       "gzipped it decodes as well");
    buf_free(&packed);
}

static void test_cut_short(void)
{
    struct profile p = sample_profile(), again;
    struct str bytes = encoded(&p);
    u32 refused = 0;
    for (size_t n = 0; n < bytes.len; n++) {
        struct err e = {0};
        char *copy = malloc(n + 1); // of its exact size, for the sanitizer
        memcpy(copy, bytes.ptr, n);
        bool whole = decode(&again, (struct str){copy, n}, &e);
        refused += !whole && e.code == EBADMSG && *e.text;
        free(copy);
    }
    ok(refused > bytes.len / 2, "%u of %zu beginnings are refused, with a sentence; none does harm",
       refused, bytes.len);
}

// One message: field number, bytes.
static void put(struct buf *b, u32 field, struct str bytes)
{
    buf_char(b, (char)(field << 3 | 2));
    buf_char(b, (char)bytes.len);
    buf_add(b, bytes);
}

// A profile by its parts: a type with empty names, then these messages.
static bool decode_parts(const char *sample, const char *location, struct err *e)
{
    struct buf b;
    struct profile p;
    buf_init(&b, 1000);
    put(&b, 1, STR(""));
    if (sample)
        put(&b, 2, str_of(sample));
    if (location)
        put(&b, 4, str_of(location));
    put(&b, 6, STR(""));
    bool done = decode(&p, arena_str(&arena, buf_str(&b)), e);
    buf_free(&b);
    return done;
}

static void test_malformed(void)
{
    struct err e = {0};
    struct profile p;
    ok(!decode(&p, STR(""), &e) && strcmp(e.text, "parsing profile: empty input file") == 0,
       "no bytes: %s", e.text);
    ok(!decode(&p, STR("hello, world"), &e), "text: %s", e.text);
    ok(!decode_parts("\x08\x07\x10\x01", NULL, &e) && strstr(e.text, "sample has nil location"),
       "an unknown location: %s", e.text);
    ok(!decode_parts("\x10\x01\x10\x02", NULL, &e) &&
           strstr(e.text, "mismatch: sample has 2 values vs. 1 types"),
       "too many values: %s", e.text);
    ok(!decode_parts(NULL, "\x18\x05", &e) && strstr(e.text, "found location with reserved id=0"),
       "id 0: %s", e.text);
    ok(!decode_parts(NULL, "\x08\x01\x22\x02\x08\x09", &e) &&
           strstr(e.text, "has a line with nil function"),
       "an unknown function: %s", e.text);
    ok(decode_parts("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01",
                    "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &e),
       "ids of 64 bits are found");
    ok(decode_parts("\x0a\x01\x05\x10\x01", "\x08\x05", &e), "ids need not be 1, 2, 3");
    ok(!decode(&p, STR("\x0b\x01"), &e), "a group: %s", e.text);
}

static void test_bomb(void)
{
    struct buf packed;
    struct err e;
    struct profile p;
    struct arena a;
    size_t n = (size_t)MIB(200);
    arena_init(&a, (size_t)MIB(512));
    buf_init(&packed, (size_t)MIB(512));
    gzip_encode(&packed, (struct str){arena_alloc(&a, n, 1), n}, 9);
    arena_free(&a);
    size_t before = arena.mapped_bytes;
    ok(!profile_read(&p, buf_str(&packed), (size_t)MIB(100), &arena, &e) && e.code == EFBIG &&
           strstr(e.text, "-max_size"),
       "a gzip bomb is refused, with the flag that raises the limit: %s", e.text);
    ok(arena.mapped_bytes - before < (size_t)MIB(110), "and costs no more than the limit");
    buf_free(&packed);
}

static bool has_function(const struct profile *p, u32 sample, const char *name)
{
    const struct sample *s = &p->sample[sample];
    for (u32 k = s->frame; k < s->frame + s->nframe; k++) {
        const struct location *l = &p->location[p->frame[k]];
        for (u32 i = 0; i < l->nline; i++) {
            if (str_equal(profile_string(p, p->function[p->line[l->line + i].function].name),
                          str_of(name)))
                return true;
        }
    }
    return false;
}

static void test_filters(void)
{
    struct profile p = sample_profile();
    struct err e;
    struct regex *work, *inlined, *malloc_;
    struct filter_matched m;
    regex_compile(&work, STR("^work$"), &e);
    regex_compile(&inlined, STR("inlined"), &e);
    regex_compile(&malloc_, STR("malloc"), &e);
    struct profile focused = filter_names(&p, &(struct filter_names){.focus = work}, &m, &arena);
    struct profile ignored = filter_names(&p, &(struct filter_names){.ignore = work}, &m, &arena);
    ok(focused.nsample == 2 && ignored.nsample == 1 && m.ignore,
       "focus and ignore part the samples between them");
    struct profile hidden = filter_names(&p, &(struct filter_names){.hide = inlined}, &m, &arena);
    ok(hidden.nsample == 3 && !has_function(&hidden, 1, "inlined") &&
           has_function(&hidden, 1, "work") && m.hide,
       "hide takes a line out of its location");
    struct profile shown = filter_names(&p, &(struct filter_names){.show = work}, &m, &arena);
    ok(shown.nsample == 2 && !has_function(&shown, 0, "main") && has_function(&shown, 0, "work"),
       "show leaves nothing else");
    bool matched;
    struct profile from = filter_show_from(&p, work, &matched, &arena);
    ok(matched && from.nsample == 2 && !has_function(&from, 1, "main") &&
           has_function(&from, 1, "malloc"),
       "show_from cuts what is above");
    struct profile below = filter_prune_from(&p, work, &arena);
    ok(below.nsample == 3 && !has_function(&below, 2, "malloc") && has_function(&below, 2, "work"),
       "prune_from cuts what is below");
    struct profile dropped;
    ok(filter_drop_frames(&dropped, &p, &arena, &e) && !has_function(&dropped, 2, "malloc") &&
           has_function(&dropped, 2, "work") && profile_values(&dropped, 2)[1] == -5,
       "drop_frames takes the allocator out and leaves its value to the caller");
    ok(has_function(&p, 2, "malloc") && has_function(&p, 0, "main") && p.nsample == 3,
       "none of them touched the profile");
    struct profile files =
        filter_aggregate(&p, (struct granularity){.inlines = true, .filename = true}, &arena);
    ok(!has_function(&files, 0, "main") && files.location[1].address == 0,
       "aggregation blanks what is not told apart");
    regex_free(work);
    regex_free(inlined);
    regex_free(malloc_);
}

static void test_labels(void)
{
    struct profile p = sample_profile();
    struct profile set = label_set(&p, STR("new"), STR("yes"), &arena);
    ok(set.sample[0].nlabel == 1 && set.sample[2].nlabel == 3 &&
           str_equal(profile_string(&set, set.label[set.sample[0].label].text), STR("yes")),
       "a label can be put on all samples");
    ok(p.sample[0].nlabel == 0 && p.sample[2].nlabel == 2, "which leaves the profile as it was");
    set = label_set(&p, STR("route"), STR("/"), &arena);
    ok(set.sample[2].nlabel == 2 && p.sample[2].nlabel == 2, "or instead of one with its key");
}

static void test_types(void)
{
    struct profile p = sample_profile();
    struct err e;
    u32 type;
    ok(profile_type_find(&type, &p, STR(""), &e) && type == 1, "the last type is the default");
    ok(profile_type_find(&type, &p, STR("samples"), &e) && type == 0, "a type is found by name");
    ok(profile_type_find(&type, &p, STR("inuse_cpu"), &e) && type == 1, "or with inuse_ in front");
    ok(profile_type_find(&type, &p, STR("0"), &e) && type == 0, "or by number");
    ok(!profile_type_find(&type, &p, STR("zz"), &e) &&
           strcmp(e.text, "sample_index \"zz\" must be one of: [samples cpu]") == 0,
       "an unknown one names those that there are");
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(1024));
    test_round_trip();
    test_cut_short();
    test_malformed();
    test_bomb();
    test_filters();
    test_labels();
    test_types();
    arena_free(&arena);
    return done();
}
