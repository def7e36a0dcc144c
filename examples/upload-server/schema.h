// What this service answers:
//
//     scalar Upload
//     type File { id: ID!  name: String!  size: Int!  contentType: String! }
//     type Query { files: [File!]! }
//     type Mutation { uploadFile(file: Upload!): File!  uploadFiles(files: [Upload!]!): [File!]! }
//
// A size may have more than the 32 bits that the specification gives an Int; gqlgen's Int has 64 as
// well.
#ifndef UPLOAD_SCHEMA_H
#define UPLOAD_SCHEMA_H

#include "graphql_schema.h"

// Its context is a const struct service.
extern const struct graphql_schema schema_uploads;

#endif
