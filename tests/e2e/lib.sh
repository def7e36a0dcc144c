# For the shell tests: "ok", "is" and "like" print a line of the Test Anything Protocol each, "done_testing" the plan.
# $build is the folder under test, $tmp a folder of the test's own; records go there and not where the user's are.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BUILD:-$here/build}
case $build in /*) ;; *) build=$here/$build ;; esac
programs=$build/tests/programs
sonde=$build/sonde
tmp=$(mktemp -d "${TMPDIR:-/tmp}/sonde-test.XXXXXX")
mkdir -m 700 "/dev/shm/${tmp##*/}"
export SONDE_DIR=/dev/shm/${tmp##*/} SONDE_KEEP=$tmp/kept TZ=UTC LC_ALL=C
trap 'rm -rf "$tmp" "$SONDE_DIR"' EXIT

tests=0 failures=0

# ok STATUS NAME: whether STATUS is 0.
ok() {
    tests=$((tests + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tests - $2"
    else
        failures=$((failures + 1))
        echo "not ok $tests - $2"
    fi
}

# is GOT WANTED NAME
is() {
    [ "$1" = "$2" ]
    ok $? "$3"
    [ "$1" = "$2" ] || printf '#  got: %s\n# want: %s\n' "$(head -c 2000 <<<"$1" | sed '2,$s/^/#       /')" \
        "$(head -c 2000 <<<"$2" | sed '2,$s/^/#       /')"
}

# like GOT REGEX NAME (extended)
like() {
    grep -Eq -- "$2" <<<"$1"
    local status=$?
    ok $status "$3"
    [ $status = 0 ] || printf '#     got: %s\n# no match: %s\n' "$(head -c 2000 <<<"$1" | sed '2,$s/^/#          /')" "$2"
}

# unlike GOT REGEX NAME
unlike() {
    ! grep -Eq -- "$2" <<<"$1"
    local status=$?
    ok $status "$3"
    [ $status = 0 ] || printf '#     got: %s\n# matches: %s\n' "$(head -c 2000 <<<"$1" | sed '2,$s/^/#          /')" "$2"
}

# skip NAME REASON: a fact that cannot be tested here.
skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

done_testing() {
    echo "1..$tests"
    exit $((failures != 0))
}

# preloaded COMMAND...: runs it with the library.
preloaded() {
    LD_PRELOAD=$build/libsonde.so "$@"
}

# killed_record COMMAND...: runs a program with the library that kills itself, and prints the path of its record.
killed_record() {
    rm -f "$SONDE_DIR"/*
    preloaded "$@" >/dev/null 2>&1
    ls "$SONDE_DIR"/* 2>/dev/null | head -n 1
}

# wait_for COMMAND...: until it succeeds, at most 20 seconds.
wait_for() {
    local i
    for ((i = 0; i < 400; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    return 1
}

# served_at FILE: waits until a server says there where its profiles are, and sets $url to that, "http://localhost:PORT/debug/pprof/".
served_at() {
    wait_for grep -q 'profiles at' "$1"
    url=$(sed -n 's/.*profiles at //p' "$1" | head -n 1)
}

# serve OPTION...: sonde serve in the background; sets $server and $url.  What the last one said must not be taken for its word.
serve() {
    rm -f "$tmp/serve.log"
    "$sonde" serve -http=localhost:0 "$@" >"$tmp/serve.log" 2>&1 &
    server=$!
    served_at "$tmp/serve.log"
}
