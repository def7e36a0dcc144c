// A flame graph as one page that needs nothing else: its data, its style and its script are in it,
// and no others may be loaded.
#include "base/html.h"
#include "report/asset.h"
#include "report/report.h"

// A module as a part of one script with those that it imports from, which stand before it.
static void add_module(struct buf *out, struct str module)
{
    while (module.len) {
        struct str line = str_cut(&module, '\n');
        if (str_starts(line, STR("import ")))
            continue;
        buf_add(out, line);
        buf_char(out, '\n');
    }
}

static void add_script(struct buf *out)
{
    const struct str module[] = {
        ASSET(flame_data_js),  ASSET(flame_layout_js), ASSET(flame_paint_js), ASSET(flame_parts_js),
        ASSET(flame_state_js), ASSET(flame_table_js),  ASSET(flame_js)};
    for (size_t i = 0; i < ARRAY_LEN(module); i++)
        add_module(out, module[i]);
}

static void page(struct buf *out, struct report *r, struct str script, struct str style)
{
    struct str title = r->preface ? r->preface->title : report_title(r);
    buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html_policy(out, script, style);
    buf_text(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_text(out, title);
    buf_text(out, title.len ? ": " : "");
    html_text(out, r->sample_type);
    buf_text(out, "</title>\n<style>");
    buf_add(out, style);
    buf_text(out, "</style>\n</head>\n<body>\n");
    if (r->preface)
        buf_add(out, r->preface->html);
    buf_text(out, "<noscript>This flame graph needs JavaScript; it "
                  "loads nothing from anywhere.</noscript>\n"
                  "<script type=\"application/json\" id=\"flame-data\">");
    report_flame_data(out, r, FLAME_WHOLE);
    buf_text(out, "</script>\n<script type=\"module\">");
    buf_add(out, script);
    buf_text(out, "</script>\n</body>\n</html>\n");
}

bool report_flame(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct buf script, style;
    if (r->values.mean)
        buf_text(r->warnings, "A flame graph's boxes are sums: -mean is not heard\n");
    r->values.mean = false;
    r->sample_type = profile_string(&r->p, r->p.type[r->values.type].type);
    r->total = report_total(r, r->values.type);
    buf_init(&script, SIZE_MAX / 2);
    buf_init(&style, SIZE_MAX / 2);
    add_script(&script);
    buf_add(&style, ASSET(flame_css));
    if (r->preface)
        buf_add(&style, r->preface->style);
    page(out, r, buf_str(&script), buf_str(&style));
    buf_free(&style);
    buf_free(&script);
    return true;
}
