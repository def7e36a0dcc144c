#!/bin/bash
# Who may see profiles over HTTP: a program's own server (libsonde-http), Unix sockets, tokens and TLS.
. "$(dirname "$0")/lib.sh"

status() { curl -s -k -o "$tmp/body" -w '%{http_code}' "$@"; }

# A program that serves itself.
mkfifo "$tmp/in"
"$programs/serves" localhost:0 <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
pid=$!
exec 9>"$tmp/in"
wait_for grep -q http "$tmp/out"
url=$(head -n 1 "$tmp/out")
like "$("$sonde" -top -unit=mb "$url/debug/pprof/heap" 2>/dev/null)" '^ +16MB +[0-9.]+% .* hold_much$' "a program serves its own heap, with names"
like "$(curl -s "$url/debug/pprof/")" "<td>$pid</td><td>serves</td>" "and an index"
curl -s "$url/debug/pprof/profile?seconds=1" -o "$tmp/cpu.pb.gz"
like "$("$sonde" -raw "$tmp/cpu.pb.gz" 2>/dev/null)" '^PeriodType: cpu nanoseconds' "its CPU profile"
is "$(status -H 'Host: example.org' "$url/debug/pprof/")" 403 "for nobody who comes under another name"
other=$(awk '/^SigBlk/ { print $2 }' /proc/$pid/task/*/status | sort | uniq -c | sort -rn | head -n 3)
like "$other" '[1-9] f{4}' "its threads take none of the program's signals"
echo >&9
wait_for grep -q again "$tmp/out"
like "$(cat "$tmp/out")" '^served again$' "it stops and starts, though a child of it lives"
exec 9>&-
wait $pid
"$programs/serves" 0.0.0.0:0 2>"$tmp/err" </dev/null
is $? 3 "it does not listen beyond this machine"
like "$(cat "$tmp/err")" '^sonde: 0.0.0.0:[0-9]+ can be reached from other machines.* token .* certificate' "and says what that needs"

# Unix sockets.
socket=$tmp/socket
rm -f "$tmp/err" "$tmp/out"
"$sonde" run -http="unix:$socket" -- "$programs/ending" wait 2>"$tmp/err" >"$tmp/out" &
run=$!
wait_for grep -q "profiles at unix:$socket:/debug/pprof/" "$tmp/err"
is "$(stat -c %A "$socket")" srw------- "a Unix socket is its owner's alone"
child=$(pgrep -P $run)
wait_for test -s "$(ls "$SONDE_DIR"/"$child"-*)"
sleep 0.2
like "$("$sonde" -top "unix:$socket:/debug/pprof/heap" 2>/dev/null)" '^ +32MB +100% .* main$' "sonde reads profiles from it"
is "$(status --unix-socket "$socket" http://any/debug/pprof/heap)" 200 "as does curl"
like "$("$sonde" run -http="unix:$socket" -- true 2>&1)" "cannot listen at unix:$socket: Address already in use" "nobody takes it from who listens there"
kill -KILL $run
wait $run 2>/dev/null
kill "$child"
"$sonde" run -http="unix:$socket" -- true 2>"$tmp/err"
is "$?,$(ls "$socket" 2>/dev/null)" 0, "one that was left behind is taken over, and removed at the end"
echo kept >"$tmp/file"
"$sonde" run -http="unix:$tmp/file" -- true 2>"$tmp/err"
is "$?,$(cat "$tmp/file")" 2,kept "what is no socket is left alone"
"$sonde" run -http=unix: -- true 2>"$tmp/err"
is $? 2 "a socket needs a path"

# Tokens.
echo " s3cret-token " >"$tmp/token"
echo >"$tmp/empty"
serve -token_file="$tmp/token"
is "$(status "$url")" 401 "without the token nothing is shown"
unlike "$(cat "$tmp/body")" 'PID|s3cret' "not even what there is"
is "$(status -H 'Authorization: Bearer s3cret-token' "$url")" 200 "with it all is"
is "$(status -H 'Authorization: Bearer s3cret-toke' "$url")" 401 "with a part of it nothing"
is "$(status -H 'Authorization: Bearer s3cret-tokens3cret-token' "$url")" 401 "with more than it neither"
is "$(status -H 'Authorization: Bearer ' "$url")" 401 "nor with none"
is "$(status -u "any:s3cret-token" "$url")" 200 "a browser gives it as a password"
is "$(status -u "any:wrong" "$url")" 401 "which must be right"
"$sonde" -top "${url}heap?pid=$$" 2>"$tmp/err2"
like "$(cat "$tmp/err2")" '401 Unauthorized - .*SONDE_TOKEN' "sonde says what it lacks"
SONDE_TOKEN=s3cret-token "$sonde" -top "${url}heap?pid=$$" 2>"$tmp/err2"
like "$(cat "$tmp/err2")" "process $$" "and sends what it has"
kill $server
wait $server
"$sonde" serve -http=localhost:0 -token_file="$tmp/empty" 2>"$tmp/err"
is "$?,$(cat "$tmp/err")" "2,sonde: -token_file: $tmp/empty is empty" "an empty token is none"

# TLS.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/key.pem" -out "$tmp/cert.pem" -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
"$sonde" serve -http=0.0.0.0:0 -token_file="$tmp/token" 2>"$tmp/err"
is $? 2 "a token alone does not open a server to other machines"
"$sonde" serve -http=0.0.0.0:0 -tls_cert="$tmp/cert.pem" -tls_key="$tmp/key.pem" 2>"$tmp/err"
is $? 2 "TLS alone neither"
"$sonde" serve -http=localhost:0 -tls_cert="$tmp/cert.pem" -tls_key="$tmp/token" 2>"$tmp/err"
like "$?,$(cat "$tmp/err")" '^2,.*the certificate and the key are no pair' "they must be a pair"
"$sonde" serve -http=localhost:0 -tls_cert="$tmp/none.pem" -tls_key="$tmp/key.pem" 2>"$tmp/err"
like "$?,$(cat "$tmp/err")" "^2,.*none.pem: No such file" "and be there"
rm -f "$tmp/err"
"$sonde" serve -http=0.0.0.0:0 -token_file="$tmp/token" -tls_cert="$tmp/cert.pem" -tls_key="$tmp/key.pem" 2>"$tmp/err" &
server=$!
served_at "$tmp/err"
like "$url" '^https://' "by TLS, as it says"
url=${url/0.0.0.0/localhost}
is "$(status "$url")" 401 "with both it opens, to who has the token"
SONDE_TOKEN=s3cret-token "$sonde" -top -tls_ca="$tmp/cert.pem" "${url}heap?pid=$$" 2>"$tmp/err2"
like "$(cat "$tmp/err2")" "process $$" "sonde trusts the certificate that it is told to"
SONDE_TOKEN=s3cret-token "$sonde" -top "${url}heap?pid=$$" 2>"$tmp/err2"
like "$(cat "$tmp/err2")" '[Cc]ertificate|SSL' "and no other"
is "$(status --http0.9 "http${url#https}")" 000 "who comes without TLS gets nothing"
kill $server
wait $server
is $? 0 "it ends as it should"
done_testing
