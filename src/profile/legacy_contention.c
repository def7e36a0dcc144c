// Lock contention as a text: gperftools' /pprof/contention, Go's mutex and block with debug=1.
#include <errno.h>

#include "profile/legacy.h"
#include "profile/regex.h"

// Two numbers; without a blank between them, the second has one digit.
#define SAMPLE "(?<!\\d)(?|(\\d++) ++(\\d++)|(\\d+)(\\d)) @([ x0-9a-f]*)"

struct contention {
    struct legacy *l;
    struct lines lines;
    i64 cpu_hz;
    struct regex *sample;
};

static bool is_contention(struct str line)
{
    return str_starts(line, STR("--- contentionz ")) || str_starts(line, STR("--- mutex:")) ||
           str_starts(line, STR("--- contention:"));
}

// "name = value" before the samples.  False: it is not one that these profiles have.
static bool read_attribute(struct contention *c, struct str name, struct str value)
{
    struct profile *p = &c->l->b.p;
    i64 ms;
    if (str_equal(name, STR("cycles/second")))
        return legacy_number(&c->cpu_hz, value);
    if (str_equal(name, STR("sampling period")))
        return legacy_number(&p->period, value);
    if (str_equal(name, STR("ms since reset"))) {
        bool done = legacy_number(&ms, value);
        p->duration_ns = done ? ms * 1000000 : 0;
        return done;
    }
    return str_equal(name, STR("discarded samples"));
}

// Ends at the first line that is no attribute.
static bool read_attributes(struct contention *c)
{
    while (lines_next(&c->lines)) {
        struct str value = str_trim(c->lines.line);
        if (line_is_comment(value))
            continue;
        if (str_starts(value, STR("---")) || str_find(value, STR("=")) < 0)
            return true;
        struct str name = str_cut(&value, '=');
        if (!read_attribute(c, str_trim(name), str_trim(value)))
            return false;
    }
    return true;
}

static struct str part(struct str line, i64 start, i64 end)
{
    return (struct str){line.ptr + start, (size_t)(end - start)};
}

// Cycles are made nanoseconds; what was sampled stands for all that there was.
static enum format read_sample(struct contention *c, struct str line, struct err *e)
{
    i64 start[4], end[4], delay, count, period = c->l->b.p.period;
    if (!regex_groups(c->sample, line, start, end, 4))
        return FORMAT_OTHER;
    if (!str_i64(&delay, part(line, start[1], end[1])) ||
        !str_i64(&count, part(line, start[2], end[2]))) {
        err_write(e, EBADMSG, "malformed sample: %.*s: value out of range", STR_ARG(line));
        return FORMAT_BAD;
    }
    if (period > 0) {
        if (c->cpu_hz > 0)
            delay = i64_of((double)delay * (double)period / ((double)c->cpu_hz / 1e9));
        count *= period;
    }
    build_sample(&c->l->b);
    build_value(&c->l->b, count);
    build_value(&c->l->b, delay);
    if (legacy_frames(c->l, part(line, start[3], end[3]), e))
        return FORMAT_DECODED;
    err_write_prefix(e, "malformed sample: %.*s: ", STR_ARG(line));
    return FORMAT_BAD;
}

// From the line at hand on.
static enum format read_samples(struct contention *c, struct err *e)
{
    do {
        struct str line = str_trim(c->lines.line);
        if (str_starts(line, STR("---")))
            break;
        enum format f = line_is_comment(line) ? FORMAT_DECODED : read_sample(c, line, e);
        if (f != FORMAT_DECODED)
            return f;
    } while (lines_next(&c->lines));
    return FORMAT_DECODED;
}

enum format legacy_contention(struct legacy *l, struct str bytes, struct err *e)
{
    struct contention c = {.l = l, .lines = {.rest = bytes}};
    lines_next(&c.lines);
    if (!is_contention(c.lines.line))
        return FORMAT_OTHER;
    legacy_period(l, STR("contentions"), STR("count"), 1);
    build_type(&l->b, STR("contentions"), STR("count"));
    build_type(&l->b, STR("delay"), STR("nanoseconds"));
    if (!read_attributes(&c))
        return FORMAT_OTHER;
    if (!regex_compile_bytes(&c.sample, STR(SAMPLE), e))
        return FORMAT_BAD;
    enum format f = read_samples(&c, e);
    regex_free(c.sample);
    if (f == FORMAT_DECODED)
        legacy_sections(l, &c.lines);
    return f;
}
