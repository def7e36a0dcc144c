#!/bin/bash
# Profiles that others write: jemalloc, Go's texts, folded stacks.
. "$(dirname "$0")/lib.sh"

# accounted TYPE FILE: the sum that -top tells of.
accounted() {
    local unit=MB
    [ "$1" = delay ] && unit=us
    "$sonde" -top -symbolize=none -nodefraction=0 -unit=$unit -sample_index="$1" "$2" 2>&1 | sed -n 's/.* of \(.*\) total$/\1/p'
}

# jemalloc writes a dump after each 4 KiB; the last is of a program that has called nearly all that allocates.
export MALLOC_CONF=prof:true,lg_prof_sample:0,prof_accum:true,lg_prof_interval:12,prof_prefix:$tmp/je
(LD_PRELOAD=libjemalloc.so.2 "$programs/leaves"; true) >/dev/null 2>&1
dump=$(ls -v "$tmp"/je.*.heap | tail -n 1)
got=$("$sonde" -top -sample_index=alloc_objects "$dump" 2>/dev/null)
like "$got" 'by_calloc' "jemalloc's dump has the program's functions"
like "$got" 'File: leaves' "and its name"
unlike "$got" 'libjemalloc|prof_backtrace' "but none of jemalloc's own"
want=$(awk '/^MAPPED/ { exit } /^@/ { stacks = 1 } stacks && $1 == "t*:" { used += $3 } END { print used }' "$dump")
got=$("$sonde" -top -symbolize=none -unit=B -nodefraction=0 "$dump" | sed -n 's/.* of \([0-9]*\)B total$/\1/p')
is "$((got - want < 40 && want - got < 40 && want > 0))" 1 "the sum is the dump's, but for the rounding of sampling: $got and $want"

# Go writes each profile as profile.proto, and with debug=1 as a text.
mkdir "$tmp/go"
cat >"$tmp/go/main.go" <<'END'
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var keep [][]byte

func main() {
	runtime.MemProfileRate = 4096
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	for i := 0; i < 500; i++ {
		b := make([]byte, 10000+i)
		if i%2 == 0 {
			keep = append(keep, b)
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := 0; i < 4; i++ {
		wg.Add(1)
		go func() {
			mu.Lock()
			time.Sleep(time.Millisecond)
			mu.Unlock()
			wg.Done()
		}()
	}
	wg.Wait()
	runtime.GC()
	runtime.GC()
	for _, name := range []string{"heap", "mutex", "block"} {
		for debug, kind := range []string{".pb", ".txt"} {
			f, _ := os.Create(os.Args[1] + "/" + name + kind)
			pprof.Lookup(name).WriteTo(f, debug)
			f.Close()
		}
	}
	f, _ := os.Create(os.Args[1] + "/goroutine.txt")
	pprof.Lookup("goroutine").WriteTo(f, 1)
	f.Close()
	runtime.KeepAlive(keep)
}
END
(cd "$tmp/go" && GOCACHE=$tmp/go/cache GO111MODULE=off go build -o allocates main.go && ./allocates "$tmp/go") >"$tmp/go.log" 2>&1
ok $? "a Go program writes its profiles"
like "$(accounted alloc_space "$tmp/go/heap.txt")" '^[0-9.]+MB$' "Go's heap as a text has a sum"
like "$(accounted delay "$tmp/go/mutex.txt")" '^[0-9.]+us$' "and Go's mutex"
for type in inuse_objects inuse_space alloc_objects alloc_space; do
    is "$(accounted $type "$tmp/go/heap.txt")" "$(accounted $type "$tmp/go/heap.pb")" "Go's heap as a text has the same $type"
done
for type in contentions delay; do
    is "$(accounted $type "$tmp/go/mutex.txt")" "$(accounted $type "$tmp/go/mutex.pb")" "Go's mutex as a text has the same $type"
    is "$(accounted $type "$tmp/go/block.txt")" "$(accounted $type "$tmp/go/block.pb")" "Go's block as a text has the same $type"
done
like "$("$sonde" -top "$tmp/go/goroutine.txt" 2>/dev/null)" '1 total' "Go's goroutines as a text: one is left"

printf 'server;main;read_[k] 3\nserver;main;parse 5\n' >"$tmp/folded"
like "$("$sonde" -top "$tmp/folded")" '5 62.50% 62.50% .* parse$' "folded stacks"
gzip -c "$tmp/folded" >"$tmp/folded.gz"
is "$("$sonde" -top "$tmp/folded.gz")" "$("$sonde" -top "$tmp/folded")" "packed"
printf 'server;main;read_[k] 1\nserver;main;write_[k] 4\n' >"$tmp/other"
like "$("$sonde" -top -diff_base="$tmp/folded" "$tmp/other")" '-5 62.50% .* parse$' "as a base of others"
printf 'server;main;read_[k] 3 1\nserver;main;parse 5 0\nserver;main;write_[k] 0 4\n' >"$tmp/difference"
is "$("$sonde" -top "$tmp/difference" | sed 1,2d | sort)" "$("$sonde" -top -diff_base="$tmp/folded" "$tmp/other" | sed 1,2d | sort)" \
    "and as a difference that somebody else has made"
done_testing
