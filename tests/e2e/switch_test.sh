#!/bin/bash
# Profilers are switched on and off, and their rates changed, in a program that runs: at once, with what they show staying true.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/wall.sh"
export PPROF_TMPDIR=$tmp

# begin VARIABLE=VALUE...: the program of phases with the library; sets $program.
begin() {
    rm -f "$tmp/in" "$tmp/out"
    mkfifo "$tmp/in"
    env LD_PRELOAD="$build/libsonde.so" "$@" "$programs/phases" <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
    program=$!
    exec 9>"$tmp/in"
    wait_for live
}
live() { "$sonde" stop wall $program; }

# tell LINE: has the program do that, and waits until it has.
tell() {
    local n
    n=$(grep -c '^done' "$tmp/out")
    echo "$1" >&9
    wait_for eval '[ "$(grep -c "^done" "$tmp/out")" -gt '"$n"' ]'
}

# told NAME COLUMN: what the program says of a phase, over all times that it went through it: 2 bytes allocated, 3 kept (the last time),
# 4 ms of CPU, 5 of waiting for the lock, 6 of all.
told() { awk -v n="$1" -v c="$2" '$1 == n { sum = c == 3 ? $c : sum + $c } END { print sum + 0 }' "$tmp/out"; }

# of PROFILE FUNCTION UNIT OPTION...: what the record has of a function and what it called.
of() {
    local profile=$1 function=$2 unit=$3
    shift 3
    "$sonde" -top -cum -nodefraction=0 -nodecount=0 -unit="$unit" "$@" "$tmp/record/$profile" 2>/dev/null |
        awk -v f="$function" '$6 == f { print $4 + 0; found = 1; exit } END { if (!found) print 0 }'
}
look() { cp "$SONDE_DIR/$program"-*[0-9] "$tmp/record"; }

# near GOT WANTED PERCENT NAME
near() {
    awk "BEGIN { d = $1 - $2; exit !($2 > 0 && d * d <= ($3 / 100 * $2) ^ 2) }"
    ok $? "$4: $1 of $2"
}

# Off from the start on; then each profiler on, at another rate, off, and on again.
begin SONDE_RATE=0 SONDE_LOCK_RATE=0
tell asleep
start_ns=$(date +%s%N)
"$sonde" start heap -rate=64KiB $program >"$tmp/said"
took=$((($(date +%s%N) - start_ns) / 1000000))
ok $((took >= 1000)) "a program is told in $took ms"
is "$(cat "$tmp/said")" "process $program: heap 64KiB, cpu off, wall off, locks off" "and what is on then is shown"
"$sonde" start cpu $program >"$tmp/said"
"$sonde" start wall -rate=50 $program >"$tmp/said"
"$sonde" start locks -rate 1us $program >"$tmp/said"
is "$(cat "$tmp/said")" "process $program: heap 64KiB, cpu 100Hz, wall 50Hz, locks 1us" "all four are on"
tell first
"$sonde" start heap -rate=16k $program >"$tmp/said"
"$sonde" start cpu -rate=1000 $program >"$tmp/said"
"$sonde" start wall -rate=200Hz $program >"$tmp/said"
"$sonde" start locks -rate=100us $program >"$tmp/said"
is "$(cat "$tmp/said")" "process $program: heap 16KiB, cpu 1000Hz, wall 200Hz, locks 100us" "a new rate is a start, too"
tell second
is "$("$sonde" stop all $program)" "process $program: heap off, cpu off, wall off, locks off" "all are off at once"
tell third
tell "drop first"
"$sonde" start all $program >"$tmp/said"
is "$(cat "$tmp/said")" "process $program: heap 512KiB, cpu 100Hz, wall 20Hz, locks 1ms" "without a rate it is the usual one"
tell again
sleep 1.2 # what a thread still does is written once a second
# What it has computed since the kernel's clock last ticked in it is told when it goes on, or when its rate changes.
"$sonde" start cpu -rate=50 $program >/dev/null
look
for phase in asleep third; do
    is "$(of allocs $phase b -sample_index=alloc_space) $(of profile $phase ms) $(of block $phase ms) $(of wall $phase ms)" "0 0 0 0" \
        "nothing is counted while they are off ($phase)"
done
near "$(of allocs first b -sample_index=alloc_space)" "$(told first 2)" 7 "the heap's profile has the first phase, bytes"
near "$(of allocs second b -sample_index=alloc_space)" "$(told second 2)" 4 "and the second"
near "$(of allocs again b -sample_index=alloc_space)" "$(told again 2)" 20 "and the last"
is "$(of heap first b) $(of heap asleep b) $(of heap third b)" "0 0 0" "blocks of before that are freed meanwhile are gone, others never were there"
near "$(of heap second b)" "$(told second 3)" 8 "those that are held are held"
near "$(of profile first ms)" "$(told first 4)" 10 "CPU time, first phase"
near "$(of profile second ms)" "$(told second 4)" 5 "and second"
near "$(of profile again ms)" "$(told again 4)" 10 "and last"
near "$(of block first ms -tagfocus=mutex)" "$(told first 5)" 7 "waits for locks, first phase"
near "$(of block second ms -tagfocus=mutex)" "$(told second 5)" 7 "and second"
near "$(of block again ms -tagfocus=mutex)" "$(told again 5)" 7 "and last"
near "$(of wall first ms)" "$(told first 6)" 10 "all time, first phase"
near "$(of wall second ms)" "$(told second 6)" 5 "and second"
near "$(of wall again ms)" "$(told again 6)" 20 "and last"

# A wait with a pause: what of it lies in the pause is not counted.
"$sonde" start locks -rate=1us $program >"$tmp/said"
tell wait
sleep 0.3
"$sonde" stop locks $program >"$tmp/said"
sleep 1
"$sonde" start locks -rate=1us $program >"$tmp/said"
sleep 0.3
tell release
look
waited=$(of block wait_long ms)
awk "BEGIN { exit !($waited > 250 && $waited < 900) }"
ok $? "of a wait of more than 1.6 s, of which locks were off for 1 s, only what came after is counted: $waited ms"
charged=$(of mutex obey ms)
awk "BEGIN { exit !($charged > 250 && $charged < 900) }"
ok $? "for who let it wait, too: $charged ms"

# On and off many times, at rates that change: sums stay true.
cycles=20
for ((i = 0; i < cycles; i++)); do
    "$sonde" start heap -rate=$((16 << i % 4))KiB $program >"$tmp/said"
    tell "more third"
    "$sonde" stop heap $program >"$tmp/said"
    tell "more asleep"
done
look
# The first time it was off.
wanted=$(awk '$1 == "third" && n++ { sum += $2 } END { print sum }' "$tmp/out")
near "$(of allocs third b -sample_index=alloc_space)" "$wanted" 3 "after $cycles times on and off all bytes of the times on are there"
is "$(of allocs asleep b -sample_index=alloc_space)" 0 "and none of the others"
echo end >&9
wait $program
is "$(tail -n 1 "$tmp/out")" "signals 0, interrupted 0" "the program has seen no signal of all this, and no interrupted call"
is "$?, $(cat "$tmp/err")" "0, " "nor anything else"


# A program that allocates all the time meanwhile.
env SONDE_RATE=64KiB LD_PRELOAD="$build/libsonde.so" "$programs/estimates" 4000000 "$tmp/truth" >"$tmp/out" 2>&1 &
program=$!
changes=0
while kill -0 $program 2>/dev/null; do
    "$sonde" start heap -rate=$((8 << changes % 3))KiB $program >"$tmp/said" 2>&1 && changes=$((changes + 1))
done
wait $program 2>/dev/null
look
truly() { awk -v site="$1" -v type="$2" '$1 ~ site && $2 == type { sum += $3 } END { printf "%.0f\n", sum }' "$tmp/truth"; }
near "$(of allocs main b -sample_index=alloc_space)" "$(truly . alloc_space)" 2 "while the rate changes $changes times, all bytes are there"
near "$(of allocs tiny objects -sample_index=alloc_objects)" "$(truly tiny alloc_objects)" 15 "and the smallest blocks"
near "$(of heap main b)" "$(truly . inuse_space)" 8 "and all that are held"

# C++'s operators, and allocators that bring their own: what a thread has allocated before does not put off its samples.
cat >"$tmp/news.cc" <<'C'
#include <cstdio>
static void make()
{
    for (int i = 0; i < 200000; i++) {
        char *block = new char[200 + i % 500];
        asm volatile("" : "+r"(block) : : "memory");
        delete[] block;
    }
}
__attribute__((noinline)) void asleep() { make(); asm volatile(""); }
__attribute__((noinline)) void first() { make(); asm volatile(""); }
int main()
{
    asleep();
    std::puts("done");
    std::fflush(stdout);
    std::getchar();
    first();
    std::puts("done");
    std::fflush(stdout);
    std::getchar();
}
C
g++ -O2 -g -o "$tmp/news" "$tmp/news.cc"
for allocator in "" jemalloc tcmalloc mimalloc; do
    library=$(ldconfig -p | sed -n "s/.* => \(.*lib$allocator\.so[.0-9]*\)$/\1/p" | head -n 1)
    [ -n "$allocator" ] || library=
    if [ -n "$allocator" ] && [ -z "$library" ]; then
        skip "operators new of $allocator are sampled once they are to be" "no $allocator"
        continue
    fi
    rm -f "$tmp/in" "$tmp/out"
    mkfifo "$tmp/in"
    SONDE_RATE=0 LD_PRELOAD="$build/libsonde.so $library" "$tmp/news" <"$tmp/in" >"$tmp/out" &
    program=$!
    exec 9>"$tmp/in"
    wait_for grep -q done "$tmp/out"
    "$sonde" start heap -rate=16KiB $program >"$tmp/said"
    tell ""
    look
    near "$(of allocs first b -sample_index=alloc_space)" 89900000 6 "operators new of ${allocator:-glibc} are sampled once they are to be"
    is "$(of allocs asleep b -sample_index=alloc_space)" 0 "and not before"
    echo >&9
    exec 9>&-
    wait $program
done

# Rates of CPU and of wall time change all the time, while all threads compute.
start "$programs/shares" 3 1
"$sonde" start cpu "$child" >"$tmp/said"
"$sonde" start wall "$child" >"$tmp/said"
echo >&9
cpu_rates=(100 1000 250 500) wall_rates=(20 100 50 200)
for ((i = 0; i < 500; i++)); do
    "$sonde" start cpu -rate=${cpu_rates[i % 4]} "$child" >"$tmp/said"
    "$sonde" start wall -rate=${wall_rates[i % 4]} "$child" >"$tmp/said"
    grep -q process "$tmp/out" && break
    sleep 0.01
done
changes=$i program=$child
"$sonde" stop all "$child" >"$tmp/said"
look
kernel=$(awk '/worker/ { sum += $1 } END { print 1000 * sum }' "$tmp/out")
near "$(of profile work ms)" "$kernel" 4 "while rates change $changes times the sum is the CPU time that the kernel accounts"
finish

# The endpoints.
start "$programs/waits" idle 20
code() { curl -s -o "$tmp/answer" -w '%{http_code}' "$@"; }
is "$(curl -s -X POST "${url}start?profile=cpu&rate=200")" "process $child: heap 512KiB, cpu 200Hz, wall off, locks 1ms" "POST start switches on"
is "$(curl -s -X POST "${url}start?profile=heap&rate=1MiB&pid=$child")" "process $child: heap 1MiB, cpu 200Hz, wall off, locks 1ms" "or changes the rate"
is "$(curl -s -X POST "${url}stop?profile=locks")" "process $child: heap 1MiB, cpu 200Hz, wall off, locks off" "POST stop switches off"
is "$(code "${url}start?profile=cpu") $(cat "$tmp/answer")" "405 this changes something: ask by POST" "GET does not"
like "$(curl -s -i "${url}stop?profile=cpu")" '^Allow: POST' "and is told what does"
is "$(code -X POST "${url}start?profile=gpu") $(cat "$tmp/answer")" \
    '400 there is no profiler "gpu"; there are heap, cpu, wall, locks, and all of them' "an unknown profiler is told of"
is "$(code -X POST "${url}start?profile=cpu&rate=fast")" 400 "as is a rate that is none"
is "$(code -X POST -H 'Origin: http://evil.example' "${url}stop?profile=cpu")" 403 "and a page of another site gets no answer"
like "$(curl -s "$url")" '<button formaction="stop\?pid=[0-9]+&amp;profile=cpu">' "the index has buttons"

# Threads that wait are not interrupted, however often.
for ((i = 0; i < 20; i++)); do
    curl -s -X POST "${url}start?profile=all" >"$tmp/said"
    sleep 0.05
    curl -s -X POST "${url}stop?profile=all" >"$tmp/said"
    [ $i = 10 ] && sleep 2.5 # the sampler goes, and has to be woken again
done
finish
like "$(cat "$tmp/out")" '^interrupted 0$' "threads that wait for 20 things are not interrupted"

# What cannot be.
like "$("$sonde" start cpu 999999999 2>&1; echo $?)" 'there is no process 999999999' "a process that is not there is told of"
like "$("$sonde" start cpu $$ 2>&1)" "process $$ .* does not have the library" "and one without the library"
mkfifo "$tmp/never"
env SONDE_RATE=0 LD_PRELOAD="$build/libsonde.so" bash -c '(read -r line <"$0") & echo $!; wait' "$tmp/never" >"$tmp/child" &
program=$!
wait_for test -s "$tmp/child"
child=$(cat "$tmp/child")
like "$("$sonde" start cpu "$child" 2>&1)" "process $child has the library, but no record here: a forked child makes one" "and a child that has none yet"
kill $program "$child"
wait $program 2>/dev/null
like "$("$sonde" stop gpu $$ 2>&1)" 'stop: there is no profiler "gpu"' "and a profiler that there is not"
like "$("$sonde" start cpu 2>&1)" 'of which process\?; usage: sonde start' "and a process that is not named"
like "$("$sonde" start cpu -rate=10us $$ 2>&1)" 'the rate of cpu is "10us", which is no number of samples a second' "and a rate of another kind"
like "$("$sonde" start all -rate=10 $$ 2>&1)" 'a rate is of one profiler' "and one for all"
like "$("$sonde" stop cpu -rate=10 $$ 2>&1)" 'not defined: -rate' "and one to stop with"
begin
kill -STOP $program
sleep 2.5 # until its sampler, were it not stopped, would have gone
like "$("$sonde" start cpu $program 2>&1)" "process $program does not answer: it may be stopped" "and a process that is stopped"
kill -CONT $program
"$sonde" stop wall $program >"$tmp/said"
like "$(cat "$tmp/said")" 'cpu 100Hz' "which does it when it goes on"
like "$("$sonde" stop cpu $program 999999999 2>&1)" "cpu off" "of several processes each is told"
exec 9>&-
wait $program
done_testing
