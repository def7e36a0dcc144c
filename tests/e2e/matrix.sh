# For the tests of kills: the ways to run out of memory (tests/programs/hungry.c), and whether the report tells the truth of each.

# Way, cause that is to be named, function that is to hold at least 80 % of it, by its stack ("-": none), program's way.
ways='leak live_heap remember leak
burst live_heap serve_request burst
huge huge_block read_whole_file huge
uploads live_heap receive uploads
mmap mappings map_buffer mappings
threads thread_stacks - stacks
tmpfs tmpfs - tmpfs
cache locked_files - cache
holes retained - holes
sibling other_process - hold
forks many_processes - forks'

# field NAME EXPRESSION
field() { jq -r "$2" "$tmp/$1.json" 2>/dev/null; }

# check NAME CAUSE FUNCTION: tells whether the report holds, and prints a row of the table.
check() {
    local name=$1 cause=$2 function=$3 found held share unexplained root right=yes
    found=$(field "$name" .cause)
    held=$(field "$name" .function)
    share=$(field "$name" '(.function_of as $of | if $of == "live_heap" then .heap_bytes else [.account[] | select(.line == $of) | .bytes][0] end) as $whole
        | if $whole > 0 then 100 * .function_bytes / $whole | floor else 0 end')
    unexplained=$(field "$name" '1000 * ([.account[] | select(.line == "unexplained") | .bytes][0] | if . < 0 then -. else . end) / .charge_bytes | ceil')
    root=$(field "$name" .charge_bytes)
    [ ! -f "$tmp/$name.pb.gz" ] || root=$("$sonde" -raw -symbolize=none "$tmp/$name.pb.gz" 2>/dev/null |
        awk '/^Locations/ { exit } /^ *-?[0-9]+: / { sub(":", "", $1); sum += $1 } END { printf "%d", sum }')
    field "$name" .end | grep -Eq '^(likely_)?oom$' && [ "$found" = "$cause" ] && [ "${unexplained:-1000}" -le 50 ] &&
        [ "$root" = "$(field "$name" .charge_bytes)" ] || right=no
    [ "$function" = - ] || { [ "$held" = "$function" ] && [ "$share" -ge 80 ]; } || right=no
    printf '# %-24s %-6s %-15s %8s %-16s %5s %9s %7s %7s  %s\n' "$name" "$(field "$name" .end)" "$found" \
        "$(field "$name" '.cause_bytes / 1048576 | floor')" "$([ "$function" = - ] || echo "$held")" "$([ "$function" = - ] || echo "$share%")" \
        "$(awk "BEGIN { printf \"%.1f%%\", ${unexplained:-1000} / 10 }")" "$(field "$name" .account_source)" \
        "$(field "$name" '.account_age_seconds * 1000 | floor')ms" $right
    [ $right = yes ] && return
    cat "$tmp/$name.txt" "$tmp/$name.err" 2>/dev/null | sed 's/^/#   /'
    return 1
}

table_head() {
    printf '# %-24s %-6s %-15s %8s %-16s %5s %9s %7s %7s  %s\n' "way.allocator.evidence" end cause MB "held by" share unexplain. source age right
}
