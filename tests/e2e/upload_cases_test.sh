#!/bin/bash
# What the real gqlgen server (v0.17.24) answered to 41 requests, in memory and with temporary files, is what this one answers: status,
# type, errors, data.  The recorded answers are beside the project, not in it; without them there is nothing to compare with.
. "$(dirname "$0")/lib.sh"
server=$build/tests/upload/gqlgen_server
recorded=$here/../shared/reference/upload
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$tmp" "$SONDE_DIR"' EXIT
pid=

# Answers with the same text: Go writes < and > in JSON as escapes.
plain() { sed -e 's/\\u003c/</g' -e 's/\\u003e/>/g' "$1"; }

# compare NAME RECORDED OPTIONS...
compare() {
    local i
    : >"$tmp/err" # what the server before said is not this one's
    rm -f "$tmp/log" "$tmp/err"
    "$server" -listen=localhost:0 -stream=false -batch=false "${@:3}" >"$tmp/log" 2>"$tmp/err" &
    pid=$!
    wait_for grep -q listening "$tmp/err"
    bash "$recorded/cases.sh" "$(sed -n 's/^listening at //p' "$tmp/err")/graphql" >"$tmp/answers" 2>/dev/null
    kill "$pid"
    wait "$pid"
    pid=
    mapfile -t wanted < <(plain "$recorded/$2")
    mapfile -t got < <(plain "$tmp/answers")
    is "${#got[@]}" "${#wanted[@]}" "$1: there are as many answers"
    for ((i = 0; i < ${#wanted[@]}; i++)); do
        is "${got[i]:-}" "${wanted[i]}" "$1: ${wanted[i]%% *}"
    done
}

if [ -f "$recorded/cases.sh" ]; then
    TMPDIR=$tmp compare "in memory" gqlgen-v0.17.24-cases-inmem.txt -max-upload-size=4MB
    TMPDIR=$tmp compare "temporary files" gqlgen-v0.17.24-cases-tmpfile.txt -max-memory=2 -max-upload-size=1MB
else
    skip "answers as gqlgen's" "no recorded answers beside the project"
fi
done_testing
