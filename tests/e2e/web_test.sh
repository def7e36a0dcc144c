#!/bin/bash
# sonde -http: routes, answers, who gets none, and what hostile requests leave behind.
. "$(dirname "$0")/lib.sh"
export HOME=$tmp XDG_CONFIG_HOME=$tmp/config

# serve ARGUMENTS...: the pages in the background; sets $pid and $url.
serve() {
    rm -f "$tmp/err"
    "$sonde" -http=localhost: -no_browser "$@" 2>"$tmp/err" &
    pid=$!
    wait_for grep -q 'Serving web UI on' "$tmp/err"
    url=$(sed -n 's/^Serving web UI on \(.*\)\/$/\1/p' "$tmp/err")
}
finish() {
    kill "$pid" && wait "$pid"
}

# status PATH [CURL-ARGUMENTS...]
status() {
    curl -s -o "$tmp/body" -w '%{http_code}' "${@:2}" "$url$1"
}
# api VIEW FILTER: what jq makes of a view's data.
api() {
    curl -s --compressed "$url/api/$1" | jq -c "$2"
}

"$here/tests/e2e/make_profile" requests/count cpu/nanoseconds >"$tmp/p.pb.gz" <<'END'
main@server/main.c;serve@server/main.c;parse 4 400 route=/a
main@server/main.c;serve@server/main.c;read+copy 3 200 route=/b
main@server/main.c;serve@server/main.c;write<script>alert(1)</script> 3 100
main@server/main.c;idle@/etc/passwd 90 300
END
serve "$tmp/p.pb.gz"

# Routes.
is "$(status / -w '%{http_code} %{redirect_url}')" "307 $url/flamegraph" "/ leads to the flame graph"
is "$(status '/ui/top?f=main' -w '%{http_code} %{redirect_url}')" "301 $url/top?f=main" "pprof's addresses lead to these"
is "$(status '/flamegraph2?si=cpu' -w '%{http_code} %{redirect_url}')" "301 $url/flamegraph?si=cpu" "so do old ones"
is "$(status '/ui//example.org/' -w '%{http_code}%{redirect_url}')" 404 "and no others, elsewhere least of all"
is "$(for view in flamegraph top graph peek source disasm traces difference timeline death; do status /$view; done)" \
    "$(printf '200%.0s' {1..10})" "each view has a page"
is "$(status /nothing) $(status /web/nothing.js) $(status /api/nothing) $(status /web/../../../etc/passwd --path-as-is) $(status /web/%2e%2e%2fapp.js)" \
    "404 404 404 404 404" "what is not there is not there"
got=$(curl -si "$url/top")
like "$got" "^Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" "the policy is strict"
like "$got" "^X-Content-Type-Options: nosniff" "types are not guessed"
is "$(curl -s "$url/download" | "$sonde" -json=top - | jq -c .top)" "$("$sonde" -json=top "$tmp/p.pb.gz" | jq -c .top)" "the profile can be had"
tag=$(curl -si "$url/web/app.js" | sed -n 's/^ETag: \(.*\)\r$/\1/p')
is "$(status /web/app.js -H "If-None-Match: $tag")" 304 "scripts that a browser has are not sent again"

# Views are the reports.
for arguments in "|" "-cum|sort=cum" "-focus=parse|f=parse" "-ignore=parse|i=parse" "-hide=serve|h=serve" "-show=main|s=main" "-show_from=serve|sf=serve" \
    "-sample_index=requests|si=requests" "-lines|g=lines" "-files|g=files" "-noinlines|noinlines=t" "-tagfocus=/a|tf=/a" "-tagignore=/a|ti=/a" \
    "-tagroot=route|tagroot=route" "-tagleaf=route|tagleaf=route" "-nodecount=2|n=2" "-relative_percentages -focus=parse|rel=t&f=parse" "-prune_from=serve|prunefrom=serve"; do
    is "$(api "top?${arguments#*|}" '[.data.total, .data.top]')" \
        "$("$sonde" -json=top -nodecount=500 ${arguments%|*} "$tmp/p.pb.gz" 2>/dev/null | jq -c '[.total, .top]')" "top hears ${arguments#*|}"
done
is "$(api "flamegraph" '.data.types[0].total, (.data.callees.self[0] | add)')" $'1000\n1000' "the flame graph adds up to the total"
is "$(api "flamegraph?tree=callers" '.data | .names[.callees.name[1]]')" '"parse"' "the callers' tree begins where samples end"
for arguments in "|" "-focus=parse|f=parse" "-lines|g=lines" "-hide=serve -tagroot=route|h=serve&tagroot=route" "-sample_index=requests|si=requests"; do
    "$sonde" -flame ${arguments%|*} "$tmp/p.pb.gz" | sed -n '/id="flame-data">/,/^}/p' | sed 's/.*id="flame-data">//; s/<.script>.*//' >"$tmp/page.json"
    is "$(api "flamegraph?${arguments#*|}" '.data as $d | [.data.types[0].total, ([range($d.callees.name | length) | [$d.names[$d.callees.name[.]], $d.callees.self[0][.]]] | sort)]')" \
        "$(jq -c '. as $d | .type as $t | [.types[$t].total, ([range($d.callees.name | length) | [$d.names[$d.callees.name[.]], $d.callees.self[$t][.]]] | sort)]' "$tmp/page.json")" \
        "the flame graph is that of -flame: ${arguments#*|}"
done
is "$(api 'peek?f=^serve$' '.data.nodes | map({name, cum, callers: [.callers[] | [.name, .weight]], callees: [.callees[] | [.name, .weight]]})')" \
    '[{"name":"serve","cum":700,"callers":[["main",700]],"callees":[["parse",400],["read",200],["write<script>alert(1)</script>",100]]}]' "peek has callers and callees"
is "$(api 'peek?g=lines&f=^serve$' '.data.nodes | map(.function)')" '["serve"]' "an exact name is found by lines, too"
is "$(api 'search?q=parse' '.data | [.functions, .value]')" '[1,400]' "a search tells how many functions and how much"
is "$(api traces '[.data.samples[].value]')" '[400,300,200,100]' "traces are the heaviest first"
is "$(api graph '.data.nodes | length')" 7 "the graph's nodes are told"
like "$(api graph '.data.svg')" '&lt;script&gt;' "names in the picture are text"
is "$(api 'top?f=nothing' .warnings)" '["Focus expression matched no samples"]' "warnings come along"
like "$(api 'source?f=idle' '.data.functions[0].error')" '/etc/passwd is not in the source path' "files outside of the source path are not read"
unlike "$(cat "$tmp/body")$(api 'source?f=idle' .)" 'root:' "not a line of them"

# Requests that are wrong.
while read -r query wanted; do
    like "$(status "/api/top?$query") $(cat "$tmp/body")" "$wanted" "wrong: $query"
done <<'END'
f=%28 ^400 parsing.focus.regexp
si=nothing ^404 .*requests
n=many ^400 nodecount:
g=nothing ^400 granularity:
rel=perhaps ^400 relative_percentages:
load=7 ^404 there.is.no.load.number.7
load=-1 ^400 load:
base=99999999999 ^400 base:
END
for query in 'f=(a%2B)%2B$' 'n=999999999999&trim=f' 'tagroot=,,,,' 'tf=:,:,:' 'unit=%00%01' 'nf=nan&ef=-1e300' 'f=%ff%fe' 'sort=cum&sort=flat' '%=%&&&=' \
    "f=$(printf 'x|%.0s' {1..5000})" "i=$(printf '(%.0s' {1..3000})"; do
    like "$(status "/api/top?$query")" '^(200|400|404|414|431)$' "hostile: ${query:0:40}"
    like "$(status "/api/graph?$query")" '^(200|400|404|414|431)$' "of the graph, too"
done
is "$(status /top) $(api top .data.total)" "200 1000" "it goes on answering"

# Who gets no answer.
is "$(status /api/top -H 'Host: example.org') $(status /api/top -H 'Host: 127.example.org') $(status /api/top -H 'Host: localhost.example.org')" "403 403 403" \
    "other names than this machine's"
is "$(status /api/top -H 'Host: 127.0.0.1:80') $(status /api/top -H 'Host: [::1]:80')" "200 200" "its own are answered"
is "$(status /api/top -H 'Origin: http://example.org') $(status /api/refresh -X POST -H 'Origin: null') $(status /api/top -H "Origin: $url")" "403 403 200" \
    "pages of other sites are not"
is "$(status '/saveconfig?config=x') $(status '/deleteconfig?config=x') $(status /api/refresh)" "405 405 405" "what changes something is POSTed"

# Settings.
is "$(status '/saveconfig?config=mine&f=parse&g=lines&n=7' -X POST) $(jq -c '.configs[0] | [.name, .focus, .granularity, .nodecount, .trim]' "$XDG_CONFIG_HOME/pprof/settings.json")" \
    '200 ["mine","parse","lines",7,true]' "settings are saved where pprof has them"
is "$(api about .configs)" '[{"name":"mine","query":"f=parse&g=lines&n=7"}]' "and come back as an address"
is "$(status '/saveconfig?config=mine&h=a%26b' -X POST) $(api about .configs)" '200 [{"name":"mine","query":"h=a%26b"}]' "a name has one of them"
is "$(status '/saveconfig?config=' -X POST) $(status '/deleteconfig?config=other' -X POST)" "400 404" "each has a name"
is "$(status '/deleteconfig?config=mine' -X POST) $(api about .configs)" '200 []' "they are deleted"
echo '[' >"$XDG_CONFIG_HOME/pprof/settings.json"
like "$(api about .config_error)" 'could not read settings from .*settings.json' "a file that is none is told of"
is "$(status '/saveconfig?config=mine' -X POST) $(cat "$XDG_CONFIG_HOME/pprof/settings.json")" "400 [" "and left alone"

# Moments.
is "$(curl -s -X POST "$url/api/refresh") $(api about '[.loads[].kind]')" '{"load":2} ["profile","profile"]' "it is loaded again"
is "$(api 'top?load=2&base=1' '[.data.has_base, .data.top]')" '[true,[]]' "and is what it was"
for i in {1..12}; do curl -s -X POST -o /dev/null "$url/api/refresh"; done
is "$(api about '[.loads | length <= 8, .[0].id]')" '[true,1]' "the first is kept, and a few"
is "$(api timeline . 2>/dev/null) $(status /api/timeline)" " 400" "a profile has no memory over time"
finish

BROWSER="$tmp/browser" && printf '#!/bin/sh\necho "$1" >%s/opened\n' "$tmp" >"$BROWSER" && chmod +x "$BROWSER"
rm -f "$tmp/err"
BROWSER=$BROWSER "$sonde" -http=: "$tmp/p.pb.gz" 2>"$tmp/err" &
pid=$!
wait_for test -s "$tmp/opened"
is "$(cat "$tmp/opened")" "$(sed -n 's/^Serving web UI on //p' "$tmp/err")" "a browser is opened there"
finish
"$sonde" -http=: -top "$tmp/p.pb.gz" 2>"$tmp/err"
is "$? $(cat "$tmp/err")" "2 sonde: -http is not compatible with an output format on the command line" "-http is no format"
"$sonde" -http=: -no_browser /no/such/profile 2>"$tmp/err"
is "$? $(cat "$tmp/err")" "2 sonde: /no/such/profile: No such file or directory" "without a profile nothing is served"

# A record.
record=$tmp/record
cp "$(SONDE_RATE=4096 killed_record "$programs/shelves")" "$record"
serve -source_path="$here" "$record"
is "$(api top '[.data.total, .data.top]')" "$("$sonde" -json=top -nodecount=500 "$record" 2>/dev/null | jq -c '[.total, .top]')" "a record's heap"
is "$(api timeline '(.ticks | length > 5) and ([.ticks[].ns] | . == sort)')" true "memory over time, in its order"
is "$(api death .oom)" "$("$sonde" oom -json "$record" 2>/dev/null | jq -c .)" "how it ended, as sonde oom tells it"
is "$(api death '[.oom.account[].line] - (.lines | keys)')" "[]" "with names for the lines of its account"
like "$(api 'source?f=keep' '[.data.functions[] | select(.name | test("keep")).lines[].text]')" 'kept.push_back' "source lines"
like "$(api 'source?f=keep' '[.data.functions[].lines[].code[] | select(.cum > 0).text]')" 'call' "with their instructions"
like "$(api 'disasm?f=keep' .data.text)" 'ROUTINE =+ .*keep' "a disassembly"
is "$(api 'source?f=keep' '[.data.functions[] | select(.name | test("keep")).cum] | add')" \
    "$("$sonde" -json=top -nodefraction=0 "$record" 2>/dev/null | jq '[.top[] | select(.name | test("keep")).cum] | add')" "whose values are those of -json"
loads() { for load in 1 2; do curl -s "$url/download?load=$load" | "$sonde" -raw - 2>/dev/null | sed '/^Time/d'; done; }
curl -s -X POST -o /dev/null "$url/api/refresh"
before=$(loads)
api 'top?load=2&base=1' .data.total >/dev/null
is "$(loads)" "$before" "a difference leaves both as they are"
finish

# A process that runs: the CPU profile is asked of itself.
SONDE_RATE=4096 LD_PRELOAD=$build/libsonde.so bash -c 'while :; do a=$((a + 1)); b=$b$a; [ ${#b} -lt 1000 ] || b=; done' >/dev/null 2>&1 &
program=$!
wait_for "$sonde" -top "$program"
serve "$program"
is "$(api about '[.live, .records, .record]')" "[true,true,true]" "a process can be asked again, and for a CPU profile"
is "$(curl -s -X POST "$url/api/record?seconds=1")" '{"load":2}' "which is recorded"
is "$(api 'top?load=2' '[.data.type, (.data.total > 1e8)]')" '["cpu",true]' "of this program, which used a processor"
is "$(api about '[.loads[].kind]')" '["profile","cpu"]' "beside what was there"
is "$(api death '[.live, .oom.end, .oom.pid]')" "[true,\"alive\",$program]" "how it is doing"
finish
kill "$program"
wait "$program" 2>/dev/null
done_testing
