#!/bin/bash
# The wall profile of a client of a real database: how long it waits for queries, and for whom.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/wall.sh"

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
if [ -z "$bin" ]; then
    skip "a client of PostgreSQL" "no PostgreSQL"
    done_testing
fi

# The server refuses to be root.
data=$(mktemp -d "${TMPDIR:-/tmp}/sonde-postgresql.XXXXXX")
as=()
if [ "$(id -u)" = 0 ]; then
    chown postgres "$data"
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
server=
trap '[ -z "$server" ] || { kill -INT $server; wait $server; }; rm -rf "$tmp" "$SONDE_DIR" "$data"' EXIT
(cd / && "${as[@]}" "$bin/initdb" -D "$data/db" -U tester -A trust -N -E UTF8 --locale=C) >"$tmp/initdb" 2>&1 ||
    { cat "$tmp/initdb"; exit 1; }
for ((try = 0; try < 5; try++)); do
    port=$((20000 + RANDOM % 10000))
    (cd / && exec "${as[@]}" "$bin/postgres" -D "$data/db" -p $port -k "$data" -c listen_addresses=127.0.0.1 -c fsync=off) \
        >"$tmp/server" 2>&1 &
    server=$!
    is_up() { "$bin/pg_isready" -q -h 127.0.0.1 -p $port || ! kill -0 $server; }
    wait_for is_up
    "$bin/pg_isready" -q -h 127.0.0.1 -p $port && break
done

start "$programs/waits" shares "host=127.0.0.1 port=$port user=tester dbname=postgres"
echo >&9
sleep 0.3
curl -s -o "$tmp/wall.pb.gz" "${url}wall?seconds=10"
threads=$(curl -s "${url}threads?debug=2")
finish
check_shares compute rest take_lock select_slowly
waiting=$("$sonde" -traces -tagfocus="peer=^127.0.0.1:$port\$" "$tmp/wall.pb.gz" 2>/dev/null)
like "$waiting" "peer: +127.0.0.1:$port\$" "the wait for the database has its address"
like "$waiting" ' (PQgetResult|PQexec)' "is in libpq"
like "$waiting" ' select_slowly$' "and is the function's that asks"
like "$waiting" 'descriptor: +socket' "through a socket"
like "$threads" '"client" \[' "the client's thread is shown"
done_testing
