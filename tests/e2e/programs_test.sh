#!/bin/bash
# Programs that nobody here wrote: with the library they do what they do without, and their heap profiles have names.
. "$(dirname "$0")/lib.sh"

# same NAME REGEX COMMAND...: runs it plainly and with the library; output and status must be the same, and a record that it leaves
# must show REGEX.
same() {
    local name=$1 regex=$2 plain with plain_status with_status best
    shift 2
    "$@" >"$tmp/plain" 2>"$tmp/plain.err" </dev/null
    plain_status=$?
    rm -f "$SONDE_DIR"/*
    SONDE_KEEP_EXITED=1 LD_PRELOAD=$build/libsonde.so "$@" >"$tmp/with" 2>"$tmp/with.err" </dev/null
    with_status=$?
    is "$with_status" "$plain_status" "$name: the same exit status ($plain_status)"
    cmp -s "$tmp/plain" "$tmp/with" && cmp -s "$tmp/plain.err" "$tmp/with.err"
    ok $? "$name: the same output ($(wc -c <"$tmp/plain") bytes)"
    best=$(for record in "$SONDE_DIR"/*; do
        "$sonde" -alloc_space -top -nodecount=40 "$record" 2>/dev/null
    done)
    like "$best" "$regex" "$name: a profile with names"
}

python=/usr/bin/python3
"$python" - "$tmp/large.json" <<'P'
import json, random, sys
random.seed(7)
rows = [{"id": i, "name": "n%d" % i, "tags": ["t%d" % random.randrange(1000) for _ in range(5)], "value": random.random()}
        for i in range(100000)]
json.dump(rows, open(sys.argv[1], "w"))
P
cat >"$tmp/parse.py" <<'P'
import json, sys, threading, subprocess
rows = json.load(open(sys.argv[1]))
total = [0] * 4
def work(k):
    total[k] = sum(len(json.dumps(r)) for r in rows[k::4])
threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(rows), sum(total), subprocess.run(["/bin/echo", "child"], capture_output=True).stdout)
P
same python3 'Py[A-Z_][A-Za-z_]+' "$python" "$tmp/parse.py" "$tmp/large.json"
same "python3 that fails" 'Py' "$python" -c 'import sys; x = ["y" * 100 for i in range(100000)]; sys.exit(len(x) % 7 + 3)'

seq 1 1000000 | awk '{ print "INSERT INTO t VALUES(" $1 ",\"row " $1 * 7919 % 1000003 "\");" }' >"$tmp/rows.sql"
{ echo 'CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT); BEGIN;'; cat "$tmp/rows.sql"; echo 'COMMIT; CREATE INDEX i ON t(s);
SELECT count(*), sum(length(s)), max(s) FROM t; SELECT * FROM t ORDER BY s LIMIT 5;'; } >"$tmp/load.sql"
same sqlite3 'sqlite3' sqlite3 :memory: ".read $tmp/load.sql"

same jq 'jv_' jq '[.[] | select(.id % 3 == 0) | {name, n: (.tags | length)}] | group_by(.n) | map(length)' "$tmp/large.json"
same "jq that fails" 'jv_' jq '.[0].name.none' "$tmp/large.json"

git init -q "$tmp/repository"
(
    cd "$tmp/repository" || exit
    git config user.email test@example.org
    git config user.name Test
    for i in $(seq 60); do
        seq $((i * 10)) $((i * 137)) >numbers
        seq 1 $((i * 50)) | sed "s/$/ line of $i/" >"file$((i % 9))"
        git add -A
        git commit -qm "commit $i" --date="2020-01-01T00:00:$((i % 60))"
    done
)
same "git log -p" 'libc|libz|git|deflate|inflate' git -C "$tmp/repository" log -p --stat -M
same "git gc" 'git|libc|deflate' git -C "$tmp/repository" fsck --full --strict

# redis: the server with the library, against its own benchmark.
if command -v redis-server >/dev/null; then
    rm -f "$SONDE_DIR"/*
    LD_PRELOAD=$build/libsonde.so redis-server --port 0 --unixsocket "$tmp/redis.sock" --save '' --dir "$tmp" >"$tmp/redis.log" 2>&1 &
    server=$!
    wait_for redis-cli -s "$tmp/redis.sock" ping
    redis-benchmark -s "$tmp/redis.sock" -q -n 20000 -c 20 -d 500 -r 10000 -t set,get,lpush,lrange_100,mset >"$tmp/bench" 2>&1
    is "$(grep -c 'requests per second' "$tmp/bench")" 6 "redis-server answers redis-benchmark"
    redis-cli -s "$tmp/redis.sock" set key value >/dev/null
    is "$(redis-cli -s "$tmp/redis.sock" get key)" value "and keeps what it is told"
    redis-cli -s "$tmp/redis.sock" bgsave >/dev/null
    saved() { redis-cli -s "$tmp/redis.sock" info persistence | grep -q 'rdb_last_bgsave_status:ok'; }
    wait_for saved
    ok $? "its forked child saves"
    # Debian's redis uses jemalloc, by names of the malloc family's own.
    top=$("$sonde" -top $server 2>&1)
    like "$top" 'zmalloc|zrealloc' "its profile has names, though its allocator is jemalloc"
    redis-cli -s "$tmp/redis.sock" shutdown nosave 2>/dev/null
    wait $server
    is $? 0 "and it ends as it should"
else
    skip "redis-server answers redis-benchmark" "no redis-server"
fi
done_testing
