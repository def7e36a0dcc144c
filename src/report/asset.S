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

    .section .note.GNU-stack, "", @progbits
