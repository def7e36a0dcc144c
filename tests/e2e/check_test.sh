#!/bin/bash
# Budgets: status 1 and a line for each that is broken, 2 when nothing could be checked.
. "$(dirname "$0")/lib.sh"

# Stacks with a count each: what is in a file, as text.
printf 'main;cache;grow 40000\nmain;serve;read_all 60000\n' >"$tmp/base"
printf 'main;cache;grow 40000\nmain;serve;read_all 110000\nmain;fresh 5\n' >"$tmp/new"

# says STATUS REGEX NAME OPTIONS...: of "sonde check".
says() {
    local status=$1 regex=$2 name=$3 got
    shift 3
    got=$("$sonde" check "$@" 2>&1)
    is "$?" "$status" "$name: status $status"
    like "$got" "$regex" "$name: $(head -n 1 <<<"$got")"
}

says 0 'is 150005 and was 100000: within all budgets' "a profile within its budgets" -max-inuse=200000 -max-growth=60% "$tmp/base" "$tmp/new"
says 1 'is 150005, more than -max-inuse=150000 allows' "a sum that is too large" -max-inuse=150000 "$tmp/new"
says 0 'within' "one as large as it may be" -max-inuse=150005 "$tmp/new"
says 1 'grew by 50005 to 150005, more than -max-growth=50% allows' "a growth that is too large" -max-growth=50% "$tmp/base" "$tmp/new"
says 0 'within' "to become less is no growth" -max-growth=0 "$tmp/new" "$tmp/base"
says 1 '^read_all is 110000, more than -max-function=100000 allows' "a function that holds too much" -max-function=100000 "$tmp/new"
says 1 '^read_all grew by 50000 to 110000' "a function that grew too much" -max-function-growth=1000 "$tmp/base" "$tmp/new"
says 1 '^fresh grew by 5 to 5' "one that was not there before grew from nothing" -max-function-growth=100% "$tmp/base" "$tmp/new"
is "$("$sonde" check -max-inuse=1 -max-growth=1 -max-function=100000 "$tmp/base" "$tmp/new" | wc -l)" 3 "a line for each budget that is broken"
json=$("$sonde" check -json -max-inuse=10 -max-function-growth=50% "$tmp/base" "$tmp/new" 2>&1)
is "$(jq -c '[.within, .value, .before], (.broken[] | [.budget, .function, .value, .before, .limit])' <<<"$json")" \
    '[false,150005,100000]
["max-inuse",null,150005,null,10]
["max-function-growth","read_all",110000,60000,30000]
["max-function-growth","fresh",5,0,0]' "all of it for programs"

record=$(SONDE_RATE=4096 killed_record "$programs/leaves")
"$sonde" -proto -output="$tmp/heap.pb.gz" "$record" 2>/dev/null
says 1 '^inuse_space is [0-9.]+[kM]B, more than -max-inuse=1kB allows' "a record, in bytes" -max-inuse=1kB "$record"
says 0 '^inuse_space is ' "sizes have units" -max-inuse=1.5GiB "$tmp/heap.pb.gz"
says 0 'and was' "a record against a file" -max-growth=0 "$tmp/heap.pb.gz" "$record"
says 0 '^alloc_objects is [0-9]+:' "any type can be measured" -sample_index=alloc_objects -max-inuse=100000000 "$record"
says 2 'no budget' "no budget" "$record"
says 2 'needs two profiles' "a growth of one profile" -max-growth=1MB "$record"
says 2 'is not a value in bytes, such as 64MB' "a time that memory may take" -max-inuse=5s "$record"
says 2 'not defined: -max-inuze' "an option that there is not" -max-inuze=5 "$record"
says 2 'usage' "no profile" -max-inuse=5
says 0 '^inuse_space is ' "short and binary ones, too" -max-inuse=100M -max-function=100MiB "$record"
says 2 'nowhere' "a file that there is not" -max-inuse=5 "$tmp/nowhere"
says 2 'no sample type|sample_index' "a type that there is not" -max-inuse=5 -sample_index=sheep "$record"
done_testing
