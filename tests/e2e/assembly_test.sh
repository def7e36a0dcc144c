#!/bin/bash
# -disasm and -weblist: a CPU profile of a program whose calls were inlined, with samples at known instructions.
. "$(dirname "$0")/lib.sh"

program=$programs/inlined base=555500000000
code=$(objdump -d --no-show-raw-insn "$program" | sed -n '/<work>:$/,/^$/p')
after_call=$(objdump -d --no-show-raw-insn "$program" | sed -n '/<main>:$/,/^$/p' | grep -A1 'call.*<work>' |
    sed -n '2s/^ *\([0-9a-f]*\):.*/\1/p')

# at PATTERN N: address of the Nth instruction of work that matches.
at() {
    grep -E "$1" <<<"$code" | sed -n "$2s/^ *\([0-9a-f]*\):.*/\1/p"
}
first=$(at imul 1) second=$(at imul 2) end=$(at ret 1)

# address LINKED: where the process has it.
address() {
    printf '%x' $((0x$base + 0x$1))
}

# profile PROGRAM FIRST SECOND END: 30, 20 and 10 samples there, called by main, of 10 ms each; the program is mapped at $base.
# gperftools' format: a header, then "count, depth, pcs ..." and an end in words, then the mappings.
profile() {
    local caller offset linked bytes
    caller=$(address "$after_call")
    perl -e 'print pack "Q<*", map { hex } @ARGV' 0 3 0 2710 0 \
        1e 2 "$(address "$2")" "$caller" 14 2 "$(address "$3")" "$caller" a 2 "$(address "$4")" "$caller" 0 1 0
    read -r _ offset linked _ bytes _ < <(readelf -lW "$1" | grep 'LOAD.* R E ')
    printf '%x-%x r-xp %08x 00:00 0 %s\n' $((0x$base + linked)) $((0x$base + linked + (bytes + 4095) / 4096 * 4096)) \
        $((offset)) "$1"
}
profile "$program" "$first" "$second" "$end" >"$tmp/cpu"

# listing ARGUMENT...: the page's text, one line of code a line.
listing() {
    (cd "$here" && "$sonde" "$@" -output="$tmp/page.html" "$tmp/cpu") >"$tmp/log" 2>&1
    sed -e '/<head>/,/<\/head>/d' -e '/<script>/,$d' -e 's/<[^>]*>//g' -e 's/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' -e 's/ *$//' "$tmp/page.html"
}

# Instructions.
got=$("$sonde" -disasm='^work$' "$tmp/cpu" 2>&1)
is "$(sed -n '1,3p' <<<"$got")" "Total: 600ms
ROUTINE ======================== work
     600ms      600ms (flat, cum)   100% of Total" "a routine, and what it holds"
is "$(awk 'NR > 3 {sub(":", "", $3); print $3}' <<<"$got")" "$(sed -n 's/^ *\([0-9a-f]*\):.*/\1/p' <<<"$code")" \
    "all its instructions are objdump's"
like "$got" "^     300ms      300ms +$first: imul   .* ;mix inlined.c:8$" "samples at the first multiplication, in an inlined function"
like "$got" "^     200ms      200ms +$second: imul   " "and at the second"
like "$got" "^     100ms      100ms +$end: ret" "and at its end"
is "$(awk 'NR > 3 && $1 != "." {n++} END {print n}' <<<"$got")" 3 "no others"
like "$("$sonde" -disasm='^work$' -intel_syntax "$tmp/cpu" 2>&1)" "$first: imul   [a-z]+,[a-z]+,0x2c1b3c6d" "Intel's syntax"
like "$("$sonde" -disasm='^work$' -divide_by=2 -unit=s "$tmp/cpu" 2>&1)" "^     0.15s      0.15s +$first:" "values in other units"
got=$("$sonde" -disasm="0x$(address "$second")" "$tmp/cpu" 2>&1)
is "$(sed -n '2,3p' <<<"$got")" "ROUTINE ======================== work
    AKA ======================== work_again" "a routine by an address in it, with its other name"
is "$("$sonde" -disasm="0x$second" "$tmp/cpu" 2>&1)" "$got" "and by the address that is shown"

# Inlined functions.
got=$("$sonde" -disasm='^mix$' "$tmp/cpu" 2>&1)
is "$(sed -n '2,4p' <<<"$got")" "ROUTINE ======================== work
INLINED ======================== mix
     500ms      500ms (flat, cum) 83.33% of Total" "an inlined function is shown in the routine that has it"
like "$got" "^     300ms .* $first: imul" "with its instructions"
unlike "$got" " $end: " "and no others"
like "$got" "^ +\.\.\.$" "what is left out is marked"

# What is not there.
got=$("$sonde" -disasm=nosuch "$tmp/cpu" 2>&1)
is "$? $got" "2 sonde: no matches found for regexp nosuch" "a function that is not there"
got=$("$sonde" -disasm=0x10 "$tmp/cpu" 2>&1)
is "$? $got" "2 sonde: no matches found for address 0x10" "an address that is not there"
sed "s|$program|$tmp/gone|" "$tmp/cpu" >"$tmp/lost"
like "$("$sonde" -disasm=. "$tmp/lost" 2>&1)" "no matches found for regexp .: $tmp/gone: No such file" "a program that is gone"

# The page.
got=$(listing -weblist='^(work|twice)$')
is "$(grep -A1 '^work' <<<"$got" | tail -n 1)" '  Total:       600ms      600ms (flat, cum)   100%' "a function and its sum"
is "$(grep -E -A1 '^ +20 ' <<<"$got" | head -n 1)" \
    '     20            .          .               for (unsigned i = 0; i < rounds; i++)' "a line without samples"
like "$got" '^     21        500ms      500ms                   sum \+= twice\(i\);$' "a line with those of the calls inlined there"
is "$(grep -E -A2 '^ +21 ' <<<"$got" | tail -n 2 | tr -s ' ')" ' return mix(mix(x) + 1); inlined.c:14
 x ^= x >> 15; inlined.c:7' "the calls that lead to an instruction"
like "$got" "^               300ms      300ms     $first: {21}imul   [^ ]+ +inlined.c:8$" "the instruction, indented below them"
like "$got" '^     14        500ms      500ms               return mix\(mix\(x\) \+ 1\);$' "the inlined function for itself"
is "$(grep -c 'i &lt; rounds' "$tmp/page.html") $(grep -c 'i < rounds' "$tmp/page.html")" "1 0" "source is escaped"
is "$(grep -icE '(src|href)=["'\'']?(https?:|//|[a-z]+\.)|@import|url\(' "$tmp/page.html")" 0 "the page needs nothing else"
like "$(BROWSER=cat TMPDIR=$tmp "$sonde" -weblist='^work$' "$tmp/cpu" 2>/dev/null)" '^<title>inlined cpu</title>$' "the browser gets it"
is "$(find "$tmp" -name 'pprof*')" "" "and no file is left"
is "$("$sonde" -weblist=nosuch "$tmp/cpu" 2>&1)" "sonde: no matches found for regexp: nosuch" "a function that is not there"

# Where sources are.
(cd / && "$sonde" -weblist='^work$' -output="$tmp/page.html" "$tmp/cpu" 2>/dev/null)
is "$(grep -c 'sum += twice(i);' "$tmp/page.html")" 1 "sources are found where the compiler had them"
cp "$here/tests/programs/inlined.c" "$tmp/lost.c"
(cd "$tmp" && gcc -O2 -g lost.c -o program && rm lost.c)
code=$(objdump -d --no-show-raw-insn "$tmp/program" | sed -n '/<work>:$/,/^$/p')
profile "$tmp/program" "$(at imul 1)" "$(at imul 2)" "$(at ret 1)" >"$tmp/cpu"
got=$(listing -weblist='^work$')
like "$got" '^     21        500ms      500ms           \?\?\?$' "without its source a line still has its instructions"
like "$got" 'open .*/lost.c: no such file or directory' "and the reason is told"
"$sonde" -proto "$tmp/cpu" >"$tmp/named" 2>/dev/null
rm "$tmp/program" && mv "$tmp/named" "$tmp/cpu"
got=$(listing -weblist='^work$')
like "$got" "No assembly: $tmp/program: No such file or directory" "without its program it says so"
like "$got" '^     21        500ms      500ms           \?\?\?$' "and has the lines that the profile knows"

# Go's own disassembler writes other texts, shows an alias by itself, and finds nothing in programs that are mapped elsewhere.
columns() {
    awk '/^ *[0-9.]+ms +[0-9.]+ms +[0-9a-f]+:/ {print $1, $2, $3}' | sort -u
}
if command -v go >/dev/null; then
    base=0
    profile "$program" "$first" "$second" "$end" >"$tmp/cpu"
    theirs=$(cd "$tmp" && HOME=$tmp PPROF_TMPDIR=$tmp go tool pprof -disasm=work "$program" "$tmp/cpu" 2>/dev/null | columns)
    is "$("$sonde" -disasm=work "$program" "$tmp/cpu" 2>/dev/null | columns)" "$theirs" "go tool pprof has the same values"
else
    skip "go tool pprof has the same values" "no go"
fi
done_testing
