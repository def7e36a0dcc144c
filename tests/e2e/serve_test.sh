#!/bin/bash
# sonde run and sonde serve: HTTP, signals, exit status, what is said of a death; and the stock tool as a client.
. "$(dirname "$0")/lib.sh"

# start_run ARGUMENTS...: sonde run in the background; sets $pid and, once it serves, $url.
start_run() {
    rm -f "$tmp/out" "$tmp/err"
    "$sonde" run -http=localhost:0 -- "$@" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
    served_at "$tmp/err"
}

"$sonde" run -http= -- "$programs/ending" exit
is $? 3 "the program's exit status is passed through"
is "$("$sonde" run -http= -- sh -c 'echo "$SONDE_RATE"; cat' <<<"input" 2>&1)" "
input" "so are its input and output"
is "$("$sonde" run -http= -rate=1MB -- sh -c 'echo "$SONDE_RATE"')" 1048576 "-rate reaches the program"

start_run "$programs/ending" wait
child=$(pgrep -P $pid)
wait_for test -s "$(ls "$SONDE_DIR"/"$child"-*)"
sleep 0.2
like "$(curl -s "$url")" "<td>$child</td><td>ending</td>" "the index names the process"
like "$(curl -sI "$url"heap)" 'Content-Disposition: attachment; filename="heap"' "heap is an attachment of that name"
like "$(curl -sI "$url"heap)" 'X-Content-Type-Options: nosniff' "which nobody may sniff"
top=$("$sonde" -top "$url"heap 2>/dev/null)
like "$top" '^ +32MB +100% .* main$' "heap over HTTP shows what it holds"
is "$("$sonde" -top "$child" | grep -v ^Time)" "$(grep -v ^Time <<<"$top")" "as does the PID"
like "$("$sonde" -top "$url"allocs 2>/dev/null)" '^Type: alloc_space$' "allocs begins with alloc_space"
is "$(curl -s "$url"cmdline | tr '\0' ' ')" "$programs/ending wait" "cmdline is the command line"
address=$(nm "$programs/ending" | awk '$3 == "main" { print $1 }')
base=$(awk '/ending/ { split($1, a, "-"); print a[1]; exit }' /proc/"$child"/maps)
symbol=$(printf '0x%x' $((16#$base + 16#$address + 1)))
is "$(curl -s "$url"symbol?"$symbol")" "num_symbols: 1
$symbol main" "symbol names an address (GET)"
is "$(curl -s -d "$symbol+0x1" "$url"symbol)" "num_symbols: 1
$symbol main" "symbol names an address (POST)"
is "$(curl -s -o /dev/null -w '%{http_code}' "$url"nosuch)" 404 "an unknown profile is 404"
like "$(curl -si "$url"nosuch)" 'X-Go-Pprof: 1' "in a way that pprof shows"
is "$(curl -s -o /dev/null -w '%{http_code}' -X PUT "$url"heap)" 405 "PUT is refused"
is "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "$url"heap)" 403 "a foreign Host is refused"
like "$("$sonde" -top "$url"nosuch 2>&1)" 'server response: 404 Not Found - Unknown profile' "the server's own words reach the user"
for i in 1 2 3 4 5 6 7 8; do curl -s "$url"heap >"$tmp/heap.$i" & done
wait $(jobs -p | grep -v "^$pid$")
same=0
for i in 1 2 3 4 5 6 7 8; do "$sonde" -top "$tmp/heap.$i" 2>/dev/null | grep -q '32MB .* main' && same=$((same + 1)); done
is $same 8 "eight clients at once are answered"
if command -v go >/dev/null; then
    # The stock tool symbolizes nothing here: what it prints comes from the profile.
    theirs=$(cd "$tmp" && HOME=$tmp PPROF_TMPDIR=$tmp go tool pprof -top "$url"heap 2>/dev/null)
    is "$(grep -v ^Time <<<"$theirs")" "$("$sonde" -top "$url"heap 2>/dev/null | grep -v ^Time)" "go tool pprof -top prints the same"
    # Go 1.19 does not know of columns yet.
    theirs=$(cd "$tmp" && HOME=$tmp PPROF_TMPDIR=$tmp go tool pprof -raw "$url"heap 2>/dev/null)
    is "$(grep -v ^Time <<<"$theirs")" "$("$sonde" -raw "$url"heap 2>/dev/null | grep -v ^Time | sed -E 's/:[0-9]+ s=/ s=/')" \
        "and so does go tool pprof -raw"
else
    skip "go tool pprof -top prints the same" "no go"
    skip "and so does go tool pprof -raw" "no go"
fi
run_url=$url
serve
all=$url url=$run_url
like "$("$sonde" -top "$all"heap 2>/dev/null)" '32MB .* main' "serve shows the only process without being told which"
like "$("$sonde" -top "$all"heap?pid="$child" 2>/dev/null)" '32MB .* main' "or the one that is asked for"
like "$(curl -s "$all"heap?pid=1)" 'process 1 .*does not have the library|there is no process' "and says when it cannot"
kill $server
wait $server
is $? 0 "serve ends when it is told to"
"$sonde" run -http="${url#http://}" -- true 2>"$tmp/err2"
is $? 2 "an address that was asked for and cannot be had is an error"
like "$(cat "$tmp/err2")" 'cannot listen at' "which is told"
kill -TERM $pid
wait $pid
is $? 143 "SIGTERM is passed on, and its status comes back"
like "$(cat "$tmp/err")" "was killed by SIGTERM" "the death is told"

start_run "$programs/ending" wait
child=$(pgrep -P $pid)
wait_for test -s "$(ls "$SONDE_DIR"/"$child"-*)"
sleep 0.2
kill -KILL "$child"
wait $pid
is $? 137 "SIGKILL gives 137"
like "$(cat "$tmp/err")" "process $child\) was killed by SIGKILL" "with a line that says so"
like "$(cat "$tmp/err")" "sonde oom $SONDE_KEEP/ending-$child-" "and how to look further"
is "$(ls "$SONDE_DIR")" "" "its record is out of memory"
oom=$("$sonde" oom 2>/dev/null)
like "$oom" "^ending \(process $child\) was killed by SIGKILL on" "sonde oom finds the newest"
like "$oom" 'somebody sent the signal' "knows that no OOM killer did it"
like "$oom" '32MB +100%  main' "and what it held"
is "$("$sonde" oom "$child" 2>/dev/null)" "$oom" "also by its PID"
is "$("$sonde" oom "$SONDE_KEEP" 2>/dev/null)" "$oom" "or its folder"
like "$("$sonde" run -http= -keep -- "$programs/ending" exit; "$sonde" oom "$SONDE_KEEP"/ending-*-* 2>&1 || ls "$SONDE_KEEP")" "ending" \
    "-keep keeps the record of a clean exit"
is "$("$sonde" oom 2>/dev/null)" "$oom" "which is not taken for a death"
for i in $(seq 40); do "$sonde" run -http= -- "$programs/ending" term 2>/dev/null; done
is "$(ls "$SONDE_KEEP" | wc -l)" 32 "old records are bounded in number"
cat >"$tmp/static.c" <<'C'
int main(void) { return 6; }
C
if gcc -static -o "$tmp/static" "$tmp/static.c" 2>/dev/null; then
    like "$("$sonde" run -http= -- "$tmp/static" 2>&1; echo $?)" 'linked statically.*libsonde.a' "a static program is told what to link"
fi
gcc -o "$tmp/linked" "$here/tests/programs/ending.c" -L"$build" -lsonde -Wl,-rpath,"$build"
{ "$tmp/linked" abort; } 2>/dev/null
like "$("$sonde" -top "$SONDE_DIR"/* 2>/dev/null)" '32MB .* main' "a program that is linked with the library needs no preloading"
rm -f "$SONDE_DIR"/*
gcc -o "$tmp/linked" "$here/tests/programs/ending.c" "$build/libsonde.a"
{ "$tmp/linked" abort; } 2>/dev/null
like "$("$sonde" -top "$SONDE_DIR"/* 2>/dev/null)" '32MB .* main' "nor does one that is linked with the archive"
done_testing
