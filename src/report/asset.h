// Files of web/ as bytes in the command.
#ifndef REPORT_ASSET_H
#define REPORT_ASSET_H

#include "base/str.h"

#define ASSET_DECLARE(name) extern const char asset_##name[], asset_##name##_end[]

ASSET_DECLARE(pan_js);
ASSET_DECLARE(listing_css);
ASSET_DECLARE(listing_js);
ASSET_DECLARE(flame_css);
ASSET_DECLARE(oom_css);
ASSET_DECLARE(flame_data_js);
ASSET_DECLARE(flame_layout_js);
ASSET_DECLARE(flame_paint_js);
ASSET_DECLARE(flame_parts_js);
ASSET_DECLARE(flame_state_js);
ASSET_DECLARE(flame_table_js);
ASSET_DECLARE(flame_js);
ASSET_DECLARE(app_css);
ASSET_DECLARE(app_html);
ASSET_DECLARE(app_js);
ASSET_DECLARE(app_chart_js);
ASSET_DECLARE(app_controls_js);
ASSET_DECLARE(app_death_js);
ASSET_DECLARE(app_flame_js);
ASSET_DECLARE(app_graph_js);
ASSET_DECLARE(app_items_js);
ASSET_DECLARE(app_listing_js);
ASSET_DECLARE(app_menu_js);
ASSET_DECLARE(app_peek_js);
ASSET_DECLARE(app_state_js);
ASSET_DECLARE(app_top_js);
ASSET_DECLARE(app_traces_js);

#define ASSET(name) ((struct str){asset_##name, (size_t)(asset_##name##_end - asset_##name)})

#endif
