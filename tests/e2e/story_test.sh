#!/bin/bash
# The story: an upload server that reads whole files into memory, looked at over HTTP, and after the OOM killer took it away.
. "$(dirname "$0")/lib.sh"
. "$here/tools/cgroup"

server=$build/examples/upload-server

# start_server [WRAPPER]: "sonde run" with the server; sets $pid, $url of its profiles, $site of the server.
start_server() {
    rm -f "$tmp/access" "$tmp/err"
    "$@" "$sonde" run -http=localhost:0 -- "$server" -listen=localhost:0 -store="$tmp/store" -put=readall \
        -max-upload-size=80MB -max-memory=80MB >"$tmp/access" 2>"$tmp/err" &
    pid=$!
    wait_for grep -q 'listening at' "$tmp/err"
    served_at "$tmp/err"
    site=$(sed -n 's/.*listening at \(.*\)/\1/p' "$tmp/err")
}

# upload FILE [CURL-OPTIONS...]: prints the server's answer.
upload() {
    local file=$1
    shift
    curl -s "$@" -F 'operations={"query":"mutation($f: Upload!) { uploadFile(file: $f) { id size } }","variables":{"f":null}}' \
        -F 'map={"0":["variables.f"]}' -F "0=@$file;type=application/octet-stream" "$site/graphql"
}

# held: bytes of the server's read buffers, by its own count.
held() { curl -s "$site/metrics" | sed -n 's/^upload_server_buffer_bytes //p'; }

for mb in 30 50 76; do
    head -c $((mb << 20)) /dev/urandom >"$tmp/$mb.bin"
done
start_server
for mb in 30 50 76; do
    answer=$(upload "$tmp/$mb.bin")
    like "$answer" "\"size\":$((mb << 20))" "an upload of $mb MB is stored"
    cmp -s "$tmp/$mb.bin" "$tmp/store/$(sed -n 's/.*"id":"\([^"]*\)".*/\1/p' <<<"$answer")"
    ok $? "to the byte"
done
is "$(held)" 0 "afterwards no buffer is left"

# Two clients that stop in the middle: the server holds what it has read so far.
upload "$tmp/76.bin" --limit-rate 30M >"$tmp/answer1" &
first=$!
upload "$tmp/50.bin" --limit-rate 30M >"$tmp/answer2" &
second=$!
holds() { [ "$(held)" -gt 90000000 ]; }
wait_for holds
clients=$(pgrep -P $first curl; pgrep -P $second curl)
kill -STOP $clients
is_still() {
    local before
    before=$(held)
    sleep 0.2
    [ "$before" = "$(held)" ]
}
wait_for is_still
held=$(held)
top=$("$sonde" -top "$url"heap 2>/dev/null)
echo "# the server holds $held bytes; sonde -top says:"
sed 's/^/# /' <<<"$top"
line=$(sed -n 7p <<<"$top")
like "$line" ' read_all$' "the function that holds most is the reading one"
share=$("$sonde" -top -unit=B "$url"heap 2>/dev/null | awk '/ read_all$/ { print $1 + 0 }')
awk "BEGIN { exit !($share > 0.98 * $held && $share < 1.02 * $held) }"
ok $? "its bytes are within 2 % of what the uploads hold ($share of $held)"
like "$line" '^ *[0-9.]+[kM]B +(9[5-9]\.[0-9]+|100)%' "which is at least 95 % of the live heap"
traces=$("$sonde" -traces "$url"heap 2>/dev/null)
like "$(grep -A 3 ' read_all$' <<<"$traces")" '^ +multipart_handle_part$' "the stack under it names the multipart handler"
"$sonde" -png -output="$tmp/heap.png" "$url"heap 2>/dev/null
is "$(head -c 4 "$tmp/heap.png" | od -An -c | tr -d ' ')" '211PNG' "the call graph is a picture"
if command -v go >/dev/null; then
    theirs=$(cd "$tmp" && HOME=$tmp PPROF_TMPDIR=$tmp go tool pprof -top "$url"heap 2>/dev/null)
    is "$(grep -v ^Time <<<"$theirs")" "$("$sonde" -top "$url"heap 2>/dev/null | grep -v ^Time)" "go tool pprof prints the same"
else
    skip "go tool pprof prints the same" "no go"
fi
kill -CONT $clients
wait $first $second
like "$(cat "$tmp/answer1" "$tmp/answer2")" '"size":79691776.*"size":52428800' "the clients that were held up are served"
kill -TERM $pid
wait $pid
is $? 0 "the server ends when it is told to"

# The same in a group of 128 MB, with more than it can hold.
if cgroup_make "sonde-test.$$" 128; then
    start_server cgroup_run
    for i in 1 2 3; do upload "$tmp/76.bin" --max-time 60 >/dev/null & done
    wait $pid
    is $? 137 "with three uploads at once it is killed"
    wait
    like "$(cat "$tmp/err")" 'upload-server \(process [0-9]+\) was killed by SIGKILL: out of memory' "sonde run says by whom"
    oom=$("$sonde" oom 2>&1)
    sed 's/^/# /' <<<"$oom"
    like "$oom" '^upload-server \(process [0-9]+\) was killed by SIGKILL' "sonde oom tells of the newest death"
    like "$oom" 'limit 128MB, peak 128MB, OOM kills while it ran: 1' "with the limit and the kill"
    like "$oom" '^ +[0-9.]+MB +(9[5-9]\.[0-9]+|100)%  read_all$' "and who held the memory"
    like "$oom" 'by multipart_handle_part' "for whom"
    if nm -D "$build/libsonde.so" | grep -q ' sonde_labels_set$'; then
        like "$("$sonde" -tags "$(ls -t "$SONDE_KEEP"/* | head -n 1)" 2>/dev/null)" ' upload: ' "the uploads in flight are told apart by label"
    else
        skip "the uploads in flight are told apart by label" "this libsonde has no labels"
    fi
    cgroup_remove
    ok $? "the group is gone"
else
    for fact in "it is killed" "sonde run says by whom" "sonde oom tells" "limit" "who" "for whom" "by label" "the group is gone"; do
        skip "$fact" "$cgroup_why"
    done
fi

# Before, after the first fix, and streaming: the original's figures, and what the kernel says.
table=$(BUILD=$build "$here/tools/story" 2>&1)
sed 's/^/# /' <<<"$table"
like "$table" '^before +-put=readall -max-memory=80MB +154\.14MB ' "before, two buffers are 154.14MB"
like "$table" '^after the first fix +-put=stream -max-memory=80MB +75\.19MB ' "after the first fix one is 75.19MB"
peak=$(sed -n 's/^streaming  .* \([0-9.]*\) MB .*/\1/p' <<<"$table")
[ "${peak%.*}" -lt 16 ]
ok $? "streaming, an upload of 76 MB takes less than 16 MiB of memory ($peak MB)"
if grep -q 'not tried' <<<"$table"; then
    for fact in "only streaming survives" "64 at once" "in a budget" "who read" "for whom" "by label"; do
        skip "$fact, in 128 MB" "$cgroup_why"
    done
else
    is "$(awk 'NR > 1 && NR < 5 { print ($0 ~ /killed \(exit 137\)$/) + 2 * ($0 ~ /stored$/) }' <<<"$table" | tr '\n' ' ')" "1 1 2 " \
        "only streaming survives in 128 MB"
    crowd=$(grep '^streaming, 64 at once ' <<<"$table")
    like "$crowd" ' 64 of 64 stored$' "which serves 64 uploads of 80 MB at once there"
    peak=$(sed 's/.* \([0-9.]*\) MB .*/\1/' <<<"$crowd")
    [ "${peak%.*}" -lt 96 ]
    ok $? "in one budget of part buffers ($peak MB)"
    like "$table" '^ +[0-9.]+MB +(9[5-9]\.[0-9]+|100)%  read_all$' "of the first one sonde oom says who read"
    like "$table" '^ +by multipart_handle_part$' "for whom"
    like "$table" '^ upload: Total ' "and which uploads were in flight"
    [ "$(grep -Ec '^ +[0-9.]+MB \( ?[0-9.]+%\): [1-3]$' <<<"$table")" -ge 2 ]
    ok $? "by label"
fi
done_testing
