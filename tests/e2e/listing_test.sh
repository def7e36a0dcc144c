#!/bin/bash
# -list, -disasm and -weblist of programs in C++, Rust and Go, and of another processor's: where a sample is in a function that was
# inlined, its line and its instruction are shown in it, and in the one that it was inlined into.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:$HOME/.cargo/bin
cd "$tmp" || exit 2

cat >code.cc <<'END_OF_CODE'
#include <cstdio>
#include <vector>
template <typename T> struct mixer {
    T seed;
    T mix(T x) const {
        return x * 0x2c1b3c6d + seed; // MIX
    }
};
__attribute__((noinline)) unsigned work(const std::vector<unsigned> &values)
{
    mixer<unsigned> m{3};
    unsigned sum = 0;
    for (unsigned value : values)
        sum = sum >> 1 ^ m.mix(value); // CALL
    return sum;
}
int main(int argc, char **) { std::vector<unsigned> v(argc * 10); printf("%u\n", work(v)); }
END_OF_CODE
cat >code.rs <<'END_OF_CODE'
struct Mixer<T> {
    seed: T,
}

impl Mixer<u32> {
    #[inline(always)]
    fn mix(&self, x: u32) -> u32 {
        x * 0x2c1b3c6d + self.seed // MIX
    }
}

#[inline(never)]
fn work(n: u32, m: &Mixer<u32>) -> u32 {
    let mut sum = 0;
    for x in (1..n).step_by(3) {
        sum = m.mix(sum ^ x) >> 1; // CALL
    }
    sum
}

fn main() {
    let n = std::env::args().count() as u32 * 100;
    println!("{}", work(n, &Mixer { seed: n }));
}
END_OF_CODE
cat >code.go <<'END_OF_CODE'
package main

import "os"

type mixer struct{ seed uint32 }

func (m mixer) mix(x uint32) uint32 {
	return x*0x2c1b3c6d + m.seed // MIX
}

//go:noinline
func work(n uint32, m mixer) uint32 {
	sum := uint32(0)
	for i := uint32(1); i < n; i += 3 {
		sum = sum>>1 ^ m.mix(i) // CALL
	}
	return sum
}

func main() {
	println(work(uint32(len(os.Args))*100, mixer{3}))
}
END_OF_CODE
cat >code.c <<'END_OF_CODE'
static inline unsigned mix(unsigned x, unsigned seed)
{
    return x * 0x2c1b3c6d + seed; // MIX
}
__attribute__((noinline)) unsigned work(unsigned n)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum = sum >> 1 ^ mix(i * i, n); // CALL
    return sum;
}
int main(int argc, char **argv) { return argv[0] && work((unsigned)argc * 100); }
END_OF_CODE

# profile PROGRAM ADDRESS: 40 samples of 10 ms at an address as it is linked, of a program that is mapped there.
profile() {
    local start offset linked bytes
    perl -e 'print pack "Q<*", map { hex } @ARGV' 0 3 0 2710 0 28 1 "$2" 0 1 0
    read -r _ offset linked _ bytes _ < <(readelf -lW "$1" | grep 'LOAD.* R E ')
    start=$((linked & ~4095))
    printf '%x-%x r-xp %08x 00:00 0 %s\n' "$start" $((start + bytes + 8192 & ~4095)) $((offset & ~4095)) "$tmp/$1"
}

# check LANGUAGE PROGRAM SOURCE WORK MIX INSTRUCTION ADDRESS: WORK and MIX are regular expressions of the functions' names.
check() {
    local name=$1 program=$2 source=$3 work=$4 mix=$5 instruction=$6 address=$7 line call got
    line=$(grep -n MIX "$source" | cut -d: -f1) call=$(grep -n CALL "$source" | cut -d: -f1)
    profile "$program" "$address" >cpu
    got=$("$sonde" -list="$work" cpu 2>&1)
    like "$got" "^ +(400ms|\.) +400ms +$call:.*// CALL$" "$name: -list: the call of an inlined function has its time"
    got=$("$sonde" -list="$mix" cpu 2>&1)
    like "$got" "^ROUTINE =+ .*$source$" "$name: an inlined function is a routine of its own"
    like "$got" "^ +400ms +400ms +$line:.*// MIX$" "$name: and its line has the time"
    got=$("$sonde" -disasm="$work" cpu 2>&1)
    like "$got" "^ +400ms +400ms +$address: $instruction .*;.*$source:$line$" "$name: -disasm: the instruction, with the inlined function's line"
    got=$("$sonde" -disasm="$mix" cpu 2>&1)
    like "$got" "^ +400ms +400ms +$address: $instruction" "$name: and in the inlined function"
    "$sonde" -weblist="$work" -output=page.html cpu >/dev/null 2>&1
    got=$(sed -e '/<head>/,/<\/head>/d' -e 's/<[^>]*>//g' -e 's/&lt;/</g; s/&gt;/>/g' page.html)
    like "$got" "^ +$call +(400ms|\.) +400ms .*// CALL" "$name: -weblist: the line of the call"
    like "$got" "^ +400ms +400ms +$address: .*$instruction .*$source:$line" "$name: with the instruction below the inlined line"
}

# at PROGRAM: address of the multiplication.
at() { objdump -d --no-show-raw-insn "$1" | sed -n 's/^ *\([0-9a-f]*\):.*imul .*0x2c1b3c6d.*/\1/p' | head -n 1; }

if g++ -O2 -g -no-pie -fno-tree-vectorize -o cpp code.cc; then
    check C++ cpp code.cc '^work$' 'mixer::mix$' imul "$(at cpp)"
    mkdir moved && mv code.cc moved/code.cc
    like "$("$sonde" -list='^work$' cpu 2>&1)" 'Error: could not find file code.cc on path ' "a source that was moved is missed"
    like "$("$sonde" -list='^work$' -trim_path="$tmp" -source_path="$tmp/moved" cpu 2>&1)" '400ms +14:.*// CALL$' \
        "and found by -trim_path and -source_path"
fi
if command -v rustc >/dev/null; then
    rustc -C opt-level=2 -g -C relocation-model=static -o rust code.rs
    check Rust rust code.rs 'code::work$' 'mix$' imul "$(at rust)"
else
    skip "Rust" "there is no rustc"
fi
if command -v go >/dev/null && HOME=$tmp GOCACHE=$tmp/cache go build -o go code.go 2>log; then
    check Go go code.go '^main.work$' '^main.mixer.mix$' imul "$(at go)"
else
    skip "Go" "there is no compiler for Go"
fi
if command -v aarch64-linux-gnu-gcc >/dev/null; then
    aarch64-linux-gnu-gcc -O2 -g -c code.c -o arm.o && aarch64-linux-gnu-ld -e main -o arm arm.o
    check AArch64 arm code.c '^work$' '^mix$' madd \
        "$(aarch64-linux-gnu-objdump -d --no-show-raw-insn arm | sed -n 's/^ *\([0-9a-f]*\):\tmadd.*/\1/p' | tail -n 1)"
else
    skip "AArch64" "there is no cross compiler"
fi
done_testing
