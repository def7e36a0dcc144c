#!/bin/bash
# What the pages compute, under node.
. "$(dirname "$0")/lib.sh"
command -v node >/dev/null || { echo "1..0 # SKIP no node"; exit; }
node "$here/tests/browser/layout_test.mjs"
