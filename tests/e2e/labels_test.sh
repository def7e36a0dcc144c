#!/bin/bash
# Labels, profiles of the program's own, pools and the high-water mark, from the program to every endpoint.
. "$(dirname "$0")/lib.sh"
export PPROF_TMPDIR=$tmp

# serving MODE: the program that did MODE and waits, and a server that answers for it; sets $url and $program.
serving() {
    rm -f "$SONDE_DIR"/*
    SONDE_RATE=${rate:-4096} LD_PRELOAD=$build/libsonde.so "$programs/labels" "$1" wait >"$tmp/out" &
    program=$!
    waits() { grep -q pause /proc/$program/wchan 2>/dev/null || [ "$(awk '{ print $1 }' /proc/$program/syscall 2>/dev/null)" = 34 ]; }
    wait_for waits
    serve
    url=${url%/}
}
finish() {
    kill $server $program
    wait $server $program 2>/dev/null
}

# Labels.
record=$(SONDE_RATE=4096 killed_record "$programs/labels" labels)
focus() { "$sonde" -top "-tagfocus=$1" "$record" 2>/dev/null | sed -n 's/.*accounting for \([^,]*\),.*/\1/p'; }
is "$(focus endpoint=upload)" 12MB "what is allocated within sonde_do() has its labels"
is "$(focus part=file)" 4MB "and those that were added there, until the block's end"
is "$(focus endpoint=search) $(focus endpoint=list)" "2MB 1MB" "an inner label takes the outer one's place, and gives it back"
is "$(focus thread=second)" 32MB "each thread has labels of its own"
is "$(focus creator=main)" 16MB "and begins with those of the thread that created it"
like "$("$sonde" -tags "$record" 2>/dev/null)" 'upload' "the record's reader lists them"
traces=$("$sonde" -traces "$record" 2>/dev/null)
like "$(tr '\n' ' ' <<<"$traces")" 'part: +file +endpoint: +upload +4MB +hold +upload ' "a stack has all of its labels"

rm -f "$SONDE_DIR"/*
SONDE_RATE=4096 preloaded "$programs/labels" child
record=$(ls "$SONDE_DIR"/*)
is "$(focus endpoint=upload)" 8MB "a forked child knows its parent's label sets"

# Own profiles and pools.
rate=100 serving own
is "$(cat "$tmp/out")" "" "own profiles are found by their names"
curl -s "$url/connections" >"$tmp/connections"
like "$("$sonde" -raw "$tmp/connections")" '^connections/count' "a profile of values has one type, with its name"
like "$("$sonde" -top "$tmp/connections")" '^ +600 +100% .* open_some$' "values that were added and not removed, by stack, each once"
like "$(curl -s "$url/connections?debug=1" | head -n 2 | tr '\n' ' ')" '^connections profile: total 600 1 @ 0x|^connections profile: total 600 (600|599) @ 0x' \
    "the text form is Go's"
curl -s "$url/arena" >"$tmp/arena"
alloc=$("$sonde" -sample_index=alloc_space -unit=bytes -top "$tmp/arena" | awk '/use_pool/ { print int($1) }')
inuse=$("$sonde" -sample_index=inuse_space -unit=bytes -top "$tmp/arena" | awk '/use_pool/ { print int($1) }')
is "$alloc $inuse" "100000 75000" "a pool's blocks are counted as the heap's are"
unlike "$("$sonde" -top "$url/heap")" 'use_pool|open_some' "and are not in the heap's profile"
like "$(curl -s "$url/")" 'href="connections\?pid=.*href="arena\?pid=' "the index lists them"
finish

# The high-water mark.
rate=64KiB serving peak
peak=$("$sonde" -top "$url/peak")
like "$peak" 'accounting for 64MB, 100% of 64MB' "the peak profile has what was live when most was"
like "$peak" '^ +48MB .* peak$' "by stack, also what was freed since"
like "$("$sonde" -comments "$url/peak")" 'the most that was live at once: 64.0 MB' "and says how much that was"
like "$("$sonde" -top "$url/heap")" 'of 18MB total' "the heap's has what is live now"

# Ages, and texts.
sleep 2.2
"$sonde" -tags "$url/ages" >"$tmp/tags" 2>/dev/null
like "$(cat "$tmp/tags")" 'age: Total' "the ages profile's samples say how old they are"
like "$(cat "$tmp/tags")" '[24]s$' "in powers of two"
like "$("$sonde" -top "$url/ages")" 'of 18MB total' "and are as many bytes as without"
text=$(curl -s "$url/heap?debug=1")
like "$text" '^heap profile: 2: 18874368 \[50: [0-9]+\] @ heap/2$' "the heap's text form begins as Go's does"
like "$text" '^1: 16777216 \[1: 16777216\] @ 0x[0-9a-f]+ 0x' "has a row for each stack"
like "$text" "^#	0x[0-9a-f]+	hold	+.*labels.c:[0-9]+\$" "and its frames, with names"
curl -s "$url/heap?debug=1" >"$tmp/heap.txt"
like "$("$sonde" -top "$tmp/heap.txt" 2>/dev/null)" '^ +18MB .* hold$' "it reads back as the same, looked up anew"
if command -v go >/dev/null; then
    like "$(go tool pprof -top "$tmp/heap.txt" 2>/dev/null)" '^ +18MB .* hold$' "go tool pprof reads it, too"
    like "$(go tool pprof -top "$tmp/connections" 2>/dev/null)" '^ +600 .* open_some$' "and an own profile"
fi
finish

# The examples.
LD_LIBRARY_PATH=$build "$build/examples/labels-cpp" 0
ok $? "the C++ example runs"
rm -f "$SONDE_DIR"/*
SONDE_RATE=64KiB LD_LIBRARY_PATH=$build "$build/examples/labels-cpp" 20 &
program=$!
has_record() { [ -n "$(ls "$SONDE_DIR")" ] && [ "$("$sonde" -top $program 2>/dev/null | grep -c upload)" != 0 ]; }
wait_for has_record
record=$program
like "$("$sonde" -top -unit=mb -tagfocus=endpoint=upload $program 2>/dev/null)" 'accounting for (4[89]|5[0-5])[.0-9]*MB' "and tells what uploads hold"
kill $program
wait $program 2>/dev/null
if command -v rustc >/dev/null && rustc -O -g "$here/examples/labels-rust/labels.rs" -o "$tmp/labels-rust" -L "$build" -l sonde 2>"$tmp/rustc.log"; then
    rm -f "$SONDE_DIR"/*
    LD_LIBRARY_PATH=$build SONDE_RATE=4096 SONDE_KEEP_EXITED=1 "$tmp/labels-rust" 0 >/dev/null
    record=$(ls "$SONDE_DIR"/*)
    like "$("$sonde" -alloc_space -top -tagfocus=endpoint=upload "$record" 2>/dev/null)" ' 40(\.0[0-9])?MB .* labels(-rust)?::upload$' \
        "the Rust example's uploads are charged to their label, and to their function"
else
    skip "the Rust example's uploads are charged to their label, and to their function" "no rustc"
fi
done_testing
