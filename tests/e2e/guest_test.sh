#!/bin/bash
# The kills of oom_test.sh under cgroup version 2 alone, on Debian's kernel in a virtual machine.  Takes minutes: with ALL=1 only.
. "$(dirname "$0")/lib.sh"
. "$here/tests/e2e/matrix.sh"

if [ -z "${ALL:-}" ]; then
    skip "kills under cgroup version 2" "takes minutes: \"make soak\" does it"
    done_testing
fi
jemalloc=$(ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1)
tcmalloc=$(ls /usr/lib/*/libtcmalloc_minimal.so.4 2>/dev/null | head -n 1)

cat >"$tmp/guest.sh" <<E
sonde=$sonde hungry=$programs/hungry hold=$programs/hold library=$build/libsonde.so
export SONDE_DIR=/dev/shm/records SONDE_RATE=65536 SONDE_TERMINATION_LOG=/tmp/termination-log
mkdir -p \$SONDE_DIR
: >\$SONDE_TERMINATION_LOG
E
cat >>"$tmp/guest.sh" <<'E'
# kill_in_group NAME WAY LIBRARY
kill_in_group() {
    group=/sys/fs/cgroup/$1 path=/mnt/$1 way=$2
    export SONDE_KEEP=/tmp/kept.$1
    mkdir $group && echo 134217728 >$group/memory.max
    [ $way != tmpfs ] && [ $way != uploads ] || path=/dev/shm/$1
    [ $way != holes ] || [ -z "$3" ] || way=slabs
    sibling=
    if [ $way = hold ]; then
        sh -c 'echo $$ >"$0/cgroup.procs" && exec "$1" eat' $group $hungry &
        sibling=$!
    fi
    timeout 100 $sonde run -http= -- sh -c 'echo $$ >"$0/cgroup.procs" && echo 1000 >/proc/self/oom_score_adj
        [ -z "$1" ] || export LD_PRELOAD=$LD_PRELOAD:$1
        exec "$2" "$3" "$4"' $group "$3" $hungry $way $path 2>/tmp/err
    [ -z "$sibling" ] || kill -9 $sibling
    for pid in $(cat $group/cgroup.procs); do kill -9 $pid; done
    rm -f $path
    echo "JSON $1 $($sonde oom -json 2>/tmp/err2 | tr -d '\n')"
    [ -s /tmp/err2 ] && cat /tmp/err /tmp/err2
    sleep 0.2
    rmdir $group
    rm -rf $SONDE_KEEP
}

# All processes of the group die at once, the watcher too; the next start finds what is left.
kill_together() {
    group=/sys/fs/cgroup/together
    export SONDE_KEEP=/tmp/kept.together
    mkdir $group && echo 134217728 >$group/memory.max && echo 1 >$group/memory.oom.group
    sh -c 'echo $$ >"$0/cgroup.procs" && exec "$1" run -http= -- "$2" leak' $group $sonde $hungry
    echo "STATUS $?"
    echo "AHEAD $(tr '\n' ' ' <$SONDE_TERMINATION_LOG)"
    $sonde run -http= -- /bin/true 2>/tmp/err
    echo "EVENT $(grep '"event"' /tmp/err)"
    echo "JSON together $($sonde oom -json 2>/dev/null | tr -d '\n')"
    sleep 0.2
    rmdir $group
}

# truth FILE: what a program's own count says (tests/programs/truth.h).
truth() { od -An -v -t d8 -w64 $1 | awk '{ held += $1 } END { printf "%d", held }'; }
live() { $sonde -symbolize=none -raw $1 2>/dev/null | awk '/^Locations/ { exit } /: / && NF > 4 { sub(":", "", $4); live += $4 } END { printf "%d", live }'; }

# At memory.high a program is made to wait instead of being killed: what it has done until then is in its record.
hold_back() {
    group=/sys/fs/cgroup/high
    export SONDE_DIR=/dev/shm/high
    mkdir -p $SONDE_DIR $group && echo 25165824 >$group/memory.high
    SONDE_RATE=4096 LD_PRELOAD=$library sh -c 'echo $$ >"$0/cgroup.procs" && exec "$1" /dev/shm/truth' $group $hold &
    pid=$!
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        sleep 1
        [ "$(cat $group/memory.current)" -lt 24000000 ] || break
    done
    sleep 3
    before=$(truth /dev/shm/truth)
    record=$(echo $SONDE_DIR/*-*)
    echo "WAITS $(sed -n 's/^high //p' $group/memory.events) $(sed -n 's/^oom_kill //p' $group/memory.events) $before $(live $record) $(truth /dev/shm/truth)"
    kill -9 $pid
    wait $pid 2>/dev/null
    echo "WAITED $(truth /dev/shm/truth) $(live $record)"
    rm -rf $SONDE_DIR /dev/shm/truth
    sleep 0.2
    rmdir $group
}
E
lines=()
while read -r way cause function program; do
    for allocator in glibc jemalloc tcmalloc; do
        [ $allocator = glibc ] || [ -n "${!allocator}" ] || continue
        library=
        [ $allocator = glibc ] || library=${!allocator}
        lines+=("$way.$allocator.v2 $cause $function")
        echo "kill_in_group $way.$allocator.v2 $program '$library'" >>"$tmp/guest.sh"
    done
done <<<"$ways"
printf '%s\n' kill_together hold_back >>"$tmp/guest.sh"

"$here/tools/guest" "$build/guest" "$sonde" "$build/libsonde.so" "$programs/hungry" "$programs/hold" $jemalloc $tcmalloc -- "$tmp/guest.sh" \
    >"$tmp/console" 2>"$tmp/console.err"
if [ $? = 125 ]; then
    skip "kills under cgroup version 2" "$(cat "$tmp/console.err")"
    done_testing
fi
while read -r name json; do printf '%s' "$json" >"$tmp/$name.json"; done < <(sed -n 's/^JSON //p' "$tmp/console")
table_head
for line in "${lines[@]}" "together live_heap remember"; do
    set -- $line
    check "$1" "$2" "$3"
    ok $? "$1: $2"
done
is "$(sed -n 's/^STATUS //p' "$tmp/console")" 137 "with memory.oom.group the watcher dies with the program"
like "$(sed -n 's/^AHEAD //p' "$tmp/console")" 'hungry \(process [0-9]+\) used [0-9.]+MB of 128MB .*[0-9.]+MB live heap .*hungry\+0x' \
    "what was written ahead of time is in the termination log"
like "$(sed -n 's/^EVENT //p' "$tmp/console")" '"end":"(likely_)?oom","cause":"live_heap"' \
    "and the next start finds the record, and says so in one line"

read -r waits kills before live after < <(sed -n 's/^WAITS //p' "$tmp/console")
[ "${waits:-0}" -gt 0 ] && [ "${kills:-1}" = 0 ]
ok $? "at memory.high a program is held back, and not killed ($waits times)"
[ "$live" -ge $((before * 97 / 100)) ] && [ "$live" -le $((after * 103 / 100)) ]
ok $? "its record is current to the last allocation: $live bytes, the program's own count $before to $after"
read -r held live < <(sed -n 's/^WAITED //p' "$tmp/console")
[ "$live" -ge $((held * 97 / 100)) ] && [ "$live" -le $((held * 103 / 100)) ] && [ "$held" -gt 10000000 ]
ok $? "also when it is killed there: $live of $held bytes"
[ -z "${KEEP_CONSOLE:-}" ] || cp "$tmp/console" "$KEEP_CONSOLE"
done_testing
