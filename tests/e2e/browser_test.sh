#!/bin/bash
# The flame graph in a real browser; where there is none, or no driver for it, that is said.
. "$(dirname "$0")/lib.sh"

browser=$here/tests/browser
CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
export CHROMIUM
skip_all() {
    echo "1..0 # SKIP $1"
    exit
}
command -v node >/dev/null || skip_all "no node"
[ -n "$CHROMIUM" ] || skip_all "no chromium"
[ -d "$browser/node_modules/playwright-core" ] || skip_all "no playwright-core: npm ci --prefix tests/browser"

# profile FILE <LINES: of two types.
profile() {
    "$here/tests/e2e/make_profile" requests/count cpu/nanoseconds >"$tmp/$1"
}
profile before.pb.gz <<'END'
main@server/main.c;serve@server/main.c;parse 4 400
main@server/main.c;serve@server/main.c;read+copy 3 200
main@server/main.c;serve@server/main.c;write<b>"</script> 3 100
main@server/main.c;idle 90 300
END
profile after.pb.gz <<'END'
main@server/main.c;serve@server/main.c;parse 8 800
main@server/main.c;serve@server/main.c;read+copy 3 200
main@server/main.c;serve@server/main.c;write<b>"</script> 3 100
main@server/main.c;idle 20 100
END
# Thousands of boxes, and sixty levels of some of them.
python3 -c '
for i in range(300):
    for k in range(100):
        print(f"main;f{i % 40};g{i};" + (";".join(f"deep{n}" for n in range(60)) if i == 0 else f"h{i * k % 97};k{k}"), 1, 20 if i == 0 else 2)
' | profile wide.pb.gz
"$sonde" -flame -output="$tmp/flame.html" "$tmp/before.pb.gz" 2>/dev/null
"$sonde" -flame -output="$tmp/diff.html" -diff_base="$tmp/before.pb.gz" "$tmp/after.pb.gz" 2>/dev/null
"$sonde" -flame -output="$tmp/wide.html" "$tmp/wide.pb.gz" 2>/dev/null
node "$browser/flame_test.mjs" "$tmp"
