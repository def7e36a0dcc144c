#!/bin/bash
# CPU profiles: the time that the kernel accounts, by thread and by function, whatever the program does with its signals.
. "$(dirname "$0")/lib.sh"

# profile HZ COMMAND...: the profile of a program from when it begins to when it ends, which it does when it reads a line
# each; in $tmp/cpu.pb.gz, and what the program prints in $tmp/out.
profile() {
    local hz=$1 url
    shift
    rm -f "$tmp/in" "$tmp/err" "$tmp/cpu.pb.gz"
    mkfifo "$tmp/in"
    "$sonde" run -http=localhost:0 -- "$@" <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
    local run=$!
    exec 9>"$tmp/in"
    served_at "$tmp/err"
    wait_for curl -s -f "${url}cmdline"
    curl -s -o "$tmp/cpu.pb.gz" "${url}profile?seconds=100&hz=$hz" &
    local fetch=$!
    sleep 0.5
    echo >&9
    wait_for grep -q process "$tmp/out"
    echo >&9
    exec 9>&-
    wait $fetch $run
}

# milliseconds REGEX: of the profile's functions (cum) that match.
milliseconds() {
    "$sonde" -top -cum -unit=ms "$tmp/cpu.pb.gz" 2>/dev/null | awk -v r="$1" '$6 ~ r { sub("ms", "", $4); print $4; exit }'
}

# of_thread NAME: its milliseconds.
of_thread() {
    "$sonde" -top -unit=ms -tagfocus="thread=^$1\$" "$tmp/cpu.pb.gz" 2>/dev/null | sed -n 's/.*accounting for \([0-9.]*\)ms.*/\1/p'
}

# within GOT WANTED PERCENT
within() { awk "BEGIN { d = $1 / $2 - 1; exit !(d < $3 / 100 && d > -$3 / 100) }"; }

# Sums.  A thread's last period is cut at random: what that leaves uncertain is known.
for case in "1 2 100" "4 1 1000" "64 0.1 1000"; do
    set -- $case
    profile "$3" "$programs/shares" "$1" "$2"
    kernel=$(awk '/worker/ { sum += $1 } END { print 1000 * sum }' "$tmp/out")
    ours=$(milliseconds '^work$')
    within "${ours:-0}" "$kernel" 2
    ok $? "$1 threads at $3 Hz: $ours ms of the $kernel ms that the kernel accounts"
    if [ "$1" = 4 ]; then
        for i in 0 1 2 3; do
            kernel=$(awk -v i=$i '$2 == "worker" && $3 == i { print 1000 * $1 }' "$tmp/out")
            ours=$(of_thread "worker $i")
            within "${ours:-0}" "$kernel" 2
            ok $? "worker $i of them: $ours ms of $kernel ms"
        done
    fi
done

# A thread enters itself, and the sampler may find it at the same time: the rounds are for that.
wrong=0
export SONDE_CPU=1000 SONDE_KEEP_EXITED=1
for ((i = 0; i < ${ROUNDS:-20}; i++)); do
    rm -f "$SONDE_DIR"/*
    printf '\n\n' | preloaded "$programs/shares" 8 0.05 >"$tmp/out"
    kernel=$(awk '/worker/ { sum += $1 } END { print 1000 * sum }' "$tmp/out")
    ours=$("$sonde" -top -cum -unit=ms "$(ls "$SONDE_DIR"/*)/profile" 2>/dev/null | awk '$6 == "work" { sub("ms", "", $4); print $4 }')
    within "${ours:-0}" "$kernel" 8 || wrong=$((wrong + 1))
done
unset SONDE_CPU SONDE_KEEP_EXITED
is $wrong 0 "a thread counts once, whoever notices it first (the last time: $ours ms of $kernel)"

# Shares.  At 1,000 Hz the kernel signals 250 times a second, or at HZ: three sigma of so many samples.  A machine that
# stops for a tenth of a second charges all of that to one sample, which no theory of sampling knows: there are three goes.
share_is_right() {
    awk "BEGIN { p = $1 / 100; d = $2 / $3 - p; s = 3 * sqrt(p * (1 - p) / (0.25 * $3)); exit !(d < s && d > -s) }"
}
for go in 1 2 3; do
    profile 1000 "$programs/shares" 4 1
    total=$(milliseconds '^work$')
    wrong=0 shares=
    for share in seventy twenty ten; do
        told=$(awk -v f=$share '$2 == f { print $1 }' "$tmp/out")
        part=$(milliseconds "^$share\$")
        share_is_right "$told" "${part:-0}" "$total" || wrong=1
        shares+=", $share() has ${part:-no} ms and took $told %"
    done
    [ $wrong = 1 ] || break
done
ok $wrong "shares of $total ms$shares"

profile 100 "$programs/shares" 2 1 blocked
ours=$(milliseconds '^work$')
within "${ours:-0}" 2000 5
ok $? "threads that block all signals are sampled like others: $ours ms of 2000"
done_testing
