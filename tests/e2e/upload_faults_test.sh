#!/bin/bash
# The upload server when S3 fails, in the ways that S3 does, and when clients do what they should not: what is answered, and that
# nothing is left behind.
. "$(dirname "$0")/lib.sh"
. "$here/tests/upload/lib.sh"
s3_kind=none
command -v python3 >/dev/null || { skip "faults" "no python3"; done_testing; }
"$here/tests/upload/faulty_s3" "$tmp/port" &
faulty=$!
trap 'kill $faulty 2>/dev/null; [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$tmp" "$SONDE_DIR"' EXIT
wait_for test -f "$tmp/port"
s3=http://127.0.0.1:$(cat "$tmp/port")
export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret
cd "$tmp" || exit 1
head -c 12000000 /dev/urandom >big.bin
head -c 100 big.bin >small.bin

plan() { printf '%s\n' "$@" | curl -s -X PUT --data-binary @- "$s3/_plan"; }
state() { curl -s "$s3/_state"; }
calls() { state | sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p"; }
unfinished() { calls uploads; }
objects() { state | sed 's/.*"objects": \[\([^]]*\)\].*/\1/' | tr -d ' ' | tr ',' '\n' | grep -c .; }

# survives NAME FILE PLAN...: the file is stored in spite of it.
survives() {
    plan "${@:3}"
    retries=$(metric s3_retries_total)
    answer=$(upload "$2")
    like "$answer" "\"size\":$(stat -c %s "$2")" "$1: it is stored"
    retries=$(($(metric s3_retries_total) - retries))
    plan
    is "$(unfinished)" 0 "$1: no upload is left"
}

# fails NAME FILE ERROR PLAN...: the client is told of it.
fails() {
    local there
    there=$(objects)
    plan "${@:4}"
    answer=$(upload "$2")
    like "$answer" "^\{\"errors\":\[\{\"message\":\"cannot store $2: $3\",\"path\":\[\"uploadFile\"\]\}\],\"data\":null\}$" \
        "$1: the client is told"
    wait_for metric_is uploads_in_flight 0
    plan
    is "$(unfinished) $(objects) $(metric part_bytes)" "0 $there 0" "$1: nothing is left"
}

start -s3-timeout=2s
upload big.bin >/dev/null
before=$(descriptors)
again='please <try> again \(status 50[03], request R1, tried 4 times\)'
survives "503 for two parts" big.bin "part 503 2"
is "$retries" 2 "both are sent again"
survives "500 for a small file" small.bin "put 500 3"
survives "500 at the beginning" big.bin "create 500 1"
survives "500 at the end" big.bin "complete 500 2"
survives "a server that asks for a second" big.bin "part ask 1"
survives "a connection that is cut in the middle of a part" big.bin "part cut 2"
survives "a connection that is cut in a small file" small.bin "put cut 1"
survives "a server that does not answer" big.bin "part stall 1"
survives "a slow server" big.bin "any slow 5"
survives "an error behind status 200" big.bin "complete late 1"
survives "an answer to the beginning that is lost" big.bin "create lost 1"
survives "an answer to a part that is lost" big.bin "part lost 1"
survives "an answer to the end that is lost" big.bin "complete lost 1"
fails "500 for each part" big.bin "S3 says InternalError: $again" "part 500"
fails "503 for each part" big.bin "S3 says SlowDown: $again" "part 503"
fails "500 for a small file, each time" small.bin "S3 says InternalError: $again" "put 500"
fails "500 at the beginning, each time" big.bin "S3 says InternalError: $again" "create 500"
fails "500 at the end, each time" big.bin "S3 says InternalError: $again" "complete 500"
fails "an error behind status 200, each time" big.bin "S3 says InternalError: so far so good \(status 200, tried 4 times\)" "complete late"
fails "a cut connection, each time" big.bin "S3 at $s3 does not answer: .*, tried 4 times" "part cut"
fails "parts that are refused" big.bin "S3 says AccessDenied: you may not \(status 403\)" "part deny"
fails "a small file that is refused" small.bin "S3 says AccessDenied: you may not \(status 403\)" "put deny"
fails "a beginning that is refused" big.bin "S3 says AccessDenied: you may not \(status 403\)" "create deny"
fails "an answer that is no XML" big.bin "S3 does not say the id of an upload that it began" "create junk"
fails "a part without ETag" big.bin "S3 does not say the ETag of a part" "part noetag"
plan "abort 500 1" "part deny"
upload big.bin >answer
wait_for metric_is uploads_in_flight 0
is "$(unfinished)" 0 "an abort that fails once is sent again"
plan "abort deny" "part deny"
upload big.bin >answer
wait_for grep -q 'cannot remove' err
like "$(cat err)" '^upload-server: cannot remove what was sent of [0-9A-Z]{26}: S3 says AccessDenied: you may not \(status 403\)\.$' \
    "one that is refused is said"
plan
wait_for eval '[ "$(descriptors)" -le "$before" ]'
ok $? "no descriptor is left"
like "$(upload big.bin)" '"size":12000000' "and it still serves"
left=$(unfinished)
is "$left" 1 "the upload that could not be aborted is the only one"
curl -s -X PUT -d "" "$s3/_forget"
left=0
stop

# SIGTERM while S3 does not answer.
start -grace=0s -s3-timeout=20s
plan "part stall"
begin big.bin >answer
wait_for eval '[ "$(calls part)" -ge 1 ]'
plan
began=$SECONDS
stop
wait $client
is "$status $(unfinished)" "0 $left" "SIGTERM breaks off a request that S3 does not answer, and aborts the upload"
[ $((SECONDS - began)) -lt 15 ]
ok $? "at once"

# Clients.
start -timeout=2s
address=${url#http://}
before=$(descriptors) objects=$(objects)
part() { printf -- '--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' "$1" "$2"; }
head_parts() { part operations "$one"; part map "${1:-$map}"; }

# send LENGTH: a request with a body from stdin and any length; prints the answer.
send() {
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
    { printf 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n' "$1"
        printf 'Content-Type: multipart/form-data; boundary=B\r\nConnection: close\r\n\r\n'
        cat; } >&3 2>/dev/null
    cat <&3
    exec 3>&-
}
{ head_parts; part 0 "$(head -c 3000 /dev/zero | tr '\0' x)"; printf -- '--B--\r\n'; } >body
length=$(stat -c %s body)
like "$(send "$length" <body)" '"size":3000' "a whole request"
is "$(send $((length + 1000)) <body)" "" "one that says that it is longer is cut off"
like "$(send $((length - 500)) <body)" 'failed to read file for key 0' "one that says that it is shorter ends there"
like "$(send 99999999999999999999 <body | head -n 1)" '^HTTP/1.1 4' "a length that is no number is refused"
like "$(send -5 <body | head -n 1)" '^HTTP/1.1 400 ' "so is a negative one"
like "$(sed 's/^--B/--C/' body | send "$length")" 'first part must be operations' "a wrong boundary is no part"
{ head_parts; part 0 x; for ((i = 0; i < 10000; i++)); do printf -- '--B\r\nContent-Disposition: form-data; name="%d"\r\n\r\nx\r\n' $((i + 1)); done; printf -- '--B--\r\n'; } >body
like "$(send "$(stat -c %s body)" <body)" 'invalid empty operations paths list for key 1"' "10,000 parts are refused at the first that has no place"
many=$(seq -s, -f '"%.0f":["variables.file"]' 0 9999)
{ head_parts "{$many}"; for ((i = 0; i < 10000; i++)); do printf -- '--B\r\nContent-Disposition: form-data; name="%d"\r\n\r\nx\r\n' $i; done; printf -- '--B--\r\n'; } >body
like "$(send "$(stat -c %s body)" <body)" 'map form field could not be decoded|a request may have at most 100 files' "10,000 that have one are too many"
leaves_nothing "such clients"
wait_for eval '[ "$(objects)" -le "$((objects + 1))" ]'
ok $? "no object is left of them"
stop

# Garbage.
start -timeout=5s -max-connections=64
upload small.bin >/dev/null
before=$(descriptors)
"$here/tests/upload/garbage" "${address%:*}" "${url##*:}" 200 1 >/dev/null
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; }
warm=$(rss)
is "$("$here/tests/upload/garbage" "${address%:*}" "${url##*:}" "${GARBAGE:-2000}" 2)" "sent ${GARBAGE:-2000}" \
    "${GARBAGE:-2000} requests of garbage are taken"
leaves_nothing "garbage"
[ "$(rss)" -lt $((warm + 4096)) ]
ok $? "nor memory ($warm kB before, $(rss) kB behind)"
like "$(upload small.bin)" '"size":100' "and the server still serves"
kill -0 "$pid"
ok $? "as the same process"
stop
is $status 0 "which ends well"
done_testing
