#!/bin/bash
# Real kills in memory-limited groups: for each way to run out of memory "sonde oom" must name the true cause, and its account must add
# up.  Prints a table.  ALL=1: each way with each allocator, with and without the kernel's log; otherwise the quick half.
. "$(dirname "$0")/lib.sh"
. "$here/tools/cgroup"
. "$here/tests/e2e/matrix.sh"

export SONDE_RATE=65536
limit=128
jemalloc=$(ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1)
tcmalloc=$(ls /usr/lib/*/libtcmalloc_minimal.so.4 2>/dev/null | head -n 1)
# Without this capability the kernel's log cannot be read, as in most containers.
unprivileged='setpriv --bounding-set=-syslog --inh-caps=-syslog'
$unprivileged true 2>/dev/null || unprivileged=

# kill_in_group NAME WAY LIBRARY WRAPPER: runs it until it is killed; the report goes to $tmp/NAME.json.
kill_in_group() {
    local name=$1 way=$2 library=$3 wrapper=$4 path=$tmp/$1.file sibling=
    local SONDE_DIR=$SONDE_DIR/$name SONDE_KEEP=$tmp/$name.kept
    mkdir -p "$SONDE_DIR"
    export SONDE_DIR SONDE_KEEP
    cgroup_make "sonde-test.$$.$name" $limit || return
    [ "$way" != tmpfs ] || path=/dev/shm/${tmp##*/}/$name.tmpfs
    # With another allocator blocks lie otherwise.
    [ "$way" != holes ] || [ -z "$library" ] || way=slabs
    if [ "$way" = hold ]; then
        cgroup_run "$programs/hungry" eat &
        sibling=$!
    fi
    # The watcher is outside of the group; a thousand points make the program the one to be killed.
    timeout 60 $wrapper "$sonde" run -http= -- bash -c 'echo $$ >"$0/cgroup.procs" && echo 1000 >/proc/self/oom_score_adj
        [ -z "$1" ] || export LD_PRELOAD=$LD_PRELOAD:$1
        exec "$2" "$3" "$4"' "$cgroup" "$library" "$programs/hungry" "$way" "$path" >"$tmp/$name.out" 2>"$tmp/$name.err"
    [ -z "$sibling" ] || kill -KILL $sibling
    wait
    [ "$way" != uploads ] || od -An -v -t d8 "$path" | xargs >"$tmp/$name.truth"
    rm -f "$path"
    xargs -r kill -KILL <"$cgroup/cgroup.procs" 2>/dev/null # children that nobody told of the end
    "$sonde" oom -json -output="$tmp/$name.json" 2>>"$tmp/$name.err"
    "$sonde" oom -proto -output="$tmp/$name.pb.gz" 2>>"$tmp/$name.err"
    "$sonde" oom >"$tmp/$name.txt" 2>>"$tmp/$name.err"
    cgroup_remove
}

# run_all LINE...: "WAY CAUSE FUNCTION PROGRAM ALLOCATOR EVIDENCE", three at a time.
run_all() {
    local line running=0
    for line in "$@"; do
        set -- $line
        local library=
        [ "$5" != jemalloc ] || library=$jemalloc
        [ "$5" != tcmalloc ] || library=$tcmalloc
        kill_in_group "$1.$5.$6" "$4" "$library" "$([ "$6" = kernel ] || echo $unprivileged)" &
        running=$((running + 1))
        [ $running -lt 3 ] || { wait -n; running=$((running - 1)); }
    done
    wait
}

if ! cgroup_make "sonde-test.$$" $limit; then
    skip "the matrix of kills" "$cgroup_why"
    done_testing
fi
cgroup_remove

lines=()
odd=0
while read -r way cause function program; do
    for allocator in glibc ${ALL:+jemalloc tcmalloc}; do
        [ $allocator = glibc ] || [ -n "${!allocator}" ] || continue
        odd=$((1 - odd))
        [ $odd = 0 ] && [ -z "${ALL:-}" ] || lines+=("$way $cause $function $program $allocator watch")
        [ $odd = 1 ] && [ -z "${ALL:-}" ] || lines+=("$way $cause $function $program $allocator kernel")
    done
done <<<"$ways"
run_all "${lines[@]}"

table_head
for line in "${lines[@]}"; do
    set -- $line
    check "$1.$5.$6" "$2" "$3"
    ok $? "$1 with $5, $6: $2"
done
like "$(jq -r '.events[].text' "$tmp"/leak.glibc.*.json | sort -u | tr '\n' ' ')" 'to the limit.*passed 85% .*passed 90% .*passed 95% ' \
    "on the way to the limit thresholds and the time that is left are noted"

# What each upload held, by its own count, against what the report says of its labels: it may have got another block of 2 MiB since.
for truth in "$tmp"/uploads.*.truth; do
    json=${truth%.truth}.json
    read -r -a held <"$truth"
    wrong=0
    for i in 1 2 3 4; do
        found=$(jq --arg labels "route=/graphql upload=$i" '[.labels[] | select(.labels == $labels) | .heap_bytes][0] // 0' "$json")
        echo "# upload $i held ${held[i]} bytes; the report says $found"
        [ "$found" -ge $((held[i] * 97 / 100)) ] && [ "$found" -le $((held[i] * 103 / 100 + 2200000)) ] || wrong=1
    done
    is $wrong 0 "each upload's bytes are told by its labels"
    is "$(jq '[.requests >= 2, .is_peak, .needed_limit_bytes >= .requests * .request_bytes] | all' "$json")" true \
        "they are told to be a peak: $(jq -r '[.facts[] | select(test("such requests"))][0]' "$json")"
done

is "$(ls -d /sys/fs/cgroup/memory/sonde-test.$$* /sys/fs/cgroup/sonde-test.$$* 2>/dev/null)" "" "no group is left"
done_testing
