#!/bin/bash
# The formats that other programs read, on a real profile: what they say is what -top says.
. "$(dirname "$0")/lib.sh"

record=$(SONDE_RATE=4096 killed_record "$programs/leaves")
"$sonde" -proto -output="$tmp/heap.pb.gz" "$record" 2>/dev/null
heap=$tmp/heap.pb.gz

# total OPTIONS...: of -top, in bytes.
total() {
    "$sonde" -top -unit=B "$@" "$heap" | sed -n 's/.* of \([0-9]*\)B total/\1/p'
}

# sum: of the last numbers of lines.
sum() {
    python3 -c 'import sys; print(sum(int(line.split()[-1]) for line in sys.stdin))'
}

is "$("$sonde" -folded "$heap" | sum)" "$(total)" "-folded adds up to the total"
is "$("$sonde" -folded -alloc_space "$heap" | sum)" "$(total -alloc_space)" "of another type as well"
is "$("$sonde" -folded -lines "$heap" | sum)" "$(total)" "and by lines"
like "$("$sonde" -folded "$heap")" '^[^ ]*main;by_malloc [0-9]+$' "-folded begins at the root"
is "$("$sonde" -folded "$heap" | sed 's/ [^ ]*$//' | sort | uniq -d)" "" "-folded has each stack once"
is "$("$sonde" -folded -diff_base="$heap" "$heap")" "" "a profile without itself is nothing"
is "$("$sonde" -folded -focus=by_malloc "$heap")" "$("$sonde" -folded "$heap" | grep by_malloc)" "-folded hears -focus"
done_testing
