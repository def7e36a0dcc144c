#!/bin/bash
# The interactive shell: from a pipe, and on a terminal with completion and a history.
. "$(dirname "$0")/lib.sh"

printf 'main;work;sort 30\nmain;wait 10\n' | "$sonde" -proto -output="$tmp/p.pb.gz" - 2>/dev/null
export HOME=$tmp PPROF_TMPDIR=$tmp
cd "$tmp" || exit 2

# said LINES: what the shell says to these.
said() { printf "$1" | "$sonde" p.pb.gz 2>&1; }

like "$(said '')" 'Entering interactive mode \(type "help" for commands, "o" for options\)' "it greets"
like "$(said 'top\n')" '^ +30 75.00% 75.00% +30 75.00% +sort$' "top shows the top"
is "$(said 'top1\n' | grep -cE '^ +[0-9]+ .*%')" 1 "top1 shows one"
like "$(said 'top wait\n')" 'focus=wait' "a word is focused on"
like "$(said 'top -wait\n')" 'ignore=wait' "a word with a minus is ignored"
like "$(said 'focus=wait\no\n')" 'focus += "?wait' "o lists what is set"
unlike "$(said 'focus=wait\n:\ntop\n')" 'Active filters' "a colon clears it"
like "$(said 'nodecount=1\ntop\n')" 'Showing top 1 nodes out of 4' "variables hold for the next command"
like "$(said 'help top\n')" 'top \[n\] \[focus_regex\]\* \[-ignore_regex\]\* \[-cum\] >f' "help tells how a command is used"
like "$(said 'nosuch\n')" 'unrecognized command: "nosuch"' "an unknown command is told"
like "$(said 'focus\n')" 'please specify a value, e.g. focus=<val>' "a variable without a value is told"
said 'top >out.txt\nproto >out.pb.gz\n' >/dev/null
like "$(cat out.txt)" ' sort$' "a report goes into a file"
is "$("$sonde" -raw out.pb.gz 2>&1 | grep -c sort)" 1 "a profile, too"
like "$(said 'quit\ntop\n' | tail -n 1)" 'interactive|^\(pprof\) $' "quit ends it"

# On a terminal.
cat >typed.py <<'END'
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "vt100"
    os.execv(sys.argv[1], [sys.argv[1], "p.pb.gz"])
seen = b""
def read_until(text, seconds=10):
    global seen
    end = time.time() + seconds
    start = len(seen)
    while text not in seen[start:] and time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                seen += os.read(fd, 65536)
            except OSError:
                return
read_until(b"(pprof)")
for line in sys.argv[2:]:
    for key in line.encode().decode("unicode_escape"):
        os.write(fd, key.encode())
        time.sleep(0.02)
    read_until(b"(pprof)", 3)
os.write(fd, b"\x04")
read_until(b"nothing", 1)
try:
    os.waitpid(pid, 0)
except OSError:
    pass
sys.stdout.write(re.sub(r"\x1b[\[0-9;?]*[A-Za-z]", "", seen.decode("utf-8", "replace")).replace("\r", ""))
END
typed() { python3 typed.py "$sonde" "$@"; }
like "$(typed 'tra\tso\t\n')" '^ +30   sort$' "a tab completes commands and functions"
like "$(typed 'nodec\t=1\ntop\n')" 'Showing top 1 nodes' "and variables"
like "$(typed 'gran\t=li\t\no\n')" 'granularity += lines' "and their values"
like "$(typed 'sample_index=sam\t\no\n')" 'sample_index += samples' "and sample types"
typed 'top sort\n' >/dev/null
like "$(cat "$tmp/.local/state/sonde/history")" '^top.*sort$' "what was typed is kept"
like "$(typed '\x10\n')" 'focus=sort' "and is there the next time"
done_testing
