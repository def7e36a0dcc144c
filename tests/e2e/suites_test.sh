#!/bin/bash
# Programs that nobody here wrote are unharmed: their own test suites, with all profilers on, give what they give without.
# With ALL=1 (make soak) whole suites; without it a few, and those programs that answer at once.
. "$(dirname "$0")/lib.sh"

profilers=("LD_PRELOAD=$build/libsonde.so" SONDE_CPU=100 SONDE_WALL=20 SONDE_RATE=65536)
ALL=${ALL:-}

# needs NAME COMMAND: whether there is the command; without it the fact is skipped.
needs() {
    command -v "$2" >/dev/null && return 0
    skip "$1" "no $2: tools/setup soak"
    return 1
}

# CPython's.  Each test's result, as the suite itself writes it down; one that differs gets a second chance in both.
python=/usr/bin/python3

# results OUT VARIABLE=VALUE... -- ARGUMENT...: lines "test result".
results() {
    local out=$1 variables=()
    shift
    while [ "$1" != -- ]; do variables+=("$1"); shift; done
    shift
    (cd "$tmp" && env "${variables[@]}" timeout 600 "$python" -m test -u all,-network,-cpu,-gui --junit-xml "$tmp/junit.xml" "$@") >"$tmp/suite" 2>&1 </dev/null
    "$python" - "$tmp/junit.xml" >"$out" <<'P'
import sys, xml.etree.ElementTree as tree
for case in sorted(tree.parse(sys.argv[1]).iter("testcase"), key=lambda c: c.get("name")):
    print(case.get("name"), case.get("result") + "".join(" " + part.tag for part in case if part.tag in ("failure", "error", "skipped")))
P
}

cpython_suite() {
    local suite=$1 differ
    # Some machines offer virtual sockets that nobody answers at.
    local arguments=("$suite" -i '*VSOCK*')
    results "$tmp/plain" NOTHING=1 -- "${arguments[@]}"
    results "$tmp/with" "${profilers[@]}" -- "${arguments[@]}"
    differ=$(diff "$tmp/plain" "$tmp/with" | sed -n 's/^> \([^ ]*\).*/\1/p')
    if [ -n "$differ" ]; then
        arguments=("$suite")
        for name in $differ; do arguments+=(-m "$name"); done
        results "$tmp/plain" NOTHING=1 -- "${arguments[@]}"
        results "$tmp/with" "${profilers[@]}" -- "${arguments[@]}"
    fi
    [ -s "$tmp/with" ] && cmp -s "$tmp/plain" "$tmp/with"
    ok $? "CPython's $suite: $(wc -l <"$tmp/with") tests end as they do without${differ:+, the second time}"
    diff "$tmp/plain" "$tmp/with" | sed 's/^/# /'
}

if "$python" -c 'import test.test_fork1' 2>/dev/null; then
    suites='test_fork1'
    [ -z "$ALL" ] || suites='test_fork1 test_threading test_signal test_subprocess test_socket'
    for suite in $suites; do cpython_suite "$suite"; done
else
    skip "CPython's tests" "no libpython3.11-testsuite: tools/setup soak"
fi

# same NAME COMMAND...: the same output and status.
same() {
    local name=$1 status
    shift
    "$@" >"$tmp/plain" 2>&1 </dev/null
    status=$?
    env "${profilers[@]}" "$@" >"$tmp/with" 2>&1 </dev/null
    is "$?, $(md5sum <"$tmp/with")" "$status, $(md5sum <"$tmp/plain")" "$name: the same output, $(wc -c <"$tmp/with") bytes, and status $status"
}

# Node: its collector, its threads, its compiler, its event loop.
if needs "Node works" node; then
    cat >"$tmp/work.js" <<'J'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), zlib = require('zlib'), http = require('http'), child = require('child_process');
if (!isMainThread) {
    const map = new Map();
    for (let i = 0; i < 200000; i++)
        map.set('key' + i % 5000, { i, text: 'x'.repeat(i % 50) });
    parentPort.postMessage(crypto.createHash('sha256').update([...map.keys()].join() + workerData).digest('hex'));
} else {
    const worker = n => new Promise((done, fail) => new Worker(__filename, { workerData: n }).on('message', done).on('error', fail));
    const served = () => new Promise(done => {
        const server = http.createServer((_, reply) => reply.end(zlib.gzipSync('answer '.repeat(10000)))).listen(0, '127.0.0.1', async () => {
            let bytes = 0;
            for (let i = 0; i < 100; i++) {
                const reply = await fetch(`http://127.0.0.1:${server.address().port}/`);
                bytes += zlib.gunzipSync(Buffer.from(await reply.arrayBuffer())).length;
            }
            server.close(() => done(bytes));
            server.closeAllConnections();
        });
    });
    (async () => {
        console.log(await Promise.all([1, 2, 3, 4].map(worker)), await served());
        console.log(child.execFileSync('sh', ['-c', 'echo child; exit 0']).toString());
        try { null.x; } catch (e) { console.log(e.message); }
        process.exitCode = 3;
    })();
}
J
    same Node node "$tmp/work.js"
fi

# A Java machine: the same, and signals of its own.
if needs "a Java machine works" java; then
    cat >"$tmp/Work.java" <<'J'
import java.util.*;
import java.util.concurrent.*;

public class Work {
    static String work(int n) {
        Map<String, byte[]> map = new TreeMap<>();
        for (int i = 0; i < 200000; i++)
            map.put("key" + (i * n) % 5003, new byte[i % 512]);
        long sum = 0;
        for (Map.Entry<String, byte[]> e : map.entrySet())
            sum += e.getKey().hashCode() * (long) e.getValue().length;
        return n + ":" + sum;
    }

    static int depth(int n) { return 1 + depth(n + 1); }

    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<String>> results = new ArrayList<>();
        for (int i = 1; i <= 16; i++) {
            int n = i;
            results.add(pool.submit(() -> work(n)));
        }
        for (Future<String> r : results)
            System.out.println(r.get());
        pool.shutdown();
        try { depth(0); } catch (StackOverflowError e) { System.out.println("deep enough"); }
        try { Object o = null; o.hashCode(); } catch (NullPointerException e) { System.out.println("null"); }
        for (int i = 0; i < 20; i++)
            System.gc();
        Process child = new ProcessBuilder("echo", "child").start();
        System.out.println(new String(child.getInputStream().readAllBytes()).trim() + " " + child.waitFor());
        System.exit(3);
    }
}
J
    same "a Java machine" java -Xmx256m "$tmp/Work.java"
fi

# nginx, under load: every request is answered, and it reloads and stops as it should.
if needs "nginx answers" nginx && needs "nginx answers" wrk; then
    mkdir -p "$tmp/nginx/html"
    seq 5000 >"$tmp/nginx/html/index.html"
    nginx_port=$((20000 + RANDOM % 10000))
    cat >"$tmp/nginx/nginx.conf" <<C
user root;
worker_processes 2;
daemon off;
pid $tmp/nginx/pid;
error_log $tmp/nginx/error.log;
env LD_PRELOAD;
env SONDE_CPU;
env SONDE_WALL;
events { worker_connections 256; }
http {
    access_log off;
    gzip on;
    gzip_types *;
    client_body_temp_path $tmp/nginx/body;
    proxy_temp_path $tmp/nginx/proxy;
    fastcgi_temp_path $tmp/nginx/fastcgi;
    uwsgi_temp_path $tmp/nginx/uwsgi;
    scgi_temp_path $tmp/nginx/scgi;
    server { listen 127.0.0.1:$nginx_port; root $tmp/nginx/html; }
}
C
    env "${profilers[@]}" nginx -c "$tmp/nginx/nginx.conf" 2>"$tmp/nginx/err" &
    server=$!
    wait_for curl -s -f -o "$tmp/got" "http://127.0.0.1:$nginx_port/"
    (sleep 1; kill -HUP $server) &
    wrk -t 2 -c 50 -d 3 -H 'Accept-Encoding: gzip' "http://127.0.0.1:$nginx_port/" >"$tmp/wrk"
    like "$(cat "$tmp/wrk")" 'requests in' "nginx answers wrk: $(sed -n 's/^ *\([0-9]* requests in.*\)/\1/p' "$tmp/wrk")"
    unlike "$(cat "$tmp/wrk")" 'Non-2xx|Socket errors: connect [1-9]' "with what it was asked for"
    curl -s "http://127.0.0.1:$nginx_port/" | cmp -s - "$tmp/nginx/html/index.html"
    ok $? "to the byte, after a reload"
    kill -QUIT $server
    wait $server
    is $? 0 "nginx stops as it should"
    is "$(grep -cE 'alert|emerg|exited on signal' "$tmp/nginx/error.log")" 0 "and has nothing to complain of"
fi

if [ -z "$ALL" ]; then
    done_testing
fi

# PostgreSQL: what pgbench pays in must be what the accounts hold, also after its server was killed and recovered.
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
if [ -n "$bin" ]; then
    data=$(mktemp -d "${TMPDIR:-/tmp}/sonde-postgresql.XXXXXX") # the server refuses to be root
    trap 'rm -rf "$tmp" "$SONDE_DIR" "$data"' EXIT
    as=()
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$data"
        as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    fi
    sql() { "$bin/psql" -h "$data" -U tester -d postgres -At -c "$1" 2>&1; }
    (cd / && "${as[@]}" "$bin/initdb" -D "$data/db" -U tester -A trust -N) >"$tmp/initdb" 2>&1
    server_up() {
        (cd / && exec "${as[@]}" env "${profilers[@]}" SONDE_DIR="$data" "$bin/postgres" -D "$data/db" -k "$data" -c listen_addresses= -c autovacuum_naptime=1s) \
            >>"$tmp/postgres" 2>&1 &
        server=$!
        wait_for "$bin/pg_isready" -q -h "$data"
    }
    server_up
    env "${profilers[@]}" "$bin/pgbench" -h "$data" -U tester -i -s 5 -q postgres >"$tmp/pgbench" 2>&1
    env "${profilers[@]}" "$bin/pgbench" -h "$data" -U tester -c 8 -j 4 -T 20 postgres >"$tmp/pgbench" 2>&1
    is $? 0 "PostgreSQL does what pgbench asks: $(sed -n 's/^tps = \([0-9]*\).*/\1 transactions a second/p' "$tmp/pgbench")"
    like "$(cat "$tmp/pgbench")" 'failed transactions: 0 ' "without a failure"
    balance='SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history), (SELECT count(*) > 100 FROM pgbench_history)'
    is "$(sql "$balance")" "t|t" "and its books balance"
    kill -QUIT $server
    wait $server 2>/dev/null
    server_up
    is "$(sql "$balance")" "t|t" "also after it was stopped at once and has recovered"
    kill -INT $server
    wait $server
    is $? 0 "PostgreSQL stops as it should"
    is "$(grep -cE 'PANIC|terminated by signal' "$tmp/postgres")" 0 "no process of it died"
else
    skip "PostgreSQL" "no PostgreSQL"
fi

# source PACKAGE: prints the folder of Debian's source package.
source_of() {
    local folder=$build/sources/$1
    if [ ! -d "$folder" ]; then
        mkdir -p "$build/sources/lists/partial"
        (
            cd "$build/sources" || exit
            echo 'deb-src http://deb.debian.org/debian bookworm main' >sources.list
            apt=(apt-get -o Dir::Etc::sourcelist="$PWD/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$PWD/lists")
            "${apt[@]}" update && "${apt[@]}" source "$1" && mv "$1"-*/ "$1"
        ) >"$tmp/source" 2>&1
    fi
    [ -d "$folder" ] && echo "$folder"
}

# Redis: the tests that its source brings, on Debian's server.
if source=$(source_of redis) && needs "Redis's tests" tclsh; then
    ln -sf /usr/bin/redis-server /usr/bin/redis-cli /usr/bin/redis-benchmark "$source/src/"
    ln -sf /usr/bin/redis-server "$source/src/redis-sentinel"
    units=()
    for unit in unit/type/{string,list,hash,set,zset,stream} unit/{expire,scan,sort,multi,pubsub,scripting,maxmemory,memefficiency,bitops,geo,introspection,dump} integration/{rdb,aof}; do
        units+=(--single "$unit")
    done
    # redis_results VARIABLE=VALUE...: a line for each test.
    redis_results() {
        (cd "$source" && env "$@" timeout 1200 ./runtest --clients 2 "${units[@]}") 2>&1 </dev/null |
            sed 's/\x1b\[[0-9;]*m//g' | sed -nE 's/^\[(ok|err|ignore|skip)\]: (.*)/\2 \1/p' | sed -E 's/ \([0-9]+ ms\)//; s/[0-9.]{4,}/N/g' | sort
    }
    redis_results NOTHING=1 >"$tmp/plain"
    redis_results "${profilers[@]}" >"$tmp/with"
    [ "$(wc -l <"$tmp/with")" -gt 500 ] && cmp -s "$tmp/plain" "$tmp/with"
    ok $? "Redis's tests: $(grep -c ' ok$' "$tmp/with") pass, $(grep -c ' err' "$tmp/with") fail, as without"
    diff "$tmp/plain" "$tmp/with" | sed 's/^/# /' | head -n 20
else
    skip "Redis's tests" "no source package"
fi

# SQLite: its own tests, of a build of its source.
if source=$(source_of sqlite3) && needs "SQLite's tests" tclsh; then
    if [ ! -x "$source/testfixture" ]; then
        (cd "$source" && ./configure && make testfixture) >"$tmp/configure" 2>&1
    fi
    # They refuse to be root.
    as=()
    mkdir -p "$source/run"
    if [ "$(id -u)" = 0 ]; then
        chown nobody "$source/run"
        as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    fi
    # sqlite_results VARIABLE=VALUE...: how many tests there were, and which failed.
    sqlite_results() {
        (cd "$source/run" && "${as[@]}" env "$@" SONDE_DIR= timeout 1800 ../testfixture ../test/veryquick.test) 2>&1 </dev/null |
            grep -aE '^(!|[0-9]+ errors out of|\* )' | sed 's/ on .*//'
    }
    sqlite_results NOTHING=1 >"$tmp/plain"
    sqlite_results "${profilers[@]}" >"$tmp/with"
    grep -q 'errors out of' "$tmp/with" && cmp -s "$tmp/plain" "$tmp/with"
    ok $? "SQLite's tests: $(grep 'errors out of' "$tmp/with"), as without"
    diff "$tmp/plain" "$tmp/with" | sed 's/^/# /' | head -n 20
else
    skip "SQLite's tests" "no source package"
fi
done_testing
