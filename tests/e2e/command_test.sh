#!/bin/bash
# The command on real input, good and bad.
. "$(dirname "$0")/lib.sh"

# says STATUS REGEX NAME COMMAND...
says() {
    local status=$1 regex=$2 name=$3 got
    shift 3
    got=$("$@" 2>&1 >"$tmp/stdout")
    is "$? $(wc -l <<<"$got")" "$status 1" "$name: status $status, one sentence"
    like "$got" "$regex" "$name: what was wrong"
}

record=$(SONDE_RATE=4096 killed_record "$programs/leaves")
"$sonde" -proto -output="$tmp/heap.pb.gz" "$record" 2>/dev/null
ok $? "a record becomes a profile"
is "$("$sonde" -top "$tmp/heap.pb.gz")" "$("$sonde" -top "$record")" "which says the same"
is "$("$sonde" -top - <"$tmp/heap.pb.gz")" "$("$sonde" -top "$tmp/heap.pb.gz")" "also from standard input"
gzip -dc "$tmp/heap.pb.gz" >"$tmp/heap.pb"
is "$("$sonde" -top "$tmp/heap.pb")" "$("$sonde" -top "$tmp/heap.pb.gz")" "and unpacked"
is "$("$sonde" -proto "$tmp/heap.pb.gz" | gzip -dc | cksum)" "$(cksum <"$tmp/heap.pb")" "written again it is the same"
is "$("$sonde" -text -functions "$record" 2>/dev/null)" "$("$sonde" --top "$record" 2>/dev/null)" "-text is -top, and --flags are -flags"
like "$("$sonde" -top -nodecount=2 "$record")" 'Showing top 2 nodes out of' "-nodecount=2 shows two"
like "$("$sonde" -top -nodecount 2 "$record")" 'Showing top 2 nodes out of' "-nodecount 2, too"
like "$("$sonde" -top -lines "$record")" 'by_malloc .*leaves.c:[0-9]+' "-lines shows lines"
like "$("$sonde" -tree -focus=by_valloc "$record")" 'focus=by_valloc' "-focus is told of"
like "$("$sonde" -peek=by_valloc "$record")" '100% \|   main' "-peek shows callers"
like "$("$sonde" -dot "$record")" '^N1 -> N' "-dot draws edges"
"$sonde" -png -output="$tmp/heap.png" "$record" 2>"$tmp/err"
is "$(head -c 8 "$tmp/heap.png" | od -An -t x1)" " 89 50 4e 47 0d 0a 1a 0a" "-png makes a PNG"
is "$(cat "$tmp/err")" "Generating report in $tmp/heap.png" "and says where"
like "$("$sonde" -svg "$record")" '<svg ' "-svg makes an SVG"
like "$("$sonde" help)" '-top .*text form' "help lists the formats"
like "$("$sonde" -version)" '^sonde [0-9.]+$' "-version"

head -c 200 "$tmp/heap.pb.gz" >"$tmp/short.gz"
says 2 'short.gz: .*damaged or cut short' "a truncated profile" "$sonde" -top "$tmp/short.gz"
head -c 300 "$tmp/heap.pb" >"$tmp/short"
says 2 'short: parsing profile: unrecognized profile format' "a truncated profile, unpacked" "$sonde" -top "$tmp/short"
head -c 50000000 /dev/zero | gzip -9 >"$tmp/bomb.gz"
says 2 'bomb.gz: unpacks to more than 10 MiB; -max_size=SIZE' "a gzip bomb" "$sonde" -top -max_size=10MiB "$tmp/bomb.gz"
says 2 'empty common sample type list' "the bomb with a higher limit" "$sonde" -top -max_size=100MiB "$tmp/bomb.gz"
: >"$tmp/empty"
says 2 'empty: parsing profile: empty input file' "an empty file" "$sonde" -top "$tmp/empty"
cp "$record" "$tmp/other-version"
printf '\143' | dd of="$tmp/other-version" bs=1 seek=8 conv=notrunc 2>/dev/null
says 2 'the record has version 99, this sonde reads version [0-9]+' "a record of another version" "$sonde" -top "$tmp/other-version"
head -c 100000 "$record" >"$tmp/cut-record"
says 2 'the record is cut short' "a record that is cut short" "$sonde" -top "$tmp/cut-record"
sleep 30 &
bare=$!
says 2 "process $bare .*does not have the library: start it by .sonde run" "a PID without the library" "$sonde" -top $bare
kill $bare
says 2 'there is no process 4194304' "a PID that is none" "$sonde" -top 4194304
says 2 '/no/such/file: No such file or directory' "a file that is not there" "$sonde" -top /no/such/file
says 2 "$tmp/nosuch: No such file or directory" "also in a folder that is there" "$sonde" -top "$tmp/nosuch"
says 2 'sample_index "zz" must be one of: \[alloc_objects alloc_space inuse_objects inuse_space\]' "a type that is not there" \
    "$sonde" -top -sample_index=zz "$record"
says 2 'parsing focus regexp: error parsing regexp' "a broken expression" "$sonde" -top '-focus=(' "$record"
says 2 'flag provided but not defined: -nosuch' "an unknown flag" "$sonde" -nosuch "$record"
says 2 'must set at most one output format' "two formats" "$sonde" -top -tree "$record"
says 2 'no profile source specified' "no source" "$sonde" -top
says 2 'no matches found for regexp: zzz' "a peek at nothing" "$sonde" -peek=zzz "$record"
got=$("$sonde" -top http://127.0.0.1:1/debug/pprof/heap 2>&1)
is "$?" 2 "a URL that refuses: status 2"
like "$got" '127.0.0.1:1/debug/pprof/heap: http fetch: Failed to connect|Connection refused' "a URL that refuses: what was wrong"
says 2 'no program that was killed has left a record' "oom without any" env SONDE_KEEP="$tmp/none" SONDE_DIR="$tmp/none" "$sonde" oom
says 2 'run: no program named' "run without a program" "$sonde" run
got=$(SONDE_DIR=$tmp/none "$sonde" run -http= -- /no/such/program 2>&1)
is "$? $got" "127 sonde: cannot run /no/such/program: No such file or directory" "run of what is not there"

# Damage of every kind to a record, and to a profile, costs a sentence at most.
crashes=0
for ((i = 0; i < 60; i++)); do
    cp "$record" "$tmp/damaged"
    for ((k = 0; k < 20; k++)); do
        printf "\\x$(printf %x $((RANDOM % 256)))" | dd of="$tmp/damaged" bs=1 seek=$((k < 10 ? RANDOM % 4096 : RANDOM * 141)) conv=notrunc 2>/dev/null
    done
    timeout 20 "$sonde" -symbolize=none -top "$tmp/damaged" >/dev/null 2>&1
    [ $? -le 2 ] || crashes=$((crashes + 1))
done
is $crashes 0 "60 damaged records cost a sentence at most"
done_testing
