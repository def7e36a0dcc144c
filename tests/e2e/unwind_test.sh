#!/bin/bash
# Walks up the stacks of running programs, beside libdwfl's and libgcc's; "make check-unwind" makes many more.
. "$(dirname "$0")/lib.sh"

table=$("$here/tests/unwind/check" "$build" "$build/unwind" --quick 2>&1)
ok $? "Sonde's walks are libdwfl's and libgcc's"
sed 's/^/# /' <<<"$table"
is "$(grep -cE '^(c|c\+\+) +[0-9]+ +[0-9]+ +(100|99)\.' <<<"$table")" "$(grep -cE '^(c|c\+\+) ' <<<"$table")" "on all stacks of C and C++"
done_testing
