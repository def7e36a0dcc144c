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
sonde=$sonde hungry=$programs/hungry
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
    [ $way != tmpfs ] || path=/dev/shm/$1
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
echo kill_together >>"$tmp/guest.sh"

"$here/tools/guest" "$build/guest" "$sonde" "$build/libsonde.so" "$programs/hungry" $jemalloc $tcmalloc -- "$tmp/guest.sh" \
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
[ -z "${KEEP_CONSOLE:-}" ] || cp "$tmp/console" "$KEEP_CONSOLE"
done_testing
