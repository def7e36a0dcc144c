#!/bin/bash
# Samples that are always taken, and programs that do what profilers by signals stumble over.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/wall.sh"

# The past.
rm -f "$tmp/in" && mkfifo "$tmp/in"
"$sonde" run -cpu=100 -wall=50 -http=localhost:0 -- "$programs/shares" 1 1 <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
run=$!
exec 9>"$tmp/in"
served_at "$tmp/err"
echo >&9
wait_for grep -q process "$tmp/out"
milliseconds() { "$sonde" -top -cum -unit=ms "$1" 2>/dev/null | awk -v r="^$2\$" '$6 ~ r { sub("ms", "", $4); print $4 + 0; exit }'; }
curl -s -o "$tmp/past.pb.gz" "${url}profile?seconds=60&at=-60s"
ours=$(milliseconds "$tmp/past.pb.gz" work)
awk "BEGIN { exit !(${ours:-0} > 950 && ${ours:-0} < 1050) }"
ok $? "the CPU profile of the last minute has what nobody asked for at that time: $ours of 1000 ms"
like "$(curl -s -i "${url}profile?seconds=1&at=-3000s")" '^HTTP/1.1 404|has no samples of that time' "a time without samples is an error"
like "$(curl -s "${url}profile?at=60s")" 'invalid value for "at"' "as is the future"
curl -s -o "$tmp/more.pb.gz" "${url}profile?seconds=1&hz=1000"
like "$("$sonde" -raw "$tmp/more.pb.gz" 2>/dev/null)" '^Period: 1000000$' "a higher rate can be asked for meanwhile"
child=$(pgrep -P $run)
kill -KILL "$child"
exec 9>&-
wait $run
record=$(ls "$SONDE_KEEP"/shares-*)
ours=$(milliseconds "$record/profile" work)
awk "BEGIN { exit !(${ours:-0} > 950 && ${ours:-0} < 1050) }"
ok $? "the record of a program that was killed has the CPU profile, too: $ours of 1000 ms"
like "$("$sonde" -tags "$record/wall" 2>/dev/null)" ': blocked$' "and what its threads waited for"
like "$("$sonde" -traces "$record/threads" 2>/dev/null)" ' main$' "and where they were at the end"
like "$("$sonde" run -http= -cpu=x -- true 2>&1)" 'run: -cpu: "x" is not a rate' "a rate that is none is told of"

# A process that is woken from outside sees nothing of it.
cat >"$tmp/sleeper.c" <<'C'
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    struct pollfd p = {0, POLLIN, 0};
    puts("ready");
    fflush(stdout);
    int n = poll(&p, 1, -1);
    printf("%d %s\n", n, n < 0 ? "interrupted" : "whole");
    return 0;
}
C
gcc -O2 -o "$tmp/sleeper" "$tmp/sleeper.c"
start "$tmp/sleeper"
"$sonde" -traces "${url}threads" >"$tmp/threads" 2>/dev/null
finish
like "$(cat "$tmp/threads")" ' main$' "a program with one thread, which waits, is woken and looked at"
like "$(cat "$tmp/out")" '^1 whole$' "and does not see that"
is "$(LD_PRELOAD=$build/libsonde.so SONDE_WALL=100 SONDE_CPU=100 sh -c 'head -c 100M /dev/zero | cat | (sleep 0.3; wc -c)')" 104857600 \
    "no byte is lost in a pipe whose ends are looked at"

# Files that go away while the threads that waited in them are looked at.
for i in 1 2 3 4 5 6 7 8; do cp "$programs/plugin.so" "$tmp/plugin$i.so"; done
is "$(env LD_PRELOAD="$build/libsonde.so" SONDE_WALL=5000 timeout 60 "$programs/unloading" 4 "$tmp"/plugin?.so 2>&1; echo $?)" "0 failed
0" "threads are looked at while files that they were in are unloaded"

# Turmoil, with all profilers on.
for variables in "SONDE_CPU=1000" "SONDE_WALL=200" "SONDE_CPU=1000 SONDE_WALL=200 SONDE_RATE=4096"; do
    is "$(env LD_PRELOAD="$build/libsonde.so" $variables timeout 120 "$programs/turmoil" 4 "$programs/plugin.so" 2>&1)" "0 broken" \
        "threads that come and go, children, loaded files and signals get along with $variables"
done
is "$(ls "$SONDE_DIR")" "" "no record is left behind"
done_testing
