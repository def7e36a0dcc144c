#!/bin/bash
# What takes the upload server long: a file of 5 GB, and 64 clients with 80 MB each in a memory cgroup of 128 MB.  "make soak" runs it.
. "$(dirname "$0")/../e2e/lib.sh"
. "$here/tests/upload/lib.sh"
. "$here/tools/cgroup"
trap 'upload_cleanup; [ -z "${cgroup:-}" ] || cgroup_remove' EXIT
export CEPH_MIB=16384
if ! s3_start; then
    skip "much for S3" "$s3_why"
    done_testing
fi
cd "$tmp" || exit 1
head -c 83886080 /dev/urandom >big.bin
truncate -s 5G huge.bin
printf 'end' | dd of=huge.bin bs=1 seek=5368709117 conv=notrunc status=none

start -max-upload-size=6GB
began=$SECONDS
answer=$(upload huge.bin)
like "$answer" '"size":5368709120' "5 GB are stored"
echo "# in $((SECONDS - began)) s"
peak=$(peak_kb)
[ "$peak" -lt 16384 ]
ok $? "in less than 16 MiB of memory ($peak kB)"
s3_ask GET "/bucket/$(id_of "$answer")" | cmp - huge.bin
ok $? "and read back"
s3_ask DELETE "/bucket/$(id_of "$answer")"
stop
rm huge.bin

# A client that sends a byte now and then, which no timeout sees.
start -timeout=20s
before=$(descriptors) address=${url#http://}
exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
printf 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 100000\r\n\r\n' >&3
began=$SECONDS
(trap '' PIPE; for ((i = 0; i < 30; i++)); do printf x >&3 || break; sleep 1; done) 2>/dev/null
took=$((SECONDS - began))
[ $took -ge 9 ] && [ $took -lt 20 ]
ok $? "a client that drips is cut off after ten seconds ($took s)"
exec 3>&-
leaves_nothing "it"
stop

if ! cgroup_make "sonde-soak.$$" 128; then
    skip "64 clients" "$cgroup_why"
    done_testing
fi
wrapper=(bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup")
start
before=$(descriptors)
began=$SECONDS
for ((i = 0; i < 64; i++)); do
    upload big.bin >"answer.$i" &
    clients[i]=$!
done
same=0
for ((i = 0; i < 64; i++)); do
    wait "${clients[i]}"
    s3_ask GET "/bucket/$(id_of "$(cat "answer.$i")")" | cmp -s - big.bin && same=$((same + 1))
    s3_ask DELETE "/bucket/$(id_of "$(cat "answer.$i")")"
done
is $same 64 "64 clients with 80 MB each are served in a group of 128 MB"
echo "# in $((SECONDS - began)) s, read back as well; resident $(peak_kb) kB; the group:"
cat "$cgroup"/memory.max_usage_in_bytes "$cgroup"/memory.peak 2>/dev/null | sed 's/^/# /'
leaves_nothing "such a crowd"
stop
is $status 0 "nobody was killed"
cgroup_remove
cgroup=
done_testing
