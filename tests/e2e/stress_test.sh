#!/bin/bash
# Programs that do all that profilers stumble over, while all profilers are on, go off, come back at other rates, and are read:
# nothing hangs, nothing crashes, no expectation of theirs is broken.  SECONDS_EACH=3600 is the long form (make soak); SEED repeats
# the same switching.
. "$(dirname "$0")/lib.sh"
export PPROF_TMPDIR=$tmp

seconds=${SECONDS_EACH:-10}
seed=${SEED:-$RANDOM}
patience=$((seconds + 120))
on=("LD_PRELOAD=$build/libsonde.so" SONDE_RATE=64KiB SONDE_CPU=100 SONDE_WALL=20 SONDE_LOCK_RATE=100us)
echo "# $seconds seconds, SEED=$seed"

ulimit -c unlimited 2>/dev/null # so that a crash tells where it was
mkdir "$tmp/cores"
(cd "$tmp/cores" && exec env "${on[@]}" "$programs/turmoil" "$seconds" "$programs/plugin.so") >"$tmp/turmoil" 2>&1 &
turmoil=$!
(cd "$tmp/cores" && exec env "${on[@]}" "$programs/throwing" "$seconds") >"$tmp/throwing" 2>&1 &
throwing=$!
serve

# runs PID: whether it does, and is none that nobody has waited for yet.
runs() {
    local line
    read -r line 2>/dev/null <"/proc/$1/stat" || return 1
    line=${line##*) }
    [ "${line%% *}" != Z ]
}

# where PID: what its threads do, for who has to find out why it hangs.
where() {
    local task
    for task in /proc/"$1"/task/*; do
        echo "# $(cat "$task/comm"): $(sed -n 's/^State:[[:space:]]*//p' "$task/status"), $(cat "$task/syscall" 2>/dev/null)"
    done
}

# draw N: sets $drawn to a random number below it; a stream of its own for each process.
draw() {
    state=$(((state * 1103515245 + 12345) % 2147483648))
    drawn=$(((state >> 12) % $1))
}

# pick WORD...: sets $picked to one of them.
pick() {
    local words=("$@")
    draw $#
    picked=${words[drawn]}
}

# choose: sets $words to a switch: something on, at any rate, or off.
choose() {
    draw 8
    case $drawn in
        0) words=(stop all) ;;
        1) words=(start all) ;;
        2) pick heap cpu wall locks; words=(stop "$picked") ;;
        3 | 4) draw 11; words=(start heap -rate=$((1024 << drawn))) ;;
        5) draw 2000; words=(start cpu -rate=$((1 + drawn))) ;;
        6) draw 500; words=(start wall -rate=$((1 + drawn))) ;;
        7) draw 1000; words=(start locks -rate=$((1 + drawn))us) ;;
    esac
}

# toggle: switches until one of them ends; what fails then is nothing.
toggle() {
    local output n=0 slow=0 before state=$seed
    while runs $turmoil && runs $throwing; do
        choose
        pick $turmoil $throwing
        before=${EPOCHREALTIME/./}
        if output=$(timeout 60 "$sonde" "${words[@]}" "$picked" 2>&1); then
            n=$((n + 1))
            [ $((${EPOCHREALTIME/./} - before)) -lt 1000000 ] || slow=$((slow + 1))
        elif runs "$picked" && sleep 0.2 && runs "$picked"; then
            echo "${words[*]}: $output"
            where "$picked"
        fi
        [ $((n % 16)) != 1 ] || { cp "$SONDE_DIR/$turmoil"-*[0-9] "$tmp/copy" 2>/dev/null && mv "$tmp/copy" "$tmp/record"; }
        sleep 0.02
    done >"$tmp/failed"
    echo "$n $slow" >"$tmp/toggled"
}

# fetch: reads profiles until one of them ends.
fetch() {
    local pid name n=0 state=$((seed + 1))
    while runs $turmoil && runs $throwing; do
        pick $turmoil $throwing
        pid=$picked
        pick heap allocs peak block mutex 'profile?seconds=1' 'wall?seconds=1' threads 'profile?seconds=2&at=-3s' 'heap?debug=1' mmap
        case $picked in *\?*) name="$picked&pid=$pid" ;; *) name="$picked?pid=$pid" ;; esac
        if timeout 60 curl -s -f -o "$tmp/got" "$url$name"; then
            n=$((n + 1))
            [[ $name = *debug=1* ]] || timeout 60 "$sonde" -top "$tmp/got" >"$tmp/top" 2>&1 || echo "$name: $(cat "$tmp/top")"
        elif [[ $name != *at=* ]] && runs "$pid" && sleep 0.2 && runs "$pid"; then
            echo "$name: $(timeout 60 curl -s "$url$name" | head -c 300)"
        fi
    done >"$tmp/unread"
    echo "$n" >"$tmp/fetched"
}

toggle &
toggler=$!
fetch &
fetcher=$!

# ends PID NAME: whether it does, in time, and well.
ends() {
    local status
    while runs "$1" && [ $SECONDS -lt $patience ]; do sleep 0.2; done
    if runs "$1"; then
        where "$1"
        kill -KILL "$1"
    fi
    wait "$1" 2>/dev/null
    status=$?
    [ $status -lt 128 ] || timeout 60 gdb -batch -ex bt -ex 'info registers' -ex 'thread apply all bt 12' "$programs/$2" "$tmp"/cores/core* 2>&1 | head -n 200 | sed 's/^/# /'
    is "$status, $(tail -n 5 "$tmp/$2")" "0, 0 broken" "$2 goes on for $seconds seconds, and ends, with nothing broken"
}
ends $turmoil turmoil
ends $throwing throwing
wait $toggler $fetcher
kill $server
wait $server
read -r toggled slow <"$tmp/toggled"
[ "$toggled" -ge "$seconds" ]
ok $? "profilers were switched $toggled times"
is "$(head -n 40 "$tmp/failed")" "" "each time that was answered"
[ $((slow * 20)) -le "$toggled" ]
ok $? "within a second, but for $slow"
[ "$(cat "$tmp/fetched")" -ge $((seconds / 4)) ]
ok $? "$(cat "$tmp/fetched") profiles were read meanwhile"
is "$(head -n 5 "$tmp/unread")" "" "all that were asked for"
for name in heap allocs peak block mutex profile wall threads mmap; do
    "$sonde" -top "$tmp/record/$name" >"$tmp/top" 2>&1 || cat "$tmp/top"
done >"$tmp/unread"
is "$(cat "$tmp/unread")" "" "the record, as it was near the end, can be read"
is "$(ls "$SONDE_DIR" "$SONDE_KEEP" 2>/dev/null | grep -v ':$' | tr -d '\n')" "" "no record is left behind"
done_testing
