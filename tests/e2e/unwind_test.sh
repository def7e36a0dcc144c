#!/bin/bash
# Walks up the stacks of running programs, beside libdwfl's and libgcc's; "make check-unwind" makes many more.
. "$(dirname "$0")/lib.sh"

table=$("$here/tests/unwind/check" "$build" "$build/unwind" --quick 2>&1)
ok $? "Sonde's walks are libdwfl's and libgcc's"
sed 's/^/# /' <<<"$table"
is "$(grep -cE '^(c|c\+\+) +[0-9]+ +[0-9]+ +(100|99)\.' <<<"$table")" "$(grep -cE '^(c|c\+\+) ' <<<"$table")" "on all stacks of C and C++"

# Where a linker leaves gaps between segments, the loader knows where each of them is, but not the file's first bytes.
cat >"$tmp/gap.c" <<'C'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) void *far_function(size_t n)
{
    void *p = malloc(n);
    memset(p, 1, n);
    return p;
}
#ifndef LIBRARY
int main(void)
{
    void *volatile p = far_function(40 << 20);
    (void)p;
    raise(SIGKILL);
}
#endif
C
# stack_of NAME: the stack of the heap that the program left.
stack_of() { "$sonde" -raw "$(killed_record "$1")" 2>/dev/null | awk '/^Locations/ { on = 1; next } /^Mappings/ { on = 0 } on { print $4 }' | xargs; }
gap=-Wl,--section-start=.text=0x3000000
for how in "$gap" "-no-pie $gap"; do
    gcc -O2 -g -fomit-frame-pointer $how -o "$tmp/gap" "$tmp/gap.c"
    is "$(stack_of "$tmp/gap")" "far_function main __libc_start_call_main __libc_start_main_impl _start" "a program linked with $how"
done
gcc -O2 -g -fomit-frame-pointer -shared -fPIC -DLIBRARY $gap -o "$tmp/libgap.so" "$tmp/gap.c"
sed '/^__attribute__/,/^}/d; s/^#ifndef.*/void *far_function(size_t n);\n&/' "$tmp/gap.c" >"$tmp/main.c"
gcc -O2 -g -o "$tmp/gap" "$tmp/main.c" "$tmp/libgap.so" -Wl,-rpath,"$tmp"
like "$(stack_of "$tmp/gap")" "^far_function main " "a library that is linked so"
done_testing
