#include <stdio.h>

#include "base/sha256.h"
#include "report/asset.h"
#include "sonde/web.h"

#define JS  "text/javascript; charset=utf-8"
#define CSS "text/css; charset=utf-8"

enum { TAG_BYTES = 80, NOT_MODIFIED = 304 };

static const struct {
    const char *name;
    const char *begin, *end;
    const char *mime;
} files[] = {
#define FILE_OF(name, file, mime)                                                                  \
    {                                                                                              \
        file, asset_##name, asset_##name##_end, mime                                               \
    }
    FILE_OF(app_css, "app.css", CSS),
    FILE_OF(app_js, "app.js", JS),
    FILE_OF(app_chart_js, "app_chart.js", JS),
    FILE_OF(app_controls_js, "app_controls.js", JS),
    FILE_OF(app_death_js, "app_death.js", JS),
    FILE_OF(app_flame_js, "app_flame.js", JS),
    FILE_OF(app_graph_js, "app_graph.js", JS),
    FILE_OF(app_items_js, "app_items.js", JS),
    FILE_OF(app_listing_js, "app_listing.js", JS),
    FILE_OF(app_menu_js, "app_menu.js", JS),
    FILE_OF(app_peek_js, "app_peek.js", JS),
    FILE_OF(app_state_js, "app_state.js", JS),
    FILE_OF(app_top_js, "app_top.js", JS),
    FILE_OF(app_traces_js, "app_traces.js", JS),
    FILE_OF(flame_css, "flame.css", CSS),
    FILE_OF(flame_data_js, "flame_data.js", JS),
    FILE_OF(flame_layout_js, "flame_layout.js", JS),
    FILE_OF(flame_paint_js, "flame_paint.js", JS),
    FILE_OF(flame_parts_js, "flame_parts.js", JS),
    FILE_OF(flame_state_js, "flame_state.js", JS),
    FILE_OF(flame_table_js, "flame_table.js", JS),
    FILE_OF(flame_js, "flame.js", JS),
};

bool web_asset(const struct http_request *q, struct http_response *r)
{
    struct str name = str_skip(q->path, sizeof("/web/") - 1);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (!str_equal(name, str_of(files[i].name)))
            continue;
        struct str bytes = {files[i].begin, (size_t)(files[i].end - files[i].begin)};
        struct buf tag;
        buf_init(&tag, TAG_BYTES);
        buf_char(&tag, '"');
        sha256_base64(&tag, bytes);
        buf_char(&tag, '"');
        r->tag = arena_str(q->arena, buf_str(&tag)).ptr;
        buf_free(&tag);
        r->mime = files[i].mime;
        if (str_equal(http_header(q, "If-None-Match"), str_of(r->tag)))
            r->status = NOT_MODIFIED;
        else
            buf_add(&r->body, bytes);
        return true;
    }
    return false;
}
