#!/bin/bash
# What is left of a program that was killed, whoever else dies with it: as a container's first process, with the watcher killed too, in a
# sidecar, at the next start.
. "$(dirname "$0")/lib.sh"

export SONDE_RATE=65536 SONDE_TERMINATION_LOG=$tmp/termination-log

is_dead() { ! grep -q '^State:.[RSD]' "/proc/$1/status" 2>/dev/null; }

# Watcher and program die together, as with memory.oom.group.
"$sonde" run -http= -- "$programs/hungry" hold 2>/dev/null &
run=$!
is_watched() { ls "$SONDE_DIR"/*.watch; }
wait_for is_watched
sleep 1.2
program=$(pgrep -P $run)
kill -KILL $run $program
wait $run 2>/dev/null
wait_for is_dead $program
"$sonde" run -http= -- /bin/true 2>"$tmp/err"
like "$(cat "$tmp/err")" "process $program died before this start" "the next start finds what is left when both were killed"
like "$("$sonde" oom)" 'live heap .*|remember' "and sonde oom tells what it held"
is "$("$sonde" oom -json | jq -r '.program, .account_source' | tr '\n' ' ')" "hungry watch " "by what the watcher had seen"
is "$(ls "$SONDE_DIR")" "" "nothing is left in memory"

# A watched record is its watcher's: nobody else takes it, and takes the knowledge of how it ended away.
rm -f "$tmp/err2"
"$sonde" run -http= -- "$programs/hungry" hold 2>"$tmp/err2" &
run=$!
wait_for is_watched
program=$(pgrep -P $run)
kill -STOP $run
kill -KILL "$program"
sleep 0.3
"$sonde" oom >/dev/null 2>&1
is "$(ls "$SONDE_DIR" | wc -l)" 2 "a record that somebody watches is left to him"
kill -CONT $run
wait $run
is "$("$sonde" oom -json | jq -r '.end, .wait_status' | tr '\n' ' ')" "signal 9 " "who knows how it ended"

# SIGTERM comes before many ends: what there is to see then is looked at.
"$sonde" run -http= -- "$programs/hungry" hold 2>/dev/null &
run=$!
wait_for is_watched
sleep 0.3
kill -TERM $run
wait $run
is $? 143 "SIGTERM is passed on"
like "$("$sonde" oom -json | jq -r '.events[].text')" 'somebody sent SIGTERM' "and the report tells of it"

# As the first process of a container.
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    # A child of the program outlives it and becomes the first process's own.
    unshare --pid --fork --mount-proc "$sonde" run -http= -- bash -c '(sleep 0.2; exit 3) & exit 7' 2>"$tmp/err"
    is $? 7 "as a container's first process it ends with the program's status"
    unshare --pid --fork --mount-proc "$sonde" run -http= -- bash -c 'trap "echo told; exit 5" TERM; (sleep 0.1; kill -TERM 1) & while :; do sleep 0.05; done' \
        >"$tmp/out" 2>"$tmp/err"
    is "$? $(cat "$tmp/out")" "5 told" "passes signals on, also those that a first process would not hear"
    unshare --pid --fork --mount-proc "$sonde" run -http= -- bash -c 'for i in 1 2 3; do (sleep 0.1 &); done; sleep 0.6; ps -eo stat | grep -c Z' >"$tmp/out" 2>/dev/null
    is "$(cat "$tmp/out")" 0 "and reaps orphans"
else
    skip "as a container's first process" "no new pid namespaces here"
fi

# A sidecar that shares the folder: keeps the record, and serves what it held.
serve
LD_PRELOAD=$build/libsonde.so "$programs/hungry" hold 2>/dev/null &
pid=$!
has_record() { ls "$SONDE_DIR/$pid"-*; }
wait_for has_record
wait_for is_watched
holds() { "$sonde" -top -nodefraction=0 "${url}memory?pid=$pid" | grep -q ' remember$'; }
wait_for holds
sleep 1.2
like "$(curl -s "${url}memory?debug=1&pid=$pid")" "^hungry \(process $pid\) is alive" "the account of a process that runs is served"
"$sonde" -top "${url}memory?pid=$pid" >"$tmp/top" 2>/dev/null
like "$(cat "$tmp/top")" '\[memory of ' "as a profile as well"
kill -KILL $pid
wait $pid 2>/dev/null
is_kept() { ls "$SONDE_KEEP" | grep -q -- "-$pid-"; }
wait_for is_kept
ok $? "a sidecar keeps the record of one that was killed"
like "$(curl -s "${url}oom?debug=1")" "^hungry \(process $pid\)" "and serves what it held: /debug/pprof/oom"
is "$(curl -s "${url}oom?format=json" | jq -r .pid)" $pid "as JSON"
like "$(curl -s "${url}oom?format=html")" '<section class="oom">' "as a page"
like "$("$sonde" -top -nodefraction=0 "${url}oom" 2>/dev/null)" ' remember$' "and as a profile"
kill -TERM $server
wait $server

# Nothing of memory survives: a copy on a volume does.
"$sonde" run -http= -copy="$tmp/volume" -- "$programs/hungry" hold 2>/dev/null &
run=$!
is_copied() { ls "$tmp"/volume/hungry-*; }
wait_for is_copied
program=$(pgrep -P $run)
kill -KILL $run $program
wait $run 2>/dev/null
wait_for is_dead $program
rm -f "$SONDE_DIR"/*
report=$("$sonde" oom -json "$tmp/volume")
is "$(jq -r '.pid, .account_source' <<<"$report" | tr '\n' ' ')" "$program watch " "a copy on a volume tells, where nothing of memory survives"
is "$(jq '([.account[].bytes] | add) == .charge_bytes' <<<"$report")" true "its account adds up"
rm -f "$tmp/err"
"$sonde" run -http= -copy=/proc/none -- "$programs/hungry" hold 2>"$tmp/err" &
run=$!
says_so() { grep -q 'no copy of the record' "$tmp/err"; }
wait_for says_so
ok $? "where no copy can be made that is said"
kill -KILL "$(pgrep -P $run)"
wait $run
is "$(grep -c 'no copy of the record' "$tmp/err")" 1 "once"

# The library alone, in a container that dies with its memory: its own thread copies the record to a volume.
. "$here/tools/cgroup"
export SONDE_COPY=$tmp/alone
if cgroup_make "sonde-test.$$" 128; then
    LD_PRELOAD=$build/libsonde.so cgroup_run "$programs/hungry" leak 2>"$tmp/err"
    is $? 137 "the library alone: a program dies at its limit"
    rm -f "$SONDE_DIR"/*
    cgroup_remove
    report=$("$sonde" oom -json "$SONDE_COPY")
    is "$(jq -r '.cause, .function, .account_source' <<<"$report" | tr '\n' ' ')" "live_heap remember record " "its copy names the cause"
    held=$(jq .heap_bytes <<<"$report")
    [ "$held" -ge $((96 << 20)) ]
    ok $? "$((held >> 20)) MB of the 119 that it could hold are in the copy"
    [ "$(jq '[.timeline[] | select(.charge_bytes > 0)] | length' <<<"$report")" -ge 5 ]
    ok $? "with its time line"
else
    skip "the library alone" "$cgroup_why"
fi
rm -rf "$SONDE_COPY"
LD_PRELOAD=$build/libsonde.so "$programs/hold" "$tmp/truth" 2>/dev/null &
program=$!
has_copy() { ls "$SONDE_COPY/$program"-*; }
wait_for has_copy
ok $? "a copy is made without any limit, too"
kill -KILL $program
wait $program 2>/dev/null
rm -rf "${SONDE_COPY:?}" "$SONDE_DIR"/*
preloaded bash -c 'sleep 1.5; exit 3'
is "$? $(ls "$SONDE_COPY")" "3 " "after a good end no copy is left"
SONDE_COPY=/proc/none preloaded "$programs/leaves" >/dev/null 2>"$tmp/err"
is "$(grep -c 'no copies of the record: cannot write to /proc/none' "$tmp/err")" 1 "a folder that cannot be written to is told of"
if mkdir "$tmp/little" && mount -t tmpfs -o size=1m none "$tmp/little" 2>/dev/null; then
    SONDE_COPY=$tmp/little preloaded timeout 3 "$programs/hungry" leak 2>"$tmp/err"
    like "$(grep -c . "$tmp/err") $(cat "$tmp/err")" '^1 sonde: no copy of the record: what it holds is lost .*No space' "so is one that is full, once"
    is "$(ls "$tmp/little")" "" "and no part of a copy is left"
    umount "$tmp/little"
else
    skip "a full volume" "mounting is not permitted"
fi
rm -f "$SONDE_DIR"/*
unset SONDE_COPY

# The file that Kubernetes shows.
: >"$SONDE_TERMINATION_LOG"
timeout 20 "$sonde" run -http= -- bash -c 'kill -KILL $$' 2>"$tmp/err"
[ "$(stat -c %s "$SONDE_TERMINATION_LOG")" -le 4096 ]
ok $? "the termination log holds at most 4 KiB"
"$sonde" run -http= -- true 2>/dev/null
is "$(cat "$SONDE_TERMINATION_LOG")" "" "and nothing after a good end"
done_testing
