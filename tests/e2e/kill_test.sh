#!/bin/bash
# SIGKILL at random instants while four threads allocate, and the OOM killer's while threads load libraries, fork and make new stacks: the
# record must be whole, and its live bytes those of the program's own count.  ROUNDS, OOM_ROUNDS: how often.
. "$(dirname "$0")/lib.sh"
. "$here/tools/cgroup"

unreadable=0 wrong=0 worst=0 most=50

# judge: the record that was left, against the program's count.
judge() {
    local held record off
    held=$(od -An -t d8 -N 8 "$tmp/held" 2>/dev/null | tr -d ' ')
    record=$(ls "$SONDE_DIR"/*-* 2>/dev/null | head -n 1)
    [ -n "$record" ] || return # killed before main
    if ! "$sonde" -symbolize=none -raw "$record" >"$tmp/raw" 2>"$tmp/err"; then
        # Killed while it was being made, it says that.
        grep -q 'the record is empty' "$tmp/err" || { unreadable=$((unreadable + 1)); cat "$tmp/err"; }
        return
    fi
    read -r off <<<"$(awk -v held="${held:-0}" '/^Locations/ { exit } /: / && NF > 4 { sub(":", "", $4); live += $4 }
        END { d = live - held; if (d < 0) d = -d; printf "%d\n", (held > 4000000 ? 1000 * d / held : 0) }' "$tmp/raw")"
    [ "$off" -gt "$worst" ] && worst=$off
    [ "$off" -le $most ] || wrong=$((wrong + 1))
}

rounds=${ROUNDS:-200}
for ((i = 0; i < rounds; i++)); do
    rm -f "$SONDE_DIR"/* "$tmp/held"
    SONDE_RATE=4096 LD_PRELOAD=$build/libsonde.so "$programs/hold" "$tmp/held" 2>/dev/null &
    pid=$!
    sleep "0.$(printf %03d $((20 + RANDOM % 280)))"
    kill -KILL $pid
    wait $pid 2>/dev/null
    judge
done 2>/dev/null
is $unreadable 0 "after $rounds kills every record reads"
is $wrong 0 "its live bytes are within 5 % of what the program held (at most $((worst / 10)).$((worst % 10)) % off)"

oom_rounds=${OOM_ROUNDS:-5} killed=0 worst=0 wrong=0 unreadable=0 most=30
if cgroup_make "sonde-test.$$" 64; then
    # On a busy machine a program that swaps its code in and out at the limit may end by its own alarm: that round does not count.
    for ((i = 0; i < 2 * oom_rounds && killed < oom_rounds; i++)); do
        rm -f "$SONDE_DIR"/* "$tmp/held"
        SONDE_RATE=4096 LD_PRELOAD=$build/libsonde.so cgroup_run "$programs/storm" "$tmp/held" "$programs/plugin.so" 2>/dev/null
        status=$?
        [ $status = 142 ] && continue
        [ $status = 137 ] && killed=$((killed + 1))
        judge
    done 2>/dev/null
    cgroup_remove
    is $killed "$oom_rounds" "the OOM killer came $oom_rounds times"
    is $unreadable 0 "every record reads"
    is $wrong 0 "its live bytes are within 3 % of what the program held (at most $((worst / 10)).$((worst % 10)) % off)"
else
    skip "the OOM killer" "$cgroup_why"
fi
done_testing
