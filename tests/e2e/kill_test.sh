#!/bin/bash
# SIGKILL at random instants, and the OOM killer's, while threads allocate, load libraries, fork and make new stacks: the record must be
# whole, and its live bytes within 3 % of the program's own count (tests/programs/truth.h).  ROUNDS, OOM_ROUNDS: how often.
. "$(dirname "$0")/lib.sh"
. "$here/tools/cgroup"

export SONDE_RATE=4096
most=30 # thousandths
least=$((4 << 20)) # bytes that must be held for a share to mean something

start_counting() { rounds=0 judged=0 early=0 unreadable=0 wrong=0 worst=0; }

# judge: the record that was left, against the program's count.
judge() {
    local record off
    rounds=$((rounds + 1))
    record=$(ls "$SONDE_DIR"/*-* 2>/dev/null | head -n 1)
    if [ -z "$record" ]; then # killed before main
        early=$((early + 1))
        return
    fi
    if ! "$sonde" -symbolize=none -raw "$record" >"$tmp/raw" 2>"$tmp/err"; then
        # Killed while it was being made, it says that.
        grep -q 'the record is empty' "$tmp/err" && early=$((early + 1)) && return
        unreadable=$((unreadable + 1))
        sed 's/^/# /' "$tmp/err"
        return
    fi
    off=$({ od -An -v -t d8 -w64 "$tmp/truth" && cat "$tmp/raw"; } 2>/dev/null | awk -v least=$least '
        /^Locations/ { exit }
        NF == 8 && !/:/ { held += $1; doubtful += $2; next }
        /: / && NF > 4 { sub(":", "", $4); live += $4 }
        END {
            off = live < held ? held - live : live > held + doubtful ? live - held - doubtful : 0
            if (held >= least) printf "%d", 1000 * off / held
        }')
    [ -n "$off" ] || { early=$((early + 1)); return; }
    judged=$((judged + 1))
    [ "$off" -le $worst ] || worst=$off
    [ "$off" -le $most ] || wrong=$((wrong + 1))
}

# tell KILLS: what was counted, as tests.
tell() {
    is $unreadable 0 "after $rounds $1 every record reads"
    is $wrong 0 "live bytes are within 3 % of what the program held: $judged times, at most $((worst / 10)).$((worst % 10)) % off, $early too early to tell"
    [ $judged -ge $((rounds / 2)) ]
    ok $? "most of them can be judged"
}

start_counting
for ((i = 0; i < ${ROUNDS:-60}; i++)); do
    rm -f "$SONDE_DIR"/* "$tmp/truth"
    program=$([ $((i % 2)) = 0 ] && echo hold || echo storm)
    LD_PRELOAD=$build/libsonde.so "$programs/$program" "$tmp/truth" "$programs/plugin.so" 2>/dev/null &
    pid=$!
    sleep "0.$(printf %03d $((20 + RANDOM % 280)))"
    kill -KILL $pid
    wait $pid 2>/dev/null
    judge
done 2>/dev/null
tell "kills at random instants"

start_counting
oom_rounds=${OOM_ROUNDS:-5} killed=0
if cgroup_make "sonde-test.$$" 64; then
    # On a busy machine a program that swaps its code in and out at the limit may end by its own alarm: that round does not count.
    for ((i = 0; i < 2 * oom_rounds && killed < oom_rounds; i++)); do
        rm -f "$SONDE_DIR"/* "$tmp/truth"
        LD_PRELOAD=$build/libsonde.so cgroup_run "$programs/storm" "$tmp/truth" "$programs/plugin.so" 2>/dev/null
        status=$?
        [ $status = 142 ] && continue
        [ $status = 137 ] && killed=$((killed + 1))
        judge
    done 2>/dev/null
    cgroup_remove
    is $killed "$oom_rounds" "the OOM killer came $oom_rounds times"
    tell "OOM kills"
else
    skip "the OOM killer" "$cgroup_why"
fi
done_testing
