#!/bin/bash
# The pages of -http in a real browser, on profiles of Go and C++, on a record, and on names that mean harm; where there is no browser,
# or no driver for it, that is said.  Pictures for a person to look at are left in the build folder.
. "$(dirname "$0")/lib.sh"
. "$here/tools/cgroup"

browser=$here/tests/browser
CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
export CHROMIUM PROGRAMS=$programs
skip_all() {
    echo "1..0 # SKIP $1"
    exit
}
command -v node >/dev/null || skip_all "no node"
[ -n "$CHROMIUM" ] || skip_all "no chromium"
[ -d "$browser/node_modules/axe-core" ] || skip_all "no playwright-core and axe-core: npm ci --prefix tests/browser"

# profile FILE TYPES... <LINES
profile() {
    "$here/tests/e2e/make_profile" "${@:2}" >"$tmp/$1"
}
profile labelled.pb.gz requests/count cpu/nanoseconds <<'END'
main@server/main.c;serve@server/main.c;parse 4 400000 route=/a
main@server/main.c;serve@server/main.c;read+copy 3 200000 route=/b
main@server/main.c;serve@server/main.c;write 3 100000 route=/a
main@server/main.c;idle 90 300000
END
profile hostile.pb.gz requests/count cpu/nanoseconds <<'END'
main;<script>hacked=1</script> 4 400 evil=</script><script>hacked=2</script>
main;<img/src=x/onerror=hacked=3>;"'`><svg/onload=hacked=4> 3 200
main;a&lt;b&amp;&quot;\N\l{x|y} 3 100
main;]]></text><script>hacked=5</script>@/etc/<b>passwd 2 100
END
python3 -c '
for i in range(300):
    for k in range(100):
        print(f"main;f{i % 40};g{i};h{i * k % 97};k{k} 1 2")
' | profile wide.pb.gz requests/count cpu/nanoseconds

record=$(SONDE_RATE=16384 killed_record "$programs/shelves")
cp "$record" "$tmp/record"

# What a real OOM kill leaves behind, where this machine lets us have one.
if cgroup_make "sonde-test.$$.pages" 128; then
    timeout 60 "$sonde" run -http= -rate=64KiB -- bash -c 'echo $$ >"$0/cgroup.procs" && echo 1000 >/proc/self/oom_score_adj && exec "$1" leak' \
        "$cgroup" "$programs/hungry" >/dev/null 2>"$tmp/oom.err"
    cgroup_remove
    mv "$SONDE_KEEP"/hungry-* "$tmp/oom" 2>/dev/null
fi

# A CPU profile of a C++ program, and one of a Go program.
cat >"$tmp/busy.cc" <<'END'
#include <vector>
template <class T> __attribute__((noinline)) T work(const std::vector<T> &v) { T sum = 0; for (T x : v) sum += x * x % 7; return sum; }
int main() { std::vector<long> v(1 << 16, 3); volatile long sum = 0; for (int i = 0; i < 4000; i++) sum = sum + work(v); }
END
if command -v perf >/dev/null && g++ -O1 -g -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer "$tmp/busy.cc" -o "$tmp/busy" && perf record -q -g -o "$tmp/perf.data" "$tmp/busy" >/dev/null 2>&1 &&
    "$sonde" -proto -output="$tmp/cpp.pb.gz" "$tmp/perf.data" >/dev/null 2>&1; then
    : # a real one
else
    "$sonde" -proto -output="$tmp/cpp.pb.gz" "$record" >/dev/null 2>&1
fi
if command -v go >/dev/null; then
    mkdir -p "$tmp/go" && cat >"$tmp/go/main.go" <<'END'
package main

import (
	"context"
	"os"
	"runtime/pprof"
	"time"
)

var sink int

//go:noinline
func spin(n int) {
	for i := 0; i < n; i++ {
		sink += i * i % 7
	}
}

//go:noinline
func handle() {
	for i := 0; i < 100; i++ {
		spin(10000)
	}
}

func main() {
	f, _ := os.Create(os.Args[1])
	pprof.StartCPUProfile(f)
	for start := time.Now(); time.Since(start) < 700*time.Millisecond; {
		pprof.Do(context.Background(), pprof.Labels("route", "/spin"), func(context.Context) { handle() })
		spin(100000)
	}
	pprof.StopCPUProfile()
	f.Close()
}
END
    (cd "$tmp/go" && GOCACHE=$build/go-cache GO111MODULE=off go build -o spins main.go && ./spins "$tmp/go.pb.gz") >"$tmp/go.log" 2>&1 || rm -f "$tmp/go.pb.gz"
fi
cd "$here" && node "$browser/pages_test.mjs" "$sonde" "$tmp" "$build/pages"
