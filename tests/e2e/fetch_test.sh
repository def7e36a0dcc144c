#!/bin/bash
# Profiles from servers: what is asked of them, kept copies, TLS, several at once; and programs that show a report.
. "$(dirname "$0")/lib.sh"

printf 'main;work 30\nmain;wait 10\n' >"$tmp/stacks"
"$sonde" -proto -output="$tmp/one.pb.gz" "$tmp/stacks" 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/key.pem" -out "$tmp/cert.pem" -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null

cat >"$tmp/server.py" <<'END'
import http.server, ssl, sys, threading, time
folder = sys.argv[1]
body = open(folder + "/one.pb.gz", "rb").read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(folder + "/requests", "a") as log:
            log.write(self.path + "\n")
        if self.path.startswith("/slow"):
            time.sleep(4)
        known = "/no" not in self.path
        self.send_response(200 if known else 404)
        if not known:
            self.send_header("X-Go-Pprof", "1")
            self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(body if known else b"Unknown profile\n")
    def log_message(self, *ignored):
        pass
def serve(tls):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
ports = "%d %d" % (serve(False), serve(True))
open(folder + "/ports.new", "w").write(ports)
import os; os.rename(folder + "/ports.new", folder + "/ports")
time.sleep(60)
END
python3 "$tmp/server.py" "$tmp" &
server=$!
wait_for test -s "$tmp/ports"
read -r plain tls <"$tmp/ports"
export PPROF_TMPDIR=$tmp/saved HOME=$tmp

got=$("$sonde" -top "http://127.0.0.1:$plain/debug/pprof/profile" 2>"$tmp/err")
like "$got" '^ +30 .* work$' "a profile comes over HTTP"
like "$(cat "$tmp/err")" "^Saved profile in $tmp/saved/pprof.samples.001.pb.gz$" "a copy is kept, and where is told"
is "$("$sonde" -top "$tmp/saved/pprof.samples.001.pb.gz" 2>&1)" "$got" "the copy is the profile"
"$sonde" -top "127.0.0.1:$plain/x" >/dev/null 2>&1
ok $? "a host and port without a scheme are asked over HTTP"
ok $(("$(ls "$tmp/saved" | wc -l)" != 2)) "the next copy has the next number"

: >"$tmp/requests"
"$sonde" -top -seconds=2 "http://127.0.0.1:$plain/profile?debug=0&seconds=9" >"$tmp/out" 2>"$tmp/err"
is "$(cat "$tmp/requests")" "/profile?debug=0&seconds=2" "-seconds takes the place of what the address says"
like "$(cat "$tmp/err")" '^Please wait\.\.\. \(2s\)$' "and says how long it takes"
got=$("$sonde" -top "http://127.0.0.1:$plain/a" "http://127.0.0.1:$plain/b" "$tmp/one.pb.gz" 2>/dev/null)
like "$got" '^ +90 .* work$' "several sources are added up"
got=$("$sonde" -top "http://127.0.0.1:$plain/a" "http://127.0.0.1:$plain/no" 2>"$tmp/err")
like "$got" '^ +30 .* work$' "those that can be had are shown"
like "$(cat "$tmp/err")" '/no: server response: 404 Not Found - Unknown profile' "and the other's trouble is told, in the server's words"
like "$(cat "$tmp/err")" 'Fetched 1 source profiles out of 2' "with how many there were"
got=$("$sonde" -top "http://127.0.0.1:$plain/no" 2>&1)
is $? 2 "without any the status is 2"
got=$("$sonde" -top -timeout=1 "http://127.0.0.1:$plain/slow" 2>&1)
ok $? "-timeout allows some seconds more, as pprof does"

got=$("$sonde" -top "https://127.0.0.1:$tls/a" 2>&1)
is $? 2 "a certificate that nobody vouches for is refused"
like "$got" 'https://127.0.0.1:[0-9]+/a: http fetch: .*certificate' "which is said"
like "$("$sonde" -top -tls_ca="$tmp/cert.pem" "https://127.0.0.1:$tls/a" 2>/dev/null)" ' work$' "-tls_ca names who vouches for it"
like "$("$sonde" -top "https+insecure://127.0.0.1:$tls/a" 2>/dev/null)" ' work$' "https+insecure:// does not ask"
kill $server

# Programs that show a report get a file that is gone afterwards.
mkdir "$tmp/bin"
cat >"$tmp/bin/viewer" <<'END'
#!/bin/sh
cp "$1" "$(dirname "$0")/shown" && echo "$1" >"$(dirname "$0")/name"
END
chmod +x "$tmp/bin/viewer"
TMPDIR=$tmp BROWSER="$tmp/bin/viewer" "$sonde" -web "$tmp/one.pb.gz" >/dev/null 2>&1
like "$(cat "$tmp/bin/shown")" '<svg ' "-web shows a picture by BROWSER"
ok $(($(ls "$(cat "$tmp/bin/name")" 2>/dev/null | wc -l) != 0)) "and removes its file"
got=$(BROWSER=/no/such DISPLAY= PATH=/nowhere "$sonde" -web "$tmp/one.pb.gz" 2>&1)
like "$got" 'found no program to show the report with .*-output=FILE' "no browser: what else can be done"
done_testing
