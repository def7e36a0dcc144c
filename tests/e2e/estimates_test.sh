#!/bin/bash
# Estimates against the truth, in the standard deviations that theory gives: by site, so by size class; with one rate, and with rates
# that change while the program runs.  ALLOCATIONS=100000000 is the long form (make soak).
#
# Too much of a site with few samples, each of which stands for much, is likelier than a normal distribution has it.  How likely at most
# is Bennett's inequality: a sum whose terms exceed their means by no more than b exceeds its own by t with a chance of at most
# exp(-sd^2/b^2 h(b t/sd^2)), h(u) = (1 + u) log(1 + u) - u.  That is exp(-z^2/2) for a z which is t/sd where samples are many: it is
# z that is called sigma here.
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

above() { awk "BEGIN { exit !($1 > $2) }"; }

# sigma VALUE TRUTH DEVIATION EXCESS: how far the value is from the truth.  It is printed rounded: half a unit is no error.
sigma() {
    awk -v value="$1" -v truth="$2" -v sd="$3" -v b="$4" 'BEGIN {
        t = value > truth ? value - truth : truth - value
        t = t > 1 ? t - 1 : 0
        if (sd == 0) z = t
        else if (value < truth || b == 0) z = t / sd
        else { u = b * t / sd ^ 2; z = sd / b * sqrt(2 * ((1 + u) * log(1 + u) - u)) }
        printf "%.2f", z }'
}

# compare NAME OUT: each number is within 4 sigma, and at most one in five beyond 2 (one in 22 is).
compare() {
    local site type truth sd b z far=0 n=0 worst=0
    while read -r site type truth sd b; do
        [ $site.$type = gone.inuse_space ] && { is "${value[$site.$type]:-0}" 0 "$1: no free is lost"; continue; }
        z=$(sigma "${value[$site.$type]:-0}" "$truth" "$sd" "$b")
        n=$((n + 1))
        above "$z" 2 && far=$((far + 1))
        above "$z" "$worst" && worst=$z
        above "$z" 4 && echo "# $site $type: ${value[$site.$type]:-0} of $truth, $z sigma"
    done <"$2"
    is $n 27 "$1: all estimates are compared"
    above "$worst" 4
    ok $((! $?)) "$1: and are within 4 sigma (at most $worst)"
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
