#!/bin/bash
# Estimates against the truth, in the standard deviations that theory gives: by site, so by size class; with one rate, and with rates
# that change while the program runs.  ALLOCATIONS=100000000 is the long form (make soak).
. "$(dirname "$0")/lib.sh"

# value SITE TYPE: what the record tells.
declare -A value
read_record() {
    local type name number
    value=()
    for type in alloc_space alloc_objects inuse_space inuse_objects; do
        while read -r number name; do
            value[$name.$type]=$number
        done < <("$sonde" -top -nodefraction=0 -unit=b -sample_index=$type "$1" 2>/dev/null | awk '$2 ~ /%$/ { print $1 + 0, $6 }')
    done
}

# compare NAME OUT: each number is within 4 sigma (one in 16,000 is not), and at most one in ten beyond 2 (one in 22 is).
compare() {
    local site ab abs ao aos ib ibs io ios z far=0 n=0 worst=0
    while read -r site ab abs ao aos ib ibs io ios; do
        for z in "alloc_space $ab $abs" "alloc_objects $ao $aos" "inuse_space $ib $ibs" "inuse_objects $io $ios"; do
            set -- "$1" "$2" $z
            # Numbers are printed rounded: half a unit is no error.
            z=$(awk "BEGIN { d = ${value[$site.$3]:-0} - $4; if (d < 0) d = -d; d = d > 1 ? d - 1 : 0
                printf \"%.2f\", ($5 > 0 ? d / $5 : d) }")
            [ $site.$3 = gone.inuse_space ] && { is "${value[$site.$3]:-0}" 0 "$1: no free is lost"; continue; }
            n=$((n + 1))
            awk "BEGIN { exit !($z > 2) }" && far=$((far + 1))
            awk "BEGIN { exit !($z > $worst) }" && worst=$z
            awk "BEGIN { exit !($z > 4) }" && echo "# $site $3: ${value[$site.$3]:-0} of $4, $z sigma"
        done
    done <"$2"
    ok "$(awk "BEGIN { print ($worst > 4 || $n != 27) }")" "$1: all of $n estimates are within 4 sigma (at most $worst)"
    ok $((far * 100 > n * 20)) "$1: and most within 2 ($far are not)"
}

n=${ALLOCATIONS:-2000000}
record=$(SONDE_RATE=512KiB killed_record "$programs/estimates" "$n" "$tmp/out")
read_record "$record"
compare "$n allocations, 512 KiB" "$tmp/out"
record=$(SONDE_RATE=16KiB killed_record "$programs/estimates" "$n" "$tmp/out" changing)
read_record "$record"
compare "$n allocations, changing rates" "$tmp/out"
unlike "$("$sonde" -top "$record" 2>/dev/null)" 'found no room' "no sample finds the table full"
done_testing
