#!/bin/bash
# The formats that other programs read, on a real profile: what they say is what -top says.
. "$(dirname "$0")/lib.sh"

record=$(SONDE_RATE=4096 killed_record "$programs/leaves")
"$sonde" -proto -output="$tmp/heap.pb.gz" "$record" 2>/dev/null
heap=$tmp/heap.pb.gz

# total OPTIONS...: of -top, in bytes.
total() {
    "$sonde" -top -unit=B "$@" "$heap" | sed -n 's/.* of \([0-9]*\)B total/\1/p'
}

# sum: of the last numbers of lines.
sum() {
    python3 -c 'import sys; print(sum(int(line.split()[-1]) for line in sys.stdin))'
}

is "$("$sonde" -folded "$heap" | sum)" "$(total)" "-folded adds up to the total"
is "$("$sonde" -folded -alloc_space "$heap" | sum)" "$(total -alloc_space)" "of another type as well"
is "$("$sonde" -folded -lines "$heap" | sum)" "$(total)" "and by lines"
like "$("$sonde" -folded "$heap")" '^[^ ]*main;by_malloc [0-9]+$' "-folded begins at the root"
is "$("$sonde" -folded "$heap" | sed 's/ [^ ]*$//' | sort | uniq -d)" "" "-folded has each stack once"
is "$("$sonde" -folded "$heap" | "$sonde" -folded -)" "$("$sonde" -folded "$heap")" "read again it is the same"
is "$("$sonde" -folded -diff_base="$heap" "$heap")" "" "a profile without itself is nothing"
is "$("$sonde" -folded -focus=by_malloc "$heap")" "$("$sonde" -folded "$heap" | grep by_malloc)" "-folded hears -focus"

# json VIEWS FILTER [OPTIONS...]: what jq makes of them.
json() {
    local views=$1 filter=$2
    shift 2
    "$sonde" -json="$views" "$@" "$heap" 2>/dev/null | jq -c "$filter"
}

# The columns of -top, in bytes: flat, cum and the name.
top_rows() {
    "$sonde" -top -unit=B "$@" "$heap" | sed '1,/flat%/d' | sed -E 's/B? +[^ ]+% +[^ ]+% +/ /; s/B? +[^ ]+%  / /; s/^ +//; s/ \((partial-)?inline\)$//'
}

is "$(json top .total)" "$(total)" "-json has the total"
is "$("$sonde" -json=top "$heap" | jq -r '.top[] | "\(.flat) \(.cum) \(.name)"')" "$(top_rows)" "its top has the rows of -top"
is "$("$sonde" -json=top -lines -cum "$heap" | jq -r '.top[] | "\(.flat) \(.cum) \(.name)"')" "$(top_rows -lines -cum)" "also by lines, and by cum"
is "$(json top 'keys_unsorted[-2:]')" '["dropped","top"]' "a view alone is there alone"
is "$("$sonde" -json "$heap" | jq -c 'keys_unsorted[-2:]')" '["top","graph"]' "top and graph are the standard"
is "$(json top '([.top[].flat] | add) == .total' -trim=false)" true "flat adds up to the total"
is "$(json graph '.graph.nodes as $n | all(.graph.edges[]; .from as $f | .to as $t | any($n[]; .id == $f) and any($n[]; .id == $t))')" true "edges join nodes"
is "$(json top '.dropped.more_nodes + (.top | length)' -nodecount=2 -trim=true)" "$(json top '.top | length')" "it tells of nodes beyond nodecount"
is "$(json tree '([.tree[].flat] | add) == .total and .tree[0].cum == .total')" true "the tree adds up to the total"
is "$(json tree '[.tree | .[] | select(.parent != null) | .parent < .id] | all')" true "in the tree parents come first"
is "$(json tree '.tree as $t | all($t[]; . as $n | .cum == .flat + ([$t[] | select(.parent == $n.id).cum] | add // 0))')" true \
    "a node is itself and its children"
is "$(json samples '([.samples[].value] | add) == .total and all(.samples[]; .value == .values[3])')" true "samples add up to the total"
is "$(json samples '.samples | length')" "$(("$("$sonde" -traces "$heap" | grep -c -- '-----------+')" - 1))" "there are as many as -traces has"
is "$(json top '.filters' -focus=by_malloc -tagfocus=1:)" '{"focus":"by_malloc","tagfocus":"1:"}' "filters are told of"
is "$(json top '.has_base, .top' -diff_base="$heap")" $'true\n[]' "a difference to itself is nothing"
"$sonde" -json=tree,nothing "$heap" >/dev/null 2>"$tmp/err"
is "$? $(cat "$tmp/err")" '2 sonde: -json has no view "nothing": there are top, graph, tree, samples, tags' "a view that is not there"

labelled=$tmp/labelled.pb.gz
"$here/tests/e2e/make_profile" requests/count delay/nanoseconds >"$labelled" <<'END'
main;serve+parse;read 1 100 route=/a bytes=4096
main;serve+parse;read 2 50 route=/b bytes=4096 bytes=512
main;serve;write"<b>|`x` 3 25 route=/a
END
got=$("$sonde" -json=samples,tags "$labelled")
is "$(jq -c '.samples[1]' <<<"$got")" \
    '{"value":50,"values":[2,50],"stack":["read","parse","serve","main"],"labels":{"route":["/b"]},"numbers":{"bytes":[4096,512]}}' \
    "a sample has its labels, and inlined calls"
is "$(jq -c .units <<<"$got")" '{"bytes":"bytes"}' "their numbers have units"
is "$(jq -c '.tags[1]' <<<"$got")" '{"key":"route","total":175,"values":[{"name":"/a","value":125},{"name":"/b","value":50}]}' \
    "tags have the weight of their samples"
is "$(jq -r '.samples[2].stack[0]' <<<"$got")" 'write"<b>|`x`' "any name survives"
is "$("$sonde" -json=top -mean "$labelled" | jq -c '[.type, .total, .top[0].flat]')" '["mean_delay",29,50]' "means are divided"

is "$("$sonde" -markdown "$heap" | sed -n 's/^| \([0-9][^ ]*\) .* | `\(.*\)` |$/\1 \2/p')" \
    "$("$sonde" -top -nodecount=20 "$heap" | sed '1,/flat%/d' | awk '{print $1, $6}')" "-markdown has the rows of -top, twenty of them"

"$sonde" -flame -output="$tmp/flame.html" "$heap" 2>/dev/null
# data FILE: what a page draws.
data() {
    sed -n '/id="flame-data">/,/^}/p' "$1" | sed 's/.*id="flame-data">//; s/<.script>.*//'
}
is "$(data "$tmp/flame.html" | jq -c '.types[.type].total')" "$(total)" "-flame has the total"
# drawn OPTION...: what is drawn of the standard input.
drawn() {
    "$sonde" -flame "$@" -output="$tmp/drawn.html" - 2>/dev/null
    data "$tmp/drawn.html" | jq -c '[.callees, .callers, .functions, .names]'
}
# It goes past what is hidden, where -proto leaves it out.
for options in -hide=main -show=main "-hide=by_malloc -show_from=main" "-hide=libc -ignore=by_realloc" "-hide=libc_start -focus=by_" -hide=.; do
    is "$(drawn $options <"$heap")" "$("$sonde" -proto $options "$heap" 2>/dev/null | drawn)" "-flame $options"
done
is "$(data "$tmp/flame.html" | jq -c '[.callees, .callers | . as $t | all(range(1; .parent | length); $t.parent[.] < .)]')" '[true,true]' "parents come first"
is "$(data "$tmp/flame.html" | jq -c '.types as $types | [.callees, .callers | [.self[] | add] == [$types[].total]]')" '[true,true]' \
    "the trees add up to the total of each type"
is "$(data "$tmp/flame.html" | jq -r '.names as $n | .type as $t | .functions | [range(.name | length) as $i | {name: $n[.name[$i]], flat: .flat[$t][$i], cum: .cum[$t][$i]}] | sort_by(-.flat, .name)[] | select(.flat > 0) | "\(.flat) \(.cum) \(.name)"')" \
    "$(top_rows -trim=false | awk '$1 > 0 && $1 != "0"' | sort -k1,1nr -k3)" "its table is -top"
is "$(grep -cE '(src|href)=|https?://|@import|url\(' "$tmp/flame.html")" 0 "the page refers to nothing outside"
like "$(cat "$tmp/flame.html")" "content=\"default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; base-uri 'none'; form-action 'none'\"" "its policy is strict"
is "$(grep -o "script-src 'sha256-[^']*" "$tmp/flame.html" | sed 's/.*sha256-//')" \
    "$(python3 -c 'import base64, hashlib, re, sys
script = re.search(b"<script type=\"module\">(.*?)</script>", open(sys.argv[1], "rb").read(), re.S).group(1)
print(base64.b64encode(hashlib.sha256(script).digest()).decode())' "$tmp/flame.html")" "its script is the one that the policy names"
"$sonde" -flame -mean -output="$tmp/mean.html" "$labelled" 2>"$tmp/err"
like "$(cat "$tmp/err")" "^A flame graph's boxes are sums: -mean is not heard$" "means are no areas"
"$sonde" -flame "$labelled" | grep -q 'write\\"\\u003cb>|`x`'
ok $? "names are escaped; a pipe gets the page"

# valid ARGUMENTS...: the errors of all views against the schema.
valid() {
    "$sonde" -json=top,graph,tree,samples,tags "$@" >"$tmp/all.json" 2>/dev/null
    python3 -c 'import json, sys, jsonschema
schema, document = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
    print(error.message[:200], list(error.path))' "$here/docs/json-schema.json" "$tmp/all.json" 2>&1
}
is "$(valid "$heap")" "" "all views are as the schema says"
is "$(valid -addresses -mean -alloc_space "$heap")" "" "also by addresses, and means"
is "$(valid -lines -showcolumns -focus=main -diff_base="$heap" "$heap")" "" "and a difference by lines"
is "$(valid -tagroot=route "$labelled")" "" "and labels"
done_testing
