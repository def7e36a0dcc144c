#!/bin/bash
# Clients that people use: apollo-upload-client in Node, and graphql-js for the schema (curl is in the other tests).
. "$(dirname "$0")/lib.sh"
server=$build/examples/upload-server
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$tmp" "$SONDE_DIR"' EXIT
pid=
cd "$tmp" || exit 1
cp "$here"/tests/upload/clients/* .
if ! command -v npm >/dev/null || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
    skip "clients from npm" "no npm and Node 20"
    done_testing
fi
if ! HOME=$tmp timeout 120 npm ci --no-audit --no-fund >npm.log 2>&1; then
    skip "clients from npm" "npm ci: $(grep -v '^$' npm.log | head -n 1)"
    done_testing
fi
head -c 12000000 /dev/urandom >large.bin
"$server" -listen=localhost:0 -store=store >log 2>err &
pid=$!
wait_for grep -q listening err
url=$(sed -n 's/^listening at //p' err)
node clients.mjs "$url/graphql" large.bin >answers 2>node.err
is "$? $(cat node.err)" "0 " "the client runs through"
mapfile -t answer <answers
file='"__typename":"File"}'
is "${answer[0]}" '{"uploadFile":{"name":"ap.txt","size":11,"contentType":"text/plain",'"$file}" "apollo-upload-client sends a file"
is "${answer[1]}" '{"uploadFile":{"name":"großes Bild.bin","size":12000000,"contentType":"application/x-large",'"$file}" "a large one"
cmp -s large.bin "store/${answer[2]}"
ok $? "whose bytes arrive"
is "${answer[3]}" '{"uploadFiles":[{"name":"ap.txt","size":11,'"$file"',{"name":"großes Bild.bin","size":12000000,'"$file"',{"name":"ap.txt","size":11,'"$file]}" \
    "several, one of them twice"
# Those of one request are stored side by side.
is "$(jq -c '[.files[].name] | sort' <<<"${answer[4]}")" '["ap.txt","ap.txt","großes Bild.bin","großes Bild.bin"]' "and asks which there are"
is "${answer[5]}" '["string is not an Upload"]' "it is told of an error"
is "$(sed 1,6d answers)" 'type Query {
  files: [File!]!
}

type Mutation {
  uploadFile(file: Upload!): File!
  uploadFiles(files: [Upload!]!): [File!]!
}

type File {
  id: ID!
  name: String!
  size: Int!
  contentType: String!
}

scalar Upload @specifiedBy(url: "https://github.com/jaydenseric/graphql-multipart-request-spec")' "graphql-js reads the schema"
done_testing
