#!/bin/bash
# Contention by stack and delay: block by who waited, mutex by who let them wait, against the program's own clock.
. "$(dirname "$0")/lib.sh"
export PPROF_TMPDIR=$tmp

for rate in 1 1ms 0; do
    is "$(SONDE_LOCK_RATE=$rate preloaded "$programs/locks" promises 2>&1)" "0 broken" "locks keep their promises, sampled every $rate"
done

# flat PROFILE FUNCTION: ms of it.
flat() { "$sonde" -top -unit=ms -nodefraction=0 "$record/$1" 2>/dev/null | awk -v f="$2" '$6 == f { print $1 + 0 }'; }
# near GOT WANTED PERCENT NAME
near() {
    awk "BEGIN { d = ${1:-0} - $2; exit !(d * d <= ($3 / 100 * $2) ^ 2) }"
    ok $? "$4: ${1:-nothing} ms of $2 ms"
}

# Waits of 20 ms are sampled nearly all: their sums are exact.
record=$(killed_record "$programs/locks" long "$tmp/long")
while read -r kind ns; do
    function=wait_$kind
    [ $kind = futex ] && function=futex_lock
    [ $kind = join ] && function=join
    near "$(flat block $function)" $((ns / 1000000)) 5 "a wait for a $kind is charged to who waits"
    eval "waited_$kind=$((ns / 1000000))"
done <"$tmp/long"
near "$(flat mutex hold_mutex)" $((waited_mutex + waited_timed)) 5 "and for a mutex, to who holds it"
near "$(flat mutex hold_rwlock)" $waited_rwlock 5 "for a read-write lock, too"
near "$(flat mutex hold_futex)" $waited_futex 5 "and for a lock made of futexes"
tags=$("$sonde" -tags "$record/block" 2>/dev/null | tr '\n' ' ')
for kind in mutex rwlock barrier join condition semaphore futex; do
    like "$tags" ": $kind " "a label says what it was: $kind"
done
like "$("$sonde" -raw "$record/block" 2>/dev/null | head -n 10 | tr '\n' ' ')" 'PeriodType: contentions count Period: 1 .*contentions/count delay/nanoseconds' \
    "the types are Go's"

# Short ones are sampled by their delay; the sum is an estimate.
record=$(SONDE_LOCK_RATE=200us killed_record "$programs/locks" short "$tmp/short")
read -r _ ns <"$tmp/short"
near "$(flat block wait_often)" $((ns / 1000000)) 20 "many short waits are estimated"
near "$(flat mutex wait_often)" $((ns / 1000000)) 25 "for their holders, too"
record=$(SONDE_LOCK_RATE=0 killed_record "$programs/locks" short "$tmp/short")
is "$(flat block wait_often)$(flat mutex wait_often)" "" "with the rate 0 there are none"

# C++: what the library's classes do is charged to their callers.
record=$(killed_record "$programs/guarded")
ok "$(awk "BEGIN { print !($(flat block guarded | awk '{ s += $1 } END { print s + 0 }') > 50) }")" "a lock_guard's wait is its caller's"
ok "$(awk "BEGIN { print !($(flat mutex writes | awk '{ s += $1 } END { print s + 0 }') > 20) }")" "a shared_mutex's holder is charged"
ok "$(awk "BEGIN { print !($("$sonde" -top -cum -unit=ms "$record/block" 2>/dev/null | awk '$6 == "waits" { print $4 + 0 }') > 80) }")" "and a condition's wait is its caller's"

# Rust.
cat >"$tmp/locks.rs" <<'R'
use std::sync::{Arc, Mutex};
use std::{thread, time::Duration};
#[inline(never)]
fn hold(m: &Mutex<i32>) {
    let mut n = m.lock().unwrap();
    *n += 1;
    thread::sleep(Duration::from_millis(5));
}
fn main() {
    let m = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (0..4).map(|_| { let m = m.clone(); thread::spawn(move || for _ in 0..20 { hold(&m) }) }).collect();
    for t in threads { t.join().unwrap(); }
    println!("{}", m.lock().unwrap());
}
R
if command -v rustc >/dev/null && rustc -O -g "$tmp/locks.rs" -o "$tmp/rust-locks" 2>/dev/null; then
    rm -f "$SONDE_DIR"/*
    is "$(SONDE_KEEP_EXITED=1 preloaded "$tmp/rust-locks")" 80 "a Rust program with std::sync::Mutex runs"
    record=$(ls "$SONDE_DIR"/*)
    like "$("$sonde" -top -unit=ms "$record/block" 2>/dev/null)" 'ms .* locks::hold' "its waits are charged"
    like "$("$sonde" -top -unit=ms "$record/mutex" 2>/dev/null)" 'ms .* locks::' "and its holders"
else
    skip "a Rust program with std::sync::Mutex runs" "no rustc"
    skip "its waits are charged" "no rustc"
    skip "and its holders" "no rustc"
fi

# Served, as text too.
rm -f "$SONDE_DIR"/*
preloaded python3 -c '
import threading, time
l = threading.Lock()
def work():
    for i in range(20):
        with l: time.sleep(0.005)
t = [threading.Thread(target=work) for i in range(4)]
[x.start() for x in t]; [x.join() for x in t]
print("done", flush=True); time.sleep(20)' >"$tmp/out" &
program=$!
wait_for grep -q done "$tmp/out"
serve
url=${url%/}
text=$(curl -s "$url/block?debug=1")
is "$(head -n 2 <<<"$text")" "--- contention:
cycles/second=1000000000" "the text of block begins as Go's does"
like "$text" '^[0-9]+ [0-9]+ @ 0x' "with a row for each stack"
is "$(curl -s "$url/mutex?debug=1" | head -n 3)" "--- mutex:
cycles/second=1000000000
sampling period=1" "that of mutex, too"
curl -s "$url/block?debug=1" >"$tmp/block.txt"
a=$("$sonde" -top -unit=ms "$url/block" 2>/dev/null | sed -n 's/.* of \(.*\)ms total/\1/p')
b=$("$sonde" -top -unit=ms "$tmp/block.txt" 2>/dev/null | sed -n 's/.* of \(.*\)ms total/\1/p')
ok "$(awk "BEGIN { d = ${a:-0} - ${b:-1}; print !(d * d < 1 && ${a:-0} > 300) }")" "which reads back as the same delay (${a:-none}, ${b:-none} ms)"
kill $server $program
wait $server $program 2>/dev/null
done_testing
