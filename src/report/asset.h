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

#define ASSET(name) ((struct str){asset_##name, (size_t)(asset_##name##_end - asset_##name)})

#endif
