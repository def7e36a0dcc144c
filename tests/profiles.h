// Profiles for tests, from lines of text: "root;caller+inlined;leaf 10 20 key=text", a line a
// sample with its stack, a value for each type and labels.
#ifndef TESTS_PROFILES_H
#define TESTS_PROFILES_H

#include <string.h>

#include "profile/build.h"
#include "report/report.h"

struct text_profile {
    struct build b;
    struct table functions, locations; // names -> rows
};

static inline u32 text_function(struct text_profile *t, struct str name)
{
    u32 row = table_add(&t->functions, name);
    if (row == t->b.p.nfunction) {
        u32 string = build_string(&t->b, name);
        build_function(&t->b)->name = string;
    }
    return row;
}

// "outer+inlined+innermost" -> a location with three lines.
static inline u32 text_location(struct text_profile *t, struct str frame)
{
    u32 row = table_add(&t->locations, frame);
    if (row < t->b.p.nlocation)
        return row;
    struct str part[8];
    u32 n = 0, function[8];
    while (frame.len && n < ARRAY_LEN(part))
        part[n++] = str_cut(&frame, '+');
    for (u32 i = 0; i < n; i++)
        function[i] = text_function(t, part[i]);
    build_location(&t->b)->address = 0x1000 + 16 * (u64)row;
    for (u32 i = n; i > 0; i--)
        *build_line(&t->b) = (struct line){.function = function[i - 1], .line = 10 * i};
    return row;
}

static inline void text_label(struct text_profile *t, struct str word)
{
    struct str text = word, key = str_cut(&text, '=');
    struct label l = {.key = build_string(&t->b, key)};
    if (!str_i64(&l.number, text))
        l.text = build_string(&t->b, text);
    *build_label(&t->b) = l;
}

static inline void text_sample(struct text_profile *t, struct str line)
{
    struct str stack = str_cut(&line, ' '), frame[64];
    u32 n = 0;
    build_sample(&t->b);
    while (stack.len && n < ARRAY_LEN(frame))
        frame[n++] = str_cut(&stack, ';');
    for (u32 i = n; i > 0; i--)
        build_frame(&t->b, text_location(t, frame[i - 1]));
    while (line.len) {
        struct str word = str_cut(&line, ' ');
        i64 value;
        if (str_i64(&value, word))
            build_value(&t->b, value);
        else
            text_label(t, word);
    }
}

// types: "samples/count cpu/nanoseconds", by blanks.
static inline struct profile profile_from_text(const char *types, const char *lines,
                                               struct arena *a)
{
    struct text_profile t;
    build_init(&t.b, a);
    table_init(&t.functions, a);
    table_init(&t.locations, a);
    struct mapping *m = build_mapping(&t.b);
    m->filename = build_string(&t.b, STR("/usr/bin/program"));
    m->has_functions = true;
    for (struct str rest = str_of(types); rest.len;) {
        struct str unit = str_cut(&rest, ' '), type = str_cut(&unit, '/');
        build_type(&t.b, type, unit);
    }
    for (struct str rest = str_of(lines); rest.len;)
        text_sample(&t, str_cut(&rest, '\n'));
    return t.b.p;
}

// A report on it, or what went wrong; options: "focus=main unit=ms", by blanks.
static inline struct str report_of(const struct profile *p, const char *type, const char *parameter,
                                   const char *options, struct arena *a)
{
    struct buf out, warnings;
    struct config c;
    struct err e;
    config_init(&c);
    buf_init(&out, (size_t)MIB(64));
    buf_init(&warnings, (size_t)MIB(1));
    for (struct str rest = str_of(options); rest.len;) {
        struct str value = str_cut(&rest, ' '), name = str_cut(&value, '='), choice;
        if (!config_set(&c, config_find(name, &choice), value, &e))
            return arena_str(a, str_of(e.text));
    }
    if (!report_write(&out, p, report_find(str_of(type)), str_of(parameter), &c, &warnings, a, &e))
        return arena_str(a, str_of(e.text));
    struct str text = arena_str(a, buf_str(&out));
    buf_free(&out);
    buf_free(&warnings);
    return text;
}

#endif
