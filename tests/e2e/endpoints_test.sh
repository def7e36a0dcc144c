#!/bin/bash
# The parameters of the debug endpoints: what net/http/pprof's have, and what they mean here.
. "$(dirname "$0")/lib.sh"
export PPROF_TMPDIR=$tmp

# A program that keeps a hole below its last block: free, but not at the end of the heap, where it would be given back at once.
# Then it goes on allocating, by one function that keeps and one that does not.
cat >"$tmp/holes.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *block[60000];

static void fill_and_free(void)
{
    for (int i = 0; i < 60000; i++)
        block[i] = memset(malloc(1000), 1, 1000);
    for (int i = 0; i < 59999; i++)
        free(block[i]);
}

__attribute__((noinline)) static void keep(void)
{
    static char *last;
    char *p = malloc(20000);
    memcpy(p, &last, sizeof(last));
    last = p;
}

__attribute__((noinline)) static void drop(void)
{
    char *volatile p = malloc(200000);
    free(p);
}

int main(void)
{
    fill_and_free();
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < 20000; i++) {
        keep();
        drop();
        usleep(2000);
    }
    return 0;
}
C
gcc -O1 -g -o "$tmp/holes" "$tmp/holes.c"
"$sonde" run -http=localhost:0 -- "$tmp/holes" >"$tmp/out" 2>"$tmp/err" &
run=$!
served_at "$tmp/err"
wait_for grep -q ready "$tmp/out"
program=$(pgrep -P $run)
status() { curl -s -o "$tmp/body" -w '%{http_code}' "$url$1"; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$program/status"; }

# gc: for us, the allocator gives back what it does not use.
before=$(resident)
is "$(status 'heap')" 200 "the heap"
after=$(resident)
[ "$after" -gt $((before - 20000)) ]
ok $? "as it is: nothing is given back for that"
is "$(status 'heap?gc=1')" 200 "the heap with gc=1"
given=$((before - $(resident)))
[ $given -gt 40000 ]
ok $? "the allocator gives back $given KiB of the 58,593 KiB that are free"

# seconds: what is added.
is "$(status 'allocs?seconds=2')" 200 "what two seconds add"
top=$("$sonde" -top -sample_index=alloc_objects "$tmp/body" 2>/dev/null)
like "$top" ' drop$' "shows who allocates meanwhile"
unlike "$("$sonde" -top -nodefraction=0 "$tmp/body" 2>/dev/null)" 'fill_and_free' "and not who did before"
like "$top" '^Duration: (2|3|4)\.?[0-9]*s' "in so long"
like "$(curl -s -D - -o /dev/null "${url}heap?seconds=1")" 'filename="heap-delta"' "as heap-delta"
like "$("$sonde" -top -seconds=1 "${url}heap" 2>/dev/null)" '^Duration: ' "sonde -seconds asks for that"
is "$(status 'heap?seconds=0') $(cat "$tmp/body")" '400 invalid value for "seconds" - must be a positive integer' "none is no number of seconds"
is "$(status 'heap?seconds=1&debug=1') $(cat "$tmp/body")" '400 seconds and debug params are incompatible' "a difference is no text"
is "$(status 'peak?seconds=1') $(cat "$tmp/body")" '400 "seconds" parameter is not supported for this profile type' "of the peak there is none"

# debug.
is "$(status 'heap?debug=1') $(head -c 12 "$tmp/body")" "200 heap profile" "debug=1 is a text"
is "$(status 'heap?debug=x')" 200 "what is no number"
"$sonde" -top "$tmp/body" >"$tmp/top" 2>/dev/null
ok $? "is 0, as in Go: a profile"

# What Go's programs have.
is "$(status 'goroutine?debug=1') $(head -c 15 "$tmp/body")" "200 threads profile" "goroutine is threads"
is "$(status 'trace')" 501 "a trace there is not"
like "$(cat "$tmp/body")" 'wall\?seconds=5' "but something in its place, as it says"
kill $run
wait $run 2>/dev/null
done_testing
