// URLs of a bucket and its objects, escaped as the signature wants it.
#ifndef UPLOAD_S3_URL_H
#define UPLOAD_S3_URL_H

#include "err.h"
#include "str.h"

enum { S3_URL_TEXT = 8192 };

// Escapes every byte but A-Z a-z 0-9 - . _ ~ and, when asked to, keeps '/'.  False: out is full.
bool s3_escape(char *out, size_t cap, const char *text, bool keep_slash);

// Undoes it; what is no escape stays as it is.
void s3_unescape(char *text);

// endpoint is "http://host:port" or "https://host"; key and query may be empty.
bool s3_url(char out[S3_URL_TEXT], const char *endpoint, const char *bucket, bool is_virtual_host,
            const char *key, const char *query, struct err *e);

// Whether it is such an endpoint.
bool s3_endpoint_is(const char *endpoint);

#endif
