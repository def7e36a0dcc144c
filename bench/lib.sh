# For the benchmarks: targets, ratios, and a folder of their own that is removed at the end.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$here/build}
case $build in /*) ;; *) build=$here/$build ;; esac
tmp=$(mktemp -d) && mkdir -m 700 "/dev/shm/${tmp##*/}" || exit 2
export SONDE_DIR=/dev/shm/${tmp##*/} SONDE_KEEP=$tmp/kept
trap 'rm -rf "$tmp" "$SONDE_DIR"' EXIT
missed=0

# target NAME VALUE LIMIT: says whether VALUE is at most LIMIT.
target() {
    if awk "BEGIN { exit !($2 <= $3) }"; then
        printf '  %-58s %10s   (at most %s)\n' "$1" "$2" "$3"
    else
        printf '  %-58s %10s   MISSED: at most %s\n' "$1" "$2" "$3"
        missed=1
    fi
}

# time_target NAME VALUE LIMIT: a limit of time, which is SLACK times as wide: for machines whose other guests are felt.
time_target() { target "$1" "$2" "$(awk "BEGIN { print $3 * ${SLACK:-1} }")"; }

# at_least NAME VALUE LIMIT
at_least() {
    if awk "BEGIN { exit !($2 >= $3) }"; then
        printf '  %-58s %10s   (at least %s)\n' "$1" "$2" "$3"
    else
        printf '  %-58s %10s   MISSED: at least %s\n' "$1" "$2" "$3"
        missed=1
    fi
}

# figure NAME VALUE: what has no target.
figure() { printf '  %-58s %10s\n' "$1" "$2"; }

difference() { awk "BEGIN { printf \"%.1f\", $1 - $2 }"; }
ratio() { awk "BEGIN { printf \"%.3f\", $1 / $2 }"; }

# fastest COUNT COMMAND...: the least of what that many runs print.
fastest() {
    local n=$1
    shift
    for ((i = 0; i < n; i++)); do "$@"; done | sort -g | head -n 1
}

# The status that says whether any target was missed.
done_measuring() {
    [ $missed = 0 ] || echo "${0##*/}: a target was missed" >&2
    exit $missed
}
