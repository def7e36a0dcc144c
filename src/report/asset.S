// Files of web/, byte for byte.
    .macro asset name, file
    .globl asset_\name, asset_\name\()_end
asset_\name:
    .incbin "\file"
asset_\name\()_end:
    .endm

    .section .rodata
    asset pan_js, "web/pan.js"
    asset listing_css, "web/listing.css"
    asset listing_js, "web/listing.js"
    asset flame_css, "web/flame.css"
    asset oom_css, "web/oom.css"
    asset flame_data_js, "web/flame_data.js"
    asset flame_layout_js, "web/flame_layout.js"
    asset flame_paint_js, "web/flame_paint.js"
    asset flame_parts_js, "web/flame_parts.js"
    asset flame_state_js, "web/flame_state.js"
    asset flame_table_js, "web/flame_table.js"
    asset flame_js, "web/flame.js"

    .section .note.GNU-stack, "", @progbits
