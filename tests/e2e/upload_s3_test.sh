#!/bin/bash
# The upload server on a real S3 server, which checks signatures, digests and sizes of parts.
. "$(dirname "$0")/lib.sh"
. "$here/tests/upload/lib.sh"
if ! s3_start; then
    case $s3_why in
        no*) skip "uploads to S3" "$s3_why" ;;
        *) ok 1 "uploads to S3: $s3_why" ;;
    esac
    done_testing
fi
cd "$tmp" || exit 1
head -c 83886080 /dev/urandom >big.bin
printf 'test1' >a.txt

# is_kept FILE ANSWER NAME: the object of an answer has the file's bytes.
is_kept() {
    s3_ask GET "/bucket/${prefix:-}$(id_of "$2")" -o got
    cmp -s "$1" got
    ok $? "$3"
}

start
for n in 0 1 5242879 5242880 5242881 83886080; do
    head -c $n big.bin >"size.$n"
    answer=$(upload "size.$n")
    like "$answer" "\"size\":$n,\"contentType\":\"application/octet-stream\"" "$n bytes are stored"
    is_kept "size.$n" "$answer" "$n bytes are read back"
done
peak=$(peak_kb)
[ "$peak" -lt 16384 ]
ok $? "the largest took less than 16 MiB of memory ($peak kB)"
is "$(unfinished) $(metric part_bytes) $(metric s3_failures_total)" "0 0 0" "nothing is left unfinished"
answer=$(upload big.bin -H 'Transfer-Encoding: chunked')
is_kept big.bin "$answer" "a chunked request is stored"

# Names, types and keys.
names=('résumé.txt' 'Привет мир.txt' '文件 名.txt' 'ملف.txt' 'क ख.txt' 'Ελληνικά.txt' 'עברית.txt' 'ไทย.txt' '한국어.txt' 'かな.txt' 'ქართული.txt' 'አማርኛ.txt' 'a%20b+c.txt' '😀.txt' 'two  blanks.txt')
for name in "${names[@]}"; do
    answer=$(curl -s "$url/graphql" -F operations="$one" -F map="$map" -F "0=@a.txt;filename=\"$name\"")
    grep -qF "\"name\":\"$name\"" <<<"$answer"
    ok $? "a name may be $name"
done
answer=$(curl -s "$url/graphql" -F operations="$one" -F map="$map" -F '0=@a.txt;type=text/plain; charset=utf-8')
id=$(id_of "$answer")
like "$(s3_ask GET "/bucket/$id" -D - -o got)" '^[Cc]ontent-[Tt]ype: text/plain; ?charset=utf-8' "the type is the object's"
curl -s "$url/graphql" -F operations="$one" -F map="$map" -F '0=@a.txt;type=tèxt/plaïn;filename=odd' >answer
like "$(cat answer)" '"contentType":"tèxt/plaïn"' "a type that no header can hold is kept, too"
curl -s "$url/graphql" -F operations="$one" -F map="$map" -F '0=plain' >answer
like "$(cat answer)" '"name":"","size":5,"contentType":""' "a file may have neither name nor type"
listed=$(curl -s "$url/graphql" -H 'Content-Type: application/json' -d '{"query":"{ files { name contentType } }"}')
for name in "${names[@]}" odd; do
    grep -qF "\"name\":\"$name\"" <<<"$listed"
    ok $? "$name is listed with its name"
done
like "$listed" '"name":"odd","contentType":"tèxt/plaïn"' "and its type"
like "$listed" '"name":"","contentType":""' "or without"
like "$listed" '^\{"data":\{"files":\[\{"name":"size.0"' "oldest first"
stop
is $status 0 "SIGTERM ends the server with status 0"

prefix=$'\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb\xd1\x8b/a b+c(1)/'
start -s3-prefix="$prefix"
answer=$(upload size.5242881)
id=$(id_of "$answer")
s3_ask GET "/bucket/%D1%84%D0%B0%D0%B9%D0%BB%D1%8B/a%20b%2Bc%281%29/$id" -o got
cmp -s size.5242881 got
ok $? "a key may be of any script"
is "$(curl -s "$url/graphql" -H 'Content-Type: application/json' -d '{"query":"{ files { name } }"}')" \
    '{"data":{"files":[{"name":"size.5242881"}]}}' "only what has the prefix is listed"
prefix=
stop

# Ways to say where and who.
printf '[other]\naws_access_key_id = x\n[default]\n# ours\naws_access_key_id = %s\naws_secret_access_key=%s\n' \
    "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >credentials
mkdir .aws
cp credentials .aws/credentials
key=$AWS_ACCESS_KEY_ID secret=$AWS_SECRET_ACCESS_KEY
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
start
like "$(upload a.txt)" '"size":5' "credentials may be in ~/.aws/credentials"
stop
rm -r .aws
start -s3-credentials="$tmp/credentials"
like "$(upload a.txt)" '"size":5' "or in a file that is named"
stop
export AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret
if [ "$s3_kind" = swift ]; then
    own=$s3
    s3=${s3/127.0.0.1/localhost}
    start -s3-style=host
    answer=$(upload size.5242881)
    s3=$own
    is_kept size.5242881 "$answer" "the bucket may be in the host's name"
    stop
else
    skip "the bucket may be in the host's name" "radosgw is not told its own name"
fi

# refused SENTENCE NAME OPTIONS...: the server does not start, and says why.
refused() {
    "$server" -listen=localhost:0 -s3-endpoint="$s3" -s3-bucket=bucket "${@:3}" >out 2>err
    like "$? $(cat err)" "$1" "$2"
}
refused "^1 upload-server: cannot store into the bucket none: S3 says NoSuchBucket.* \(status 404" "a bucket that is not there is said" \
    -s3-bucket=none
AWS_SECRET_ACCESS_KEY=wrong refused '^1 upload-server: cannot store into the bucket bucket: S3 says SignatureDoesNotMatch.* \(status 403' \
    "so is a wrong secret"
refused "^1 upload-server: cannot store into the bucket bucket: S3 at http://127.0.0.1:1 does not answer: .*, tried 4 times\.$" \
    "and a server that is not there" -s3-endpoint=http://127.0.0.1:1
AWS_ACCESS_KEY_ID='' HOME=/nowhere refused '^1 upload-server: there are no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' \
    "and credentials that are missing"

# wrong SENTENCE OPTIONS...
wrong() {
    "$server" "${@:2}" >out 2>err
    is "$? $(cat out err)" "2 upload-server: $1." "wrong usage: ${*:2}"
}
wrong "-s3-bucket needs -s3-endpoint" -s3-bucket=b
wrong "-s3-endpoint=ftp://x is wrong: it takes http://HOST:PORT or https://HOST" -s3-endpoint=ftp://x -s3-bucket=b
wrong "-s3-endpoint needs -s3-bucket, the name of a bucket" -s3-endpoint=http://x
wrong "-store and -s3-endpoint exclude each other" -s3-endpoint=http://x -s3-bucket=b -store=s
wrong "part size must be at least 5242880 bytes" -s3-endpoint=http://x -s3-bucket=b -part-size=1MB
wrong "-s3-style=no is wrong: it takes path or host" -s3-style=no
wrong "-file-memory and -buffer-memory have to hold at least one part, see -part-size" -s3-endpoint=http://x -s3-bucket=b -buffer-memory=1MB

# The story's other two states.
for options in -put=readall "-put=stream -max-memory=80MB" "-stream=false -max-memory=1MB"; do
    start $options
    answer=$(upload big.bin)
    is_kept big.bin "$answer" "$options stores the same bytes"
    is "$(metric buffer_bytes) $(ls temp)" "0 " "$options leaves nothing"
    stop
done

# Failures in the middle of a file.
start
before=$(descriptors) there=$(objects)
begin big.bin --limit-rate 8M >/dev/null
wait_for is_past upload_bytes_total 12000000
wait_for eval '[ "$(unfinished)" = 1 ]'
ok $? "a file goes to S3 while it arrives"
kill -9 $client
wait $client 2>/dev/null
leaves_nothing "a client that hangs up"
answer=$(curl -s "$url/graphql" -F operations="$one" -F map="{\"0\":[\"variables.file\"],\"1\":[\"variables.file\"]}" \
    -F 0=@size.5242881 -F 2=@a.txt)
like "$answer" 'invalid empty operations paths list for key 2' "a request that fails behind a file"
leaves_nothing "it"
answer=$(curl -s "$url/graphql" -F operations='{"query":"mutation ($file: Upload!) { nope(file: $file) }","variables":{"file":null}}' \
    -F map="$map" -F 0=@size.5242879)
like "$answer" 'Cannot query field' "one that asks for something else"
leaves_nothing "it"
has_objects() { [ "$(objects)" = "$1" ]; }
wait_for has_objects "$there"
ok $? "no object is left of them"
begin big.bin --limit-rate 8M >/dev/null
wait_for is_past upload_bytes_total 30000000
kill -TERM "$pid"
wait $client
wait "$pid"
is "$? $(unfinished)" "0 0" "SIGTERM lets the upload end"
start -grace=0s
begin big.bin --limit-rate 8M >answer
wait_for is_past upload_bytes_total 12000000
stop
wait $client
is "$status $(unfinished) $(ls temp)" "0 0 " "or aborts it, when there is no time"

# Many clients, and memory for one part.
start -buffer-memory=5MB
before=$(descriptors)
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    head -c $((5242000 * i / 2)) big.bin >"part.$i"
    upload "part.$i" >"answer.$i" &
    clients[i]=$!
done
same=0
for i in "${!clients[@]}"; do
    wait "${clients[i]}"
    s3_ask GET "/bucket/$(id_of "$(cat "answer.$i")")" -o got
    cmp -s "part.$i" got && same=$((same + 1))
done
is $same 12 "twelve clients share the memory of one part"
[ "$(peak_kb)" -lt 16384 ]
ok $? "which is all that they take ($(peak_kb) kB)"
leaves_nothing "a crowd"
stop
done_testing
