#!/bin/bash
# perf.data of real recordings: the same counts as perf's own reports.
. "$(dirname "$0")/lib.sh"
export HOME=$tmp # where perf keeps copies of what it recorded
trap 'rm -rf "$tmp" "$SONDE_DIR"; rm -f "${maps[@]}"' EXIT
maps=() # that the program has written

if ! command -v perf >/dev/null; then
    skip "perf.data" "perf is not installed (tools/setup)"
    done_testing
fi
if ! perf record -e cpu-clock -g -o "$tmp/try" true >"$tmp/log" 2>&1; then
    skip "perf.data" "perf may not record here: $(tail -n 1 "$tmp/log")"
    done_testing
fi

# recorded NAME OPTION...: the program's recording in $tmp/NAME.
recorded() {
    local name=$1
    shift
    perf record -e cpu-clock -F 1999 -m 512 "$@" -o "$tmp/$name" "$programs/busy" >"$tmp/log" 2>&1
}

# by_perf FILE FUNCTION...: samples that have the function on their stack, as perf script prints them.
by_perf() {
    local file=$1
    shift
    perf script -F ip,sym,dso -i "$file" 2>/dev/null | awk -v wanted="$*" '
        function count() { for (f in seen) if (seen[f]) n[f]++; split("", seen) }
        NF == 0 { count(); next }
        { sub(/^[ \t]*[0-9a-f]+ /, ""); sub(/ \(.*/, ""); seen[$0] = 1 }
        END { count(); split(wanted, w, " "); for (i = 1; i in w; i++) print w[i], n[w[i]] + 0 }'
}

# by_sonde FILE FUNCTION...: the same, from the cum column.
by_sonde() {
    local file=$1
    shift
    "$sonde" -top -functions -sample_index=cpu-clock_sample -nodecount=100000 -nodefraction=0 "$file" 2>/dev/null |
        awk -v wanted="$*" '
        /^ *[0-9]+ +[0-9.]+% +[0-9.]+% +[0-9]+ +[0-9.]+% / { n[$6] = $4 }
        END { split(wanted, w, " "); for (i = 1; i in w; i++) print w[i], n[w[i]] + 0 }'
}

functions="main run_all half twice spin nothing in_kernel run_made work"

recorded file -g
is "$(by_sonde "$tmp/file" $functions)" "$(by_perf "$tmp/file" $functions)" "each function has perf's count of stacks"
like "$(by_sonde "$tmp/file" half twice)" '^half [1-9][0-9]' "and there are many"
total=$(perf script -F comm -i "$tmp/file" 2>/dev/null | grep -c .)
is "$("$sonde" -top -sample_index=cpu-clock_sample "$tmp/file" 2>/dev/null | sed -n 's/.*Total samples = //p' | tr -d ' ')" \
    "$total" "all samples are there"
got=$("$sonde" -top "$tmp/file" 2>"$tmp/err")
like "$got" '^File: busy$' "the program is the profile's"
like "$got" '^Type: cpu-clock_event$' "events are shown"
like "$got" '^perf-command:.*perf record' "the command is told"
like "$got" ' made at run time$' "code made at run time has its name"
maps+=($("$sonde" -raw "$tmp/file" 2>/dev/null | sed -n 's,.* \(/tmp/perf-[0-9]*\.map\).*,\1,p'))
like "$("$sonde" -tags "$tmp/file" 2>/dev/null | tr -s '\n ' ' ')" 'comm: .*: busy .*thread_comm: .*: worker' "labels tell processes and threads"
got=$("$sonde" -top -cum -tagfocus=worker "$tmp/file" 2>/dev/null)
like "$got" ' work$' "a thread's samples can be told from the others'"
unlike "$got" ' main$' "which are left out then"
"$sonde" -proto -output="$tmp/saved" "$tmp/file" 2>/dev/null
is "$("$sonde" -top "$tmp/saved" 2>&1)" "$("$sonde" -top "$tmp/file" 2>&1)" "saved as a profile it says the same"

# The kernel's part, function by function.
if [ "$(sed -n 's/^\(0*\) T _text$/hidden/p' /proc/kallsyms)" = hidden ]; then
    skip "names of the kernel" "/proc/kallsyms hides its addresses"
else
    kernel=$(perf report --stdio --no-children -g none -F sample,sym -i "$tmp/file" 2>/dev/null |
        awk '$2 == "[k]" { print $3, $1 }' | sort)
    is "$(by_sonde "$tmp/file" $(cut -d ' ' -f 1 <<<"$kernel") | wc -l)" "$(wc -l <<<"$kernel")" "there are functions of the kernel"
    is "$("$sonde" -top -functions -sample_index=cpu-clock_sample -nodecount=100000 -nodefraction=0 "$tmp/file" 2>/dev/null |
        awk -v wanted="$(cut -d ' ' -f 1 <<<"$kernel" | tr '\n' ' ')" '
        BEGIN { split(wanted, w, " "); for (i in w) want[w[i]] = 1 } $6 in want && $1 > 0 { print $6, $1 }' | sort)" \
        "$kernel" "each has perf's own count"
fi

perf record -e cpu-clock -F 1999 -m 512 -g -o - "$programs/busy" >"$tmp/pipe" 2>"$tmp/log"
is "$(by_sonde "$tmp/pipe" $functions)" "$(by_perf "$tmp/pipe" $functions)" "what came through a pipe"
is "$("$sonde" -top - <"$tmp/pipe" 2>&1)" "$("$sonde" -top "$tmp/pipe" 2>&1)" "also from standard input"

if recorded packed -g -z; then
    is "$(by_sonde "$tmp/packed" $functions)" "$(by_perf "$tmp/packed" $functions)" "what was packed"
else
    skip "what was packed" "perf was built without zstd"
fi

if [ "$(uname -m)" = x86_64 ] && recorded dwarf --call-graph dwarf; then
    functions="half twice spin in_kernel work" # perf cannot go on behind code that was made at run time
    is "$(by_sonde "$tmp/dwarf" $functions)" "$(by_perf "$tmp/dwarf" $functions)" "stacks that perf has copied"
    like "$(by_sonde "$tmp/dwarf" run_made)" '^run_made [1-9]' "go on behind code that was made at run time"
    unlike "$("$sonde" -top "$tmp/dwarf" 2>/dev/null)" '^perf-warning' "are whole"
else
    skip "stacks that perf has copied" "only on x86-64"
fi

perf record -e '{cpu-clock,page-faults}:S' -F 1999 -o "$tmp/group" "$programs/busy" >"$tmp/log" 2>&1
got=$("$sonde" -raw "$tmp/group" 2>/dev/null | sed -n '/^Samples/,/^Locations/p')
like "$got" '^cpu-clock_sample/count cpu-clock_event/count\[dflt\] page-faults_sample/count page-faults_event/count$' \
    "events of a group have their types"
is "$(awk '/^ *[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+: / { sub(/:/, ""); n += $2 + $4 } END { print n }' <<<"$got")" \
    "$(perf script -F period -i "$tmp/group" 2>/dev/null | awk '{ n += $1 } END { print n }')" "and perf's sum of counts"

# A program that was built anew since: perf has kept a copy of the old one.
cp "$programs/busy" "$tmp/program"
perf record -e cpu-clock -F 1999 -g -o "$tmp/kept" "$tmp/program" >"$tmp/log" 2>&1
maps+=($("$sonde" -raw "$tmp/kept" 2>/dev/null | sed -n 's,.* \(/tmp/perf-[0-9]*\.map\).*,\1,p'))
cp "$programs/leaves" "$tmp/program"
like "$("$sonde" -top "$tmp/kept" 2>/dev/null)" ' spin$' "a program that was replaced has its names from perf's copy"

# Damage.
head -c $(($(stat -c %s "$tmp/file") / 2)) "$tmp/file" >"$tmp/half"
like "$("$sonde" -top "$tmp/half" 2>/dev/null)" '^perf-warning: the file is not whole' "of half a file the samples are shown"
printf PERFFILE >"$tmp/old"
got=$("$sonde" -top "$tmp/old" 2>&1)
is "$?" 2 "version 1 fails"
like "$got" 'old: perf.data: this is version 1' "by name"

for file in pipe packed dwarf group; do
    [ ! -e "$tmp/$file" ] || maps+=($("$sonde" -raw "$tmp/$file" 2>/dev/null | sed -n 's,.* \(/tmp/perf-[0-9]*\.map\).*,\1,p'))
done
done_testing
