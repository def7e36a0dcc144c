// clients.mjs URL: asks the upload server by apollo-upload-client, and graphql-js for its schema.  Prints an answer a line.
import { readFileSync } from 'node:fs';
import { ApolloClient, InMemoryCache, gql } from '@apollo/client/core/index.js';
import createUploadLink from 'apollo-upload-client/createUploadLink.mjs';
import { buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql';

const [, , uri, path] = process.argv;
const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: createUploadLink({ uri, headers: { 'Apollo-Require-Preflight': 'true' } }),
});
const print = (answer) => console.log(JSON.stringify(answer, (key, value) => (key === 'id' ? undefined : value)));
const small = new File(['apollo test'], 'ap.txt', { type: 'text/plain' });
const large = new File([readFileSync(path)], 'großes Bild.bin', { type: 'application/x-large' });

const uploadFile = gql`mutation ($file: Upload!) { uploadFile(file: $file) { id name size contentType } }`;
const uploadFiles = gql`mutation Several($files: [Upload!]!) { uploadFiles(files: $files) { id name size } }`;
print((await client.mutate({ mutation: uploadFile, variables: { file: small } })).data);
const { data } = await client.mutate({ mutation: uploadFile, variables: { file: large } });
print(data);
console.log(data.uploadFile.id);
print((await client.mutate({ mutation: uploadFiles, variables: { files: [small, large, small] } })).data);
print((await client.query({ query: gql`{ files { name } }` })).data);
await client
    .mutate({ mutation: uploadFile, variables: { file: 'no file' } })
    .catch((e) => print(e.graphQLErrors.map((error) => error.message)));

const answer = await fetch(uri, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, directiveIsRepeatable: true }) }),
});
console.log(printSchema(buildClientSchema((await answer.json()).data)));
