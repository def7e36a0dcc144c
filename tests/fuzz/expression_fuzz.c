// What a person or a URL may say: lines "variable=value" of a config, then expressions on names and
// labels, each tried on the lines that follow.  None may crash, or take more than its time.
#include <stdlib.h>
#include <string.h>

#include "profile/build.h"
#include "profile/label.h"
#include "properties.h"
#include "report/config.h"

// A profile with one sample, whose labels are the lines: "key:text", or a number.
static struct profile labelled(struct str lines, struct arena *a)
{
    struct build b;
    build_init(&b, a);
    build_type(&b, STR("x"), STR("y"));
    build_sample(&b);
    build_value(&b, 1);
    while (lines.len) {
        struct str text = str_cut(&lines, '\n'), key = str_cut(&text, ':');
        struct label l = {.key = build_string(&b, key)};
        if (!str_i64(&l.number, text))
            l.text = build_string(&b, text);
        else
            l.unit = build_string(&b, STR("kb"));
        if (l.text)
            *build_label(&b) = l;
    }
    return b.p;
}

static void try_config(struct str line)
{
    struct config c;
    struct err e = {0};
    struct buf value, again;
    struct str choice, text = line, name = str_cut(&text, '=');
    const struct config_variable *v = config_find(name, &choice);
    if (!v)
        return;
    config_init(&c);
    buf_init(&value, (size_t)MIB(1));
    buf_init(&again, (size_t)MIB(1));
    if (config_set(&c, v, choice.len ? choice : text, &e)) {
        config_value(&value, &c, v);
        must(config_set(&c, v, buf_str(&value), &e)); // what is shown can be said
        config_value(&again, &c, v);
        must(str_equal(buf_str(&value), buf_str(&again)));
    } else {
        must(e.code && *e.text);
    }
    buf_free(&value);
    buf_free(&again);
}

static void try_regex(struct str pattern, struct str lines)
{
    struct regex *r;
    struct err e = {0};
    i64 start[4], end[4];
    if (!regex_compile(&r, pattern, &e)) {
        must(e.code && *e.text);
        return;
    }
    while (lines.len) {
        struct str line = str_cut(&lines, '\n');
        bool matched = regex_match(r, line);
        must(regex_groups(r, line, start, end, 4) == matched);
        must(!matched || (start[0] <= end[0] && end[0] <= (i64)line.len));
    }
    regex_free(r);
}

static void try_label_filter(struct str text, struct str lines, struct arena *a)
{
    struct label_filter *f;
    struct buf notes;
    struct err e = {0};
    bool focused, ignored;
    struct profile p = labelled(lines, a);
    buf_init(&notes, 4096);
    if (label_filter_parse(&f, "tagfocus", text, &notes, a, &e)) {
        struct label_units units = label_units(&p, &notes, a);
        struct profile in = label_filter_samples(&p, &units, f, NULL, &focused, &ignored, a);
        struct profile out = label_filter_samples(&p, &units, NULL, f, &focused, &ignored, a);
        must(in.nsample + out.nsample == p.nsample);
        label_filter_free(f);
    } else {
        must(e.code && *e.text);
    }
    buf_free(&notes);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct arena a;
    struct str rest = {(const char *)data, n}, first = str_cut(&rest, '\n');
    arena_init(&a, (size_t)MIB(256));
    try_config(first);
    try_regex(first, rest);
    try_label_filter(first, rest, &a);
    arena_free(&a);
    return 0;
}
