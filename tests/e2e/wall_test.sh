#!/bin/bash
# Wall profiles: where threads are, running and waiting, and what for; without waking the ones that wait.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/wall.sh"

start "$programs/waits" shares
peer=$(sed -n 's/peer //p' "$tmp/out")
echo >&9
sleep 0.3
curl -s -o "$tmp/wall.pb.gz" "${url}wall?seconds=8" &
curl -s -o "$tmp/folded" "${url%pprof/}fgprof?seconds=2&format=folded"
threads=$(curl -s "${url}threads?debug=2")
"$sonde" -traces "${url}threadcreate" >"$tmp/created" 2>/dev/null
wait $!
finish
check_shares compute rest take_lock query
tags=$("$sonde" -tags -tagfocus='thread=^client$' "$tmp/wall.pb.gz" 2>/dev/null)
like "$tags" ": $peer\$" "the other end of the socket is named"
like "$tags" ': socket$' "and that it is one"
like "$tags" ': holder \([0-9]+\)$' "and who holds the lock"
like "$tags" ': clock_nanosleep$' "and the system call"
focused() { "$sonde" -top -nodefraction=0 -tagfocus="$1" "$tmp/wall.pb.gz" 2>/dev/null; }
like "$(focused "peer=^$peer")" ' query$' "the stack that waits for the socket is query()'s"
like "$(focused 'lock_owner=holder')" ' take_lock$' "and the one that waits for the lock take_lock()'s"
like "$(focused 'state=running')" ' compute$' "what runs is compute()"
like "$(cat "$tmp/folded")" '^[^ ]*;rounds;rest;[^ ]* [0-9]+$' "fgprof's folded stacks are served, where it has them"
like "$threads" 'thread [0-9]+ "server" \[blocked, ' "threads are shown with name and state"
like "$threads" '"holder" .*' "each of them"
like "$threads" '^serve\(...\)$' "and where they are"
is "$(grep -c '^ *1 ' "$tmp/created")" 3 "threadcreate has the stacks that made the three threads"

start "$programs/waits" idle 1000
curl -s -o "$tmp/wall.pb.gz" "${url}wall?seconds=6&hz=20" &
sleep 1.5
sampler=$(dirname "$(grep -l '^sonde$' /proc/"$child"/task/*/comm)")
before=$(cut -d' ' -f1 "$sampler/schedstat")
sleep 4
after=$(cut -d' ' -f1 "$sampler/schedstat")
cost=$(awk "BEGIN { printf \"%.2f\", 100 * ($after - $before) / 4e9 }")
wait $!
finish
is "$(sed -n 's/interrupted //p' "$tmp/out")" 0 "no wait of 1,000 idle threads was interrupted"
awk "BEGIN { exit !($cost < 4) }"
ok $? "looking at them 20 times a second costs $cost % of a core"
top=$("$sonde" -top -nodefraction=0 -unit=s "$tmp/wall.pb.gz" 2>/dev/null)
seconds=$(awk '$6 == "idle" { sub("s", "", $4); print $4 }' <<<"$top")
awk "BEGIN { exit !($seconds > 5700 && $seconds < 6600) }"
ok $? "their time adds up: $seconds s in some 6 s"
done_testing
