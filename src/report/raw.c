// The profile itself as text, and its comments.
#include <stdio.h>
#include <time.h>

#include "report/report.h"

// Go's "%v" of a time.Time in the local zone: "2022-10-18 15:39:57.5 +0000 UTC".
static void go_time(struct buf *out, i64 time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    i64 ns = time_ns % 1000000000;
    if (ns < 0) {
        ns += 1000000000;
        seconds--;
    }
    struct tm local;
    char text[64], zone[32];
    localtime_r(&seconds, &local);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
    strftime(zone, sizeof(zone), "%z %Z", &local);
    buf_text(out, text);
    if (ns) {
        char fraction[16];
        int n = snprintf(fraction, sizeof(fraction), ".%09lld", (long long)ns);
        while (fraction[n - 1] == '0')
            n--;
        buf_add(out, (struct str){fraction, (size_t)n});
    }
    buf_printf(out, " %s", zone);
}

// Go's time.Duration.String: "4m0.360291s", "1.5ms", "2h0m0s".
static void go_duration(struct buf *out, i64 duration_ns)
{
    u64 ns = duration_ns < 0 ? -(u64)duration_ns : (u64)duration_ns;
    if (duration_ns < 0)
        buf_char(out, '-');
    if (ns < 1000000000) {
        const char *unit = ns < 1000 ? "ns" : ns < 1000000 ? "µs" : "ms";
        double scaled = (double)ns / (ns < 1000 ? 1 : ns < 1000000 ? 1e3 : 1e6);
        buf_printf(out, "%.15g%s", scaled, unit);
        return;
    }
    u64 minutes = ns / 60000000000;
    if (minutes >= 60)
        buf_printf(out, "%lluh", (unsigned long long)(minutes / 60));
    if (minutes)
        buf_printf(out, "%llum", (unsigned long long)(minutes % 60));
    u64 rest = ns % 60000000000;
    char text[32];
    int n = snprintf(text, sizeof(text), "%llu.%09llu", (unsigned long long)(rest / 1000000000),
                     (unsigned long long)(rest % 1000000000));
    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    buf_printf(out, "%.*ss", n, text);
}

// "%.4v" of a duration: the first four characters of its text.
static void short_duration(struct buf *out, i64 duration_ns)
{
    struct buf whole;
    buf_init(&whole, 128);
    go_duration(&whole, duration_ns);
    size_t n = 0;
    for (u32 characters = 0; n < whole.len; n++) {
        characters += ((u8)whole.data[n] & 0xc0) != 0x80;
        if (characters > 4)
            break;
    }
    buf_add(out, (struct str){whole.data, n});
    buf_free(&whole);
}

static void raw_header(struct buf *out, const struct profile *p)
{
    for (u32 i = 0; i < p->ncomment; i++)
        buf_printf(out, "Comment: %.*s\n", STR_ARG(profile_string(p, p->comment[i])));
    if (p->doc_url)
        buf_printf(out, "Doc: %.*s\n", STR_ARG(profile_string(p, p->doc_url)));
    buf_printf(out, "PeriodType: %.*s %.*s\n", STR_ARG(profile_string(p, p->period_type.type)),
               STR_ARG(profile_string(p, p->period_type.unit)));
    buf_printf(out, "Period: %lld\n", (long long)p->period);
    if (p->time_ns) {
        buf_text(out, "Time: ");
        go_time(out, p->time_ns);
        buf_char(out, '\n');
    }
    if (p->duration_ns) {
        buf_text(out, "Duration: ");
        short_duration(out, p->duration_ns);
        buf_char(out, '\n');
    }
    buf_text(out, "Samples:\n");
    for (u32 i = 0; i < p->ntype; i++) {
        struct str type = profile_string(p, p->type[i].type);
        bool standard = str_equal(type, profile_string(p, p->default_type));
        buf_printf(out, "%s%.*s/%.*s%s", i ? " " : "", STR_ARG(type),
                   STR_ARG(profile_string(p, p->type[i].unit)), standard ? "[dflt]" : "");
    }
    buf_char(out, '\n');
}

// "key:[value value]" of labels of one key; when any value has a unit, all show theirs.
static void raw_label(struct buf *out, const struct report *r, const struct label *l, u32 n)
{
    const struct profile *p = &r->p;
    bool units = false;
    for (u32 i = 0; i < n; i++)
        units |= l[i].unit != 0;
    buf_printf(out, "%.*s:[", STR_ARG(profile_string(p, l->key)));
    for (u32 i = 0; i < n; i++) {
        buf_text(out, i ? " " : "");
        if (l->text)
            buf_add(out, profile_string(p, l[i].text));
        else
            buf_printf(out, "%lld", (long long)l[i].number);
        if (!l->text && units)
            buf_printf(out, " %.*s", STR_ARG(profile_string(p, l[i].unit)));
    }
    buf_char(out, ']');
}

static void raw_labels(struct buf *out, const struct report *r, const struct sample *s, bool texts)
{
    struct str *part;
    u32 n = report_label_parts(&part, r, s, texts, raw_label);
    for (u32 i = 0; i < n; i++)
        buf_printf(out, "%s%.*s", i ? " " : "                ", STR_ARG(part[i]));
    if (n)
        buf_char(out, '\n');
}

static void raw_sample(struct buf *out, const struct report *r, u32 sample)
{
    const struct profile *p = &r->p;
    const struct sample *s = &p->sample[sample];
    for (u32 i = 0; i < p->ntype; i++)
        buf_printf(out, " %10lld", (long long)profile_values(p, sample)[i]);
    buf_text(out, ": ");
    for (u32 i = 0; i < s->nframe; i++) {
        buf_u64(out, p->location[p->frame[s->frame + i]].id);
        buf_char(out, ' ');
    }
    buf_char(out, '\n');
    raw_labels(out, r, s, true);
    raw_labels(out, r, s, false);
}

static void raw_location(struct buf *out, const struct profile *p, const struct location *l)
{
    buf_printf(out, "%6llu: 0x%llx ", (unsigned long long)l->id, (unsigned long long)l->address);
    if (l->mapping)
        buf_printf(out, "M=%llu ", (unsigned long long)p->mapping[l->mapping].id);
    if (l->is_folded)
        buf_text(out, "[F] ");
    if (l->nline == 0)
        buf_char(out, '\n');
    for (u32 i = 0; i < l->nline; i++) {
        const struct line *line = &p->line[l->line + i];
        const struct function *f = &p->function[line->function];
        struct str name = profile_string(p, f->name),
                   system_name = profile_string(p, f->system_name);
        buf_printf(out, "%s%.*s %.*s:%lld:%lld s=%lld", i ? "             " : "", STR_ARG(name),
                   STR_ARG(profile_string(p, f->filename)), (long long)line->line,
                   (long long)line->column, (long long)f->start_line);
        if (!str_equal(name, system_name))
            buf_printf(out, "(%.*s)", STR_ARG(system_name));
        buf_char(out, '\n');
    }
}

// "%#x" of Go, whose zero has the prefix too.
static void hex(struct buf *out, u64 value, const char *end)
{
    buf_printf(out, "0x%llx%s", (unsigned long long)value, end);
}

static void raw_mapping(struct buf *out, const struct profile *p, const struct mapping *m)
{
    buf_printf(out, "%llu: ", (unsigned long long)m->id);
    hex(out, m->start, "/");
    hex(out, m->limit, "/");
    hex(out, m->offset, " ");
    buf_printf(out, "%.*s %.*s %s%s%s%s\n", STR_ARG(profile_string(p, m->filename)),
               STR_ARG(profile_string(p, m->build_id)), m->has_functions ? "[FN]" : "",
               m->has_filenames ? "[FL]" : "", m->has_line_numbers ? "[LN]" : "",
               m->has_inline_frames ? "[IN]" : "");
}

bool report_raw(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    const struct profile *p = &r->p;
    raw_header(out, p);
    for (u32 i = 0; i < p->nsample; i++)
        raw_sample(out, r, i);
    buf_text(out, "Locations\n");
    for (u32 row = 1; row < p->nlocation; row++)
        raw_location(out, p, &p->location[row]);
    buf_text(out, "Mappings\n");
    for (u32 row = 1; row < p->nmapping; row++)
        raw_mapping(out, p, &p->mapping[row]);
    return true;
}

bool report_comments(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    for (u32 i = 0; i < r->p.ncomment; i++)
        buf_printf(out, "%.*s\n", STR_ARG(profile_string(&r->p, r->p.comment[i])));
    return true;
}
