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
    asset app_css, "web/app.css"
    asset app_html, "web/app.html"
    asset app_js, "web/app.js"
    asset app_chart_js, "web/app_chart.js"
    asset app_controls_js, "web/app_controls.js"
    asset app_death_js, "web/app_death.js"
    asset app_flame_js, "web/app_flame.js"
    asset app_graph_js, "web/app_graph.js"
    asset app_items_js, "web/app_items.js"
    asset app_listing_js, "web/app_listing.js"
    asset app_menu_js, "web/app_menu.js"
    asset app_peek_js, "web/app_peek.js"
    asset app_state_js, "web/app_state.js"
    asset app_top_js, "web/app_top.js"
    asset app_traces_js, "web/app_traces.js"

    .section .note.GNU-stack, "", @progbits
