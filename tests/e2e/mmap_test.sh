#!/bin/bash
# Mappings by stack, exactly: what is unmapped in part, mapped over, moved, grown and shrunk, by whom.
. "$(dirname "$0")/lib.sh"
export PPROF_TMPDIR=$tmp

# flat FUNCTION [OPTION...]: KiB of it.
flat() {
    local function=$1
    shift
    "$sonde" -top -unit=kb -nodefraction=0 "$@" "$tmp/mmap" 2>/dev/null | awk -v f="$function" '$6 == f { print $1 }'
}

record=$(killed_record "$programs/mappings")
ok $? "the program runs"
"$sonde" -proto -output="$tmp/mmap" "$record/mmap" 2>"$tmp/err" || cat "$tmp/err"
is "$(flat map_private)" $((6 * 1024 - 4))kB "a mapping is what is left of it: unmapped inside, mapped over, a page less"
is "$(flat map_over)" 4096kB "what was mapped over it is its caller's"
is "$(flat map_shared)" $(((32 + 2) * 1024))kB "a range that mremap() moved stays with who mapped it"
is "$(flat grow)" "" "and what it had grown by is gone when it shrinks"
is "$(flat grow -sample_index=alloc_space)" $((61 * 1024))kB "but was mapped by who grew it"
is "$(flat map_file) $(flat map_reserved)" "8192kB 1048576kB" "files and reserved address space are told, too"
is "$(flat raise_break)" 4096kB "the break goes up and down"
is "$("$sonde" -top -sample_index=alloc_objects "$tmp/mmap" 2>/dev/null | awk '$6 == "map_private" { print $1 }')" 12001 \
    "each of many mappings by four threads is counted"
unlike "$("$sonde" -top "$tmp/mmap" 2>/dev/null)" malloc "what malloc() maps is not among them"
like "$("$sonde" -tags "$tmp/mmap" 2>/dev/null | tr '\n' ' ')" 'mapping: .*reserved.*shared.*anonymous.*file.*break' "labels say what was mapped"
size=$(stat -c %s "$record")
is "$("$sonde" -top -unit=kb -tagignore=reserved "$tmp/mmap" 2>/dev/null | sed -n 's/.* of \([0-9.]*kB\) total/\1/p')" \
    $(((6 + 4 + 34 + 8 + 4) * 1024 - 4 + 1024 * 1024 + size / 1024))kB "all are so many bytes"

is "$(flat '[sonde]')" $((size / 1024))kB "the library's own is shown, too"
[ "$size" -le $((8 << 20)) ]
ok $? "and is at most 8 MiB: $((size / 1024)) KiB"

rm -f "$SONDE_DIR"/*
preloaded "$programs/mappings" fork
record=$(ls "$SONDE_DIR"/*)
"$sonde" -proto -output="$tmp/mmap" "$record/mmap" 2>/dev/null
is "$(flat map_private)" 7168kB "a forked child's profile has its own mappings alone"

# Allocators map by the public names: what they do is marked.
jemalloc=$(ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1)
if [ -n "$jemalloc" ]; then
    rm -f "$SONDE_DIR"/*
    LD_PRELOAD=$build/libsonde.so:$jemalloc "$programs/mappings" 2>/dev/null
    record=$(ls "$SONDE_DIR"/*)
    "$sonde" -proto -output="$tmp/mmap" "$record/mmap" 2>/dev/null
    like "$("$sonde" -top -tagfocus=by=allocator "$tmp/mmap" 2>/dev/null)" 'malloc' "an allocator's own mappings have a label"
    is "$(flat map_over -tagignore=by=allocator)" 4096kB "without which they can be left out"
else
    skip "an allocator's own mappings have a label" "no libjemalloc2"
    skip "without which they can be left out" "no libjemalloc2"
fi

# By a server, as all others.
SONDE_RATE=0 preloaded python3 -c 'import mmap, time; m = mmap.mmap(-1, 40 << 20); print(1, flush=True); time.sleep(20)' >"$tmp/out" &
program=$!
wait_for grep -q 1 "$tmp/out"
serve
url=${url%/}
like "$("$sonde" -top "$url/mmap" 2>/dev/null)" '^ +40MB .* ' "python's 40 MiB are served at /debug/pprof/mmap"
like "$(curl -s "$url/mmap?debug=1")" '^1: 41943040 \[1: 41943040\] @ 0x' "as text, too"
kill $server $program
wait $server $program 2>/dev/null
done_testing
