// Stacks of threads as texts: /pprof/thread, and Go's counts (goroutine, threadcreate) with
// debug=1.
#include <errno.h>
#include <string.h>

#include "profile/legacy.h"
#include "profile/regex.h"

static bool skip_comments(struct lines *lines)
{
    while (lines_next(lines)) {
        if (!line_is_comment(lines->line))
            return true;
    }
    return false;
}

static void set_type(struct legacy *l, struct str type)
{
    legacy_period(l, type, STR("count"), 1);
    build_type(&l->b, type, STR("count"));
}

static enum format malformed(struct err *e)
{
    err_write(e, EBADMSG, "malformed profile format");
    return FORMAT_BAD;
}

// Whether text is addresses with a blank before each, and nothing else.
static bool are_addresses(struct str text)
{
    while (str_starts(text, STR(" 0x"))) {
        text = str_skip(text, 3);
        size_t n = 0;
        while (n < text.len && strchr("0123456789abcdef", text.ptr[n]) && text.ptr[n])
            n++;
        if (n == 0)
            return false;
        text = str_skip(text, n);
    }
    return text.len == 0;
}

static enum format read_counts(struct legacy *l, struct lines *lines, const struct regex *sample,
                               struct err *e)
{
    while (lines_next(lines)) {
        i64 start[3], end[3], count;
        struct str line = lines->line;
        if (line_is_comment(line))
            continue;
        if (str_starts(line, STR("---")))
            break;
        if (!regex_groups(sample, line, start, end, 3) ||
            !are_addresses(str_skip(line, (size_t)start[2])) ||
            !legacy_number(&count, (struct str){line.ptr, (size_t)end[1]}))
            return malformed(e);
        build_sample(&l->b);
        build_value(&l->b, count);
        if (!legacy_frames(l, str_skip(line, (size_t)start[2]), e))
            return malformed(e);
    }
    legacy_sections(l, lines);
    return FORMAT_DECODED;
}

enum format legacy_go_count(struct legacy *l, struct str bytes, struct err *e)
{
    struct lines lines = {.rest = bytes};
    struct regex *header = NULL, *sample = NULL;
    i64 start[2], end[2];
    enum format f = FORMAT_OTHER;
    if (regex_compile_bytes(&header, STR("\\A([^\\t\\n\\f\\r ]+) profile: total \\d+\\z"), e) &&
        regex_compile_bytes(&sample, STR("\\A(\\d+) @( 0x[ x0-9a-f]*)\\z"), e) &&
        skip_comments(&lines) && regex_groups(header, lines.line, start, end, 2)) {
        set_type(l, (struct str){lines.line.ptr, (size_t)end[1]});
        f = read_counts(l, &lines, sample, e);
    }
    regex_free(header);
    regex_free(sample);
    return f;
}

// Reads a thread's stack up to the next "---"; a leaf's address is not that of a call.
static bool read_stack(struct legacy *l, struct lines *lines, bool *same, struct err *e)
{
    *same = false;
    while (lines_next(lines)) {
        struct str line = lines->line = str_trim(lines->line);
        if (str_starts(line, STR("---")))
            break;
        if (str_find(line, STR("same as previous thread")) >= 0)
            *same = true;
        else if (!legacy_frames(l, line, e))
            return err_prefix(e, "malformed sample: %.*s: ", STR_ARG(line));
    }
    return true;
}

static enum format read_threads(struct legacy *l, struct lines *lines, const struct regex *start,
                                struct err *e)
{
    struct profile *p = &l->b.p;
    while (!line_is_map_start(lines->line) &&
           !str_starts(lines->line, STR("---- no stack trace for"))) {
        bool same;
        if (!regex_match(start, lines->line))
            return FORMAT_OTHER;
        struct sample *s = build_sample(&l->b);
        if (!read_stack(l, lines, &same, e))
            return FORMAT_BAD;
        if (!same && s->nframe) {
            l->address[s->frame]++;
            build_value(&l->b, 1);
            continue;
        }
        // As the one before.
        l->naddress -= s->nframe;
        p->nsample--;
        if (p->nsample)
            p->value[p->nsample - 1]++;
    }
    legacy_sections(l, lines);
    legacy_drop_duplicates(l);
    return FORMAT_DECODED;
}

enum format legacy_threads(struct legacy *l, struct str bytes, struct err *e)
{
    struct lines lines = {.rest = bytes};
    struct regex *header = NULL, *thread = NULL;
    enum format f = FORMAT_OTHER;
    set_type(l, STR("thread"));
    if (regex_compile_bytes(&header, STR("--- threadz \\d+ ---"), e) &&
        regex_compile_bytes(
            &thread, STR("--- Thread ([[:xdigit:]]+) \\(name: (.*)/(\\d+)\\) stack: ---"), e) &&
        skip_comments(&lines)) {
        bool is_threadz = regex_match(header, lines.line);
        while (is_threadz && lines_next(&lines) && !line_is_map_start(lines.line) &&
               !str_starts(lines.line, STR("-")))
            ;
        if (is_threadz || regex_match(thread, lines.line))
            f = read_threads(l, &lines, thread, e);
    }
    regex_free(header);
    regex_free(thread);
    return f;
}
