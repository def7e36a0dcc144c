// Who asks: the AWS tools' environment and file.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
#ifndef UPLOAD_S3_CREDENTIALS_H
#define UPLOAD_S3_CREDENTIALS_H

#include "err.h"

enum { S3_CREDENTIAL_TEXT = 256, S3_TOKEN_TEXT = 2048 };

struct s3_credentials {
    char key_id[S3_CREDENTIAL_TEXT];
    char secret[S3_CREDENTIAL_TEXT];
    char token[S3_TOKEN_TEXT]; // of a session; empty: there is none
};

// From path when it is not empty; else from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
// AWS_SESSION_TOKEN; else from AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials.  In a file the
// profile is AWS_PROFILE's, or "default".
bool s3_credentials_load(struct s3_credentials *c, const char *path, struct err *e);

#endif
