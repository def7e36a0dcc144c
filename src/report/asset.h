// Files of web/ as bytes in the command.
#ifndef REPORT_ASSET_H
#define REPORT_ASSET_H

#include "base/str.h"

extern const char asset_pan_js[], asset_pan_js_end[];
extern const char asset_listing_css[], asset_listing_css_end[];
extern const char asset_listing_js[], asset_listing_js_end[];

#define ASSET(name) ((struct str){asset_##name, (size_t)(asset_##name##_end - asset_##name)})

#endif
