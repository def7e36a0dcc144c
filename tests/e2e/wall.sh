# For the tests of wall profiles: the program waits, from its begin to its end.

# start COMMAND...: a program that begins, and ends, when it reads a line (from descriptor 9); sets $run, $url and $child.
start() {
    rm -f "$tmp/in" "$tmp/out" "$tmp/err"
    mkfifo "$tmp/in"
    "$sonde" run -http=localhost:0 -- "$@" <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
    run=$!
    exec 9>"$tmp/in"
    served_at "$tmp/err"
    wait_for test -s "$tmp/out"
    child=$(pgrep -P $run)
}

# finish: ends it.
finish() {
    echo >&9
    exec 9>&-
    wait $run
}

# check_shares FUNCTION...: what the client did, as it measured it itself, against the profile.
check_shares() {
    local total function told ours
    total=$(awk 'NF == 2 && $1 != "peer" { sum += $2 } END { print sum }' "$tmp/out")
    for function in "$@"; do
        told=$(awk -v f=$function -v total="$total" '$1 == f { printf "%.2f", 100 * $2 / total }' "$tmp/out")
        ours=$(share "$tmp/wall.pb.gz" $function)
        awk "BEGIN { d = ${ours:-0} - ${told:-99}; exit !(d < 2 && d > -2) }"
        ok $? "$function() took $told % of the time, and has $ours %"
    done
}

# share PROFILE FUNCTION: its part of one thread's time, in percent.
share() {
    "$sonde" -top -cum -nodefraction=0 -relative_percentages -tagfocus='thread=^client$' "$1" 2>/dev/null |
        awk -v f="$2" '$6 == f { sub("%", "", $5); print $5; exit }'
}

