// The report as a page that needs nothing else: the verdict, the account as a picture, the time
// line, and below them the flame graph of all that was charged, the heap's stacks among it.
#include "base/html.h"
#include "oom/text.h"
#include "profile/unit.h"
#include "report/asset.h"
#include "report/report.h"

enum { WIDTH = 1000, HEIGHT = 200, MOST_MOMENTS = 400, MOST_LABELS = 20 };

static void add_number(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, "<div><dt>%s</dt><dd>", name);
    html_text(out, value);
    buf_text(out, "</dd></div>\n");
}

static void add_numbers(struct buf *out, const struct oom *o, const struct verdict *v,
                        struct arena *a)
{
    buf_text(out, "<dl>\n");
    if (o->limit_bytes)
        add_number(out, "limit", verdict_bytes((i64)o->limit_bytes, a));
    add_number(out, "charged", verdict_bytes((i64)o->account.charge_bytes, a));
    if (o->peak_bytes)
        add_number(out, "peak", verdict_bytes((i64)o->peak_bytes, a));
    add_number(out, "live heap", verdict_bytes(o->live_bytes, a));
    add_number(out, o->is_alive ? "age" : "lived for", verdict_time((double)o->end_ns / 1e9, a));
    if (v->rate_bytes_s > 0)
        add_number(out, "grew by",
                   arena_printf(a, "%.*s/s", STR_ARG(verdict_bytes(i64_of(v->rate_bytes_s), a))));
    if (o->limit_group.len)
        add_number(out, "limit set by", o->limit_group);
    buf_text(out, "</dl>\n");
}

static void add_verdict(struct buf *out, const struct oom *o, const struct verdict *v)
{
    buf_text(out, "<p class=\"verdict\">");
    html_text(out, record_program(&o->v));
    buf_printf(out, " (process %u) ", o->v.header.pid);
    oom_end_text(out, o);
    buf_text(out, v->end == VERDICT_GROUP_OOM     ? ": out of memory</p>\n"
                  : v->end == VERDICT_MACHINE_OOM ? ": the machine was out of memory</p>\n"
                                                  : "</p>\n");
    buf_text(out, "<div class=\"cause\">");
    html_text(out, v->sentence);
    buf_text(out, "<ul>\n");
    for (u32 i = 0; i < v->nfact; i++) {
        buf_text(out, "<li>");
        html_text(out, v->fact[i]);
        buf_text(out, "</li>\n");
    }
    buf_text(out, "</ul></div>\n");
}

static void add_bar(struct buf *out, const struct oom *o, const enum account_line *line, u32 n)
{
    double at = 0, whole = (double)o->account.charge_bytes;
    buf_printf(out,
               "<svg class=\"bar\" role=\"img\" aria-label=\"The account\" viewBox=\"0 0 %d 46\" "
               "preserveAspectRatio=\"none\">\n",
               WIDTH);
    for (u32 i = 0; i < n; i++) {
        double width = whole > 0 ? (double)o->account.bytes[line[i]] / whole * WIDTH : 0;
        if (width <= 0)
            continue;
        buf_printf(out,
                   "<rect class=\"c%u\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"46\">"
                   "<title>%s</title></rect>\n",
                   line[i], at, width, account_name(line[i]));
        at += width;
    }
    buf_text(out, "</svg>\n");
}

static void add_cell(struct buf *out, struct str text)
{
    buf_text(out, "<td>");
    html_text(out, text);
    buf_text(out, "</td>");
}

static void add_row(struct buf *out, const struct oom *o, enum account_line line, struct arena *a)
{
    i64 bytes = o->account.bytes[line];
    struct percent share = unit_percent(bytes, (i64)o->account.charge_bytes);
    const char *meaning = account_meaning(line);
    buf_printf(out,
               "<tr><td class=\"name\"><span class=\"swatch c%u\"></span>%s "
               "<span class=\"soft\">%s</span></td>",
               line, account_name(line), meaning);
    add_cell(out, verdict_bytes(bytes, a));
    add_cell(out, str_of(percent_trimmed(&share)));
    for (u32 i = 0; i < OOM_WINDOWS; i++) {
        const struct oom_window *w = &o->window[i];
        if (w->span_ns && w->has_account)
            add_cell(out, w->line_bytes[line]
                              ? arena_printf(a, "%s%.*s", w->line_bytes[line] > 0 ? "+" : "",
                                             STR_ARG(verdict_bytes(w->line_bytes[line], a)))
                              : STR(""));
    }
    buf_text(out, "</tr>\n");
}

static void add_account(struct buf *out, const struct oom *o, struct arena *a)
{
    enum account_line line[ACCOUNT_LINES];
    u32 n = oom_lines(line, o);
    buf_text(out, "<h2>What the group was charged for</h2>\n");
    add_bar(out, o, line, n);
    buf_text(out, "<table>\n<tr><th class=\"name\"></th><th>bytes</th><th>share</th>");
    for (u32 i = 0; i < OOM_WINDOWS; i++) {
        const struct oom_window *w = &o->window[i];
        if (w->span_ns && w->has_account)
            buf_printf(out, "<th>%s%.*s</th>", w->is_whole ? "since " : "last ",
                       STR_ARG(oom_window_name(w, a)));
    }
    buf_text(out, "</tr>\n");
    for (u32 i = 0; i < n; i++)
        add_row(out, o, line[i], a);
    buf_text(out, "</table>\n");
}

// The area below a line.
static void add_area(struct buf *out, const char *name, const struct oom_moment *m, u32 n,
                     bool is_heap, double most, double from_ns, double span_ns)
{
    double x = 0;
    buf_printf(out, "<path class=\"%s\" d=\"M0 %d", name, HEIGHT);
    for (u32 i = 0; i < n; i++) {
        u64 bytes = is_heap ? m[i].live_bytes : m[i].charge_bytes;
        if (!is_heap && bytes == 0)
            bytes = m[i].rss_bytes;
        x = ((double)m[i].time_ns - from_ns) / span_ns * WIDTH;
        double y = HEIGHT - (double)bytes / most * HEIGHT;
        buf_printf(out, "L%.1f %.1f", x, y < 0 ? 0 : y);
    }
    buf_printf(out, "L%.1f %dZ\"/>\n", x, HEIGHT);
}

static void add_marks(struct buf *out, const struct oom *o, double from_ns, double span_ns,
                      struct arena *a)
{
    for (u32 i = 0; i < o->nmark; i++) {
        double x = ((double)o->mark[i].time_ns - from_ns) / span_ns * WIDTH;
        buf_printf(out, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\"><title>",
                   x, x, HEIGHT);
        html_text(out, oom_mark_text(&o->mark[i], a));
        buf_text(out, "</title></line>\n");
    }
}

static double most_of(const struct oom *o, const struct oom_moment *m, u32 n)
{
    double most = (double)o->limit_bytes;
    for (u32 i = 0; i < n; i++) {
        most = (double)m[i].charge_bytes > most ? (double)m[i].charge_bytes : most;
        most = (double)m[i].rss_bytes > most ? (double)m[i].rss_bytes : most;
        most =
            (double)m[i].live_bytes > most && o->limit_bytes == 0 ? (double)m[i].live_bytes : most;
    }
    return most > 0 ? most * 1.05 : 1;
}

static void add_time_line(struct buf *out, const struct oom *o, struct arena *a)
{
    struct oom_moment *m;
    u32 n = oom_moments(&m, o, MOST_MOMENTS, a);
    if (n < 2)
        return;
    double most = most_of(o, m, n), from = (double)m[0].time_ns,
           span = (double)m[n - 1].time_ns - from;
    span = span > 0 ? span : 1;
    buf_printf(
        out,
        "<h2>Memory over time</h2>\n<svg class=\"line\" role=\"img\" aria-label=\"Memory over "
        "time\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">\n",
        WIDTH, HEIGHT);
    add_area(out, "charged", m, n, false, most, from, span);
    add_area(out, "heap", m, n, true, most, from, span);
    add_marks(out, o, from, span, a);
    double y = HEIGHT - (double)o->limit_bytes / most * HEIGHT;
    if (o->limit_bytes)
        buf_printf(out, "<line class=\"limit\" x1=\"0\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
                   WIDTH, y, y);
    buf_printf(out,
               "</svg>\n<div class=\"axis\"><span>%.*s before the end</span><span>the "
               "end</span></div>\n",
               STR_ARG(verdict_time(span / 1e9, a)));
    buf_printf(out,
               "<div class=\"key\"><span><span class=\"swatch heap\"></span>live heap</span>"
               "<span><span class=\"swatch charged\"></span>other memory</span><span>dashed: the "
               "limit; full height: %.*s</span></div>\n",
               STR_ARG(verdict_bytes(i64_of(most), a)));
}

static void add_labels(struct buf *out, const struct oom *o, struct arena *a)
{
    struct oom_labels *l;
    u32 n = oom_labels(&l, o, a);
    if (n == 0)
        return;
    buf_printf(out,
               "<h2>By label: %u set%s</h2>\n<table>\n<tr><th class=\"name\">labels</th>"
               "<th>bytes</th><th>blocks</th><th>since</th></tr>\n",
               n, n == 1 ? "" : "s");
    for (u32 i = 0; i < n && i < MOST_LABELS; i++) {
        buf_text(out, "<tr><td class=\"name\">");
        html_text(out, l[i].text);
        buf_text(out, "</td>");
        add_cell(out, verdict_bytes(l[i].heap_bytes + l[i].mapped_bytes, a));
        add_cell(out, arena_printf(a, "%llu", (unsigned long long)l[i].blocks));
        add_cell(out, verdict_since(o, l[i].first_s, a));
        buf_text(out, "</tr>\n");
    }
    buf_text(out, "</table>\n");
}

static void add_steps(struct buf *out, const struct verdict *v)
{
    buf_text(out, "<h2>Next</h2>\n<pre>");
    for (u32 i = 0; i < v->nstep; i++) {
        html_text(out, v->step[i]);
        buf_char(out, '\n');
    }
    buf_text(out, "</pre>\n<h2>All that was charged, as a flame graph</h2>\n");
}

static void add_preface(struct buf *out, const struct oom *o, const struct verdict *v,
                        struct arena *a)
{
    buf_text(out, "<section class=\"oom\">\n");
    add_verdict(out, o, v);
    add_numbers(out, o, v, a);
    add_account(out, o, a);
    add_labels(out, o, a);
    add_time_line(out, o, a);
    add_steps(out, v);
    buf_text(out, "</section>\n");
}

bool oom_html(struct buf *out, const struct oom *o, const struct verdict *v, struct arena *a,
              struct err *e)
{
    struct config c;
    struct buf html, warnings;
    struct profile p = oom_profile(o, a);
    config_init(&c);
    buf_init(&html, SIZE_MAX / 2);
    buf_init(&warnings, 1 << 16);
    add_preface(&html, o, v, a);
    struct report_preface preface = {.title =
                                         arena_printf(a, "%.*s: %s", STR_ARG(record_program(&o->v)),
                                                      o->is_alive ? "memory" : "out of memory"),
                                     .html = buf_str(&html),
                                     .style = ASSET(oom_css)};
    bool done = report_write_flame(out, &p, &preface, &c, &warnings, a, e);
    buf_free(&warnings);
    buf_free(&html);
    return done;
}
