#!/bin/bash
# Every allocator, preloaded and linked: the family keeps its promises, C++'s operators are charged to their callers exactly, and what
# the allocator tells of itself is in the record.
. "$(dirname "$0")/lib.sh"
export PPROF_TMPDIR=$tmp

# What some allocators do otherwise, with and without the library.
theirs='calloc sees the overflow|malloc aligns to 16|malloc of everything fails|realloc to 0 frees|a failed realloc leaves the block'

# link NAME LIBRARY: the programs, linked with an allocator.
link() {
    gcc -std=gnu17 -Iinclude -O2 "$here/tests/programs/family.c" -o "$tmp/family-$1" -pthread -Wl,--no-as-needed "$2" 2>/dev/null &&
        g++ -O2 -g "$here/tests/programs/operators.cc" -o "$tmp/operators-$1" -pthread -Wl,--no-as-needed "$2"
}

# allocator_is NAME PRELOAD FAMILY OPERATORS: all facts of one.
allocator_is() {
    local rate broken top function
    for rate in 1 4096; do
        broken=$(SONDE_RATE=$rate LD_PRELOAD=$2 "$3" 2>&1)
        like "$broken" ' broken$' "$1: the family runs to its end, sampled every $rate bytes"
        is "$(grep '^broken' <<<"$broken" | grep -Ev "$theirs")" "" "$1: and keeps its promises"
    done
    rm -f "$SONDE_DIR"/*
    SONDE_RATE=1 LD_PRELOAD=$2 "$4" die >"$tmp/out" 2>&1
    # mimalloc as C cannot throw: it ends the program when there is no memory.
    [ "${1#mimalloc}" != "$1" ] || is "$(cat "$tmp/out")" "0 broken" "$1: C++'s operators keep theirs"
    top=$("$sonde" -top -unit=b "$SONDE_DIR"/* 2>/dev/null | awk '$6 ~ /^by_/ { print int($1 / 1000 / 1024 * 1024), $6 }' | sort -k 2)
    function=$(awk '{ printf "%s:%d ", $2, $1 / 1000 + 0.5 }' <<<"$top")
    is "$function" "by_new:2 by_new_aligned:2 by_new_aligned_nothrow:1 by_new_array:2 by_new_array_aligned:2 \
by_new_array_aligned_nothrow:1 by_new_array_nothrow:1 by_new_nothrow:1 " "$1: each is charged to its caller, and what was deleted to nobody"
}

# tells NAME PRELOAD: the allocator's own numbers, of a program that holds 18 MiB and had 64.  It is asked when a block is sampled, as
# each of a MiB is here, rather than most of them.
tells() {
    rm -f "$SONDE_DIR"/*
    SONDE_RATE=65536 LD_PRELOAD=$2 "$programs/labels" peak wait >/dev/null &
    local program=$! numbers server url
    paused() { [ "$(awk '{ print $1 }' /proc/$program/syscall 2>/dev/null)" = 34 ]; }
    wait_for paused
    serve
    numbers=$(curl -sS "${url}heap?debug=1&pid=$program" | tee "$tmp/answer" | sed -n 's/^# \(Allocator[A-Za-z]*\) = /\1=/p' | xargs)
    like "$numbers" "^Allocator=$1 AllocatorSystem=[0-9]{7,} " "$1 tells how much it has ($numbers)"
    if [ "$1" != mimalloc ]; then
        like "$numbers" 'AllocatorInuse=(1[6-9]|2[0-9])[0-9]{6} ' "and how much of that is in use"
    fi
    [ -n "$numbers" ] || head -n 5 "$tmp/answer" "$tmp/serve.log"
    kill $server $program
    wait $server $program 2>/dev/null
}

cd "$here" || exit
allocator_is glibc "$build/libsonde.so" "$programs/family" "$programs/operators"
tells glibc "$build/libsonde.so"
for pair in jemalloc:libjemalloc.so.2 tcmalloc:libtcmalloc_minimal.so.4 tcmalloc-full:libtcmalloc.so.4 mimalloc:libmimalloc.so.2.0; do
    name=${pair%%:*}
    library=$(ls /usr/lib/*/"${pair#*:}" 2>/dev/null | head -n 1)
    if [ -z "$library" ]; then
        skip "$name" "not installed"
        continue
    fi
    allocator_is "$name" "$build/libsonde.so:$library" "$programs/family" "$programs/operators"
    link "$name" "$library" && allocator_is "$name, linked" "$build/libsonde.so" "$tmp/family-$name" "$tmp/operators-$name"
    [ "$name" = tcmalloc-full ] || tells "$name" "$build/libsonde.so:$library"
done

# An allocator before the library, or inside the program, is not reached, which is told.
jemalloc=$(ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1)
if [ -n "$jemalloc" ]; then
    like "$(LD_PRELOAD=$jemalloc:$build/libsonde.so "$programs/ending" exit 2>&1)" "no heap profile: the program's own allocator" \
        "an allocator that comes first is told of"
fi

# Rust's System allocator, and all of its collections.
cat >"$tmp/blocks.rs" <<'R'
use std::hint::black_box;
use std::alloc::{alloc, alloc_zeroed, dealloc, realloc, Layout};
#[inline(never)] fn by_alloc(n: usize) -> *mut u8 { black_box(unsafe { alloc(Layout::from_size_align(n, 8).unwrap()) }) }
#[inline(never)] fn by_zeroed(n: usize) -> *mut u8 { black_box(unsafe { alloc_zeroed(Layout::from_size_align(n, 8).unwrap()) }) }
#[inline(never)] fn by_aligned(n: usize) -> *mut u8 { black_box(unsafe { alloc(Layout::from_size_align(n, 256).unwrap()) }) }
#[inline(never)] fn by_realloc(p: *mut u8, n: usize) -> *mut u8 { black_box(unsafe { realloc(p, Layout::from_size_align(n, 8).unwrap(), 2 * n) }) }
#[inline(never)] fn by_vec(n: usize) -> Vec<u8> { let mut v = Vec::new(); v.resize(n, 1); v }
fn main() {
    let n = 1000 * 1024;
    let kept = [by_alloc(n), by_zeroed(n), by_aligned(n), by_realloc(by_alloc(n), n)];
    let v = by_vec(n);
    let gone = by_alloc(n);
    unsafe { dealloc(gone, Layout::from_size_align(n, 8).unwrap()) };
    println!("{}", kept.iter().filter(|p| !p.is_null()).count() + v.len() / n);
    std::mem::forget(v);
    std::process::abort();
}
R
if command -v rustc >/dev/null && rustc -O -g "$tmp/blocks.rs" -o "$tmp/blocks" 2>/dev/null; then
    rm -f "$SONDE_DIR"/*
    is "$(SONDE_RATE=1 LD_PRELOAD=$build/libsonde.so "$tmp/blocks" 2>/dev/null)" 5 "a Rust program runs"
    top=$("$sonde" -top -cum -unit=kb "$SONDE_DIR"/* 2>/dev/null)
    for want in by_alloc:1000kB by_zeroed:1000kB by_aligned:1000kB by_realloc:2000kB by_vec:1000kB; do
        like "$top" " ${want#*:} +[0-9.]+% +blocks::${want%:*}\$" "Rust's System allocator: ${want%:*}"
    done
else
    skip "a Rust program runs" "no rustc"
fi
done_testing
