#!/bin/bash
# sonde_serve(): a program that serves its own profiles, as the upload server does with -debug.
. "$(dirname "$0")/lib.sh"
server=$build/examples/upload-server
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$tmp" "$SONDE_DIR"' EXIT
export PPROF_TMPDIR=$tmp
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
pid=
cd "$tmp" || exit 1

LD_PRELOAD=$build/libsonde.so "$server" -listen=localhost:0 -store=store -put=readall -debug=localhost:0 >log 2>err &
pid=$!
wait_for grep -q '^listening at' err
url=$(sed -n 's/^profiles at //p' err) site=$(sed -n 's/^listening at //p' err)
like "$url" '^http://(localhost|127\.0\.0\.1):[0-9]+/debug/pprof/$' "it says where, on a port of its own at loopback"
head -c 20000000 /dev/zero >20.bin
curl -s "$site/graphql" -F operations='{"query":"mutation($f: Upload!) { uploadFile(file: $f) { size } }","variables":{"f":null}}' \
    -F map='{"0":["variables.f"]}' -F 0=@20.bin >answer
is "$(cat answer)" '{"data":{"uploadFile":{"size":20000000}}}' "the program does its work"
top=$("$sonde" -top -sample_index=alloc_space "${url}heap" 2>/dev/null)
like "$top" '^ +[0-9.]+MB .* read_all$' "sonde reads its heap"
like "$("$sonde" -traces -sample_index=alloc_space "${url}heap" 2>/dev/null)" '^ +multipart_handle_part$' "with the callers"
like "$(curl -s "$url")" 'heap' "there is an index"
is "$(curl -s "${url}cmdline" | tr '\0' ' ' | cut -d ' ' -f 1)" "$server" "which says whose it is"
is "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "${url}heap")" 403 "another host's name is refused"
curl -s "${url}profile?seconds=1" -o cpu.pb.gz
"$sonde" -raw cpu.pb.gz >raw 2>&1
like "$(cat raw)" '^samples/count cpu/nanoseconds' "it takes samples of processor time of itself"
if command -v go >/dev/null; then
    like "$(HOME=$tmp go tool pprof -top -sample_index=alloc_space "${url}heap" 2>/dev/null)" ' read_all$' "go tool pprof reads it, too"
else
    skip "go tool pprof reads it, too" "no go"
fi
kill -TERM "$pid"
wait "$pid"
is $? 0 "it ends as ever"
pid=

"$server" -listen=localhost:0 -store=store -debug=localhost:0 >log 2>err
is "$?" 1 "a process that is not recorded has none to serve"
like "$(cat err)" '^sonde: this process has no record, .*: link it with -lsonde, or start it by "sonde run"$' "and is told why"
is "$(nm -D --defined-only "$build/libsonde-http.so" | awk '{ print $3 }' | xargs)" "sonde_serve sonde_serve_stop sonde_serve_url" "the library exports nothing else"
done_testing
