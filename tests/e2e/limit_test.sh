#!/bin/bash
# At the limit, with the kill held back: the program hangs in its next page fault, but what it has done until then is in its record.  And
# where there is no place for a record, the program goes on.
. "$(dirname "$0")/lib.sh"
. "$here/tools/cgroup"

# differs RECORD HELD: thousandths by which the live heap of a record and the program's own count differ.
differs() {
    "$sonde" -symbolize=none -raw "$1" 2>/dev/null |
        awk -v held="$2" '/^Locations/ { exit } /: / && NF > 4 { sub(":", "", $4); live += $4 }
            END { d = live - held; if (d < 0) d = -d; printf "%d", (held > 0 ? 1000 * d / held : 1000) }'
}
count() { od -An -v -t d8 -w64 "$1" 2>/dev/null | awk '{ held += $1 } END { print held + 0 }'; }

if cgroup_make "sonde-test.$$" 64 && echo 1 2>/dev/null >"$cgroup/memory.oom_control"; then
    SONDE_RATE=4096 LD_PRELOAD=$build/libsonde.so cgroup_run "$programs/hold" "$SONDE_DIR/held" 2>/dev/null &
    shell=$!
    is_stuck() { grep -q 'under_oom 1' "$cgroup/memory.oom_control"; }
    wait_for is_stuck
    ok $? "at the limit the program hangs"
    sleep 0.5
    held=$(count "$SONDE_DIR/held")
    record=$(ls "$SONDE_DIR"/*-* | head -n 1)
    off=$(differs "$record" "$held")
    [ "$off" -le 30 ]
    ok $? "its record is current to the last allocation: $held bytes held, $((off / 10)).$((off % 10)) % off"
    pid=$(pgrep -P $shell hold)
    report=$("$sonde" mem -json $pid 2>&1)
    is "$(jq -r .cause <<<"$report")" live_heap "and the account can be made while it hangs"
    [ "$(jq '[.account[] | select(.line == "unexplained") | .bytes][0] / .charge_bytes * 1000 | fabs | floor' <<<"$report")" -le 50 ]
    ok $? "at most 5 % of it unexplained"
    echo 0 >"$cgroup/memory.oom_control"
    wait $shell 2>/dev/null
    is $? 137 "once the kernel may, it kills"
    off=$(differs "$record" "$(count "$SONDE_DIR/held")")
    [ "$off" -le 30 ]
    ok $? "and the record is as true as before ($((off / 10)).$((off % 10)) % off)"
    rm -f "$SONDE_DIR/held" "$record"
    cgroup_remove
else
    [ -z "$cgroup" ] || cgroup_remove
    skip "the record at the limit" "${cgroup_why:-only version 1 can hold the kill back}"
fi

# warnings FOLDER: what a program with a record folder like that says, and its status.
warnings() {
    SONDE_DIR=$1 LD_PRELOAD=$build/libsonde.so "$programs/family" >"$tmp/out" 2>"$tmp/err"
    echo "$? $(grep -c '^sonde: no' "$tmp/err")"
}
plain=$("$programs/family" >/dev/null 2>&1; echo $?)
is "$(warnings "$tmp/missing/folder")" "$plain 1" "a missing record folder: the program goes on, one warning says that there are no profiles"
if mkdir "$tmp/small" && mount -t tmpfs -o size=64k none "$tmp/small" 2>/dev/null; then
    is "$(warnings "$tmp/small")" "$plain 1" "a full one too"
    mount -o remount,size=5m "$tmp/small"
    SONDE_DIR=$tmp/small SONDE_RATE=16384 LD_PRELOAD=$build/libsonde.so "$programs/pauses" 100000 2048 >/dev/null 2>"$tmp/err"
    is "$? $(grep -c 'the profile ends here' "$tmp/err") $(wc -l <"$tmp/err")" "0 1 1" "one that has room for a part of the record: likewise, as far as it went"
    mount -o remount,ro "$tmp/small"
    is "$(warnings "$tmp/small")" "$plain 1" "a read-only one, too"
    umount "$tmp/small"
else
    skip "a full one" "mounting is not permitted"
    skip "a read-only one" "mounting is not permitted"
fi

# Nowhere to keep it: "sonde run" says so, and the record stays where it is.
if [ -d "$tmp/small" ] && mkdir "$tmp/full" && mount -t tmpfs -o size=64k none "$tmp/full" 2>/dev/null; then
    head -c 60k /dev/zero >"$tmp/full/ballast"
    rm -f "$tmp/err"
    SONDE_KEEP=$tmp/full timeout 20 "$sonde" run -http= -- "$programs/hungry" hold 2>"$tmp/err" &
    run=$!
    has_record() { ls "$SONDE_DIR" | grep -q -- '^[0-9]*-[0-9]*$'; }
    wait_for has_record
    sleep 0.5
    kill -KILL "$(pgrep -P "$(pgrep -P $run)")"
    wait $run 2>/dev/null
    like "$(cat "$tmp/err")" 'could not be kept' "a full folder of kept records: that is said"
    has_record
    ok $? "and the record is not lost"
    umount "$tmp/full"
else
    skip "a full folder of kept records" "mounting is not permitted"
fi
done_testing
