# For the upload server's tests against S3: a real S3 server, the upload server, clients, and what they leave behind.
# $S3_SERVER chooses: swift (OpenStack's, the default) or ceph (radosgw).

server=$build/examples/upload-server
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
unset ${!AWS_*}
pid=
mkdir "$tmp/temp"
export TMPDIR=$tmp/temp HOME=$tmp

file='mutation ($file: Upload!) { uploadFile(file: $file) { id name size contentType } }'
one="{\"query\":\"$file\",\"variables\":{\"file\":null}}"
map='{"0":["variables.file"]}'

# free_port: a port with some free ones behind it, none of which the kernel gives to whoever connects to somebody.
free_port() {
    local port i
    while :; do
        port=$((20000 + RANDOM % 12000))
        for ((i = 0; i < 62; i += 1)); do
            ! (: <"/dev/tcp/127.0.0.1/$((port + i))") 2>/dev/null || continue 2
        done
        echo "$port"
        return
    done
}

# s3_start: starts the S3 server, with a bucket "bucket"; sets $s3.  Fails, saying why in $s3_why, where there is none.
s3_start() {
    local port try
    s3_kind=${S3_SERVER:-swift} s3_why=
    case $s3_kind in
    swift) command -v swift-proxy-server memcached >/dev/null || s3_why="no swift-proxy-server and memcached here" ;;
    ceph) command -v radosgw ceph-osd >/dev/null || s3_why="no radosgw and ceph-osd here" ;;
    esac
    [ -z "$s3_why" ] || return 1
    # Somebody else may take a port before the server does.
    for try in 1 2 3; do
        port=$(free_port)
        s3_why=
        "$here/tests/upload/$s3_kind" "$tmp/s3" "$port" 2>"$tmp/s3.err" && break
        sed 's/^/# /' "$tmp/s3.err"
        s3_why="$s3_kind did not start"
        s3_stop
        rm -rf "$tmp/s3"
    done
    [ -z "$s3_why" ] || return 1
    s3=http://127.0.0.1:$port
    if [ $s3_kind = swift ]; then
        export AWS_ACCESS_KEY_ID=test:tester AWS_SECRET_ACCESS_KEY=testing
    else
        export AWS_ACCESS_KEY_ID=AKIDTESTTESTTEST0000 AWS_SECRET_ACCESS_KEY=secrettestsecrettestsecrettestsecret0000
    fi
    [ "$(s3_ask PUT /bucket -o "$tmp/out" -w '%{http_code}')" = 200 ] || s3_why="$s3_kind makes no bucket"
    [ -z "$s3_why" ]
}

s3_stop() { [ ! -d "$tmp/s3" ] || "$here/tests/upload/$s3_kind" --stop "$tmp/s3"; }

# s3_ask METHOD PATH CURL-OPTIONS...: a signed request of our own; the query's parameters are to be sorted, each with a '='.
s3_ask() {
    local user=${AWS_ACCESS_KEY_ID/:/%3A}
    curl -s --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -X "$1" \
        "${s3/:\/\//://$user:$AWS_SECRET_ACCESS_KEY@}$2" "${@:3}"
}

# unfinished: multipart uploads that were begun and neither completed nor aborted.
unfinished() { s3_ask GET '/bucket?uploads=' | grep -o '<UploadId>' | wc -l; }

# objects: how many the bucket has.
objects() { s3_ask GET '/bucket?list-type=2&max-keys=1000' | grep -o '<Key>' | wc -l; }

# start OPTIONS...: the upload server; sets $pid and $url.
start() {
    : >"$tmp/err"
    rm -f "$tmp/log" "$tmp/err"
    "${wrapper[@]}" "$server" -listen=localhost:0 -s3-endpoint="$s3" -s3-bucket=bucket -max-upload-size=100MB "$@" \
        >"$tmp/log" 2>"$tmp/err" &
    pid=$!
    wait_for grep -q listening "$tmp/err"
    url=$(sed -n 's/^listening at //p' "$tmp/err")
}
wrapper=()

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

# descriptors: how many the server has, without the connections to S3 that it keeps for later, and what libcurl has beside them: pairs
# of Unix sockets, or eventfds.
descriptors() {
    local links
    links=$(ls -l "/proc/$pid/fd")
    awk -v port="$(printf ':%04X$' "${s3##*:}")" '
        FILENAME == "/proc/net/tcp" { if ($3 ~ port) other["socket:[" $10 "]"] }
        FILENAME == "/proc/net/unix" { other["socket:[" $7 "]"] }
        FILENAME == "-" && $NF !~ /eventfd/ && NF > 2 && !($NF in other) { n++ }
        END { print n }' /proc/net/tcp /proc/net/unix - <<<"$links"
}
peak_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$pid/status"; }
id_of() { sed -n 's/.*"id":"\([^"]*\)".*/\1/p' <<<"$1"; }

# upload FILE CURL-OPTIONS...: prints the server's answer.
upload() { curl -s "$url/graphql" -F operations="$one" -F map="$map" -F 0=@"$1" "${@:2}"; }

# begin FILE CURL-OPTIONS...: the same in the background, to be killed as $client.
begin() {
    (exec curl -s "$url/graphql" -F operations="$one" -F map="$map" -F 0=@"$1" "${@:2}") &
    client=$!
}

# leaves_nothing NAME: no upload, memory, file or descriptor more than before ($before) is left of what failed.
leaves_nothing() {
    wait_for metric_is uploads_in_flight 0
    is "$(metric uploads_in_flight) $(metric part_bytes) $(metric buffer_bytes) $(unfinished) $(ls "$tmp/temp")" "0 0 0 0 " \
        "$1 leaves no memory, temporary file or upload behind"
    wait_for eval '[ "$(descriptors)" -le "$before" ]'
    ok $? "$1 leaves no descriptor"
}

upload_cleanup() {
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
    s3_stop
    rm -rf "$tmp" "$SONDE_DIR"
}
trap upload_cleanup EXIT
