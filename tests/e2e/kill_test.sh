#!/bin/bash
# SIGKILL at random instants while four threads allocate: the record must be whole, and its live bytes those of the program's own count.
. "$(dirname "$0")/lib.sh"

rounds=${ROUNDS:-200}
unreadable=0 wrong=0 worst=0
for ((i = 0; i < rounds; i++)); do
    rm -f "$SONDE_DIR"/* "$tmp/held"
    SONDE_RATE=4096 LD_PRELOAD=$build/libsonde.so "$programs/hold" "$tmp/held" 2>/dev/null &
    pid=$!
    sleep "0.$(printf %03d $((20 + RANDOM % 280)))"
    kill -KILL $pid
    wait $pid 2>/dev/null
    held=$(od -An -t d8 -N 8 "$tmp/held" 2>/dev/null | tr -d ' ')
    record=$(ls "$SONDE_DIR"/* 2>/dev/null | head -n 1)
    [ -n "$record" ] || continue # killed before main
    if ! "$sonde" -symbolize=none -raw "$record" >"$tmp/raw" 2>"$tmp/err"; then
        # Killed while it was being made, it says that.
        grep -q 'the record is empty' "$tmp/err" || { unreadable=$((unreadable + 1)); cat "$tmp/err"; }
        continue
    fi
    read -r off <<<"$(awk -v held="${held:-0}" '/^Locations/ { exit } /: / && NF > 4 { sub(":", "", $4); live += $4 }
        END { d = live - held; if (d < 0) d = -d; printf "%d\n", (held > 4000000 ? 1000 * d / held : 0) }' "$tmp/raw")"
    [ "$off" -gt "$worst" ] && worst=$off
    [ "$off" -le 50 ] || wrong=$((wrong + 1))
done 2>/dev/null
is $unreadable 0 "after $rounds kills every record reads"
is $wrong 0 "its live bytes are within 5 % of what the program held (at most $((worst / 10)).$((worst % 10)) % off)"
done_testing
