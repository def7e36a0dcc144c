#!/bin/bash
# Names for addresses: how they agree with others' answers, where binaries and debug information are found, and what is said when
# they are not.
. "$(dirname "$0")/lib.sh"

# A program with one function in the middle, in a folder of its own, in several forms.
cat >"$tmp/named.c" <<'END'
volatile int seen; int inner(int a) { seen = a; return a * 7; }
__attribute__((noinline)) int outer_function(int a) { return inner(a) + a / 3; }
int main(int argc, char **argv) { (void)argv; return outer_function(argc); }
END
compile() { gcc -O2 -g "$@" -o "$tmp/named" "$tmp/named.c"; }
address_of() { nm "$1" | sed -n "s/^0*\([0-9a-f]*\) . $2$/\1/p"; }
id_of() { file=$1 && readelf -n "$file" 2>/dev/null | sed -n 's/.*Build ID: //p'; }

# heap MAPPING ADDRESS...: a profile, as gperftools writes it, of blocks allocated at these addresses (hexadecimal).
heap() {
    local mapping=$1
    shift
    echo "heap profile: $#: $# [$#: $#] @ heapprofile"
    for address; do printf '1: 1 [1: 1] @ 0x%x\n' $((0x$address + 1)); done
    printf 'MAPPED_LIBRARIES:\n%s\n' "$mapping"
}

names() { "$sonde" -text "$@" 2>"$tmp/err" | tail -n +2 | grep -v '^\(Build ID\|Type\|Time\|Showing\|  *flat\)' | sed 's/.*%  *//'; }

compile
# Where the inlined function stores to its variable.
code=$(objdump -d --no-show-raw-insn "$tmp/named" | awk '/<outer_function>:/ { on = 1 } on && /# .*<seen>/ { sub(":", ""); print $1; exit }')
base=555555554000
sum() { printf '%x' $((0x$1 + 0x$2)); }
at=$(sum $base "$code")
maps="$base-555555564000 r-xp 00000000 00:00 0 $tmp/named"
heap "$maps" "$at" >"$tmp/named.heap"

if table=$("$here/tests/symbols/matrix" "$build/tests/symbols/lookup" "$build/symbols" --quick 2>&1); then
    ok 0 "all answers are eu-addr2line's or llvm-symbolizer's"
else
    ok 1 "all answers are eu-addr2line's or llvm-symbolizer's"
fi
sed 's/^/# /' <<<"$table"

is "$(names -lines "$tmp/named.heap")" "inner $tmp/named.c:1 (inline)
outer_function $tmp/named.c:2" "a function, what is inlined there, and their lines"
is "$(names -lines -symbolize=fastlocal "$tmp/named.heap")" "outer_function" "-symbolize=fastlocal: names alone"
is "$(names -symbolize=none -addresses "$tmp/named.heap")" "0000$at [named]" "-symbolize=none: none"
is "$(names -symbolize=bogus "$tmp/named.heap" && cat "$tmp/err" | head -n 2)" "inner (inline)
outer_function
ignoring unrecognized symbolization option: bogus
expecting -symbolize=[local|fastlocal|remote|none][:force][:demangle=[none|full|templates|default]" "an unknown mode is told of"

# The same from a file without mappings of its own, and from one that was linked otherwise, also by a script that puts code and its
# neighbours at distances of its own.
ld --verbose | sed -e '1,/^=====/d' -e '/^=====/,$d' -e 's/^  \.text  *:/  . = ALIGN(0x1000) + 0x7340000; .text :/' \
    -e 's/^  \.rodata /  . = ALIGN(0x1000) + 0x5000; .rodata /' >"$tmp/script"
for how in -static -no-pie "-Wl,-Ttext-segment=0x30000000 -no-pie" "-Wl,-z,max-page-size=0x200000" "-Wl,-z,noseparate-code" \
    "-fuse-ld=gold" "-nostdlib -static -Wl,-N,-e,main" "-no-pie -Wl,-T,$tmp/script" "-Wl,-T,$tmp/script"; do
    compile $how 2>"$tmp/log" || { skip "a program linked with $how" "$(tail -n 1 "$tmp/log")"; continue; }
    # Where the kernel puts it: beside the first segment.
    code=$(address_of "$tmp/named" outer_function)
    while read -r from to; do
        [ $((to)) -gt $((0x$code)) ] || { offset=$from virtual=$to; }
    done < <(readelf -lW "$tmp/named" | awk '$1 == "LOAD" && / R?W? ?E /{print $2, $3}')
    start=$(sum $base "$(printf '%x' $((virtual & ~0xfff)))")
    heap "$start-$(sum "$start" 900000) r-xp $(printf '%08x' $((offset & ~0xfff))) 00:00 0 $tmp/named" \
        "$(sum $base "$code")" >"$tmp/linked.heap"
    is "$(names "$tmp/linked.heap" | tail -n 1)" "outer_function" "a program linked with $how"
done

# A library that was moved to an address of its own after its debug information was split off, as prelink does.
gcc -O2 -g -fPIC -shared -Wl,--build-id=0x1234567890 -o "$tmp/named.debug" "$tmp/named.c"
gcc -O2 -g -fPIC -shared -Wl,--build-id=0x1234567890 -Wl,-Ttext-segment=0x41000000 -o "$tmp/named" "$tmp/named.c"
objcopy --only-keep-debug "$tmp/named.debug" && strip "$tmp/named" && objcopy --add-gnu-debuglink="$tmp/named.debug" "$tmp/named"
heap "7f0000000000-7f0000001000 r--p 00000000 00:00 0 $tmp/named
7f0000001000-7f0000002000 r-xp 00001000 00:00 0 $tmp/named" "$(sum 7f0000000000 "$(address_of "$tmp/named.debug" outer_function)")" >"$tmp/linked.heap"
is "$(names -lines "$tmp/linked.heap" | tail -n 1)" "outer_function $tmp/named.c:2" "a library that was moved (prelink)"
rm "$tmp/named.debug"

# A pipe where debug information would be is not waited for.
mkfifo "$tmp/pipe"
gcc -O2 -g -o "$tmp/named" "$tmp/named.c" && cp "$tmp/named" "$tmp/other"
dwz -m "$tmp/common" -M "$tmp/pipe" "$tmp/named" "$tmp/other" 2>"$tmp/log"
heap "$maps" "$(sum $base "$(address_of "$tmp/named" outer_function)")" >"$tmp/pipe.heap"
is "$(timeout 20 "$sonde" -text "$tmp/pipe.heap" 2>"$tmp/err" | tail -n 1 | sed 's/.*%  *//')" "outer_function" \
    "a pipe that is named as the common file of dwz"
like "$(cat "$tmp/err")" "named: the debug information needs $tmp/pipe" "is said to be missing"
rm -f "$tmp/pipe" "$tmp/other" "$tmp/common"

# Text that was copied to huge pages: the middle of its mapping has no name any more.
compile
{
    heap "$base-555555555000 r-xp 00000000 00:00 0 $tmp/named" "$at"
    echo "555555555000-555555556000 r-xp 00000000 00:00 0 "
    echo "555555556000-555555557000 r-xp 00002000 00:00 0 $tmp/named"
} >"$tmp/huge.heap"
is "$(names "$tmp/huge.heap" | tail -n 1)" "outer_function" "text that was moved to memory without a name"

# Another file than the one that ran.
"$sonde" -proto -symbolize=none -buildid="$(id_of "$tmp/named")" -output="$tmp/named.pb.gz" "$tmp/named.heap" 2>/dev/null
was=$(id_of "$tmp/named")
cp "$tmp/named" "$tmp/kept"
compile -DOTHER -O1
now=$(id_of "$tmp/named")
got=$("$sonde" -top "$tmp/named.pb.gz" 2>&1)
like "$got" "named is not the file that ran: its build id is $now, and the profile's is $was; put the one that ran" \
    "a file that was replaced since is refused, and both build ids are named"
unlike "$got" 'outer_function' "and its names are not used"

# A saved profile, elsewhere: each layout of the folders of PPROF_BINARY_PATH.
mv "$tmp/kept" "$tmp/ran" && rm "$tmp/named"
found() { PPROF_BINARY_PATH=/none:$tmp/path names "$tmp/named.pb.gz" | tail -n 1; }
for place in named "$was/named" "$was/anything" "${tmp#/}/named" "${was:0:2}/${was:2}.debug" "${tmp#/}/named.debug" \
    "${tmp#/}/.debug/named.debug" "usr/lib/debug/${tmp#/}/named.debug" "${tmp#/}/named/$was"; do
    rm -rf "$tmp/path" && mkdir -p "$(dirname "$tmp/path/$place")" && cp "$tmp/ran" "$tmp/path/$place"
    is "$(found)" "outer_function" "PPROF_BINARY_PATH: ${place//$was/BUILDID}"
done
objcopy --only-keep-debug "$tmp/ran" "$tmp/path/only-debug"
rm -rf "$tmp/path/"[^o]* && mkdir -p "$tmp/path/${was:0:2}" && mv "$tmp/path/only-debug" "$tmp/path/${was:0:2}/${was:2}.debug"
is "$(found)" "outer_function" "also a file with debug information alone"

# What is said when something is missing.
cp "$tmp/ran" "$tmp/named"
strip -g "$tmp/named"
is "$(names -lines "$tmp/named.pb.gz")" "outer_function" "a file without debug information has names"
like "$(cat "$tmp/err")" "named has no debug information, so no lines and no inlined functions: build it with -g" "and it is said what gives lines"
strip "$tmp/named"
names "$tmp/named.pb.gz" >/dev/null
like "$(cat "$tmp/err")" "named has neither symbols nor debug information: build it with -g" "nor symbols"
lib=$(ldconfig -p | sed -n 's/.*libz.so.1 (.*x86-64.*=> //p' | head -n 1)
heap "7f0000000000-7f0000100000 r-xp 00000000 00:00 0 $lib" "7f0000004000" >"$tmp/lib.heap"
names "$tmp/lib.heap" >/dev/null
if [ -e "/usr/lib/debug/.build-id/$(id_of "$lib" | sed 's/../&\//').debug" ]; then
    skip "which package has it" "it is installed"
else
    like "$(cat "$tmp/err")" "libz.so.1 has no debug information.*: install zlib1g-dbgsym" "or which package has it"
fi

# Servers: of debug information, and of names.
mkdir -p "$tmp/site/buildid/$was" "$tmp/site/pprof" "$tmp/site/debug/pprof"
strip -o "$tmp/site/buildid/$was/executable" "$tmp/ran"
objcopy --only-keep-debug "$tmp/ran" "$tmp/site/buildid/$was/debuginfo"
heap "00400000-00500000 r-xp 00000000 00:00 0 /no/such/program" 401000 402000 >"$tmp/site/pprof/heap"
cp "$tmp/site/pprof/heap" "$tmp/site/debug/pprof/heap"
cp "$tmp/site/pprof/heap" "$tmp/site/heapz"
serve() {
    coproc SERVER { exec "$here/tests/symbols/server" "$tmp/site" "$@"; }
    read -r port <&"${SERVER[0]}"
    exec {input}>&"${SERVER[1]}"
}
stop() {
    local pid=$SERVER_PID fd=${SERVER[1]}
    exec {input}>&- {fd}>&-
    wait "$pid" 2>/dev/null
}
export PPROF_TMPDIR=$tmp/saved HOME=$tmp
serve
rm "$tmp/named"
if ldconfig -p | grep -q libdebuginfod.so.1; then
    export DEBUGINFOD_URLS=http://127.0.0.1:$port DEBUGINFOD_CACHE_PATH=$tmp/cache
    is "$(names -lines "$tmp/named.pb.gz" | tail -n 1)" "outer_function $tmp/named.c:2" "debuginfod: of a program that is not here"
    strip -o "$tmp/named" "$tmp/ran"
    is "$(names -lines "$tmp/named.pb.gz" | tail -n 1)" "outer_function $tmp/named.c:2" "debuginfod: of one that was stripped"
    mkdir -p "$tmp/site/buildid/$was/source$tmp" && mv "$tmp/named.c" "$tmp/site/buildid/$was/source$tmp/named.c"
    like "$("$sonde" -list=outer_function "$tmp/named.pb.gz" 2>&1)" "^ +\. +1B +2:__attribute__.*outer_function" "debuginfod: of a source file"
    mv "$tmp/site/buildid/$was/source$tmp/named.c" "$tmp/named.c"
    unset DEBUGINFOD_URLS
else
    skip "debuginfod" "libdebuginfod.so.1 is not installed"
fi
for page in pprof/heap debug/pprof/heap heapz; do
    is "$(names "http://127.0.0.1:$port/$page")" "function_401000
function_402000" "names of addresses from beside /$page"
done
is "$(names -symbolize=local "http://127.0.0.1:$port/pprof/heap" | grep -c function_)" 0 "-symbolize=local asks nobody"
is "$(grep -c POST "$tmp/site/log")" 3 "one question for all addresses"
stop
serve --no-post
is "$(names "http://127.0.0.1:$port/debug/pprof/heap")" "function_401000
function_402000" "a server that takes no POST is asked by GET"
rm "$tmp/site/log"
mv "$tmp/site/pprof" "$tmp/site/other"
got=$("$sonde" -top -symbolize=remote "http://127.0.0.1:$port/other/heap" 2>&1)
is "$?" 2 "-symbolize=remote fails when the server does not know names"
like "$got" "http://127.0.0.1:$port/other/symbolz.*: server response: 404" "and says so"
got=$("$sonde" -top "http://127.0.0.1:$port/other/heap" 2>&1)
is "$?" 0 "without it the profile is shown as it is"
stop

# Code that is in no file.
python3 - "$tmp/vdso.so" <<'END'
import sys
for line in open("/proc/self/maps"):
    if line.endswith("[vdso]\n"):
        start, end = (int(number, 16) for number in line.split()[0].split("-"))
        memory = open("/proc/self/mem", "rb")
        memory.seek(start)
        open(sys.argv[1], "wb").write(memory.read(end - start))
END
clock=$(readelf --dyn-syms -W "$tmp/vdso.so" 2>/dev/null | sed -n 's/^ *[0-9]*: 0*\([0-9a-f]*\) .* __vdso_clock_gettime@.*/\1/p')
if [ -n "$clock" ]; then
    heap "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0 [vdso]" "$(sum 7ffd00000000 "$clock")" >"$tmp/vdso.heap"
    like "$(names "$tmp/vdso.heap")" '^(__vdso_)?clock_gettime$' "the vDSO"
    "$sonde" -proto -symbolize=none -buildid=0123456789abcdef -output="$tmp/vdso.pb.gz" "$tmp/vdso.heap" 2>/dev/null
    unlike "$(names "$tmp/vdso.pb.gz")" 'clock_gettime' "but not another kernel's"
else
    skip "the vDSO" "this kernel has none"
fi

read -r text _ < <(grep -m 1 ' [tT] _stext$' /proc/kallsyms)
read -r read _ < <(grep -m 1 ' [tT] vfs_read$' /proc/kallsyms)
id=$(python3 -c 'import re; print(re.search(b"\x14\0\0\0\x03\0\0\0GNU\0(.{20})", open("/sys/kernel/notes", "rb").read(), re.S)[1].hex())' 2>/dev/null)
# kernel BUILDID: a profile with an address of the kernel with that build id.
kernel() {
    heap "$text-ffffffffffffffff r-xp $text 00:00 0 [kernel.kallsyms]_stext" "$(sum "$read" 10)" >"$tmp/kernel.heap"
    "$sonde" -proto -symbolize=none -buildid="$1" -output="$tmp/kernel.pb.gz" "$tmp/kernel.heap" 2>/dev/null
}
if [ $((0x${text:-0})) = 0 ] || [ -z "$id" ]; then
    skip "names of the running kernel" "it hides its addresses"
else
    kernel "$id"
    is "$(names "$tmp/kernel.pb.gz")" "vfs_read" "the running kernel"
    kernel "0123456789abcdef0123456789abcdef01234567"
    unlike "$(names "$tmp/kernel.pb.gz")" 'vfs_read' "but not another one"
    like "$(cat "$tmp/err")" 'they are of another kernel' "which is told of"
fi

jit=/tmp/perf-$$.map
printf '7f1234560000 40 js:first\n7f1234560040 40 js:second with blanks\n' >"$jit"
heap "7f1234560000-7f1234570000 r-xp 00000000 00:00 0 $jit" 7f1234560010 7f1234560050 7f1234560090 >"$tmp/jit.heap"
is "$(names "$tmp/jit.heap" | grep -v '^\[')" "js:first
js:second with blanks" "code of a compiler at run time, by /tmp/perf-PID.map"
rm "$jit"

# Any of these in one profile, and names as one asks for them.
cat >"$tmp/mangled.cc" <<'END'
#include <vector>
template <typename T> struct box { __attribute__((noinline)) T twice(T x) const { return x + x; } };
int main(int argc, char **) { return box<int>().twice(argc) + int(std::vector<int>(argc).size()); }
END
g++ -O1 -g -no-pie -o "$tmp/mangled" "$tmp/mangled.cc"
code=$(address_of "$tmp/mangled" _ZNK3boxIiE5twiceEi)
heap "00400000-00500000 r-xp 00000000 00:00 0 $tmp/mangled" "$code" >"$tmp/mangled.heap"
is "$(names "$tmp/mangled.heap")" "box::twice" "names without template arguments and parameters"
is "$(names -symbolize=demangle=templates "$tmp/mangled.heap")" "box<int>::twice" "-symbolize=demangle=templates"
is "$(names -symbolize=demangle=full "$tmp/mangled.heap")" "box<int>::twice(int) const" "-symbolize=demangle=full"
is "$(names -symbolize=demangle=none "$tmp/mangled.heap")" "_ZNK3boxIiE5twiceEi" "-symbolize=demangle=none"
"$sonde" -proto -output="$tmp/mangled.pb.gz" "$tmp/mangled.heap" 2>/dev/null
rm "$tmp/mangled"
is "$(names -symbolize=demangle=full "$tmp/mangled.pb.gz")" "box<int>::twice(int) const" "and of a profile that has plain names already"
done_testing
