#include "http/timing.h"

#include <errno.h>

#include "http/text.h"
#include "http/threads.h"
#include "record/timed.h"

static const i64 SECOND_NS = 1000000000;

enum { DEFAULT_S = 30, MOST_S = 24 * 3600, MOST_HZ = 10000 };

static void fold_location(struct buf *out, const struct profile *p, const struct location *l,
                          bool is_first)
{
    if (l->nline == 0)
        buf_printf(out, "%s%#llx", is_first ? "" : ";", (unsigned long long)l->address);
    for (u32 i = l->nline; i > 0; i--) {
        struct str name = profile_string(p, p->function[p->line[l->line + i - 1].function].name);
        buf_printf(out, "%s%.*s", is_first && i == l->nline ? "" : ";", STR_ARG(name));
    }
}

// A line for each sample, as fgprof's: functions from the root on, and the number of looks.
static void fold(struct buf *out, const struct profile *p)
{
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        for (u32 k = s->nframe; k > 0; k--)
            fold_location(out, p, &p->location[p->frame[s->frame + k - 1]], k == s->nframe);
        buf_printf(out, " %lld\n", (long long)profile_values(p, i)[0]);
    }
}

// A number of a query; otherwise when it is not there.
static bool parameter(i64 *out, const struct http_request *q, const char *name, i64 otherwise,
                      i64 most, struct err *e)
{
    struct str text = http_parameter(q, name);
    *out = otherwise;
    return text.len == 0 || (str_i64(out, text) && *out > 0 && *out <= most) ||
           err_set(e, EINVAL, "invalid value for \"%s\" - must be a positive integer", name);
}

// Seconds before now, "-60s" or "-60"; 0 when it is not asked for.
static bool past(i64 *seconds, const struct http_request *q, struct err *e)
{
    struct str text = http_parameter(q, "at");
    *seconds = 0;
    if (text.len == 0)
        return true;
    if (text.ptr[text.len - 1] == 's')
        text.len--;
    return (str_i64(seconds, text) && *seconds < 0 && *seconds >= -MOST_S) ||
           err_set(e, EINVAL, "invalid value for \"at\" - must be a time before now, such as -60s");
}

static bool parse(struct timed *t, const struct debug *d, const struct http_request *q,
                  struct folder_record *record, struct err *e)
{
    i64 seconds, hz, at;
    if (!parameter(&seconds, q, "seconds", DEFAULT_S, MOST_S, e) ||
        !parameter(&hz, q, "hz", 0, MOST_HZ, e) || !past(&at, q, e) ||
        !debug_choose(record, d, q, e))
        return false;
    *t = (struct timed){record, seconds * SECOND_NS, (u32)hz, at * SECOND_NS};
    return true;
}

void timing_serve(struct debug *d, const struct http_request *q, struct http_response *r,
                  const struct timed_row *row)
{
    struct folder_record record;
    struct timed t;
    struct profile p;
    struct err e;
    struct str debug = http_parameter(q, "debug");
    if (!parse(&t, d, q, &record, &e) || !row->read(&p, &t, q->arena, &e)) {
        debug_fail(r, &e);
        return;
    }
    p = debug_name(d, &p, q->arena);
    if (str_equal(http_parameter(q, "format"), STR("folded")))
        fold(&r->body, &p);
    else if (p.ntype == 1 && str_equal(debug, STR("2")))
        threads_write(&r->body, &p);
    else if (p.ntype == 1 && debug.len && !str_equal(debug, STR("0")))
        text_write(&r->body, &p, str_of(row->name), q->arena);
    else
        debug_send(r, &p, row->name);
}
