#!/bin/bash
# The command against pprof itself, on random profiles with random flags (random.c).
#
#   CASES=100         profiles, six command lines for each
#   SEED=1            the first one; a failure names its own
#   LIMIT=SECONDS     no new profile after so long
#   PPROF=COMMAND     another pprof than Go's; one that knows -all_frames is taken for the newest and compared in all
#
# Where pprof's output depends on the order of Go's maps, it differs between runs.  Then one of several runs has to be the same; or
# what is left of it without the numbers of nodes and the order of lines; or, where even that differs between pprof's own runs
# because of which nodes of equal weight are shown, the heading.
. "$(dirname "$0")/../e2e/lib.sh"

# Where an old pprof (Debian's is of July 2022) differs from the newest, which Sonde follows: for which flags, what is done to both
# outputs before they are compared ("skip": nothing is), and why.  What the generator leaves out by itself is said in random.c.
differences=(
    '.'            's/(^|\\l)Time: [^\\]*/\1Time:/'              'a date as RFC 3339 since October 2024'
    '-raw'         's/(:[0-9]+):[0-9]+( s=|$)/\1\2/'             'columns since January 2024'
    '-tags'        's/(: Total| [^ ]+( \([^)]*\))?:) .*/\1/;s/ .*[0-9].*:/:/'  'shares are of the total since February 2025'
    '-dot'         's/\\n\.:/\\n:/g'                             'a file without a name is not "." since September 2024'
    '-proto|-topproto|-raw|-callgrind'  '-noinlines/skip'        'inlined calls are left out of these, too, since November 2022'
)

reference=${PPROF:-}
[ -n "$reference" ] || reference=$(go env GOTOOLDIR 2>/dev/null)/pprof
if ! command -v "$reference" >/dev/null; then
    skip "the same output as pprof" "there is no Go here"
    done_testing
fi
old=old
"$reference" -help 2>&1 | grep -q all_frames && old=
random=$build/tests/differential/random
export PPROF_BINARY_PATH=/nowhere PPROF_TMPDIR=$tmp HOME=$tmp
cd "$tmp" || exit 2

# prepared FILE ARGUMENT...: unpacked, without what an old pprof writes otherwise.
prepared() {
    local file=$1 i
    shift
    case $1 in
        -proto | -topproto) gzip -dc <"$file" >"$file.plain" 2>/dev/null && mv "$file.plain" "$file" ;;
    esac
    for ((i = 0; i < ${#differences[@]} && ${#old}; i += 3)); do
        [[ $1 =~ ${differences[i]} && ${differences[i + 1]} != */skip ]] && LC_ALL=C sed -E -i "${differences[i + 1]}" "$file"
    done
}

# skipped ARGUMENT...
skipped() {
    local i
    for ((i = 0; i < ${#differences[@]} && ${#old}; i += 3)); do
        [[ ${differences[i + 1]} == */skip && $1 =~ ${differences[i]} ]] || continue
        [[ " $* " == *" ${differences[i + 1]%/skip} "* ]] && return 0
    done
    return 1
}

reference_run() {
    "$reference" -symbolize=none "$@" >want 2>want.err </dev/null
}

# What does not depend on the order of nodes; of callgrind's positions, which are relative to the line before, nothing.
unordered() {
    sed -E '/^c?(fn|fl|ob)=/d;s/^(calls=[0-9]+ )?([-+*]|0x)[^ ]* /\1/;s/N[0-9]+(_[0-9]+)?|node[0-9]+//g' "$1" | sort
}

# same ARGUMENT...: whether both print the same, or fail both.
same() {
    local status sonde_status i differs= runs=12
    reference_run "$@"
    status=$?
    timeout 20 "$sonde" -symbolize=none "$@" >got 2>got.err </dev/null
    sonde_status=$?
    [ $status = 0 ] || { [ $sonde_status = 2 ]; return; }
    [ $sonde_status = 0 ] || return 1
    prepared got "$@"
    prepared want "$@"
    cp want first
    unordered got >got.unordered
    unordered first >first.unordered
    cmp -s first.unordered got.unordered && runs=60
    for ((i = 0; i < runs; i++)); do
        cmp -s want got && return 0
        cmp -s want first || differs=lines
        if [ -n "$differs" ]; then
            unordered want >want.unordered
            cmp -s want.unordered got.unordered && return 0
            cmp -s want.unordered first.unordered || differs=nodes
        fi
        reference_run "$@"
        prepared want "$@"
    done
    [ "$differs" = nodes ] && cmp -s <(head -n 3 first) <(head -n 3 got)
}

count=0 bad=0
for ((seed = ${SEED:-1}; seed < ${SEED:-1} + ${CASES:-100}; seed++)); do
    [ "$SECONDS" -lt "${LIMIT:-100000}" ] || break
    rm -f ./*.gz
    "$random" $seed . $old >lines || exit 2
    while IFS=$'\t' read -r -a arguments; do
        skipped "${arguments[@]}" && continue
        count=$((count + 1))
        same "${arguments[@]}" && continue
        bad=$((bad + 1))
        echo "# seed $seed: ${arguments[*]@Q}"
        diff first got | head -n 6 | cut -c 1-200 | sed 's/^/#   /'
        [ $bad -lt 10 ] || break 2
    done <lines
done
is "$bad of $count" "0 of $count" "what pprof prints, for $count command lines on random profiles"
done_testing
