#!/bin/bash
# The upload server (of $1, or of the build) with curl as its client: what it answers, what it keeps, and what it leaves
# behind when clients hang up, disks are full and signals come.
server=${1:-}
. "$(dirname "$0")/lib.sh"
server=$(realpath "${server:-$build/examples/upload-server}")
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$tmp" "$SONDE_DIR"' EXIT
cd "$tmp" || exit 1
mkdir temp
export TMPDIR=$tmp/temp
pid=

# start OPTIONS...: a server with an empty store; sets $pid and $url.
start() {
    rm -rf store
    restart "$@"
}

restart() {
    : >err
    rm -f log err
    "$server" -listen=localhost:0 -store=store "$@" >log 2>err &
    pid=$!
    wait_for grep -q listening err
    url=$(sed -n 's/^listening at //p' err)
}

# stop: sets $status to the server's exit status.
stop() {
    kill -TERM "$pid"
    wait "$pid"
    status=$?
    pid=
}

metric() { curl -s "$url/metrics" | sed -n "s/^upload_server_$1 //p"; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
is_past() { [ "$(metric "$1")" -gt "$2" ]; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }
descriptors() { ls "/proc/$pid/fd" | wc -l; }
graphql() { curl -s -w '\n%{http_code}' "$url/graphql" "$@"; }
id_of() { sed -n 's/.*"id":"\([^"]*\)".*/\1/p' <<<"$1"; }

# unfinished: what should not be left anywhere.
unfinished() {
    ls temp
    ls store | grep -F .part
}

file='mutation ($file: Upload!) { uploadFile(file: $file) { id name size contentType } }'
files='mutation ($files: [Upload!]!) { uploadFiles(files: $files) { name size } }'
one="{\"query\":\"$file\",\"variables\":{\"file\":null}}"
two="{\"query\":\"$files\",\"variables\":{\"files\":[null,null]}}"
map='{"0":["variables.file"]}'

printf 'test1' >a.txt
printf 'test2\r\n--' >b.txt
: >empty.bin
head -c 30000000 /dev/urandom >big.bin

# upload FILE CURL-OPTIONS...: sets $answer, and $kept to the file in the store.
upload() {
    answer=$(graphql -F operations="$one" -F map="$map" -F 0=@"$1" "${@:2}")
    kept=store/$(id_of "$answer")
}

uploads_are_kept() {
    local name=$1 id='"id":"[0-9A-Z]{26}"'
    upload a.txt
    like "$answer" "^\{\"data\":\{\"uploadFile\":\{$id,\"name\":\"a.txt\",\"size\":5,\"contentType\":\"text/plain\"\}\}\}
200$" "$name: a file is answered with what is known of it"
    cmp -s a.txt "$kept"
    ok $? "$name: its bytes are kept"
    upload empty.bin
    like "$answer" '"size":0' "$name: a file may be empty"
    cmp -s empty.bin "$kept"
    ok $? "$name: it is kept"
    upload big.bin
    like "$answer" '"size":30000000' "$name: a file may be large"
    cmp -s big.bin "$kept"
    ok $? "$name: its bytes are kept"
    upload big.bin -H 'Transfer-Encoding: chunked'
    cmp -s big.bin "$kept"
    ok $? "$name: those of a chunked request too"
    upload big.bin -H 'Expect:'
    cmp -s big.bin "$kept"
    ok $? "$name: and of one that does not wait for 100 Continue"
    answer=$(graphql -F operations="$two" -F map='{"0":["variables.files.0"],"1":["variables.files.1"]}' \
        -F 1=@b.txt -F 0=@a.txt)
    is "$answer" '{"data":{"uploadFiles":[{"name":"a.txt","size":5},{"name":"b.txt","size":9}]}}
200' "$name: a list of files, in any order"
    answer=$(graphql -F operations="$two" -F map='{"0":["variables.files.0","variables.files.1"]}' -F 0=@b.txt)
    is "$answer" '{"data":{"uploadFiles":[{"name":"b.txt","size":9},{"name":"b.txt","size":9}]}}
200' "$name: one file in two places"
    answer=$(graphql -F operations="[$one,$one]" -F map='{"0":["0.variables.file"],"1":["1.variables.file"]}' \
        -F 0=@a.txt -F 1=@empty.bin)
    like "$answer" '^\[\{"data":\{"uploadFile":\{.*"a.txt".*\}\}\},\{"data":\{"uploadFile":\{.*"empty.bin".*\}\}\}\]$' \
        "$name: several operations in one request"
    is "$(find store -size 9c -exec cmp -s b.txt {} \; -print | wc -l)" "$2" "$name: is kept as often as it is put"
    is "$(metric buffer_bytes) $(metric uploads_in_flight)" "0 0" "$name: no buffer is left"
    is "$(unfinished)" "" "$name: no temporary file is left"
}

start
uploads_are_kept stream 2
answer=$(graphql -H 'Content-Type: application/json' -d '{"query":"{ files { name size } }"}')
like "$answer" '^\{"data":\{"files":\[\{"name":"a.txt","size":5\},\{"name":"empty.bin","size":0\},' \
    "the files are listed, oldest first"
is "$(curl -s "$url/healthz")" '{"status":"ok"}' "healthz says ok"
is "$(curl -s -o /dev/null -w '%{http_code}' "$url/nosuch")" 404 "an unknown path is 404"
like "$(curl -si -X POST "$url/healthz")" '^HTTP/1.1 405 ' "healthz takes no POST"
like "$(curl -si -X POST "$url/healthz")" '^Allow: GET, HEAD' "and says what it takes"
like "$(curl -sI "$url/metrics")" '^HTTP/1.1 200 ' "metrics answers HEAD"
like "$(curl -s "$url/metrics")" '^# TYPE upload_server_requests_total counter$' "metrics are typed"
# Each metric: a line of help, one of type, a sample; counters end in _total, others do not.
is "$(curl -s "$url/metrics" | awk '
    /^# HELP [a-z][a-z0-9_]* [A-Z].*\.$/ && expected == "" { name = $3; expected = "type"; next }
    /^# TYPE [a-z][a-z0-9_]* (counter|gauge)$/ && expected == "type" && $3 == name && ($4 == "counter") == ($3 ~ /_total$/) { expected = "sample"; next }
    /^[a-z][a-z0-9_]* [0-9]+$/ && expected == "sample" && $1 == name && !seen[name]++ { expected = ""; n++; next }
    { print "wrong: " $0 }
    END { print (n >= 10 && expected == "" ? "good" : n) }')" good "in Prometheus' text form"
is "$(curl -s -o /dev/null -w '%{content_type}' "$url/metrics")" "text/plain; version=0.0.4; charset=utf-8" "of its version 0.0.4"
is "$(metric files_total) $(metric upload_bytes_total)" "10 90000033" "and count files and their bytes"
is "$(grep -Evc '^\{"time":"[0-9TZ:.-]+","remote":"(127.0.0.1|::1)","method":"[A-Z]+","path":"/[a-z]*","status":[0-9]{3},"broken_off":false,"bytes_in":[0-9]+,"bytes_out":[0-9]+,"ms":[0-9.]+\}$' log)" \
    0 "the access log is an object a line"
"$server" -listen=localhost:0 -store=store >/dev/null 2>second
is "$? $(cat second)" "1 upload-server: cannot store into store: another server does." "a store has one server"
stop
is $status 0 "SIGTERM ends it with status 0"

start -stream=false
uploads_are_kept memory 3
stop
start -stream=false -max-memory=1
uploads_are_kept "temporary file" 3
stop
start -put=readall
uploads_are_kept "read all" 3
stop

# error NAME STATUS MESSAGE CURL-OPTIONS...: what gqlgen answers too, recorded from v0.17.24.
error() {
    is "$(graphql "${@:4}")" "{\"errors\":[{\"message\":$3}],\"data\":null}
$2" "$mode: $1"
}

null='"cannot be null","path":["variable","file"],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}'
part() { printf -- '--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s' "$1" "$2"; }

errors_are_gqlgens() {
    mode=$1
    error "the first part is operations" 422 '"first part must be operations"' -F map="$map" -F operations="$one"
    error "the second is map" 422 '"second part must be map"' -F operations="$one"
    error "operations is JSON" 422 '"operations form field could not be decoded"' -F operations=no -F map="$map" -F 0=@a.txt
    error "operations is no empty list" 422 '"operations form field could not be decoded"' -F operations="[]" -F map="$map"
    error "map is JSON" 422 '"map form field could not be decoded"' -F operations="$one" -F map=no -F 0=@a.txt
    error "map may be null" 422 "$null" -F operations="$one" -F map=null
    error "a file needs a place" 422 '"invalid empty operations paths list for key 0"' -F operations="$one" -F map={} -F 0=@a.txt
    error "at least one" 422 '"invalid empty operations paths list for key 0"' -F operations="$one" -F map='{"0":[]}' -F 0=@a.txt
    error "a place needs a file" 422 '"failed to get key 0 from form"' -F operations="$one" -F map="$map"
    error "a name comes once" 422 '"invalid empty operations paths list for key 0"' -F operations="$one" -F map="$map" \
        -F 0=@a.txt -F 0=@b.txt
    error "no file is left over" 422 '"invalid empty operations paths list for key 9"' -F operations="$one" -F map="$map" \
        -F 0=@a.txt -F 9=@b.txt
    error "a place is in the variables" 422 '"invalid operations paths for key 0"' -F operations="$one" \
        -F map='{"0":["var.file"]}' -F 0=@a.txt
    error "it may be of no use" 422 "$null" -F operations="$one" -F map='{"0":["variables.nope"]}' -F 0=@a.txt
    error "it does not go through null" 422 '"path is missing \"variables.\" prefix, key: 0, path: variables.file.x"' \
        -F operations="$one" -F map='{"0":["variables.file.x"]}' -F 0=@a.txt
    error "an object has no index" 422 '"internal system error"' -F operations="$one" -F map='{"0":["variables.0"]}' -F 0=@a.txt
    error "a list has an end" 422 '"internal system error"' -F operations="$two" -F map='{"0":["variables.files.5"]}' -F 0=@a.txt
    error "there are variables" 422 '"internal system error"' -F operations="{\"query\":\"$file\"}" -F map="$map" -F 0=@a.txt
    error "no parts" 422 '"first part must be operations"' -H 'Content-Type: multipart/form-data; boundary=B' -d ''
    error "no boundary" 422 '"failed to parse multipart form"' -H 'Content-Type: multipart/form-data' -d x
    error "a body that ends in a file" 422 "\"failed to $2 for key 0\"" -H 'Content-Type: multipart/form-data; boundary=B' \
        --data-binary "$(part operations "$one")"$'\r\n'"$(part map "$map")"$'\r\n'"$(part 0 tes)"
    error "a body that ends before the files" 422 '"failed to parse part"' -H 'Content-Type: multipart/form-data; boundary=B' \
        --data-binary "$(part operations "$one")"$'\r\n'"$(part map "$map")"$'\r\n'
    error "a syntax error" 422 '"Expected Name, found <EOF>","locations":[{"line":1,"column":12}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}' \
        -F operations='{"query":"mutation { "}' -F map='{}'
    error "an unknown field" 422 '"Cannot query field \"nope\" on type \"Mutation\".","locations":[{"line":1,"column":29}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}' \
        -F operations="${one/uploadFile/nope}" -F map="$map" -F 0=@a.txt
    error "an unknown operation" 422 '"operation X not found","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}' \
        -F operations="{\"operationName\":\"X\",${one#\{}" -F map="$map" -F 0=@a.txt
    error "a text for a file" 200 '"string is not an Upload","path":["uploadFile","file"]' \
        -F operations="${one/null/\"str\"}" -F map='{}'
    error "another type of body" 400 '"transport not supported"' -H 'Content-Type: text/plain' -d x
    error "another method" 400 '"transport not supported"' -G
    error "a body that is too large" 200 '"failed to parse multipart form, request body too large"' \
        -F operations="$one" -F map="$map" -F 0=@big.bin
    error "the same without waiting for 100 Continue" 200 '"failed to parse multipart form, request body too large"' \
        -F operations="$one" -F map="$map" -F 0=@middle.bin -H 'Expect:'
    error "a chunked one" 422 "\"failed to $3 for key 0\"" -H 'Transfer-Encoding: chunked' \
        -F operations="$one" -F map="$map" -F 0=@big.bin
    upload a.txt
    like "$answer" '"size":5' "$mode: it still serves"
    is "$(ls store | wc -l) $(unfinished)" "2 " "$mode: it kept nothing else"
    is "$(metric buffer_bytes) $(metric uploads_in_flight)" "0 0" "$mode: and holds nothing"
    is "$(grep -c . err)" 1 "$mode: nor does it complain"
}

head -c 900000 big.bin >middle.bin
start -max-upload-size=512KB
errors_are_gqlgens "errors, stream" "read file" "read file"
is "$(grep '"method":"POST".*"status":200,' log | grep -c '"bytes_in":0,')" 1 \
    "a client that waits for 100 Continue need not send what is too large"
stop
start -stream=false -max-upload-size=512KB
errors_are_gqlgens "errors, memory" "read file" "read file"
stop
# A chunked request is held in memory whatever -max-memory says.
start -stream=false -max-upload-size=512KB -max-memory=2
errors_are_gqlgens "errors, temporary file" "copy to temp file" "read file"
stop

# Names that no file system and no JSON would take as they are.
start
answer=$(graphql -F operations="$one" -F map="$map" -F '0=@a.txt;filename="../../x/y z.txt";type=a/b')
like "$answer" '"name":"y z.txt","size":5,"contentType":"a/b"' "of a filename the last component counts"
answer=$(graphql -F operations="$one" -F map="$map" -F $'0=@a.txt;filename="\xe9.txt"')
like "$answer" '"name":"�.txt"' "bytes that are not UTF-8 are replaced"
is "$(graphql -H 'Content-Type: application/json' -d 'no')" '{"errors":[{"message":"json request body could not be decoded"}],"data":null}
400' "JSON that is none"
is "$(head -c 300000 big.bin | graphql -H 'Content-Type: application/json' --data-binary @- | tail -n 1)" 413 "too much of it"
for i in 1 2 3 4 5 6 7 8; do
    head -c $((i * 1000000)) big.bin >"part.$i"
    rm -f "answer.$i"
    graphql -F operations="$one" -F map="$map" -F 0=@"part.$i" >"answer.$i" &
    clients[i]=$!
done
same=0
for i in 1 2 3 4 5 6 7 8; do
    wait "${clients[i]}"
    cmp -s "part.$i" "store/$(id_of "$(cat "answer.$i")")" && same=$((same + 1))
done
is $same 8 "eight clients at once are served"
stop

# begin BYTES: sends a chunked request up to BYTES bytes of a file, and keeps the connection open as descriptor 3.
begin() {
    local address=${url#http://}
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
    printf 'POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n' >&3
    printf 'Content-Type: multipart/form-data; boundary=B\r\n\r\n' >&3
    { part operations "$one"; printf '\r\n'; part map "$map"; printf '\r\n'; part 0 ""; head -c "$1" big.bin; } >begun
    printf '%x\r\n' "$(stat -c %s begun)" >&3
    cat begun >&3
    printf '\r\n' >&3
}

for options in "" "-stream=false" "-stream=false -max-memory=1"; do
    start $options
    before=$(descriptors)
    curl -s --limit-rate 2M "$url/graphql" -F operations="$one" -F map="$map" -F 0=@big.bin >/dev/null &
    client=$!
    wait_for is_past upload_bytes_total 1000000
    is "$(metric uploads_in_flight)" 1 "an upload is in flight ($options)"
    kill -9 $client
    wait $client 2>/dev/null
    wait_for metric_is uploads_in_flight 0
    is "$(metric buffer_bytes) $(ls store) $(unfinished)" "0  " "a client that hangs up leaves nothing ($options)"
    wait_for eval '[ "$(descriptors)" = "$before" ]'
    ok $? "not even a descriptor ($options)"
    like "$(tail -n 1 <(grep graphql log))" '"status":0,"broken_off":true' "and is logged as broken off ($options)"
    stop
done

start -stream=false
begin 1000000
wait_for metric_is buffer_bytes 1114112
is "$(metric buffer_bytes)" 1114112 "a million bytes are held in Go's next capacity"
exec 3>&-
wait_for metric_is buffer_bytes 0
is "$(metric buffer_bytes)" 0 "until the client hangs up"
stop

start -timeout=1s
begin 1000000
wait_for metric_is upload_bytes_total 1000000
wait_for metric_is uploads_in_flight 0
is "$(metric uploads_in_flight) $(ls store) $(unfinished)" "0  " "a client that falls silent is cut off"
exec 3>&-
stop

# signalled NAME OPTIONS...: SIGTERM while a client sends and then pauses.
signalled() {
    start -grace=0s "${@:2}"
    begin 1000000
    wait_for metric_is upload_bytes_total 1000000
    stop
    is "$status $(ls store) $(unfinished)" "0  " "SIGTERM breaks off what has no time left, and leaves nothing ($1)"
    exec 3>&-
}
signalled stream
signalled memory -stream=false
signalled "temporary file" -stream=false -max-memory=1

start -grace=20s
rm -f slow
curl -s --limit-rate 20M "$url/graphql" -F operations="$one" -F map="$map" -F 0=@big.bin >slow &
client=$!
wait_for is_past upload_bytes_total 1000000
stop
wait $client
is "$? $status" "0 0" "SIGTERM lets an upload end in time"
cmp -s big.bin "store/$(id_of "$(cat slow)")"
ok $? "its bytes are kept"
like "$(cat log)" '"status":200,' "and it is answered"

start
begin 1000000
wait_for metric_is upload_bytes_total 1000000
kill -9 "$pid"
wait "$pid" 2>/dev/null
exec 3>&-
is "$(ls store | sed 's/.*\././')" .part "a server that is killed leaves a part"
restart
is "$(ls store)" "" "which the next one removes"
stop

# A disk that is full: writes behind a megabyte fail.
full() {
    rm -rf store
    : >err
    (
        trap '' XFSZ
        ulimit -f 1000
        exec "$server" -listen=localhost:0 -store=store "$@"
    ) >log 2>err &
    pid=$!
    wait_for grep -q listening err
    url=$(sed -n 's/^listening at //p' err)
    upload big.bin
}
full
is "$answer" '{"errors":[{"message":"cannot store big.bin: File too large","path":["uploadFile"]}],"data":null}
200' "a store that is full is the operation's error"
is "$(ls store)" "" "nothing is kept of the file"
stop
full -put=stream
is "$answer" '{"errors":[{"message":"cannot store big.bin: File too large","path":["uploadFile"]}],"data":null}
200' "also when the file was received first"
stop
full -stream=false -max-memory=1
is "$answer" '{"errors":[{"message":"failed to copy to temp file for key 0"}],"data":null}
422' "a temporary folder that is full is the request's"
is "$(unfinished)" "" "nothing is left there"
stop

# A file system that is full indeed, which only the server sees: a file of 30 MB does not fit, and its space is free again.
small() {
    : >err
    rm -rf store
    mkdir -p small store
    rm -f log err
    unshare -m bash -c 'mount -t tmpfs -o size=8m none "$0" && exec "$@"' "$tmp/small" \
        env TMPDIR="$tmp/small" "$server" -listen=localhost:0 "$@" >log 2>err &
    pid=$!
    wait_for grep -q listening err
    url=$(sed -n 's/^listening at //p' err)
}
used() { stat -f -c '%b %f' "/proc/$pid/root$tmp/small" | awk '{ print $1 - $2 }'; }
if unshare -m mount -t tmpfs none "$tmp/temp" 2>/dev/null; then
    small -store=store -stream=false -max-memory=1
    before=$(descriptors)
    upload big.bin
    is "$answer" '{"errors":[{"message":"failed to copy to temp file for key 0"}],"data":null}
422' "a temporary folder without space is the request's error"
    is "$(used) $(ls "/proc/$pid/root$tmp/small")" "0 " "its space is free again"
    wait_for eval '[ "$(descriptors)" = "$before" ]'
    ok $? "no descriptor is left"
    upload a.txt
    like "$answer" '"size":5' "it still serves what fits"
    stop
    small -store="$tmp/small/store"
    upload big.bin
    is "$answer" '{"errors":[{"message":"cannot store big.bin: No space left on device","path":["uploadFile"]}],"data":null}
200' "a store without space is the operation's"
    is "$(ls "/proc/$pid/root$tmp/small/store")" "" "nothing is kept of it"
    upload a.txt
    like "$answer" '"size":5' "and what fits is kept"
    stop
else
    skip "file systems without space" "this user may not mount"
fi

# More clients than may be served.
start -max-connections=2 -timeout=20s
address=${url#http://}
exec 4<>"/dev/tcp/${address%:*}/${address##*:}" 5<>"/dev/tcp/${address%:*}/${address##*:}"
for fd in 4 5; do printf 'POST /graphql HTTP/1.1\r\n' >&$fd; done
! curl -s -o /dev/null --max-time 2 "$url/healthz"
ok $? "a third client is not served where two may be"
exec 4>&- 5>&-
wait_for curl -sf -o /dev/null --max-time 2 "$url/healthz"
ok $? "until one of them is gone"
stop

# wrong SENTENCE OPTIONS...
wrong() {
    "$server" "${@:2}" >out 2>err
    is "$? $(cat out err)" "2 upload-server: $1." "wrong usage: ${*:2}"
}
wrong "there is no option -nosuch; -help prints those that there are" -nosuch
wrong "-max-memory=80XB is wrong: it takes a size, as 80MB or 512KB or 4096" -max-memory=80XB
wrong "-max-memory=99999999999GB is wrong: it takes a size, as 80MB or 512KB or 4096" --max-memory 99999999999GB
wrong "-put=no is wrong: it takes stream or readall" -put=no
wrong "-stream=no is wrong: it takes true or false" -stream=no
wrong "-timeout=5 is wrong: it takes a time, as 30s or 2m" -timeout=5
wrong "-max-connections=0 is wrong: it takes a number of at least 1" -max-connections=0
wrong "-store needs a value" -store
wrong "-store= is wrong: it takes a text" -store=
wrong "file is not an option, and there is nothing else to give" file
wrong "-put=readall reads a file that was received first, so it needs -stream=false" -stream -put=readall
"$server" -store=store -listen=nohost >out 2>err
is "$? $(cat err)" "1 upload-server: cannot listen at nohost: it is not HOST:PORT, as localhost:8080 or [::1]:0." \
    "an address without a port is said to be wrong"
like "$("$server" -help)" '^  -max-upload-size=32MB$' "-help prints the options"
done_testing
