// Values as a report prints them, and the lines above it.
#include <math.h>
#include <string.h>
#include <time.h>

#include "report/report.h"

i64 report_divided(const struct report *r, i64 value)
{
    double ratio = 1 / r->config.divide_by;
    return ratio > 0 && ratio != 1 ? i64_of((double)value * ratio) : value;
}

i64 report_scaled(const struct report *r, i64 value)
{
    struct str unit;
    return i64_of(unit_scale(value, r->sample_unit, r->output_unit, &unit));
}

void report_value(struct buf *out, const struct report *r, i64 value)
{
    unit_label(out, report_divided(r, value), r->sample_unit, r->output_unit);
}

struct amount report_amount(const struct report *r, i64 value)
{
    struct amount text = {""};
    struct buf b;
    buf_init(&b, sizeof(text.text) - 1);
    report_value(&b, r, value);
    if (b.len)
        memcpy(text.text, b.data, b.len);
    buf_free(&b);
    return text;
}

struct amount report_amount_or_dot(const struct report *r, i64 value)
{
    return value ? report_amount(r, value) : (struct amount){"."};
}

struct str report_title(const struct report *r)
{
    struct str file = r->p.nmapping > 1 ? profile_string(&r->p, r->p.mapping[1].filename) : STR("");
    return file.len ? path_base(file) : file;
}

static void duration_label(struct buf *out, const struct report *r, const char *end)
{
    struct str unit;
    double total_ns = unit_scale(r->total, r->sample_unit, STR("nanoseconds"), &unit);
    buf_text(out, "Duration: ");
    unit_label(out, r->p.duration_ns, STR("nanoseconds"), STR("auto"));
    buf_text(out, ", Total samples = ");
    report_value(out, r, r->total);
    buf_char(out, ' ');
    if (str_equal(unit, STR("ns")) && total_ns != 0)
        buf_printf(out, "(%s)", unit_percent(i64_of(total_ns), r->p.duration_ns).text);
    buf_text(out, end);
}

void report_profile_labels(struct buf *out, const struct report *r, const char *end)
{
    const struct profile *p = &r->p;
    if (p->nmapping > 1) {
        struct str file = profile_string(p, p->mapping[1].filename),
                   id = profile_string(p, p->mapping[1].build_id);
        if (file.len)
            buf_printf(out, "File: %.*s%s", STR_ARG(path_base(file)), end);
        if (id.len)
            buf_printf(out, "Build ID: %.*s%s", STR_ARG(id), end);
    }
    for (u32 i = 0; i < p->ncomment; i++) {
        struct str comment = profile_string(p, p->comment[i]);
        if (!str_starts(comment, STR("#")))
            buf_printf(out, "%.*s%s", STR_ARG(comment), end);
    }
    if (r->sample_type.len)
        buf_printf(out, "Type: %.*s%s", STR_ARG(r->sample_type), end);
    if (p->doc_url)
        buf_printf(out, "Doc: %.*s%s", STR_ARG(profile_string(p, p->doc_url)), end);
    if (p->time_ns) {
        time_t seconds = (time_t)floor((double)p->time_ns / 1e9);
        struct tm local;
        char text[64];
        localtime_r(&seconds, &local);
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &local);
        buf_printf(out, "Time: %s%s", text, end);
    }
    if (p->duration_ns)
        duration_label(out, r, end);
}

static void filter_labels(struct buf *out, const struct report *r, const char *end)
{
    enum { MOST_BYTES = 80 };
    if (r->nfilter)
        buf_printf(out, "Active filters:%s", end);
    for (u32 i = 0; i < r->nfilter; i++) {
        struct str f = r->filter[i];
        bool cut = f.len > MOST_BYTES;
        buf_printf(out, "   %.*s%s%s", cut ? MOST_BYTES : (int)f.len, f.ptr, cut ? "…" : "", end);
    }
}

static void dropped_label(struct buf *out, const struct report *r, u32 n, const char *what,
                          const char *by, double fraction, const char *end)
{
    if (n == 0)
        return;
    buf_printf(out, "Dropped %u %s%s (%s <= ", n, what, n > 1 ? "s" : "", by);
    report_value(out, r, magnitude(i64_of((double)r->total * fraction)));
    buf_printf(out, ")%s", end);
}

void report_labels(struct buf *out, const struct report *r, const struct trimmed *t, bool whole,
                   const char *end)
{
    i64 shown = 0;
    for (u32 i = 0; i < t->graph.nshown; i++)
        shown += node_flat(&t->graph.node[t->graph.shown[i]]);
    if (whole || !r->config.compact_labels)
        report_profile_labels(out, r, end);
    filter_labels(out, r, end);
    struct percent percent = unit_percent(shown, r->total);
    buf_text(out, "Showing nodes accounting for ");
    report_value(out, r, shown);
    buf_printf(out, ", %s of ", percent_trimmed(&percent));
    report_value(out, r, r->total);
    buf_printf(out, " total%s", end);
    if (r->total == 0)
        return;
    dropped_label(out, r, t->dropped_nodes, "node", "cum", r->config.nodefraction, end);
    if (whole)
        dropped_label(out, r, t->dropped_edges, "edge", "freq", r->config.edgefraction, end);
    if (t->graph.nshown > 0 && t->graph.nshown < t->norig)
        buf_printf(out, "Showing top %u nodes out of %u%s", t->graph.nshown, t->norig, end);
}
